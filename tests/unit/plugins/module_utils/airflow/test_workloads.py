# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scaling, restarting and stopping the workloads of a release, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow import restart, scale, stop, workloads
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.drain import Drained
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.workers import Selection, Worker
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.workloads import Workload, Workloads
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RELEASE_LABEL = "airflow.kubernetes/release"


def workload(part: str, replicas: int = 1, kind: str = "Deployment", **more: Any) -> Workload:
    return Workload(kind, f"airflow-{part}", part, replicas, **more)


def workers(part: str = "worker", replicas: int = 3, **more: Any) -> Workload:
    return workload(part, replicas, "StatefulSet", is_worker=True, **more)


SEPARATED = workloads.in_order(
    [
        workers(),
        workers("big", 1),
        *map(workload, ("scheduler", "api-server", "dag-processor", "flower", "pgbouncer")),
        *(workload(part, kind="StatefulSet") for part in ("triggerer", "redis", "postgresql")),
    ]
)
MASTER = [workload("master"), workers(), workload("redis", kind="StatefulSet"), workload("mysql", kind="StatefulSet")]


class Release:
    """Stands in for the workloads of a release: notes in which order what is done."""

    def __init__(self, there: Sequence[Workload]) -> None:
        self.there = list(there)
        self.done: list[str] = []
        self.said: list[str] = []
        self.drain_fails = False

    def all(self) -> list[Workload]:
        return self.there

    def scale(self, changed: Workload, wanted: int, manager: str) -> None:
        self.done.append(f"{manager.rpartition('/')[2]} {changed.part} {wanted}")

    def restart(self, changed: Workload) -> None:
        self.done.append(f"restart {changed.part}")

    def replace_pod(self, pod: str) -> None:
        self.done.append(f"replace {pod}")

    def wait_ready(self, awaited: Sequence[Workload]) -> None:
        self.done += [f"ready {each.part}" for each in awaited]

    def wait_ended(self, awaited: Sequence[Workload]) -> None:
        self.done += [f"ended {each.part}" for each in awaited]

    def wait_for_tasks(self, label: str, timeout: float) -> list[str]:
        self.done.append("task pods")
        return []

    def drain(self, _client: Any, _task: Any, _lease: Any, selection: Selection, timeout: float) -> Drained:
        assert timeout == 60
        chosen = {**(selection.replicas or {})} or list(selection.pods)
        self.done.append(f"drain {chosen}")
        if self.drain_fails:
            raise Failure("tasks still run")
        return Drained(["airflow-worker-1"], [{"task": "a.b"}], 3.0, changed=True)


@pytest.fixture
def play(cluster: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a module against a release that notes what is done with it."""

    def play(module: Any, release: Release, check_mode: bool = False, **options: Any) -> Any:
        monkeypatch.setattr(module, "Client", lambda params, *rest: cluster)
        monkeypatch.setattr(module, "Workloads", lambda *_rest: release)
        monkeypatch.setattr(module, "drain_workers", release.drain)
        if module is restart:
            pods = [Worker(f"airflow-worker-{number}", "worker", "airflow-worker") for number in range(2)]
            monkeypatch.setattr(module, "PodsOfRelease", lambda *_rest: SimpleNamespace(list=lambda: pods))
        params = {**connection, "release": "airflow", "namespace": "airflow", "drain_timeout": 60, **options}
        return module.run(Task(params, check_mode, say=release.said.append))

    return play


class TestScale:
    def test_workers_that_go_are_drained_before(self, play: Any) -> None:
        release = Release(SEPARATED)
        result = play(scale, release, replicas={"worker": "1", "api-server": 2, "big": 1})
        assert release.done == [
            "drain {'airflow-worker': 1}",
            "scale api-server 2",
            "scale worker 1",
            "ended worker",
            "ready api-server",
            "ready worker",
        ]
        assert result["workloads"] == [
            {"workload": "Deployment/airflow-api-server", "before": 1, "after": 2},
            {"workload": "StatefulSet/airflow-worker", "before": 3, "after": 1},
        ]
        assert (result["changed"], result["tasks"]) == (True, [{"task": "a.b"}])
        assert "The next deploy sets the replicas of the inventory again" in release.said[-1]

    def test_what_grows_drains_nothing(self, play: Any) -> None:
        release = Release(SEPARATED)
        play(scale, release, replicas={"worker": 5})
        assert release.done == ["scale worker 5", "ready worker"]

    def test_what_is_so_already_changes_nothing(self, play: Any) -> None:
        release = Release(SEPARATED)
        assert not play(scale, release, replicas={"worker": 3})["changed"]
        assert release.said == []

    def test_check_mode_tells_and_does_nothing(self, play: Any) -> None:
        release = Release(SEPARATED)
        assert play(scale, release, check_mode=True, replicas={"worker": 0})["changed"]
        assert release.done == []

    def test_what_is_not_drained_is_not_scaled(self, play: Any) -> None:
        release = Release(SEPARATED)
        release.drain_fails = True
        with pytest.raises(Failure):
            play(scale, release, replicas={"worker": 1, "api-server": 2})
        assert release.done == ["drain {'airflow-worker': 1}"]

    @pytest.mark.parametrize(
        ("replicas", "refusal"),
        [
            ({}, "Nothing says what to scale"),
            ({"worker": -1}, "airflow_scale has worker: -1. Write the number of its pods."),
            ({"worker": True}, "airflow_scale has worker: True"),
            ({"wurker": 1}, "airflow_scale names wurker, which the release does not have. It may name: pgbouncer, "),
            ({"redis": 2}, "airflow_scale names redis, which always has one pod"),
            ({"scheduler": 0}, "airflow_scale has scheduler: 0, without which Airflow does not work"),
        ],
        ids=["nothing", "negative", "boolean", "unknown", "single", "none"],
    )
    def test_bad_input_is_refused(self, play: Any, replicas: Any, refusal: str) -> None:
        release = Release(SEPARATED)
        with pytest.raises(Failure) as caught:
            play(scale, release, replicas=replicas)
        assert refusal in caught.value.message
        assert release.done == []

    def test_what_is_stopped_has_to_be_started_first(self, play: Any) -> None:
        with pytest.raises(Failure, match=r"The release is stopped. Start it first"):
            play(scale, Release([workers(replicas=0, stopped=NOON)]), replicas={"worker": 1})


class TestStop:
    def test_separated_services_stop_in_order(self, play: Any) -> None:
        release = Release(SEPARATED)
        result = play(stop, release)
        assert [line for line in release.done if not line.startswith("ended")] == [
            "stop scheduler 0",
            "task pods",
            "drain {'airflow-big': 0, 'airflow-worker': 0}",
            "stop big 0",
            "stop worker 0",
            "stop triggerer 0",
            "stop dag-processor 0",
            "stop api-server 0",
            "stop flower 0",
            "stop pgbouncer 0",
            "stop redis 0",
            "stop postgresql 0",
        ]
        # Each stage has ended before the next.
        assert release.done.index("ended api-server") < release.done.index("stop pgbouncer 0")
        assert release.done.index("ended redis") < release.done.index("stop postgresql 0")
        assert result["stopped"][0] == "Deployment/airflow-scheduler"
        assert len(result["stopped"]) == len(SEPARATED)

    def test_a_master_stops_after_the_workers_that_need_its_api_server(self, play: Any) -> None:
        release = Release(MASTER)
        play(stop, release)
        assert [line for line in release.done if not line.startswith("ended")] == [
            "task pods",
            "drain {'airflow-worker': 0}",
            "stop worker 0",
            "stop master 0",
            "stop redis 0",
            "stop mysql 0",
        ]

    def test_tasks_that_do_not_end_have_the_scheduler_go_on(self, play: Any) -> None:
        release = Release(SEPARATED)
        release.drain_fails = True
        with pytest.raises(Failure, match="tasks still run"):
            play(stop, release)
        assert [line for line in release.done if line.startswith("stop")] == ["stop scheduler 0", "stop scheduler 1"]

    def test_what_was_interrupted_goes_on(self, play: Any) -> None:
        stopped = [workload(each.part, 0, each.kind, is_worker=each.is_worker, stopped=NOON) for each in SEPARATED[4:]]
        release = Release([*SEPARATED[:4], *stopped])
        result = play(stop, release)
        assert result["stopped"] == [str(each) for each in stop_order(SEPARATED[:4])]
        assert not any(line.startswith("drain") for line in release.done)

    def test_what_is_stopped_changes_nothing(self, play: Any) -> None:
        assert not play(stop, Release([workload("scheduler", 0, stopped=NOON)]))["changed"]

    def test_check_mode_tells_and_does_nothing(self, play: Any) -> None:
        release = Release(SEPARATED)
        assert play(stop, release, check_mode=True)["changed"]
        assert release.done == []


def stop_order(chosen: Sequence[Workload]) -> list[Workload]:
    return [each for stage in stop.stages_of(chosen) for each in stage]


class TestRestart:
    def test_named_ones_are_replaced_in_order_and_workers_drained_one_by_one(self, play: Any) -> None:
        release = Release(SEPARATED)
        result = play(restart, release, components=["worker", "api-server"])
        assert release.done == [
            "restart api-server",
            "ready api-server",
            "drain ['airflow-worker-1']",
            "replace airflow-worker-1",
            "ready worker",
            "drain ['airflow-worker-0']",
            "replace airflow-worker-0",
            "ready worker",
        ]
        assert result["restarted"] == ["Deployment/airflow-api-server", "StatefulSet/airflow-worker"]
        assert len(result["tasks"]) == 2

    def test_by_default_what_all_depend_on_is_left_alone_and_workers_are_last(self) -> None:
        parts = [each.part for each in restart.choose(SEPARATED, [])]
        assert parts == ["api-server", "scheduler", "dag-processor", "triggerer", "flower", "big", "worker"]
        assert [each.part for each in restart.choose(SEPARATED, ["redis"])] == ["redis"]

    def test_worker_means_all_groups_where_none_is_called_so(self) -> None:
        groups = [workers("big"), workers("small", 0), workers("tiny"), workload("scheduler")]
        assert [each.part for each in restart.choose(groups, ["worker"])] == ["big", "tiny"]

    def test_bad_input_is_refused(self) -> None:
        with pytest.raises(Failure, match=r"airflow_restart names webserver, .* It may name: postgresql, "):
            restart.choose(SEPARATED, ["webserver"])
        with pytest.raises(Failure, match="The release is stopped"):
            restart.choose([workload("scheduler", 0, stopped=NOON)], [])

    def test_check_mode_does_nothing(self, play: Any) -> None:
        release = Release(SEPARATED)
        assert play(restart, release, check_mode=True, components=[])["changed"]
        assert release.done == []


class Requests:
    """Stands in for the client: lists what there is, and notes what is changed."""

    where = "context test"

    def __init__(self) -> None:
        self.items: dict[str, list[list[Any]]] = {}
        self.sent: list[tuple[str, str, Any, Any]] = []
        self.deleted: list[str] = []

    def list(self, _api: str, kind: str, _namespace: str, selector: str) -> dict[str, Any]:
        assert selector.startswith(f"{RELEASE_LABEL}=airflow")
        answers = self.items.get(kind) or [[]]
        return {"items": answers.pop(0) if len(answers) > 1 else answers[0]}

    def get(self, _api: str, kind: str, name: str, _namespace: str) -> Any:
        return next((obj for obj in self.list("", kind, "", f"{RELEASE_LABEL}=airflow")["items"]), None)

    def request(self, method: str, path: str, body: Any, content_type: str, field_manager: str) -> None:
        assert content_type == "application/merge-patch+json"
        self.sent.append((method, path, body, field_manager))

    def delete(self, _api: str, kind: str, name: str, _namespace: str) -> None:
        self.deleted.append(f"{kind}/{name}")

    def now(self) -> datetime:
        return NOON


def pod(name: str, owner: str = "StatefulSet/airflow-worker", uid: str = "1", phase: str = "Running") -> Any:
    kind, _slash, owner_name = owner.partition("/")
    return {
        "metadata": {
            "name": name,
            "uid": uid,
            "ownerReferences": [{"controller": True, "kind": kind, "name": owner_name}],
        },
        "spec": {"terminationGracePeriodSeconds": 0},
        "status": {"phase": phase},
    }


class TestWorkloads:
    @pytest.fixture
    def client(self) -> Requests:
        return Requests()

    @pytest.fixture
    def release(self, client: Requests) -> Workloads:
        params = {"namespace": "airflow", "release": "airflow"}
        return Workloads(client, params, lambda _line: None, sleep=lambda _seconds: None)  # type: ignore[arg-type]

    def test_a_release_tells_its_workloads_and_since_when_they_are_stopped(
        self, client: Requests, release: Workloads
    ) -> None:
        replicas = {"f:spec": {"f:replicas": {}}}
        managed = [{"manager": "airflow.kubernetes/stop", "fieldsV1": replicas, "time": "2026-01-01T12:00:00Z"}]
        template = {"metadata": {"labels": {"airflow.kubernetes/worker": "true"}}}
        client.items["StatefulSet"] = [
            [
                {
                    "metadata": {"name": "airflow-worker", "managedFields": managed},
                    "spec": {"replicas": 0, "template": template},
                },
                {"metadata": {"name": "mine", "labels": {"airflow.kubernetes/set": "extra_objects"}}, "spec": {}},
            ]
        ]
        client.items["Deployment"] = [[{"metadata": {"name": "airflow-flower"}, "spec": {"replicas": 2}}]]
        flower, worker = release.all()
        assert flower == workload("flower", 2)
        assert worker == workers(replicas=0, stopped=NOON)

    def test_one_without_any_is_not_deployed(self, release: Workloads) -> None:
        with pytest.raises(Failure, match=r"has no workloads .context test.. Deploy it first"):
            release.all()

    def test_the_replicas_alone_are_changed(self, client: Requests, release: Workloads) -> None:
        release.scale(workers(), 1, "someone")
        path = "/apis/apps/v1/namespaces/airflow/statefulsets/airflow-worker"
        assert client.sent == [("patch", path, {"spec": {"replicas": 1}}, "someone")]

    def test_a_restart_is_that_of_kubectl(self, client: Requests, release: Workloads) -> None:
        release.restart(workload("api-server"))
        ((_method, path, body, _manager),) = client.sent
        assert path.endswith("/deployments/airflow-api-server")
        annotations = body["spec"]["template"]["metadata"]["annotations"]
        assert annotations == {"kubectl.kubernetes.io/restartedAt": "2026-01-01T12:00:00+00:00"}

    def test_pods_that_are_too_many_are_waited_for(self, client: Requests, release: Workloads) -> None:
        many, other = [pod("airflow-worker-0"), pod("airflow-worker-1")], pod("x", "ReplicaSet/airflow-flower-5d8f")
        client.items["Pod"] = [[*many, other], [*many, other], [many[0], other]]
        release.wait_ended([workers(replicas=1)])
        assert len(client.items["Pod"]) == 1

    def test_pods_of_a_deployment_are_known_by_their_replica_set(self, client: Requests, release: Workloads) -> None:
        client.items["Pod"] = [
            [pod("x", "ReplicaSet/airflow-flower-5d8f")],
            [pod("x", "ReplicaSet/airflow-flower-5")],
            [],
        ]
        release.wait_ended([workload("flower", 0)])
        assert client.items["Pod"] == [[]]

    def test_pods_that_do_not_end_are_named(
        self, client: Requests, release: Workloads, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client.items["Pod"] = [[pod("airflow-worker-0")]]
        monkeypatch.setattr(workloads, "END_SECONDS", 0)
        with pytest.raises(Failure, match="these pods of airflow in airflow have not ended: airflow-worker-0"):
            release.wait_ended([workers(replicas=0)])

    def test_a_pod_is_replaced_when_another_has_its_name(self, client: Requests, release: Workloads) -> None:
        old, new = pod("airflow-worker-0"), pod("airflow-worker-0", uid="2")
        client.items["Pod"] = [[old], [old], [], [new]]
        release.replace_pod("airflow-worker-0")
        assert client.deleted == ["Pod/airflow-worker-0"]
        assert client.items["Pod"] == [[new]]

    def test_one_that_is_gone_need_not_be_deleted(self, client: Requests, release: Workloads) -> None:
        release.replace_pod("airflow-worker-0")
        assert client.deleted == []

    def test_pods_of_tasks_are_waited_for(self, client: Requests, release: Workloads) -> None:
        client.items["Pod"] = [[pod("a-b")], [pod("a-b", phase="Succeeded")]]
        assert release.wait_for_tasks("l=true", 60) == ["a-b"]
        client.items["Pod"] = [[pod("a-b")]]
        with pytest.raises(Failure, match="After 0 s these pods still run a task: a-b"):
            release.wait_for_tasks("l=true", 0)
