# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The workers of a release: their pods, the tasks that they have, and the program in each pod that tells these."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from ..core.errors import ApiFailure, Failure
from ..core.labels import DRAINED_ANNOTATION, RELEASE_LABEL, WORKER_GROUP_LABEL, WORKER_LABEL
from ..core.objects import Obj, annotation, deleted, labels, name, owner, spec, status
from ..kube.client import Client
from ..kube.lease import LostError
from ..kube.pod_stream import Exec

CONTAINER = "worker"
PROGRAM = "/opt/airflow-kubernetes/drain_worker.py"
#: Seconds without a byte from the program, beyond those for which it looks.
SILENCE = 60


@dataclass(frozen=True)
class Worker:
    """The pod of a worker.

    :param workload: name of its StatefulSet.
    :param container: the container that runs in it, empty if none does.
    :param drained: the container that was drained.
    """

    pod: str
    group: str = ""
    workload: str = ""
    node: str = ""
    container: str = ""
    drained: str = ""
    ending: bool = False

    @property
    def ordinal(self) -> int:
        """Its number in the StatefulSet, which removes the highest first."""
        number = self.pod.rpartition("-")[2]
        return int(number) if number.isdigit() else 0

    @property
    def is_drained(self) -> bool:
        return bool(self.container) and self.container == self.drained


@dataclass(frozen=True, order=True)
class RunningTask:
    """A task instance that a worker has.

    :param since: when it was started; ``None`` for one that has not.
    """

    name: str
    run: str = ""
    since: datetime | None = None

    def __str__(self) -> str:
        return f"{self.name}, since {self.since:%H:%M:%S} UTC" if self.since else f"{self.name}, not started"


@dataclass(frozen=True)
class Answer:
    """What the program says of a worker.

    :param error: why nothing is known.
    """

    drained: bool = False
    tasks: Mapping[str, RunningTask] = field(default_factory=dict)
    error: str = ""


class WorkerPods(Protocol):
    """The pods of a release's workers."""

    def list(self) -> Sequence[Worker]:
        """Return all of them, by name."""

    def run(self, worker: Worker, action: str, seconds: float) -> Answer:
        """Run the program in a pod. What goes wrong is in the answer, unless nobody may run it."""

    def mark(self, worker: Worker, container: str | None) -> None:
        """Note at a pod which container was drained, ``None`` for none."""


@dataclass(frozen=True)
class Selection:
    """Which workers are meant: all that fit what is given.

    :param replicas: how many pods of a StatefulSet are left, by its name; the others are meant.
    """

    groups: Sequence[str] = ()
    node: str = ""
    pods: Sequence[str] = ()
    replicas: Mapping[str, int] | None = None

    def choose(self, workers: Iterable[Worker]) -> list[Worker]:
        """Return the workers that are meant.

        :raises Failure: a name fits none; says which there are.
        """
        workers = list(workers)
        for what, wanted, known in (
            ("worker group", self.groups, {worker.group for worker in workers}),
            ("worker pod", self.pods, {worker.pod for worker in workers}),
        ):
            if unknown := sorted(set(wanted) - known):
                there = ", ".join(sorted(known)) or "none"
                raise Failure(f"No {what} of the release is called {', '.join(unknown)}. There are: {there}.")
        return [worker for worker in workers if self._means(worker)]

    def _means(self, worker: Worker) -> bool:
        return (
            (not self.groups or worker.group in self.groups)
            and (not self.node or worker.node == self.node)
            and (not self.pods or worker.pod in self.pods)
            and (self.replicas is None or worker.ordinal >= self.replicas.get(worker.workload, worker.ordinal + 1))
        )


class PodsOfRelease:
    """The pods of a release's workers, in a cluster."""

    def __init__(self, client: Client, namespace: str, release: str) -> None:
        self._client = client
        self._namespace = namespace
        self._selector = f"{RELEASE_LABEL}={release},{WORKER_LABEL}=true"

    def list(self) -> list[Worker]:
        items = self._client.list("v1", "Pod", self._namespace, self._selector)["items"]
        return sorted(map(worker_of, items), key=lambda worker: (worker.workload, worker.ordinal))

    def run(self, worker: Worker, action: str, seconds: float) -> Answer:
        self._client.guard("")
        command = ["python", PROGRAM, action, f"{seconds:.0f}"]
        try:
            with Exec(self._client, self._namespace, worker.pod, CONTAINER, command, seconds + SILENCE) as program:
                lines = [line for line in program.lines() if line.startswith("{")]
        except LostError:
            raise
        except ApiFailure as failure:
            if failure.status in (401, 403):
                raise
            return Answer(error=failure.message)
        except Failure as failure:
            return Answer(error=failure.message)
        return answer_of(lines[-1]) if lines else Answer(error="the program in its pod says nothing")

    def mark(self, worker: Worker, container: str | None) -> None:
        if worker.drained == (container or ""):
            return
        path = f"/api/v1/namespaces/{self._namespace}/pods/{worker.pod}"
        body = {"metadata": {"annotations": {DRAINED_ANNOTATION: container}}}
        try:
            self._client.request("patch", path, body=body, content_type="application/merge-patch+json")
        except ApiFailure as failure:
            # It has been deleted meanwhile.
            if failure.status != 404:
                raise


def worker_of(pod: Obj) -> Worker:
    """Read a pod as the API returns it."""
    statuses: Iterable[Obj] = status(pod).get("containerStatuses") or ()
    found: Obj = next((each for each in statuses if each.get("name") == CONTAINER), {})
    is_running = "running" in (found.get("state") or {})
    return Worker(
        pod=name(pod),
        group=labels(pod).get(WORKER_GROUP_LABEL, ""),
        workload=str(owner(pod).get("name") or ""),
        node=str(spec(pod).get("nodeName") or ""),
        container=str(found.get("containerID") or "") if is_running else "",
        drained=annotation(pod, DRAINED_ANNOTATION) or "",
        ending=deleted(pod),
    )


def answer_of(line: str) -> Answer:
    """Read what the program says."""
    answer = json.loads(line)
    tasks = {}
    for one in answer["tasks"]:
        since = datetime.fromtimestamp(one["since"], UTC) if one.get("since") else None
        tasks[str(one["id"])] = RunningTask(str(one["name"]), str(one.get("run") or ""), since)
    return Answer(bool(answer["drained"]), tasks)


def lacks_program(answer: Answer) -> bool:
    """Tell whether there is no such program in the pod."""
    return "can't open file" in answer.error
