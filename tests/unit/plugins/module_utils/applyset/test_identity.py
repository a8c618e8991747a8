# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The identities of pods in a cloud, and the service accounts that they take."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.identity import Identity, identities
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.pod_extras import Extras, add_extras

ARN = "arn:aws:iam::111122223333:role/airflow"
ROLES = {"api_server": ARN, "triggerer": ARN, "workers": ARN}


def made(identity: Identity, roles: Any = ROLES, groups: Any = ({"name": "worker"},), **accounts: str) -> Any:
    return identities(identity, "airflow", roles, groups, ARN, accounts)


def test_a_container_with_the_shared_role_gets_a_token_and_no_account_of_its_own() -> None:
    found = made(Identity("irsa", region="eu-central-1", expiration=7200))
    fields = found["groups"]["worker"]
    (volume,) = fields["extra_volumes"]
    assert volume["projected"]["sources"] == [
        {"serviceAccountToken": {"audience": "sts.amazonaws.com", "expirationSeconds": 7200, "path": "token"}}
    ]
    env = {variable["name"]: variable["value"] for variable in fields["env"]}
    (mount,) = fields["extra_volume_mounts"]
    assert env["AWS_WEB_IDENTITY_TOKEN_FILE"] == f"{mount['mountPath']}/token"
    assert (env["AWS_ROLE_ARN"], env["AWS_REGION"]) == (ARN, "eu-central-1")
    assert fields["service_account_name"] == "airflow"
    assert found["accounts"] == {"airflow": {}}


def test_another_role_takes_an_account_of_its_own() -> None:
    groups = [{"name": "worker"}, {"name": "big", "identity_role": "other"}]
    found = made(Identity("irsa"), {**ROLES, "api_server": "reader", "airflow_task_pod": "tasks"}, groups)
    assert sorted(found["accounts"]) == ["airflow", "airflow-api-server", "airflow-big", "airflow-task-pod"]
    assert found["pods"]["api_server"]["service_account_name"] == "airflow-api-server"
    assert found["groups"]["big"]["service_account_name"] == "airflow-big"
    assert found["components"] == ["api-server", "task-pod", "triggerer", "worker"]


def test_the_pod_of_the_master_has_one_account() -> None:
    found = made(Identity("gke"), {**ROLES, "master": "m@p.iam.gserviceaccount.com"})
    assert {found["pods"][role]["service_account_name"] for role in ("api_server", "triggerer")} == {"airflow-master"}
    assert found["accounts"]["airflow-master"] == {"iam.gke.io/gcp-service-account": "m@p.iam.gserviceaccount.com"}
    assert "airflow-api-server" not in found["accounts"]


def test_a_pod_that_has_an_account_already_keeps_it() -> None:
    found = made(Identity("gke"), {**ROLES, "scheduler": "s@p.iam.gserviceaccount.com"}, scheduler="airflow-scheduler")
    assert found["pods"]["scheduler"]["service_account_name"] == "airflow-scheduler"
    assert "iam.gke.io/gcp-service-account" in found["accounts"]["airflow-scheduler"]


@pytest.mark.parametrize(
    ("kind", "annotated"),
    [
        ("irsa", {"eks.amazonaws.com/role-arn"}),
        ("azure", {"azure.workload.identity/client-id"}),
        ("eks_pod_identity", set()),
    ],
)
def test_a_webhooks_annotations_are_there_where_they_are_wanted(kind: str, annotated: set[str]) -> None:
    assert made(Identity(kind))["accounts"]["airflow"] == {}
    assert annotated <= made(Identity(kind, annotate=True))["accounts"]["airflow"].keys()


def test_the_store_of_logs_is_tried_once_with_each_account() -> None:
    groups = [{"name": "worker"}, {"name": "big", "identity_role": "other"}]
    found = made(Identity("irsa"), {**ROLES, "api_server": "reader"}, groups)["log_users"]
    assert [(user["account"], user["writes"]) for user in found] == [
        ("airflow", True),
        ("airflow-big", True),
        ("airflow-api-server", False),
    ]
    # Who writes with an account need not try to read with it.
    assert [user["account"] for user in made(Identity("irsa"))["log_users"]] == ["airflow"]


def test_only_the_component_gets_it_and_what_users_set_counts() -> None:
    pod: dict[str, Any] = {
        "kind": "Pod",
        "metadata": {"name": "x"},
        "spec": {
            "serviceAccountName": "airflow",
            "containers": [
                {"name": "triggerer", "env": [{"name": "AWS_REGION", "value": "own"}]},
                {"name": "scheduler", "env": []},
            ],
        },
    }
    identity = made(Identity("irsa", region="eu-central-1"), {**ROLES, "triggerer": "other"})
    spec = add_extras(pod, [[Extras("triggerer", identity["pods"]["triggerer"])]], {})["spec"]
    triggerer, scheduler = spec["containers"]
    values = [variable["value"] for variable in triggerer["env"] if variable["name"] == "AWS_REGION"]
    assert values == ["own"]
    assert "AWS_ROLE_ARN" in {variable["name"] for variable in triggerer["env"]}
    assert scheduler == {"name": "scheduler", "env": []}
    assert spec["serviceAccountName"] == "airflow-triggerer"
