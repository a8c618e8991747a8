"""The versions of Airflow that images are built for: the day of each, and what it pins."""

from __future__ import annotations

import os
from dataclasses import dataclass

#: What the releases of inventories/kind run, and so all scenarios.
DEPLOYED = os.environ.get("AIRFLOW_VERSION") or "3.3.2"


@dataclass(frozen=True)
class AirflowVersion:
    """What the packages of one version of Airflow are resolved from.

    :param newest: day up to which uv takes packages (``--exclude-newer``): some weeks after the release.
    :param pins: versions by the package, as Airflow's constraints or later releases' faults want them.
    """

    newest: str
    pins: tuple[tuple[str, str], ...] = ()


AIRFLOW_VERSIONS = {
    # Later releases of pydantic and click break it.
    "3.1.0": AirflowVersion(
        "2025-10-15", (("apache-airflow-providers-cncf-kubernetes", "==10.8.2"), ("pydantic", "<2.12"))
    ),
    "3.1.8": AirflowVersion("2026-03-12"),
    "3.2.2": AirflowVersion("2026-05-30"),
    "3.3.2": AirflowVersion("2026-09-18"),
}


def build_arguments(version: str) -> dict[str, str]:
    """Return the arguments with which an image of a version is built."""
    return {"AIRFLOW_VERSION": version, "NEWEST": AIRFLOW_VERSIONS[version].newest}


def constraints(version: str) -> str:
    """Return the constraints of a version's packages, for uv."""
    pins = (("apache-airflow", f"=={version}"), *AIRFLOW_VERSIONS[version].pins)
    return "".join(f"{package}{pin}\n" for package, pin in pins)
