"""The versions of Airflow that images/airflow is built for: the day of each, and what it pins.

The folder is written for the oldest. Of another version, its Dockerfile and its requirements are made from that.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from ..common.errors import ToolError
from ..common.paths import IMAGES

FOLDER = "airflow"
#: What the folder is written for.
WRITTEN_FOR = "3.1.0"
#: What the releases of inventories/kind run, and so all scenarios.
DEPLOYED = os.environ.get("AIRFLOW_VERSION") or WRITTEN_FOR


@dataclass(frozen=True)
class AirflowVersion:
    """What an image of one version of Airflow is resolved from.

    :param newest: day up to which uv takes packages (``--exclude-newer``): some weeks after the release.
    :param pins: requirements by the package, as its constraints or later releases' faults want them.
    """

    newest: str
    pins: tuple[tuple[str, str], ...] = ()


AIRFLOW_VERSIONS = {
    "3.1.0": AirflowVersion(
        "2025-10-15", (("apache-airflow-providers-cncf-kubernetes", "==10.8.2"), ("pydantic", "<2.12"))
    ),
    "3.1.8": AirflowVersion("2026-03-12"),
    "3.2.2": AirflowVersion("2026-05-30"),
    "3.3.2": AirflowVersion("2026-09-18"),
}
#: A requirement with a pin, as the folder has it.
_PINNED = re.compile(r"^(?P<package>[a-z0-9-]+)(?P<pin>(?:==|<).*)$")


def context_files(version: str) -> dict[str, str]:
    """Return the files of the folder that are different for a version, by their name; none for what it is written for.

    :raises ToolError: for a folder that is not written for that version any more.
    """
    if version == WRITTEN_FOR:
        return {}
    return {"Dockerfile": _dockerfile(version), "requirements.txt": requirements(version)}


def requirements(version: str) -> str:
    """Return what an image of a version requires, each with its pin."""
    pins = {"apache-airflow": f"=={version}", **dict(AIRFLOW_VERSIONS[version].pins)}
    folder = (IMAGES / FOLDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines = [line for line in folder if not line.startswith("#")]
    names = [found["package"] if (found := _PINNED.match(line)) else line for line in lines]
    # Nothing needs pydantic by that name but its pin.
    kept = [name for name in names if name != "pydantic" or name in pins]
    return "".join(f"{name}{pins.get(name, '')}\n" for name in kept)


def _dockerfile(version: str) -> str:
    text = (IMAGES / FOLDER / "Dockerfile").read_text(encoding="utf-8")
    for before, after in (
        (f"ARG NEWEST={AIRFLOW_VERSIONS[WRITTEN_FOR].newest}\n", f"ARG NEWEST={AIRFLOW_VERSIONS[version].newest}\n"),
        (f" AIRFLOW_VERSION={WRITTEN_FOR} ", f" AIRFLOW_VERSION={version} "),
    ):
        if text.count(before) != 1:
            raise ToolError(f"images/{FOLDER}/Dockerfile has {before.strip()} not once; write both for one version")
        text = text.replace(before, after)
    return text
