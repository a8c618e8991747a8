# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifests of the operator: its permissions, its pod, and a folder for each namespace that it watches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.common.paths import CHECKOUT
from tools.environment.variables import WITHOUT_COLOR

WATCHED = ("blue", "red")


def render(playbook: str, variables: Mapping[str, Any], *arguments: str) -> None:
    command = [Path(sys.executable).parent / "ansible-playbook", CHECKOUT / "playbooks" / f"{playbook}.yml"]
    subprocess.run(
        [*command, "--extra-vars", json.dumps(variables), *arguments],
        cwd=CHECKOUT,
        env={**os.environ, **WITHOUT_COLOR},
        check=True,
        capture_output=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("operator")
    render("operator", {"operator_watch_namespaces": WATCHED, "operator_render_to": str(made)})
    return made


def read(folder: Path, name: str) -> Any:
    (file,) = folder.rglob(name)
    return yaml.safe_load(file.read_text())


@pytest.mark.parametrize("namespace", WATCHED)
def test_its_permissions_are_those_of_grant(folder: Path, namespace: str, tmp_path: Path) -> None:
    variables = {
        "airflow_render_directory": str(tmp_path),
        "airflow_namespace": namespace,
        "airflow_namespace_create": False,
        "airflow_destroy_data": True,
        "airflow_name": "airflow-operator",
    }
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("{separated_services: {hosts: {granted: }}}")
    render("grant", variables, "--inventory", str(inventory))
    granted = read(tmp_path, "*-role-airflow-operator-deployer.yaml")
    own = read(folder / namespace, "*-role-airflow-operator.yaml")
    assert own["rules"] == granted["rules"]
    assert own["metadata"]["namespace"] == namespace
    bound = read(folder / namespace, "*-rolebinding-airflow-operator.yaml")
    assert bound["subjects"] == [
        {"kind": "ServiceAccount", "name": "airflow-operator", "namespace": "airflow-operator"}
    ]


def test_it_has_no_permission_for_a_whole_cluster(folder: Path) -> None:
    kinds = {yaml.safe_load(file.read_text())["kind"] for file in folder.rglob("*.yaml")}
    assert not [kind for kind in kinds if kind.startswith("ClusterRole")]
    rules = read(folder / "blue", "*-role-airflow-operator.yaml")["rules"]
    assert "*" not in {each for rule in rules for each in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])}


def test_its_pod_is_restricted(folder: Path) -> None:
    pod = read(folder, "*-deployment-airflow-operator.yaml")["spec"]["template"]["spec"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_what_ansible_operator_must_be_told(folder: Path) -> None:
    """Other values lose data or let a resource run commands in the operator's pod; see operator/watches.yaml."""
    pod = read(folder, "*-deployment-airflow-operator.yaml")["spec"]["template"]["spec"]
    assert {"--inject-owner-ref=false", "--leader-elect"} <= {*pod["containers"][0]["args"]}
    assert not [each for each in pod["containers"][0]["args"] if each.startswith("--proxy-port")]
    (watch,) = yaml.safe_load((CHECKOUT / "operator" / "watches.yaml").read_text())
    wanted = {"snakeCaseParameters": False, "markUnsafe": True, "watchDependentResources": False}
    assert {name: watch[name] for name in wanted} == wanted
    for playbook in (watch["playbook"], watch["finalizer"]["playbook"]):
        assert (CHECKOUT / "operator" / playbook).is_file()


def test_nobody_reaches_it_but_who_is_named(folder: Path, tmp_path: Path) -> None:
    policy = read(folder, "*-networkpolicy-airflow-operator.yaml")["spec"]
    assert policy["ingress"] == []
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    render("operator", {"operator_metrics_peers": peers, "operator_render_to": str(tmp_path)})
    assert read(tmp_path, "*-networkpolicy-airflow-operator.yaml")["spec"]["ingress"][0]["from"] == peers
