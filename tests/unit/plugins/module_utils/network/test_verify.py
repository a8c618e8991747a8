# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a pod reaches tells whether network policies are enforced."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.labels import RELEASE_LABEL
from ansible_collections.airflow.kubernetes.plugins.module_utils.network import verify as network_verify
from ansible_collections.airflow.kubernetes.plugins.module_utils.network.verify import Enforcement
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.context import Limits

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"namespace": "airflow"},
    "spec": {"containers": [{"name": "probe"}]},
}
REDIS, API_SERVER = ["10.0.0.1", 6379], ["10.0.0.2", 8080]


class Program:
    """Stands in for the program in the pod: reaches what the given function says."""

    def __init__(self, answer: Callable[[list[Any]], dict[str, Any]]) -> None:
        self.answer = answer
        self.asked: list[list[Any]] = []
        self.data = b""

    def __call__(self, client: Any, namespace: str, pod: str, container: str, command: list[str]) -> Any:
        self.asked.append(json.loads(command[-1]))
        data = json.dumps(self.answer(self.asked[-1])).encode()
        self.data = b"%08d" % len(data) + data
        return self

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def read(self, size: int) -> bytes:
        taken, self.data = self.data[:size], self.data[size:]
        return taken


@pytest.fixture
def verify(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return what verifies against answers: before the pod has the release's label, and after."""

    def release_pod(name: str, container: str, place: list[Any]) -> None:
        spec = {"containers": [{"name": container, "ports": [{"containerPort": place[1]}]}]}
        status = {"podIP": place[0], "phase": "Running"}
        cluster.add("Pod", name, metadata={"labels": {RELEASE_LABEL: "airflow"}}, spec=spec, status=status)

    release_pod("airflow-redis-0", "redis", REDIS)
    release_pod("airflow-api-server", "api-server", API_SERVER)
    create = cluster.create

    def create_ready(manifest: Any, field_manager: str) -> Any:
        made = create(manifest, field_manager)
        stored = cluster.objects["Pod", "airflow", manifest["metadata"]["name"]]
        stored["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
        stored["metadata"].update(uid="1", creationTimestamp="2026-01-01T12:00:00Z")
        return made

    labels: list[Any] = []

    def request(method: str, path: str, body: Any = None, **_params: Any) -> Any:
        if method == "patch":
            labels.append(body["metadata"]["labels"])
        return {"items": []}

    monkeypatch.setattr(cluster, "create", create_ready)
    monkeypatch.setattr(cluster, "request", request)
    seconds: Iterator[int] = iter(range(10000))

    def verify(before: dict[str, Any], after: dict[str, Any]) -> tuple[Any, Program]:
        program = Program(lambda _places: after if labels else before)
        monkeypatch.setattr(network_verify, "Exec", program)
        enforcement = Enforcement(
            cluster, "airflow", "airflow", POD, Limits(), 600, clock=lambda: next(seconds), sleep=lambda _seconds: None
        )
        return enforcement.verify(), program

    return verify


REFUSED = {"dns": False, "reached": []}
NETWORK_ALONE = {"dns": True, "reached": []}


def test_what_is_enforced_is_refused_and_leaves_no_pod(cluster: Any, verify: Any) -> None:
    result, program = verify(NETWORK_ALONE, REFUSED)
    assert result == {"changed": False, "refused": ["airflow-redis-0:6379"]}
    assert program.asked == [[REDIS], []]
    assert cluster.names("Pod") == ["airflow-api-server", "airflow-redis-0"]


def test_what_is_reached_is_told_and_leaves_no_pod(cluster: Any, verify: Any) -> None:
    with pytest.raises(Failure, match=r"not enforced: a pod that is not of the release reaches airflow-redis-0:6379\."):
        verify({"dns": True, "reached": [REDIS]}, REFUSED)
    assert cluster.names("Pod") == ["airflow-api-server", "airflow-redis-0"]


def test_a_plugin_that_enforces_one_direction_alone_is_told(verify: Any) -> None:
    with pytest.raises(Failure, match="not enforced: a pod of the release reaches what its policies do not let"):
        verify(NETWORK_ALONE, NETWORK_ALONE)


def test_a_pod_without_a_network_proves_nothing(verify: Any) -> None:
    with pytest.raises(Failure, match="cannot be told: the pod to try it in does not reach the cluster's DNS"):
        verify(REFUSED, REFUSED)


def test_a_release_that_is_not_there_proves_nothing(cluster: Any, verify: Any) -> None:
    cluster.objects.clear()
    with pytest.raises(Failure, match="has no running worker, database or broker"):
        verify(NETWORK_ALONE, REFUSED)
