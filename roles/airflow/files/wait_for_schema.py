# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until the database has the schema of the Airflow in this image, without importing Airflow.

Importing it costs seconds of CPU in each pod, just while the migration itself wants the CPU. The wanted revision is the
head of the migration files in the image; the present one is in the table alembic_version (of the FAB provider:
alembic_version_fab). From 3.2 on Airflow also migrates what other providers keep, whether they are used or not.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import database

REVISION = re.compile(r"""^(down_revision|revision)\b[^=\n]*=\s*(.+)$""", re.MULTILINE)
QUOTED = re.compile(r"""["']([^"']+)["']""")
#: What a provider's information says of the classes that keep its tables, and the name of one in the file of the class.
MANAGERS = re.compile(r'"db-managers": \[([^\]]*)\]')
MANAGER = re.compile(r'"(airflow\.providers\.[\w.]+)\.\w+"')
MANAGED_TABLE = re.compile(r"""version_table_name(?:: str)? = ["'](\w+)["']""")
#: The first Airflow that asks all providers for them.
MANAGED_SINCE = (3, 2)
#: Seconds after which it is said again what this waits for.
SAY_AGAIN = 3.0
TABLES = {
    "alembic_version": "migrations/versions",
    "alembic_version_fab": "providers/fab/migrations/versions",
}


def installed_version() -> str:
    """Return the version of Airflow in this image, empty where its packages do not say."""
    for package in ("apache-airflow-core", "apache-airflow"):
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return ""


def numbers(version: str) -> list[str]:
    """Return the three numbers of a version, without what a build or a candidate adds."""
    return re.findall(r"\d+", version)[:3]


def revisions(folder: Path) -> tuple[set[str], set[str]]:
    """Return the revisions of the migrations in a folder, and those of them that others follow."""
    known: set[str] = set()
    followed: set[str] = set()
    for file in folder.glob("*.py"):
        for name, value in REVISION.findall(file.read_text(encoding="utf-8")):
            (known if name == "revision" else followed).update(QUOTED.findall(value.split("#")[0]))
    return known, followed


def head(folder: Path) -> str | None:
    """Return the revision that no other one follows, or None where there are no migrations."""
    known, followed = revisions(folder)
    heads = known - followed
    return heads.pop() if len(heads) == 1 else None


def migration_folders() -> dict[str, list[Path]]:
    """Return where the migrations lie in this image, by the table that holds the present revision."""
    spec = importlib.util.find_spec("airflow")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("There is no Airflow in this image.")
    roots = [Path(location) for location in spec.submodule_search_locations]
    tables = dict(TABLES)
    if "FabAuthManager" not in os.environ.get("AIRFLOW__CORE__AUTH_MANAGER", ""):
        tables.pop("alembic_version_fab")
    if tuple(map(int, numbers(installed_version())[:2])) >= MANAGED_SINCE:
        tables |= {table: folder for root in roots for table, folder in managed_tables(root)}
    return {table: [root / folder for root in roots] for table, folder in tables.items()}


def managed_tables(root: Path) -> Iterator[tuple[str, str]]:
    """Find the tables with the present revisions of providers, and the folders of their migrations."""
    for info in (root / "providers").glob("*/get_provider_info.py"):
        managers = MANAGERS.search(info.read_text(encoding="utf-8"))
        for module in MANAGER.findall(managers[1]) if managers else ():
            manager = root.parent / f"{module.replace('.', '/')}.py"
            if table := MANAGED_TABLE.search(manager.read_text(encoding="utf-8")):
                yield table[1], f"providers/{info.parent.name}/migrations/versions"


def wanted_revisions() -> dict[str, str]:
    """Return the wanted revision by the table that holds the present one."""
    heads = {table: [head(folder) for folder in folders] for table, folders in migration_folders().items()}
    return {table: revision for table, found in heads.items() for revision in found if revision}


def present_revision(cursor: database.Cursor, table: str) -> str | None:
    if not cursor.has_table(table):
        return None
    row = cursor.row(f"SELECT version_num FROM {table}")  # noqa: S608
    return row[0] if row else None


def main() -> None:
    wanted = wanted_revisions()
    said, again = "", 0.0
    while True:
        try:
            with database.connected() as cursor:
                present = {table: present_revision(cursor, table) for table in wanted}
            waits_for = f"schema is {present}, wanted {wanted}"
            if present == wanted:
                print("The schema is there.", flush=True)
                return
        except database.Unavailable as error:
            waits_for = f"no answer from the database: {error}"
        # Said again from time to time, so that a reader knows that it still is so.
        if waits_for != said or time.monotonic() >= again:
            print(waits_for, flush=True)
            said, again = waits_for, time.monotonic() + SAY_AGAIN
        time.sleep(0.5)


if __name__ == "__main__":
    main()
