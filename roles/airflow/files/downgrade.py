# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring the database back to an older version of Airflow. Runs with the newer image, which alone knows the way.

Alembic brings the tables back, and not what is in them: what the older version cannot read is rewritten first, in one
transaction, while nothing else runs. Each step looks at what is there, so that the whole may be done again.

What is wanted is in the environment: TARGET_VERSION, TARGET_CORE_REVISION, TARGET_FAB_REVISION, TARGET_FAB_VERSION.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

#: The first version that has each of these, and with it what an older one does not read.
DEFERRAL_FORMAT, DEADLINES, ASSET_RUNS = (3, 2, 0), (3, 2, 0), (3, 2, 0)
TRIGGERED_RUNS, AWAITING_INPUT = (3, 3, 0), (3, 3, 0)
#: The first version of the FAB provider that needs no default of the columns ``id``: 2.4 does, 3.0 does not.
FAB_WITHOUT_DEFAULTS = (3, 0, 0)

#: Tables that hold what a deferred task waits with, and their keys.
DEFERRALS = (("task_instance", "id"), ("task_instance_history", "task_instance_id"))
#: Revisions of Airflow and of the FAB provider: the table, the command and the variable of the wanted one.
SCHEMAS = (
    ("alembic_version", "db", "TARGET_CORE_REVISION"),
    ("alembic_version_fab", "fab-db", "TARGET_FAB_REVISION"),
)


def numbers(version: str) -> tuple[int, ...]:
    """Return the three numbers of a version."""
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def decoded(value: Any) -> Any:
    """Return the data of a column of JSON, which some databases and drivers give as text."""
    return json.loads(value) if isinstance(value, str | bytes) else value


def is_old_format(value: Any) -> bool:
    """Tell whether Airflow 3.1 reads what a task or a trigger was deferred with."""
    return isinstance(value, dict) and "__var" in value


def old_format(value: Any) -> Any:
    """Return it as Airflow 3.1 writes it."""
    from airflow.sdk.serde import deserialize
    from airflow.serialization.serialized_objects import BaseSerialization

    return BaseSerialization.serialize(deserialize(value))


def decrypted(text: str) -> Any:
    """Return a trigger's arguments, which are encrypted."""
    from airflow.models.crypto import get_fernet

    return json.loads(text if text.startswith("{") else get_fernet().decrypt(text.encode()).decode())


def encrypted(value: Any) -> str:
    """Return a trigger's arguments as they are kept."""
    from airflow.models.crypto import get_fernet

    return str(get_fernet().encrypt(json.dumps(value).encode()).decode())


def without_deadlines(dag: Any) -> Any:
    """Return a serialised DAG without what 3.1 takes for something else; ``None`` where there is nothing of it.

    The DAG processor writes it anew.
    """
    inner = dag.get("dag") if isinstance(dag, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("deadline"), list):
        return None
    return {**dag, "dag": {**inner, "deadline": None}}


class Database:
    """Airflow's database, in one transaction.

    :param connection: of SQLAlchemy.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.kind = connection.dialect.name

    def run(self, statement: str, **values: Any) -> Any:
        from sqlalchemy import text

        return self.connection.execute(text(statement), values)

    def tables(self) -> set[str]:
        from sqlalchemy import inspect

        return set(inspect(self.connection).get_table_names())

    def columns(self, table: str) -> set[str]:
        from sqlalchemy import inspect

        return {column["name"] for column in inspect(self.connection).get_columns(table)}

    def revision(self, table: str) -> str:
        """Return the present revision that a table holds, empty without one."""
        if table not in self.tables():
            return ""
        row = self.run(f"SELECT version_num FROM {table}").fetchone()  # noqa: S608
        return str(row[0]) if row else ""


def rewrite(database: Database, target: tuple[int, ...], fab: tuple[int, ...]) -> Iterator[str]:
    """Rewrite what a version does not read; yield what has been done.

    :param target: the three numbers of Airflow's version.
    :param fab: those of the FAB provider's.
    """
    tables = database.tables()
    if target < DEFERRAL_FORMAT:
        for table, key in DEFERRALS:
            if table in tables and "next_kwargs" in database.columns(table):
                yield f"rewrote what {rewrite_deferrals(database, table, key)} rows of {table} wait with"
        yield f"rewrote the arguments of {rewrite_triggers(database)} triggers"
    if target < DEADLINES:
        yield f"took the deadlines out of {remove_deadlines(database)} DAGs, which will be parsed anew"
    for run_type, first in (("asset_materialization", ASSET_RUNS), ("operator_triggered", TRIGGERED_RUNS)):
        if target < first:
            changed = database.run("UPDATE dag_run SET run_type = 'manual' WHERE run_type = :old", old=run_type)
            yield f"made {changed.rowcount} runs of type {run_type} manual ones"
    if target < AWAITING_INPUT:
        changed = database.run("UPDATE task_instance SET state = NULL WHERE state = 'awaiting_input'")
        yield f"had {changed.rowcount} tasks ask again that awaited input"
    if fab < FAB_WITHOUT_DEFAULTS and database.kind == "postgresql":
        yield f"gave {add_defaults(database)} tables of users a default of their id"


def rewrite_deferrals(database: Database, table: str, key: str) -> int:
    changed = 0
    rows = database.run(f"SELECT {key}, next_kwargs FROM {table} WHERE next_kwargs IS NOT NULL")  # noqa: S608
    for identity, raw in rows.fetchall():
        value = decoded(raw)
        if isinstance(value, dict) and not is_old_format(value):
            statement = f"UPDATE {table} SET next_kwargs = :value WHERE {key} = :identity"  # noqa: S608
            database.run(statement, value=json.dumps(old_format(value)), identity=identity)
            changed += 1
    return changed


def rewrite_triggers(database: Database) -> int:
    changed = 0
    # The quotes are wanted by one database and refused by the other.
    table = "`trigger`" if database.kind == "mysql" else "trigger"
    for identity, text in database.run(f"SELECT id, kwargs FROM {table}").fetchall():  # noqa: S608
        value = decrypted(text)
        if not is_old_format(value):
            statement = f"UPDATE {table} SET kwargs = :value WHERE id = :identity"  # noqa: S608
            database.run(statement, value=encrypted(old_format(value)), identity=identity)
            changed += 1
    return changed


def remove_deadlines(database: Database) -> int:
    changed = 0
    for identity, raw in database.run("SELECT id, data FROM serialized_dag WHERE data IS NOT NULL").fetchall():
        value = without_deadlines(decoded(raw))
        if value is not None:
            statement = "UPDATE serialized_dag SET data = :value WHERE id = :identity"
            database.run(statement, value=json.dumps(value), identity=identity)
            changed += 1
    return changed


def add_defaults(database: Database) -> int:
    """Give the FAB provider's tables the sequences that an old version of it counts on."""
    rows = database.run(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema() "
        r"AND table_name LIKE 'ab\_%' AND column_name = 'id' AND column_default IS NULL AND is_identity = 'NO'"
    ).fetchall()
    for (table,) in rows:
        sequence = f"{table}_id_seq"
        database.run(f'CREATE SEQUENCE IF NOT EXISTS "{sequence}" OWNED BY "{table}".id')
        database.run(
            f'SELECT setval(\'"{sequence}"\', (SELECT COALESCE(MAX(id), 0) + 1 FROM "{table}"), false)'  # noqa: S608
        )
        database.run(f'ALTER TABLE "{table}" ALTER COLUMN id SET DEFAULT nextval(\'"{sequence}"\')')
    return len(rows)


def main() -> None:
    from sqlalchemy import create_engine

    target, fab = numbers(os.environ["TARGET_VERSION"]), numbers(os.environ["TARGET_FAB_VERSION"])
    engine = create_engine(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    with engine.connect() as connection:
        present = {table: Database(connection).revision(table) for table, _command, _variable in SCHEMAS}
    wanted = {table: os.environ[variable] for table, _command, variable in SCHEMAS}
    # Airflow's own schema goes first: once it is there, what the tables held has been rewritten.
    if present["alembic_version"] != wanted["alembic_version"]:
        with engine.begin() as connection:
            for line in rewrite(Database(connection), target, fab):
                print(line, flush=True)
    for table, command, _variable in SCHEMAS:
        if wanted[table] and present[table] and present[table] != wanted[table]:
            print(f"{table}: from {present[table]} to {wanted[table]}", flush=True)
            arguments = ["airflow", command, "downgrade", "--to-revision", wanted[table], "--yes"]
            if subprocess.run(arguments, check=False).returncode:
                sys.exit(
                    f"{' '.join(arguments)} failed: see above. What was rewritten before is read by both versions."
                )
    with engine.connect() as connection:
        present = {table: Database(connection).revision(table) for table, _command, _variable in SCHEMAS}
    if wrong := [f"{table} is at {present[table]}" for table in present if wanted[table] not in ("", present[table])]:
        sys.exit(f"The database is not at the schema of Airflow {os.environ['TARGET_VERSION']}: {', '.join(wrong)}.")
    print(f"The database has the schema of Airflow {os.environ['TARGET_VERSION']}.", flush=True)


if __name__ == "__main__":
    main()
