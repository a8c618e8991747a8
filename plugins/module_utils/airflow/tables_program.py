# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables of Airflow's database: runs in a container with Airflow in it, without importing Airflow.

The text of this file is sent to that container's Python (3.10 or later), with the tables to drop as arguments. It drops
only tables that ``airflow db clean`` has archived. It prints the length of the answer in eight digits, then the answer,
as JSON: ``{"tables": [{"name": ..., "bytes": ..., "rows": ...}], "dropped": [...]}``; rows are the database's estimate.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
from typing import Any

#: Where the role `airflow` mounts its own programs.
SCRIPTS = "/opt/airflow-kubernetes"
#: Seconds for the whole program: to drop a table waits for whoever reads it.
PATIENCE = 120
CONNECT_SECONDS = 5
#: What the name of an archived table begins with (airflow.utils.db_cleanup.ARCHIVE_TABLE_PREFIX).
ARCHIVED = "_airflow_deleted__"

POSTGRESQL = (
    "SELECT c.relname, pg_total_relation_size(c.oid), c.reltuples FROM pg_class c"
    " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace"
)
MYSQL = (
    "SELECT table_name, data_length + index_length, table_rows FROM information_schema.tables"
    " WHERE table_schema = database() AND table_type = 'BASE TABLE'"
)


def answer(cursor: Any, sizes: str, drop: list[str]) -> dict[str, Any]:
    """Drop the named tables that are there, and return which those were, and all that are left."""
    cursor.execute(sizes)
    there = {str(row[0]) for row in cursor.fetchall()}
    dropped = [name for name in drop if name in there]
    for name in dropped:
        cursor.execute(f"DROP TABLE {name}")
    cursor.execute(sizes)
    tables = [
        {"name": str(name), "bytes": int(size or 0), "rows": max(int(rows or 0), 0)}
        for name, size, rows in cursor.fetchall()
    ]
    return {"tables": tables, "dropped": dropped}


def main() -> None:
    """Read the names, and print the answer."""
    signal.alarm(PATIENCE)
    sys.path.append(SCRIPTS)
    import database  # noqa: PLC0415 it lies beside the other programs in the pod

    for name in sys.argv[1:]:
        if not re.fullmatch(ARCHIVED + "[A-Za-z0-9_]+", name):
            raise SystemExit(f"{name} is no archived table")
    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    is_mysql = url.startswith("mysql")
    backend = (database.MySQL if is_mysql else database.PostgreSQL)(url)
    with contextlib.closing(backend.connect(CONNECT_SECONDS)) as connection:
        found = answer(connection.cursor(), MYSQL if is_mysql else POSTGRESQL, sys.argv[1:])
    text = json.dumps(found).encode("utf-8")
    sys.stdout.buffer.write(b"%08d" % len(text) + text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
