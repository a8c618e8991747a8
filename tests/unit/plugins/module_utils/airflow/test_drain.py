# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Draining workers, in memory and without a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow import drain as airflow_drain
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.drain import Drain
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.workers import (
    Answer,
    RunningTask,
    Selection,
    Worker,
    answer_of,
    worker_of,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.lease import LostError
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DONE = Answer(drained=True)


def worker(number: int, group: str = "worker", **more: Any) -> Worker:
    name = f"airflow-{group}"
    return Worker(f"{name}-{number}", group, name, **{"node": "node-1", "container": f"c{number}", **more})


def busy(*names: str) -> Answer:
    return Answer(tasks={name: RunningTask(name, "run-1", NOON) for name in names})


class Pods:
    """The pods of workers: what each answers, one answer after the other, the last for ever.

    :ivar ran: which program was run in which pod.
    """

    def __init__(self, answers: Mapping[str, Sequence[Answer | Exception]], workers: Sequence[Worker]) -> None:
        self.answers = {pod: list(given) for pod, given in answers.items()}
        self.workers = {each.pod: each for each in workers}
        self.ran: list[tuple[str, str]] = []
        self.time = 0.0
        self.each_time: Callable[[Pods], None] = lambda _pods: None

    def list(self) -> list[Worker]:
        self.each_time(self)
        return [*self.workers.values()]

    def run(self, asked: Worker, action: str, seconds: float) -> Answer:
        self.ran.append((action, asked.pod))
        self.time += seconds
        if action == "resume":
            return Answer()
        given = self.answers[asked.pod]
        answer = given.pop(0) if len(given) > 1 else given[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def mark(self, marked: Worker, container: str | None) -> None:
        if marked.pod in self.workers:
            self.workers[marked.pod] = replace(self.workers[marked.pod], drained=container or "")

    @property
    def drained(self) -> list[str]:
        return [pod for pod, each in self.workers.items() if each.is_drained]

    @property
    def resumed(self) -> list[str]:
        return [pod for action, pod in self.ran if action == "resume"]


class Drains:
    """Drains the pods, and keeps what is said."""

    def __init__(self, pods: Pods, timeout: float = 60) -> None:
        self.said: list[str] = []
        self.kept = 0
        self.pods = pods

        def sleep(seconds: float) -> None:
            pods.time += seconds

        self.drain = Drain(pods, timeout, self.said.append, self.keep, lambda: pods.time, sleep)

    def keep(self) -> None:
        self.kept += 1

    def __call__(self, *workers: Worker) -> airflow_drain.Drained:
        return self.drain.drain(workers or [*self.pods.workers.values()])


class TestDrain:
    def test_it_waits_for_tasks_and_names_them(self) -> None:
        pods = Pods({"airflow-worker-0": [busy("a.b", "a.c"), busy("a.c"), DONE]}, [worker(0)])
        drains = Drains(pods)
        result = drains()
        assert result.changed
        assert result.pods == pods.drained == ["airflow-worker-0"]
        assert [told["task"] for told in result.tasks] == ["a.b", "a.c"]
        assert result.tasks[0] == {
            "task": "a.b",
            "run": "run-1",
            "worker": "airflow-worker-0",
            "since": "2026-01-01T12:00:00Z",
        }
        assert result.seconds == 15
        assert drains.kept == 3
        assert "Worker/airflow-worker-0  pending: 2 tasks: a.b, since 12:00:00 UTC; a.c" in drains.said[0]
        assert drains.said[-1].endswith("Worker/airflow-worker-0  ready: drained")

    def test_one_that_is_done_is_not_asked_again_unless_its_container_is_another(self) -> None:
        pods = Pods(
            {"airflow-worker-0": [DONE], "airflow-worker-1": [busy("a"), busy("a"), DONE]}, [worker(0), worker(1)]
        )
        rounds = []

        def restart(seen: Pods) -> None:
            rounds.append(1)
            if len(rounds) == 3:
                seen.workers["airflow-worker-0"] = worker(0, container="another")

        pods.each_time = restart
        Drains(pods)()
        assert [pod for _action, pod in pods.ran].count("airflow-worker-0") == 2
        assert pods.workers["airflow-worker-0"].drained == "another"

    def test_a_pod_that_ends_meanwhile_is_no_reason_to_wait(self) -> None:
        pods = Pods({"airflow-worker-0": [busy("a"), Answer(error="not found")]}, [worker(0)])
        rounds = []

        def end(seen: Pods) -> None:
            rounds.append(1)
            if len(rounds) == 3:
                seen.workers.clear()

        pods.each_time = end
        drains = Drains(pods)
        drains()
        assert drains.said[-1].endswith("ready: has no running worker")
        assert pods.resumed == []

    def test_one_whose_container_does_not_run_has_nothing(self) -> None:
        pods = Pods({}, [worker(0, container="")])
        assert Drains(pods)().tasks == []
        assert pods.ran == []

    def test_a_drained_one_changes_nothing(self) -> None:
        pods = Pods({"airflow-worker-0": [DONE]}, [worker(0, drained="c0")])
        assert not Drains(pods)().changed

    def test_none_is_nothing_to_do(self) -> None:
        assert Drains(Pods({}, [])).drain.drain([]).changed is False

    def test_what_does_not_end_is_named_and_all_take_tasks_again(self) -> None:
        pods = Pods({"airflow-worker-0": [DONE], "airflow-worker-1": [busy("a.b[3]")]}, [worker(0), worker(1)])
        with pytest.raises(Failure) as caught:
            Drains(pods, timeout=12)()
        message = caught.value.message
        assert "After 12 s these workers still have tasks:\n  airflow-worker-1: a.b[3], since 12:00:00 UTC" in message
        assert "airflow_drain_timeout" in message
        assert "airflow-worker-0:" not in message
        assert pods.resumed == ["airflow-worker-0", "airflow-worker-1"]
        assert pods.drained == []

    def test_who_was_drained_before_stays_so_when_another_takes_too_long(self) -> None:
        pods = Pods({"airflow-worker-0": [DONE], "airflow-worker-1": [busy("a")]}, [worker(0, drained="c0"), worker(1)])
        with pytest.raises(Failure):
            Drains(pods, timeout=5)()
        assert pods.resumed == ["airflow-worker-1"]
        assert pods.drained == ["airflow-worker-0"]

    def test_one_that_does_not_answer_is_asked_again_and_told(self) -> None:
        pods = Pods({"airflow-worker-0": [Answer(error="the worker does not answer"), DONE]}, [worker(0)])
        drains = Drains(pods)
        drains()
        assert drains.said[0].endswith("pending: the worker does not answer")
        pods = Pods({"airflow-worker-0": [Answer(error="the worker does not answer")]}, [worker(0)])
        with pytest.raises(Failure, match="airflow-worker-0: the worker does not answer"):
            Drains(pods, timeout=12)()

    def test_a_program_that_no_deploy_has_brought_is_waited_for_only_a_while(self) -> None:
        lacks = Answer(error="python: can't open file '/opt/airflow-kubernetes/drain_worker.py'")
        pods = Pods({"airflow-worker-0": [lacks]}, [worker(0)])
        with pytest.raises(Failure, match="Deploy the release with the same number of workers first"):
            Drains(pods, timeout=3600)()
        assert airflow_drain.ARRIVAL < pods.time < airflow_drain.ARRIVAL + 20
        pods = Pods({"airflow-worker-0": [lacks, lacks, DONE]}, [worker(0)])
        assert Drains(pods)().pods == ["airflow-worker-0"]

    def test_who_has_lost_the_release_changes_nothing_more(self) -> None:
        pods = Pods({"airflow-worker-0": [LostError("lost")]}, [worker(0)])
        with pytest.raises(LostError):
            Drains(pods)()
        assert pods.resumed == []

    def test_who_may_not_run_programs_is_told_so(self) -> None:
        pods = Pods({"airflow-worker-0": [ApiFailure("forbidden", 403)]}, [worker(0)])
        with pytest.raises(ApiFailure, match="forbidden"):
            Drains(pods)()

    def test_only_drained_ones_are_resumed(self) -> None:
        pods = Pods({}, [worker(0, drained="c0"), worker(1)])
        result = Drains(pods).drain.resume([*pods.workers.values()])
        assert result.pods == pods.resumed == ["airflow-worker-0"]
        assert pods.drained == []


class TestSelection:
    WORKERS = (worker(0), worker(1, node="node-2"), worker(2), worker(0, "big", node="node-2"))

    @pytest.mark.parametrize(
        ("selection", "chosen"),
        [
            (Selection(groups=["big"]), ["airflow-big-0"]),
            (Selection(node="node-2"), ["airflow-worker-1", "airflow-big-0"]),
            (Selection(groups=["worker"], node="node-2"), ["airflow-worker-1"]),
            (Selection(pods=["airflow-worker-2"]), ["airflow-worker-2"]),
            (Selection(replicas={"airflow-worker": 1}), ["airflow-worker-1", "airflow-worker-2"]),
            (Selection(replicas={"airflow-big": 0}), ["airflow-big-0"]),
            (Selection(node="elsewhere"), []),
        ],
        ids=["group", "node", "both", "pod", "highest", "all", "none"],
    )
    def test_what_is_given_has_to_fit(self, selection: Selection, chosen: list[str]) -> None:
        assert [each.pod for each in selection.choose(self.WORKERS)] == chosen

    def test_what_there_is_not_is_refused(self) -> None:
        with pytest.raises(Failure, match=r"No worker group of the release is called bog. There are: big, worker\."):
            Selection(groups=["bog"]).choose(self.WORKERS)
        with pytest.raises(Failure, match=r"No worker pod of the release is called x. There are: none\."):
            Selection(pods=["x"]).choose([])


class TestReading:
    def test_a_pod_tells_group_node_and_running_container(self) -> None:
        pod: dict[str, Any] = {
            "metadata": {
                "name": "airflow-worker-11",
                "labels": {"airflow.kubernetes/worker-group": "worker"},
                "annotations": {"airflow.kubernetes/drained": "containerd://1"},
                "ownerReferences": [{"controller": True, "kind": "StatefulSet", "name": "airflow-worker"}],
            },
            "spec": {"nodeName": "node-1"},
            "status": {
                "containerStatuses": [
                    {"name": "sidecar", "containerID": "containerd://0", "state": {"running": {}}},
                    {"name": "worker", "containerID": "containerd://1", "state": {"running": {}}},
                ]
            },
        }
        read = worker_of(pod)
        assert (read.pod, read.ordinal, read.is_drained) == ("airflow-worker-11", 11, True)
        assert (read.group, read.workload, read.node) == ("worker", "airflow-worker", "node-1")
        pod["status"]["containerStatuses"][1]["state"] = {"terminated": {}}
        assert worker_of(pod).container == ""
        assert worker_of({"metadata": {"name": "airflow-worker-0"}}) == Worker("airflow-worker-0")

    def test_a_line_tells_tasks(self) -> None:
        told = '{"drained": false, "tasks": [{"id": "1", "name": "a.b", "run": "r", "since": 0.0}, '
        told += '{"id": "2", "name": "c"}]}'
        answer = answer_of(told.replace("0.0", "1767268800"))
        assert answer.tasks["1"] == RunningTask("a.b", "r", NOON)
        assert str(answer.tasks["2"]) == "c, not started"
        assert not answer.drained


class TestModule:
    @pytest.fixture
    def drain(self, cluster: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
        def run(pods: Pods, check_mode: bool = False, **options: Any) -> Any:
            monkeypatch.setattr(airflow_drain, "Client", lambda params, *rest: cluster)
            monkeypatch.setattr(airflow_drain, "PodsOfRelease", lambda *_rest: pods)
            params = {
                **connection,
                "release": "airflow",
                "namespace": "airflow",
                "groups": [],
                "node": "",
                "pods": [],
                "replicas": {},
                "state": "drained",
                "timeout": 60,
                "unlock": True,
                **options,
            }
            return airflow_drain.run(Task(params, check_mode, say=said.append))

        said: list[str] = []
        run.said = said  # type: ignore[attr-defined]
        return run

    def test_it_drains_and_gives_the_release_back(self, drain: Any, cluster: Any) -> None:
        pods = Pods({"airflow-worker-1": [DONE]}, [worker(0), worker(1)])
        result = drain(pods, replicas={"airflow-worker": "1"})
        assert (result["changed"], result["pods"]) == (True, ["airflow-worker-1"])
        (lease,) = cluster.leases.values()
        assert lease["spec"].get("holderIdentity") is None

    def test_in_a_deploy_the_release_stays_held(self, drain: Any, cluster: Any) -> None:
        drain(Pods({"airflow-worker-0": [DONE]}, [worker(0)]), groups=["worker"], unlock=False)
        (lease,) = cluster.leases.values()
        assert lease["spec"]["holderIdentity"]

    def test_check_mode_runs_nothing(self, drain: Any) -> None:
        pods = Pods({}, [worker(0)])
        assert drain(pods, check_mode=True, node="node-1")["changed"]
        assert pods.ran == []

    def test_nothing_given_is_refused(self, drain: Any) -> None:
        with pytest.raises(Failure, match="airflow_drain_group, airflow_drain_node or airflow_drain_pods"):
            drain(Pods({}, []))

    def test_a_node_without_workers_is_told_with_those_that_have_some(self, drain: Any) -> None:
        assert not drain(Pods({}, [worker(0)]), node="node-7")["changed"]
        assert drain.said == ["no worker is to be drained: none runs on node node-7, but on node-1"]
