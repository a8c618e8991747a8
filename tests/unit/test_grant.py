# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What playbooks/grant.yml gives, seen on the objects that it writes, is what the documentation says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.common.paths import CHECKOUT
from tools.environment.variables import WITHOUT_COLOR

Manifest = dict[str, Any]

PLAYBOOKS = (
    "deploy",
    "destroy",
    "status",
    "diagnose",
    "sync_dags",
    "run_dag",
    "rotate_secrets",
    "drain",
    "scale",
    "restart",
    "stop",
    "start",
    "upgrade",
    "rollback",
    "backup",
    "restore",
    "cleanup",
)
#: Names of releases of which each is granted something else.
RELEASES: dict[str, Manifest] = {
    **{playbook: {"airflow_grant_playbooks": [playbook]} for playbook in PLAYBOOKS},
    "everything": {
        "airflow_grant_optional": True,
        "airflow_grant_subjects": [{"kind": "Group", "name": "data", "apiGroup": "rbac.authorization.k8s.io"}],
        "airflow_logs_volume": "host_path",
        "airflow_logs_retention_days": 30,
        "airflow_destroy_data": True,
        "airflow_redis_host": "redis.example.com",
    },
    "nothing": {"airflow_grant_playbooks": []},
    **{
        f"task_pods_{playbook}": {
            "airflow_grant_playbooks": [playbook],
            "airflow_executors": ["celery", "kubernetes"],
        }
        for playbook in ("deploy", "destroy")
    },
    **{
        f"routes_{playbook}": {
            "airflow_grant_playbooks": [playbook],
            "airflow_base_url": "https://airflow.example.com",
            "api_server_route_enabled": True,
        }
        for playbook in ("deploy", "status", "destroy", "diagnose")
    },
    **{
        f"external_{playbook}": {
            "airflow_grant_playbooks": [playbook],
            "airflow_external_secrets": [{"name": "login", "store": "vault", "extract": "prod"}],
        }
        for playbook in ("deploy", "status", "destroy", "diagnose")
    },
    **{
        f"extra_{playbook}": {
            "airflow_grant_playbooks": [playbook],
            "airflow_destroy_data": True,
            "airflow_extra_objects": [
                {"apiVersion": "example.com/v1", "kind": "Gateway", "metadata": {"name": "a"}},
                {
                    "apiVersion": "example.com/v1beta1",
                    "kind": "Policy",
                    "metadata": {"name": "a", "namespace": "airflow"},
                },
                {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "monitoring"}},
                {"apiVersion": "example.com/v1", "kind": "Alias", "metadata": {"name": "a", "namespace": "monitoring"}},
                {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "a"}},
            ],
        }
        for playbook in ("deploy", "destroy", "status")
    },
}


def grant(directory: Path) -> str:
    """Write what every release is granted, and return what the run said."""
    hosts = {
        name: {**variables, "airflow_render_directory": str(directory / name)} for name, variables in RELEASES.items()
    }
    inventory = directory / "hosts.json"
    inventory.write_text(json.dumps({"separated_services": {"hosts": hosts}}))
    command: list[str | Path] = [Path(sys.executable).parent / "ansible-playbook", "-i", inventory]
    done = subprocess.run(
        [*command, CHECKOUT / "playbooks" / "grant.yml"],
        cwd=CHECKOUT,
        check=False,
        env={**os.environ, **WITHOUT_COLOR},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def granted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Manifest]]:
    """Return the objects of each release by their kind, and their namespace where it is another."""
    directory = tmp_path_factory.mktemp("granted")
    grant(directory)
    return {
        release: {
            manifest["kind"] + elsewhere(manifest): manifest
            for manifest in (yaml.safe_load(path.read_text()) for path in (directory / release).rglob("*.yaml"))
        }
        for release in RELEASES
    }


def elsewhere(manifest: Manifest) -> str:
    namespace = manifest["metadata"].get("namespace", "airflow")
    return "" if namespace == "airflow" else f" in {namespace}"


def verbs(role: Manifest) -> dict[str, str]:
    """Return the verbs of each resource, which is in one rule alone, or in one for each name."""
    found: dict[str, list[str]] = {}
    for rule in role["rules"]:
        of = "".join(f" of `{name}`" for name in rule.get("resourceNames", []))
        for resource in rule["resources"]:
            told = found.setdefault(".".join(filter(None, [resource, rule["apiGroups"][0]])), [])
            assert of or not told
            told.append(", ".join(rule["verbs"]) + of)
    return {resource: "; ".join(told) for resource, told in found.items()}


def test_the_documentation_has_the_rights_of_each_playbook(granted: dict[str, dict[str, Manifest]]) -> None:
    columns = [verbs(granted[playbook]["Role"]) for playbook in PLAYBOOKS]
    rows = [["resource", *(f"`{playbook}`" for playbook in PLAYBOOKS)], ["---"] * (len(PLAYBOOKS) + 1)]
    for resource in sorted({resource for column in columns for resource in column}):
        rows.append([f"`{resource}`", *(column.get(resource, "") for column in columns)])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    assert table in (CHECKOUT / "docs" / "permissions.md").read_text(), f"docs/permissions.md has to have:\n{table}"


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_takes_nothing_of_the_whole_cluster(granted: dict[str, dict[str, Manifest]], playbook: str) -> None:
    assert granted[playbook].keys() == {"Role", "RoleBinding", "ServiceAccount"}


def test_what_binds_names_what_is_bound(granted: dict[str, dict[str, Manifest]]) -> None:
    account, binding = granted["deploy"]["ServiceAccount"], granted["deploy"]["RoleBinding"]
    assert binding["roleRef"]["name"] == granted["deploy"]["Role"]["metadata"]["name"]
    metadata = account["metadata"]
    subject = {"kind": "ServiceAccount", "name": metadata["name"], "namespace": metadata["namespace"]}
    assert binding["subjects"] == [subject]


def test_rights_for_the_whole_cluster_are_few_and_asked_for(granted: dict[str, dict[str, Manifest]]) -> None:
    everything = granted["everything"]
    assert everything.keys() == {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
    assert verbs(everything["ClusterRole"]) == {
        "nodes": "list",
        "persistentvolumes": "get, list, create, patch, delete",
        "pods": "list",
        "storageclasses.storage.k8s.io": "list",
    }
    binding = everything["ClusterRoleBinding"]
    assert binding["roleRef"]["name"] == everything["ClusterRole"]["metadata"]["name"]
    wanted = RELEASES["everything"]["airflow_grant_subjects"]
    assert binding["subjects"] == everything["RoleBinding"]["subjects"] == wanted


def test_what_is_asked_for_takes_more_of_the_namespace(granted: dict[str, dict[str, Manifest]]) -> None:
    role = verbs(granted["everything"]["Role"])
    assert role["cronjobs.batch"] == "get, list, create, patch, delete"
    assert role["pods"] == "get, list, watch, create, patch, delete"
    assert "delete" in role["secrets"]


def test_objects_of_the_users_own_take_rights_for_exactly_their_kinds(granted: dict[str, dict[str, Manifest]]) -> None:
    plain, extra = verbs(granted["deploy"]["Role"]), granted["extra_deploy"]
    added = {resource: told for resource, told in verbs(extra["Role"]).items() if plain.get(resource) != told}
    all_verbs = "get, create, patch, delete"
    assert added == {"gateways.example.com": all_verbs, "policies.example.com": all_verbs}
    assert verbs(extra["Role in monitoring"]) == {"aliases.example.com": all_verbs, "secrets": "get, create, patch"}
    assert verbs(extra["ClusterRole"]) == {"priorityclasses.scheduling.k8s.io": all_verbs}
    binding = extra["RoleBinding in monitoring"]
    assert binding["roleRef"]["name"] == extra["Role in monitoring"]["metadata"]["name"]
    assert binding["subjects"] == extra["RoleBinding"]["subjects"]


def test_to_destroy_them_takes_the_same_kinds_and_to_look_none(granted: dict[str, dict[str, Manifest]]) -> None:
    extra = granted["extra_destroy"]
    assert verbs(extra["Role"])["gateways.example.com"] == "get, delete"
    assert verbs(extra["Role in monitoring"]) == {"aliases.example.com": "get, delete", "secrets": "get, delete"}
    assert verbs(extra["ClusterRole"]) == {"priorityclasses.scheduling.k8s.io": "get, delete"}
    assert granted["extra_status"].keys() == {"Role", "RoleBinding", "ServiceAccount"}
    assert verbs(granted["extra_status"]["Role"]) == verbs(granted["status"]["Role"])


def test_a_route_takes_rights_for_routes_and_their_hosts_alone(granted: dict[str, dict[str, Manifest]]) -> None:
    wanted = {
        "deploy": {
            "routes.route.openshift.io": "get, list, watch, create, patch, delete",
            "routes/custom-host.route.openshift.io": "create, update",
        },
        "status": {"routes.route.openshift.io": "list"},
        "destroy": {"routes.route.openshift.io": "get, delete"},
        "diagnose": {},
    }
    for playbook, added in wanted.items():
        assert granted[f"routes_{playbook}"].keys() == {"Role", "RoleBinding", "ServiceAccount"}
        assert verbs(granted[f"routes_{playbook}"]["Role"]) == verbs(granted[playbook]["Role"]) | added


def test_external_secrets_take_rights_for_these_alone(granted: dict[str, dict[str, Manifest]]) -> None:
    wanted = {"deploy": "get, list, watch, create, patch, delete", "status": "list", "destroy": "get, delete"}
    for playbook in (*wanted, "diagnose"):
        added = {"externalsecrets.external-secrets.io": wanted[playbook]} if playbook in wanted else {}
        assert verbs(granted[f"external_{playbook}"]["Role"]) == verbs(granted[playbook]["Role"]) | added


def test_rights_can_be_taken_back(granted: dict[str, dict[str, Manifest]]) -> None:
    assert granted["nothing"] == {}


def test_what_is_no_playbook_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RELEASES, "wrong", {"airflow_grant_playbooks": ["deploy", "dance"]})
    refusal = r"airflow_grant_playbooks must be one or more of: deploy, .* Got no match for: dance"
    with pytest.raises(AssertionError, match=refusal):
        grant(tmp_path)


def test_who_gives_the_scheduler_its_rights_has_them(granted: dict[str, dict[str, Manifest]]) -> None:
    """https://kubernetes.io/docs/reference/access-authn-authz/rbac/#restrictions-on-role-creation-or-update."""
    found = verbs(granted["task_pods_deploy"]["Role"])
    assert found["pods"] == "get, list, watch, create, patch, delete"
    assert found["pods/exec"] == "get, create"
    assert found["roles.rbac.authorization.k8s.io"] == "get, create, patch, delete"
    assert found["rolebindings.rbac.authorization.k8s.io"] == "get, create, patch, delete"


def test_who_destroys_may_delete_pods_of_tasks_and_the_schedulers_rights(
    granted: dict[str, dict[str, Manifest]],
) -> None:
    found = verbs(granted["task_pods_destroy"]["Role"])
    assert found["pods"] == "list, delete"
    assert found["roles.rbac.authorization.k8s.io"] == "get, delete"
