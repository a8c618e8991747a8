# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is stopped, in which order, and how it is started again."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.change_version import stopping
from ansible_collections.airflow.kubernetes.plugins.module_utils.change_version.stopping import Workloads
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure

LABELS = {"airflow.kubernetes/release": "airflow"}
MASTER = ("api-server", "scheduler", "dag-processor", "triggerer")


def workload(cluster: Any, component: str, *containers: str, kind: str = "Deployment", **labels: str) -> None:
    """Put a workload there that this collection has applied, and a pod of it."""
    spec = {
        "replicas": 2,
        "template": {"spec": {"containers": [{"name": name, "image": "a"} for name in containers]}},
    }
    fields = {
        "f:spec": {
            "f:replicas": {},
            "f:template": {
                "f:spec": {
                    "f:containers": {
                        f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}, "f:image": {}} for name in containers
                    }
                }
            },
        }
    }
    entry = {
        "manager": "airflow.kubernetes",
        "operation": "Apply",
        "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    known = {**LABELS, "app.kubernetes.io/component": component, **labels}
    cluster.add(
        kind,
        f"airflow-{component}",
        metadata={"labels": known, "managedFields": [entry], "creationTimestamp": "2026-01-01T00:00:00Z"},
        spec=spec,
    )


@pytest.fixture
def workloads(cluster: Any) -> Workloads:
    """Workloads whose pods end with their last replica, a second later."""

    def sleep(_seconds: float) -> None:
        for key in [key for key in cluster.objects if key[0] == "Pod"]:
            del cluster.objects[key]

    return Workloads(cluster, "airflow", "airflow", cluster.log.append, clock=lambda: 0.0, sleep=sleep)


def replicas(cluster: Any, kind: str = "Deployment") -> dict[str, int]:
    return {name: cluster.objects[kind, "airflow", name]["spec"]["replicas"] for name in cluster.names(kind)}


def containers(cluster: Any) -> list[str]:
    spec = cluster.objects["Deployment", "airflow", "airflow-master"]["spec"]
    return [each["name"] for each in spec["template"]["spec"]["containers"]]


def pod(cluster: Any, name: str, *containers: str) -> None:
    cluster.add("Pod", name, metadata={"labels": LABELS}, spec={"containers": [{"name": each} for each in containers]})


def test_what_ends_on_another_schema_is_stopped_and_nothing_else(cluster: Any, workloads: Workloads) -> None:
    for component in ("scheduler", "dag-processor", "api-server"):
        workload(cluster, component, component)
    workload(cluster, "triggerer", "triggerer", kind="StatefulSet")
    workload(cluster, "worker", "worker", kind="StatefulSet")
    before = workloads.replicas()
    workloads.stop_scheduling()
    assert replicas(cluster) == {"airflow-api-server": 2, "airflow-dag-processor": 0, "airflow-scheduler": 0}
    assert replicas(cluster, "StatefulSet") == {"airflow-triggerer": 0, "airflow-worker": 2}
    workloads.start_scheduling(before)
    assert {*replicas(cluster).values(), *replicas(cluster, "StatefulSet").values()} == {2}


def test_the_master_keeps_its_api_server(cluster: Any, workloads: Workloads) -> None:
    workload(cluster, "master", *MASTER)
    template = {"spec": {"containers": [{"name": name} for name in MASTER]}}
    owner = [{"controller": True, "name": "airflow-master"}]
    metadata = {"labels": LABELS, "ownerReferences": owner, "creationTimestamp": "2026-01-01T00:00:00Z"}
    cluster.add("ReplicaSet", "airflow-master-1", metadata=metadata, spec={"template": template})
    workloads.stop_scheduling()
    assert (containers(cluster), replicas(cluster)) == (["api-server"], {"airflow-master": 2})
    writes = len(cluster.writes)
    # Once more, as the next run does, it has nothing to take away.
    workloads.stop_scheduling()
    assert len(cluster.writes) == writes
    workloads.start_scheduling({})
    assert tuple(containers(cluster)) == MASTER


def test_the_next_apply_finds_no_other_manager(cluster: Any, workloads: Workloads) -> None:
    workload(cluster, "scheduler", "scheduler")
    workloads.stop_scheduling()
    assert "apply Deployment/airflow-scheduler" in cluster.log
    assert not [line for line in cluster.log if line.startswith("patch")]


def test_all_is_stopped_and_workers_before_the_api_server(cluster: Any, workloads: Workloads) -> None:
    for component in ("scheduler", "api-server", "flower"):
        workload(cluster, component, component)
    workload(cluster, "worker", "worker", kind="StatefulSet")
    workload(cluster, "postgresql", "postgresql", kind="StatefulSet")
    workloads.stop_all()
    assert cluster.log == [
        "apply Deployment/airflow-scheduler",
        "apply StatefulSet/airflow-worker",
        "apply Deployment/airflow-api-server",
        "apply Deployment/airflow-flower",
    ]


@pytest.mark.parametrize(("version", "left"), [("3.1.0", 0), ("3.3.2", 2)])
def test_a_master_of_another_version_is_stopped(cluster: Any, workloads: Workloads, version: str, left: int) -> None:
    workload(cluster, "master", *MASTER, **{"app.kubernetes.io/version": version})
    workloads.stop_master("3.3.2")
    assert replicas(cluster) == {"airflow-master": left}


def test_a_pod_that_does_not_end_is_named(cluster: Any) -> None:
    now = iter(range(0, 10_000, 50))
    pod(cluster, "airflow-scheduler-1", "scheduler")
    pod(cluster, "airflow-worker-0", "worker")
    waiting = Workloads(
        cluster, "airflow", "airflow", cluster.log.append, clock=lambda: next(now), sleep=lambda _s: None
    )
    with pytest.raises(Failure, match="have not ended: airflow-scheduler-1"):
        waiting.stop_scheduling()


def test_what_somebody_else_has_applied_is_left_alone(cluster: Any, workloads: Workloads) -> None:
    workload(cluster, "scheduler", "scheduler")
    cluster.objects["Deployment", "airflow", "airflow-scheduler"]["metadata"]["managedFields"] = []
    with pytest.raises(Failure, match="has not applied it"):
        workloads.stop_scheduling()


def test_the_newest_replica_set_with_all_containers_tells_them() -> None:
    def replica_set(created: str, *names: str) -> dict[str, Any]:
        template = {"spec": {"containers": [{"name": name} for name in names]}}
        return {"metadata": {"creationTimestamp": created}, "spec": {"template": template}}

    sets = [
        replica_set("2026-01-01T00:00:00Z", "old", *MASTER),
        replica_set("2026-01-02T00:00:00Z", *MASTER),
        replica_set("2026-01-03T00:00:00Z", "api-server"),
    ]
    assert [each["name"] for each in stopping.containers_before(sets)] == [*MASTER]
    assert stopping.containers_before(sets[2:]) == []
