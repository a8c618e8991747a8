"""The inventories for clouds can be rendered as they stand."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.test_playbooks import run
from tools.common.paths import CHECKOUT

CLOUDS = ("aws", "google")
HOSTS = {"production", "team-a"}
#: What base paths must not be lost of; the inventories have none for the API server.
BASE_URLS = {"airflow_base_url": "https://example.com/data", "flower_base_url": "https://example.com/data/flower/"}
every_cloud = pytest.mark.parametrize("cloud", CLOUDS)


@pytest.fixture(scope="module", name="rendered")
def _rendered(tmp_path_factory: pytest.TempPathFactory) -> Any:
    @cache
    def rendered(cloud: str) -> tuple[Path, str]:
        """Return the folder of the rendered releases, and what the playbook said."""
        folder = tmp_path_factory.mktemp(cloud)
        variables = {"airflow_render_to": str(folder), **BASE_URLS}
        inventory = CHECKOUT / "inventories" / cloud
        done = run(inventory, "playbooks/render.yml", "--extra-vars", json.dumps(variables))
        assert done.returncode == 0, done.stdout
        return folder, done.stdout

    return rendered


def objects(folder: Path, kind: str) -> dict[str, dict[str, Any]]:
    """Return the objects of a kind of the host `production`, by name."""
    found = [yaml.safe_load(path.read_text()) for path in (folder / "production").rglob("*.yaml")]
    return {each["metadata"]["name"]: each for each in found if each["kind"] == kind}


@every_cloud
def test_it_has_a_release_of_each_architecture(rendered: Any, cloud: str) -> None:
    folder, _output = rendered(cloud)
    assert {path.name for path in folder.iterdir()} == HOSTS
    assert (folder / "team-a" / "master").is_dir()


@every_cloud
def test_every_variable_is_one_of_a_role(rendered: Any, cloud: str) -> None:
    _folder, output = rendered(cloud)
    assert [line for line in output.splitlines() if "No role of this collection reads" in line] == []


def test_the_health_checks_of_an_alb_follow_the_base_path(rendered: Any) -> None:
    folder, _output = rendered("aws")
    name = "alb.ingress.kubernetes.io/healthcheck-path"
    ingresses = objects(folder, "Ingress")
    assert {key: each["metadata"]["annotations"][name] for key, each in ingresses.items()} == {
        "airflow-api-server": "/data/api/v2/version",
        "airflow-flower": "/data/flower/healthcheck",
    }
    assert {
        each["metadata"]["annotations"]["alb.ingress.kubernetes.io/target-type"] for each in ingresses.values()
    } == {"ip"}


def test_the_health_checks_of_a_gateway_follow_the_base_path_and_are_of_services_that_are_there(rendered: Any) -> None:
    folder, _output = rendered("google")
    policies = objects(folder, "HealthCheckPolicy")
    paths = {
        each["spec"]["targetRef"]["name"]: each["spec"]["default"]["config"]["httpHealthCheck"]["requestPath"]
        for each in policies.values()
    }
    assert paths == {"airflow-api-server": "/data/api/v2/version", "airflow-flower": "/data/flower/healthcheck"}
    services = objects(folder, "Service")
    for each in policies.values():
        config = each["spec"]["default"]["config"]["httpHealthCheck"]
        ports = [port["port"] for port in services[each["spec"]["targetRef"]["name"]]["spec"]["ports"]]
        assert config["port"] in ports
