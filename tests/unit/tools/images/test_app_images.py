"""What the roles deploy by default is what the scenarios deploy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.airflow.kubernetes.plugins.plugin_utils._role_variables import role_files
from tools.common.paths import CHECKOUT, ROLES
from tools.images.airflow_versions import DEPLOYED
from tools.images.app_images import APP_IMAGES, FURTHER_IMAGES


def read(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text()) or {}


def defaults() -> dict[str, str]:
    """Return the images of the roles' defaults by the variable, short as Docker names them."""
    found: dict[str, str] = {}
    for role in ROLES.iterdir():
        given = {key: value for file in role_files(role, "defaults") for key, value in read(file).items()}
        image = given.get(f"{role.name}_image")
        if image:
            image = image.replace("{{ airflow_version }}", given.get("airflow_version", ""))
            found[f"{role.name}_image"] = image.removeprefix("docker.io/").removeprefix("library/")
    return found


def test_the_images_of_the_scenarios_are_the_defaults_of_the_roles() -> None:
    images = [*APP_IMAGES, FURTHER_IMAGES["execution-environment"]]
    assert sorted(defaults().values()) == sorted(image.name for image in images)


def variables_of_tests() -> Iterator[Path]:
    for pattern in (
        "inventories/kind*/**/*.yml",
        "inventories/generic/**/*.yml",
        "molecule/*/molecule.yml",
        "molecule/*/host_vars/*.yml",
    ):
        yield from CHECKOUT.glob(pattern)


def test_no_inventory_and_no_scenario_sets_another() -> None:
    """But for one of those that a scenario has built for itself."""
    given = re.compile(rf"^\s*(?:{'|'.join(defaults())}): (.*)", re.MULTILINE)
    found = {image for path in variables_of_tests() for image in given.findall(path.read_text())}
    found = {image.strip('"').replace("{{ airflow_version }}", DEPLOYED) for image in found}
    assert found <= {f"docker.io/{image.name}" for image in FURTHER_IMAGES.values()}
