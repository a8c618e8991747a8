# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container with Airflow in it knows of itself: runs there, under the image's Python, without importing Airflow.

The text of this file is sent to that Python (3.10 or later). It prints the length of the answer in eight digits, then
the answer, as JSON. What cannot be found out is said in ``problems``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import re
import signal
import sys
from pathlib import Path
from typing import Any

#: Seconds after which the program gives up.
PATIENCE = 5
#: Where the role `airflow` mounts its own programs.
SCRIPTS = "/opt/airflow-kubernetes"

REVISION = re.compile(r"""^(down_revision|revision)\b[^=\n]*=\s*(.+)$""", re.MULTILINE)
QUOTED = re.compile(r"""["']([^"']+)["']""")
#: Tables with the present revision of a schema, and where the files are whose head is the wanted one.
SCHEMAS = {"alembic_version": "migrations/versions", "alembic_version_fab": "providers/fab/migrations/versions"}


def facts(hidden: str) -> dict[str, Any]:
    """Return what this container knows.

    :param hidden: regular expression of the names of options whose values stay here.
    """
    roots = airflow_roots()
    found: dict[str, Any] = {"problems": []}
    for what, ask in (
        ("python", platform.python_version),
        ("system", platform.platform),
        ("packages", packages),
        ("schema_wanted", lambda: schema_wanted(roots)),
        ("schema_present", schema_present),
        ("options", lambda: options(roots, hidden)),
    ):
        try:
            found[what] = ask()
        except Exception as error:  # noqa: BLE001 the other facts are worth having
            message = " ".join(str(error).split())[:300]
            found["problems"].append(f"{what}: {type(error).__name__}: {message}")
    return found


def airflow_roots() -> list[Path]:
    spec = importlib.util.find_spec("airflow")
    return [Path(location) for location in (spec and spec.submodule_search_locations) or ()]


def packages() -> dict[str, str]:
    """Return the versions of all packages, as their metadata's folders are named."""
    found: dict[str, str] = {}
    for folder in sys.path:
        for metadata in Path(folder or ".").glob("*.dist-info"):
            name, _hyphen, version = metadata.name.removesuffix(".dist-info").partition("-")
            found.setdefault(name.lower().replace("_", "-"), version)
    return dict(sorted(found.items()))


def head(folder: Path) -> str | None:
    """Return the revision that no other one follows, or None where there are no migrations."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for file in folder.glob("*.py"):
        for name, value in REVISION.findall(file.read_text(encoding="utf-8")):
            (revisions if name == "revision" else followed).update(QUOTED.findall(value.split("#")[0]))
    heads = revisions - followed
    return heads.pop() if len(heads) == 1 else None


def schema_wanted(roots: list[Path]) -> dict[str, str | None]:
    """Return the revisions that the Airflow of this image wants."""
    found = {
        table: next(filter(None, (head(root / folder) for root in roots)), None) for table, folder in SCHEMAS.items()
    }
    return {table: revision for table, revision in found.items() if revision}


def schema_present() -> dict[str, str]:
    """Return the revisions that the database has; none where it has no schema yet."""
    # It is asked as the probes ask it, by the program that lies beside them.
    sys.path.append(SCRIPTS)
    import database  # noqa: PLC0415 the rest works without it

    found = {}
    with database.connected(timeout=3) as cursor:
        for table in filter(cursor.has_table, SCHEMAS):
            revision = cursor.row(f"SELECT version_num FROM {table}")  # noqa: S608 a name of ours
            found[table] = revision[0] if revision else ""
    return found


def options(roots: list[Path], hidden: str) -> list[dict[str, Any]]:
    """Return the options that the environment sets to something other than Airflow's default."""
    known = defaults(roots)
    found: list[dict[str, Any]] = []
    for variable, value in sorted(os.environ.items()):
        name = re.fullmatch(r"AIRFLOW__([A-Z0-9_]+?)__([A-Z0-9_]+)", variable)
        if not name:
            continue
        section, key = name[1].lower(), name[2].lower()
        default = known.get((section, key))
        if re.search(hidden, variable, re.IGNORECASE):
            found.append({"option": f"{section}.{key}", "value": "(hidden)"})
        elif default is None or default.lower() != value.lower():
            found.append({"option": f"{section}.{key}", "value": value, "default": default})
    return found


def defaults(roots: list[Path]) -> dict[tuple[str, str], str]:
    """Return Airflow's own defaults by section and key; those of providers are not among them."""
    import yaml  # noqa: PLC0415 the rest works without it

    loader = getattr(yaml, "CSafeLoader", None)
    template = next((root / "config_templates" / "config.yml" for root in roots), None)
    # Without the C library it takes seconds of CPU.
    if loader is None or template is None or not template.is_file():
        return {}
    read = yaml.load(template.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 a safe loader
    return {
        (section, key): str(option["default"])
        for section, described in read.items()
        for key, option in (described.get("options") or {}).items()
        if option.get("default") is not None
    }


def main() -> None:
    """Print the facts."""
    signal.alarm(PATIENCE)
    answer = json.dumps(facts(sys.argv[1])).encode("utf-8")
    sys.stdout.buffer.write(b"%08d" % len(answer) + answer)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
