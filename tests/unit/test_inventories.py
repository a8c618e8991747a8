"""The inventories that users start from work as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.openshift.scc import RESTRICTED_V2, RESTRICTED_V3, violations
from tools.checks.rendered import render
from tools.common.paths import CHECKOUT, ROLES

INVENTORIES = CHECKOUT / "inventories"
#: Those of environments, with the variables of their own that others are made of.
ENVIRONMENTS = {"openshift": {"openshift_apps_domain"}}
every_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)

Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the releases of each inventory, rendered as it stands."""
    directory = tmp_path_factory.mktemp("rendered")
    for environment in ENVIRONMENTS:
        render(directory / environment, inventory=INVENTORIES / environment)
    return directory


def objects(release: Path) -> list[Manifest]:
    return [yaml.safe_load(path.read_text()) for path in sorted(release.rglob("*.yaml"))]


def of_kind(release: Path, kind: str) -> dict[str, Manifest]:
    return {found["metadata"]["name"]: found for found in objects(release) if found["kind"] == kind}


@every_environment
def test_it_has_a_host_of_each_architecture(rendered: Path, environment: str) -> None:
    hosts = yaml.safe_load((INVENTORIES / environment / "hosts.yml").read_text())
    assert hosts.keys() == {"separated_services", "master_worker"}
    names = {name for group in hosts.values() for name in group["hosts"]}
    assert {path.name for path in (rendered / environment).iterdir()} == names
    assert all(group["hosts"] for group in hosts.values())
    for name in hosts["master_worker"]["hosts"]:
        assert "airflow-master" in of_kind(rendered / environment / name, "Deployment")


@every_environment
def test_every_variable_is_one_of_a_role_or_used(environment: str) -> None:
    known = {
        name
        for path in ROLES.glob("*/meta/argument_specs.yml")
        for point in yaml.safe_load(path.read_text())["argument_specs"].values()
        for name in point.get("options", {})
    }
    files = [*(INVENTORIES / environment / "group_vars").glob("*.yml")]
    variables = {name for file in files for name in yaml.safe_load(file.read_text())}
    assert variables - known == ENVIRONMENTS[environment]
    text = "".join(file.read_text() for file in files)
    assert all(re.search(rf"{{{{[^}}]*\b{name}\b", text) for name in ENVIRONMENTS[environment])


@every_environment
def test_what_has_to_be_changed_says_so(environment: str) -> None:
    """A name of an example, or a size, is in a block under such a comment."""
    files = [*(INVENTORIES / environment).rglob("*.yml")]
    for file in files:
        # What one comment is about ends with the next comment, or with an empty line.
        for block in re.split(r"\n\n|\n(?= *#)", file.read_text()):
            if re.search(r"example\.com|^\w+_(size|version): |replicas:", block, re.MULTILINE):
                assert "Change: " in block, f"{file}:\n{block}"


@pytest.mark.parametrize("release", ["production", "team-a"])
def test_openshift_takes_its_pods_and_labels_its_project_itself(rendered: Path, release: str) -> None:
    release_folder = rendered / "openshift" / release
    assert of_kind(release_folder, "Namespace") == {}
    workloads = [
        found for kind in ("Deployment", "StatefulSet", "Job") for found in of_kind(release_folder, kind).values()
    ]
    assert len(workloads) >= 4
    for workload in workloads:
        pod = workload["spec"]["template"]["spec"]
        assert violations(pod, RESTRICTED_V2) == []
        assert violations({**pod, "hostUsers": False}, RESTRICTED_V3) == []


def test_every_release_on_openshift_has_routes_of_its_own(rendered: Path) -> None:
    hosts = [
        route["spec"]["host"]
        for release in sorted((rendered / "openshift").iterdir())
        for route in of_kind(release, "Route").values()
    ]
    assert sorted(hosts) == [
        "airflow-production.apps.example.com",
        "airflow-team-a.apps.example.com",
        "flower-production.apps.example.com",
        "flower-team-a.apps.example.com",
    ]
