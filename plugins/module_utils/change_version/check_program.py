# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a pod with an image of Airflow tells of that image, of the DAGs and of the database. Runs in the pod.

Sent as it is by `check.py`. It reads what is wanted as JSON from its standard input, and writes the answer as one line
that begins with :data:`ANSWER`; everything else that it or Airflow prints is no answer. It changes nothing.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

ANSWER = "airflow.kubernetes answer: "
#: Seconds after which a line tells that it goes on.
SIGN_OF_LIFE = 5.0
#: Tables of others in the database of Airflow, or of what has migrations of its own.
FOREIGN_TABLES = ("_airflow_", "ab_", "alembic_", "celery_", "edge_", "session")

#: How a model of SQLAlchemy names its table.
TABLE = re.compile(r"""(?:__tablename__\s*=\s*|\bTable\(\s*)["'](\w+)["']""")


def version_of(package: str) -> str:
    """Return the version of an installed package, empty where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def image() -> dict[str, Any]:
    """Return which Airflow this image has, and the revisions of the schemas that it knows."""
    return {
        "version": version_of("apache-airflow-core") or version_of("apache-airflow"),
        "fab": version_of("apache-airflow-providers-fab"),
        "python": sys.version.split()[0],
        "heads": {
            "alembic_version": head("migrations"),
            "alembic_version_fab": head("providers/fab/migrations"),
        },
    }


def head(folder: str) -> str:
    """Return the newest revision of the migrations in a folder of Airflow's packages, empty where there are none."""
    import airflow
    from alembic.script import ScriptDirectory

    for root in airflow.__path__:
        if (Path(root) / folder / "versions").is_dir():
            return ScriptDirectory(str(Path(root) / folder)).get_current_head() or ""
    return ""


def import_errors() -> dict[str, str]:
    """Return how each file with DAGs fails that this image cannot import, by its path."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    found: dict[str, str] = {}
    for bundle in DagBundlesManager().get_all_dag_bundles():
        try:
            bundle.initialize()
        except Exception as error:
            found[f"bundle {bundle.name}"] = f"{type(error).__name__}: {error}"
            continue
        found.update(dict(errors_in(bundle)))
    return found


def errors_in(bundle: Any) -> Iterator[tuple[str, str]]:
    """Yield the files of a bundle that cannot be imported."""
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    sys.path.append(str(bundle.path))
    known = inspect.signature(DagBag.__init__).parameters
    wanted = {"include_examples": False, "bundle_path": bundle.path, "bundle_name": bundle.name}
    bag = DagBag(str(bundle.path), **{name: value for name, value in wanted.items() if name in known})
    for file, error in bag.import_errors.items():
        yield relative(file, str(bundle.path)), str(error).strip()


def relative(file: str, folder: str) -> str:
    """Return a file's path in a folder, as Airflow has it in its table of import errors."""
    return os.path.relpath(file, folder) if os.path.isabs(file) else file


def database(wanted: Mapping[str, Mapping[str, str]], lost: bool) -> dict[str, Any]:
    """Return the rows of each query of the database's kind, and what an older Airflow does not know of.

    :param wanted: queries by the kind of the database and their name.
    :param lost: whether to look for tables that this image's Airflow does not have.
    """
    from sqlalchemy import create_engine, text

    answers: dict[str, Any] = {}
    engine = create_engine(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    kind = engine.dialect.name
    for name, query in wanted.get(kind, {}).items():
        # What a schema does not have ends its transaction, and none other.
        try:
            with engine.connect() as connection:
                answers[name] = [list(row) for row in connection.execute(text(query))]
        except Exception as error:
            answers[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    if lost:
        answers["unknown_tables"] = unknown_tables(engine)
    return {"kind": kind, "answers": answers}


def unknown_tables(engine: Any) -> dict[str, int]:
    """Return how many rows each table has that this image's Airflow does not know."""
    import airflow
    from sqlalchemy import func, inspect, select, table

    known = {name for root in airflow.__path__ for name in known_tables(Path(root))}
    present = inspect(engine).get_table_names()
    unknown = [name for name in present if name not in known and not name.startswith(FOREIGN_TABLES)]
    with engine.connect() as connection:
        return {name: connection.execute(select(func.count()).select_from(table(name))).scalar() for name in unknown}


def known_tables(folder: Path) -> set[str]:
    """Return the tables that a package names, as its text says: to import all of its models takes seconds."""
    files = [file for file in folder.rglob("*.py") if "migrations" not in file.parts]
    return {name for file in files for name in TABLE.findall(file.read_text(encoding="utf-8"))}


def write(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    wanted = json.loads(sys.stdin.readline())
    ended = threading.Event()

    def show_life() -> None:
        while not ended.wait(SIGN_OF_LIFE):
            write("")

    threading.Thread(target=show_life, daemon=True).start()
    answer: dict[str, Any] = {}
    if wanted.get("image"):
        answer["image"] = image()
    if wanted.get("queries"):
        answer["database"] = database(wanted["queries"], bool(wanted.get("lost")))
    if wanted.get("dags"):
        answer["import_errors"] = import_errors()
    ended.set()
    write(f"\n{ANSWER}{json.dumps(answer, default=str)}")


if __name__ == "__main__":
    main()
