# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody has to be allowed to do."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow import (
    drain,
    restart,
    run_dag,
    scale,
    stop,
    sync_dags,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import destroy
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.diagnosis import diagnose
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.permissions import (
    Right,
    allows,
    missing,
    permissions_for,
    require,
    resource_of,
    rules_of,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness import status

WANTED = [
    {"group": "", "resources": ["pods", "secrets"], "verbs": ["get", "create"]},
    {"group": "apps", "resources": ["deployments"], "verbs": ["patch"]},
]


class TestMissing:
    def test_nothing(self, cluster: Any) -> None:
        assert missing(cluster, "airflow", WANTED) == []
        require(cluster, {"namespace": "airflow", "permissions": WANTED})

    def test_each_verb_is_named_with_its_resource(self, cluster: Any) -> None:
        cluster.rights = lambda verb, resource: (verb, resource) not in {("create", "pods"), ("patch", "deployments")}
        told = [
            "No permission to create pods in the namespace airflow (context test). "
            "Grant it (playbooks/grant.yml), or connect as somebody who has it.",
            "No permission to patch deployments.apps in the namespace airflow (context test). "
            "Grant it (playbooks/grant.yml), or connect as somebody who has it.",
        ]
        assert missing(cluster, "airflow", WANTED) == told
        with pytest.raises(Failure) as failure:
            require(cluster, {"namespace": "airflow", "permissions": WANTED})
        assert failure.value.message.splitlines() == told

    def test_in_another_namespace_is_asked_for_there(self, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = []
        request = cluster.request

        def note(method: str, path: str, body: Any = None, **params: Any) -> Any:
            asked.append(body["spec"].get("resourceAttributes", {}).get("namespace"))
            return request(method, path, body, **params)

        monkeypatch.setattr(cluster, "request", note)
        elsewhere = {"resources": ["pods"], "verbs": ["get"], "namespace": "monitoring"}
        assert missing(cluster, "airflow", [elsewhere]) == []
        assert asked == [None, "monitoring"]
        cluster.rights = lambda verb, resource: False
        (told,) = missing(cluster, "airflow", [elsewhere])
        assert told.startswith("No permission to get pods in the namespace monitoring")

    def test_what_is_wanted_twice_is_told_once(self, cluster: Any) -> None:
        cluster.rights = lambda verb, resource: False
        assert len(missing(cluster, "airflow", [*WANTED, *WANTED])) == 5

    def test_a_list_of_rules_that_is_incomplete_is_not_believed(self, cluster: Any) -> None:
        cluster.review_fails = True
        assert missing(cluster, "airflow", WANTED) == []

    def test_a_subresource_is_asked_for_as_one(self, cluster: Any) -> None:
        cluster.review_fails = True
        cluster.rights = lambda verb, resource: resource == "pods/log"
        assert missing(cluster, "airflow", [{"resources": ["pods/log"], "verbs": ["get"]}]) == []
        assert missing(cluster, "airflow", [{"resources": ["pods"], "verbs": ["get"]}])

    def test_one_object_is_asked_for_by_its_name(self, cluster: Any) -> None:
        cluster.review_fails = True
        cluster.rights = lambda verb, resource: resource == "secrets airflow-admin"
        need = {"resources": ["secrets"], "verbs": ["get"], "names": ["airflow-admin"]}
        assert missing(cluster, "airflow", [need]) == []
        cluster.rights = lambda verb, resource: False
        assert missing(cluster, "airflow", [need])[0].startswith("No permission to get secrets airflow-admin in the")

    def test_what_lives_in_no_namespace_is_asked_for_as_that(self, cluster: Any) -> None:
        need = {"resources": ["persistentvolumes"], "verbs": ["create"], "cluster": True, "fallback": "have it made"}
        assert missing(cluster, "airflow", [need]) == []
        cluster.rights = lambda verb, resource: resource != "persistentvolumes (cluster)"
        assert missing(cluster, "airflow", [need]) == [
            "No permission to create persistentvolumes in the whole cluster (context test). "
            "Grant it (playbooks/grant.yml), or have it made."
        ]


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, True),
        ({"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments"]}, True),
        ({"verbs": ["list"], "apiGroups": ["apps"], "resources": ["deployments"]}, False),
        ({"verbs": ["get"], "apiGroups": [""], "resources": ["deployments"]}, False),
        ({"verbs": ["get"], "apiGroups": ["apps"], "resources": ["pods"]}, False),
        ({"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["x"]}, False),
        ({"verbs": ["get"]}, False),
    ],
)
def test_a_rule(rule: dict[str, Any], allowed: bool) -> None:
    assert allows([rule], Right("get", "apps", "deployments")) is allowed


def test_a_rule_for_one_name_allows_that_one() -> None:
    rule = {"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["x"]}
    assert allows([rule], Right("get", "apps", "deployments", "x"))
    assert not allows([rule], Right("get", "apps", "deployments", "y"))


class TestRules:
    def test_each_resource_is_in_one_rule(self) -> None:
        permissions = [
            {"resources": ["pods"], "verbs": ["watch", "list"]},
            {"resources": ["pods", "services"], "verbs": ["list", "get"]},
            {"group": "apps", "resources": ["deployments"], "verbs": ["patch", "get"]},
            {"resources": ["events"], "verbs": ["get", "list", "watch"]},
        ]
        assert rules_of(permissions) == [
            {"apiGroups": [""], "resources": ["events", "pods"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list"]},
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]},
        ]

    def test_one_object_takes_a_rule_unless_all_are_allowed(self) -> None:
        named = {"resources": ["secrets"], "verbs": ["get"], "names": ["airflow-admin"]}
        assert rules_of([named]) == [
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["airflow-admin"]}
        ]
        assert rules_of([named, {"resources": ["secrets"], "verbs": ["list", "get"]}]) == [
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}
        ]

    def test_nothing_takes_none(self) -> None:
        assert rules_of([]) == []


@pytest.mark.parametrize("module", [destroy, drain, restart, run_dag, scale, status, stop, sync_dags])
def test_a_module_says_what_is_missing_before_it_asks_for_more(
    module: Any, cluster: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "dag.py").touch()
    monkeypatch.setattr(module, "Client", lambda params, *rest: cluster)
    cluster.rights = lambda verb, resource: False
    defaults = {name: option.get("default") for name, option in module.OPTIONS.items()}
    given = {"release": "airflow", "namespace": "airflow", "permissions": WANTED, "src": str(tmp_path), "dag_id": "a"}
    given["replicas"] = {"airflow-worker": 1}
    with pytest.raises(Failure, match="No permission to get pods in the namespace airflow"):
        module.run(Task({**defaults, **connection, **given}))
    assert cluster.log == []


def test_a_diagnosis_says_what_is_missing_and_is_written(
    cluster: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(diagnose, "Client", lambda params, *rest: cluster)
    cluster.rights = lambda verb, resource: resource != "secrets"
    defaults = {name: option.get("default") for name, option in diagnose.OPTIONS.items()}
    given = {"release": "airflow", "namespace": "airflow", "permissions": WANTED, "directory": str(tmp_path)}
    result = diagnose.run(Task({**defaults, **connection, **given}))
    assert [line.partition(" (")[0] for line in result["warnings"]] == [
        "No permission to get secrets in the namespace airflow",
        "No permission to create secrets in the namespace airflow",
    ]
    assert result["path"]


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("ConfigMap", "configmaps"),
        ("NetworkPolicy", "networkpolicies"),
        ("Ingress", "ingresses"),
        ("Endpoints", "endpoints"),
        ("Gateway", "gateways"),
        ("Prometheus", "prometheuses"),
        ("Sandbox", "sandboxes"),
        ("Switch", "switches"),
    ],
)
def test_a_resource_is_named_after_its_kind(kind: str, resource: str) -> None:
    assert resource_of(kind) == resource


def test_the_permissions_for_objects_are_few() -> None:
    def thing(kind: str, namespace: str = "") -> dict[str, Any]:
        return {"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": "a", "namespace": namespace}}

    objects = [thing("Bucket"), thing("Bucket", "airflow"), thing("Bucket", "other"), thing("StorageClass"), {}]
    objects += [{**thing("Bucket"), "metadata": wrong} for wrong in (None, "text")]
    bucket = {"group": "example.com", "resources": ["buckets"], "verbs": ["get", "delete"]}
    assert permissions_for(objects, "airflow", ["get", "delete"]) == [
        bucket,
        {**bucket, "namespace": "other"},
        {**bucket, "resources": ["storageclasses"], "cluster": True},
    ]


@pytest.mark.parametrize(("data", "verbs"), [(False, ["get"]), (True, ["get", "delete"])])
def test_what_holds_data_is_deleted_only_with_it(data: bool, verbs: list[str]) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}
    (permission,) = permissions_for([secret], "airflow", ["get", "delete"], data)
    assert permission["verbs"] == verbs
