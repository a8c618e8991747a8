# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is asked of Airflow's database before and during a change of version. Every query only reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Tasks that a worker has, or will have: where, since when.
TASKS = """
    SELECT dag_id, task_id, map_index, run_id, state, hostname, COALESCE(start_date, queued_dttm)
    FROM task_instance WHERE state IN ('queued', 'running', 'restarting') ORDER BY 7, 1, 2, 3
"""

#: How many tasks wait in a state that a change of version concerns.
WAITING = """
    SELECT state, count(*) FROM task_instance
    WHERE state IN ('deferred', 'up_for_reschedule', 'awaiting_input') GROUP BY state
"""

_COMMON = {
    "waiting": WAITING,
    "known_errors": "SELECT filename FROM import_error",
    "core": "SELECT version_num FROM alembic_version",
    "fab": "SELECT version_num FROM alembic_version_fab",
    "run_types": "SELECT run_type, count(*) FROM dag_run GROUP BY run_type",
}

#: By the kind of the database, as SQLAlchemy calls it.
CHECKS: Mapping[str, Mapping[str, str]] = {
    "postgresql": {
        **_COMMON,
        "server": "SELECT current_setting('server_version_num')",
        "sizes": "SELECT pg_database_size(current_database()), pg_total_relation_size('task_instance')",
        "may_create": "SELECT has_schema_privilege(current_schema(), 'CREATE')",
        "others_tables": """
            SELECT tablename, tableowner FROM pg_tables
            WHERE schemaname = current_schema() AND NOT pg_has_role(tableowner, 'USAGE') ORDER BY tablename
        """,
    },
    "mysql": {
        **_COMMON,
        "sizes": """
            SELECT COALESCE(SUM(data_length + index_length), 0),
                COALESCE(SUM(CASE WHEN table_name = 'task_instance' THEN data_length + index_length ELSE 0 END), 0)
            FROM information_schema.tables WHERE table_schema = database()
        """,
        "may_create": """
            SELECT count(DISTINCT privilege_type) = 4 FROM (
                SELECT privilege_type FROM information_schema.schema_privileges WHERE table_schema = database()
                UNION SELECT privilege_type FROM information_schema.user_privileges
            ) AS granted WHERE privilege_type IN ('ALTER', 'CREATE', 'DROP', 'INDEX')
        """,
    },
}

#: The same for both kinds.
RUNNING: Mapping[str, Mapping[str, str]] = {kind: {"tasks": TASKS} for kind in CHECKS}


def rows(answers: Mapping[str, Any], name: str) -> list[list[Any]]:
    """Return the rows that a query has found; none where the database has refused it."""
    found = answers.get(name)
    return found if isinstance(found, list) else []


def counts(answers: Mapping[str, Any], name: str) -> dict[str, int]:
    """Return the rows of a query of two columns as numbers by name."""
    return {str(row[0]): int(row[1]) for row in rows(answers, name)}


def first(answers: Mapping[str, Any], name: str) -> Any:
    """Return the first column of a query's first row, ``None`` without one."""
    found = rows(answers, name)
    return found[0][0] if found else None
