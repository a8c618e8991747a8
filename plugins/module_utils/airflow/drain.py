# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have workers take no more tasks, and wait until the tasks that they have are over.

The program ``drain_worker.py`` in each worker's pod does it by Celery's remote control. It is run again and again, so
that neither an API server that restarts nor a worker's container that does is a reason to give up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import Failure
from ..kube.client import CONCURRENCY, CONNECTION_OPTIONS, Client
from ..kube.lease import LEASE_OPTIONS, Lease, LostError, held
from ..kube.permissions import PERMISSIONS_OPTIONS, require
from ..kube.retries import PATIENCE
from ..kube.task import Task
from ..readiness.progress import ProgressReporter
from ..readiness.verdict import Key, Verdict, pending, ready
from .workers import PROGRAM, Answer, PodsOfRelease, RunningTask, Selection, Worker, WorkerPods, lacks_program

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    **PERMISSIONS_OPTIONS,
    "release": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "groups": {"type": "list", "elements": "str", "default": []},
    "node": {"type": "str", "default": ""},
    "pods": {"type": "list", "elements": "str", "default": []},
    "replicas": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["drained", "resumed"], "default": "drained"},
    "timeout": {"type": "int", "default": 3600},
    "unlock": {"type": "bool", "default": False},
}

#: Seconds for which the program looks before it answers, unless a task ends.
LOOK = 5
#: Seconds until a program that a deploy has just added is in every pod (the kubelet's sync of ConfigMaps).
ARRIVAL = 150
#: Tasks of one worker that a line of progress names.
NAMED = 3


@dataclass
class Drained:
    """What became of a drain.

    :param tasks: all that were waited for, as the result tells them.
    """

    pods: list[str] = field(default_factory=list)
    tasks: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    changed: bool = False

    def as_data(self) -> dict[str, Any]:
        """Return what results of modules hold of it."""
        return {"pods": self.pods, "tasks": self.tasks, "seconds": self.seconds}


def run(task: Task) -> dict[str, Any]:
    """Do the work of the module ``drain``; the result tells pods, tasks waited for, and seconds."""
    params = task.params
    selection = _selection(params)
    client = Client(params, task.say, PATIENCE)
    require(client, params)
    with held(client, task) as lease:
        pods = PodsOfRelease(client, params["namespace"], params["release"])
        drain = Drain(pods, params["timeout"], task.say, lease.keep)
        chosen = selection.choose(pods.list())
        if not chosen:
            task.say("no worker is to be drained" + _elsewhere(selection, pods.list()))
        if task.check_mode:
            result = Drained([worker.pod for worker in chosen])
            result.changed = any(worker.is_drained != (params["state"] == "drained") for worker in chosen)
        elif params["state"] == "resumed":
            result = drain.resume(chosen)
        else:
            result = drain.drain(chosen)
        if params["unlock"]:
            lease.give_back()
    return {"changed": result.changed, **result.as_data()}


def drain_workers(client: Client, task: Task, lease: Lease, selection: Selection, timeout: float) -> Drained:
    """Drain workers for another module, which holds the release."""
    pods = PodsOfRelease(client, task.params["namespace"], task.params["release"])
    return Drain(pods, timeout, task.say, lease.keep).drain(selection.choose(pods.list()))


class Drain:
    """A drain of some workers.

    :param timeout: seconds that their tasks may take.
    :param say: shows a line to the user.
    :param keep: keeps the release ours meanwhile.
    :param clock: seconds that only go forward.
    """

    def __init__(
        self,
        pods: WorkerPods,
        timeout: float,
        say: Callable[[str], None],
        keep: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pods = pods
        self._timeout = timeout
        self._keep = keep
        self._sleep = sleep
        began = clock()
        self._seconds: Callable[[], float] = lambda: clock() - began
        self._reporter = ProgressReporter(say, self._seconds)
        self._say = say
        self._tasks: dict[str, dict[str, str]] = {}

    def drain(self, chosen: Sequence[Worker]) -> Drained:
        """Return when the workers have no task and take none.

        :raises Failure: not in time; names the tasks that still run. The workers take tasks again.
        """
        result = Drained([worker.pod for worker in chosen])
        result.changed = any(not worker.is_drained for worker in chosen)
        try:
            self._wait(chosen)
        except LostError:
            raise
        except Failure:
            self._give_back(chosen)
            raise
        result.tasks = sorted(self._tasks.values(), key=lambda task: (task["worker"], task["task"]))
        result.seconds = round(self._seconds(), 1)
        return result

    def resume(self, chosen: Sequence[Worker]) -> Drained:
        """Have workers take tasks again.

        :raises Failure: one of them does not.
        """
        drained = [worker for worker in chosen if worker.is_drained]
        for worker in drained:
            answer = self._pods.run(worker, "resume", 0)
            if answer.error:
                raise Failure(f"{worker.pod} does not take tasks again: {answer.error}. Delete the pod to replace it.")
            self._pods.mark(worker, None)
        return Drained([worker.pod for worker in drained], changed=bool(drained), seconds=round(self._seconds(), 1))

    def _wait(self, chosen: Sequence[Worker]) -> None:
        wanted = {worker.pod for worker in chosen}
        finished: dict[str, str] = {}
        is_first = True
        while wanted:
            self._keep()
            present = [worker for worker in self._pods.list() if worker.pod in wanted]
            # One whose container runs no more has no task, and takes none until another does.
            asked = [worker for worker in present if worker.container and finished.get(worker.pod) != worker.container]
            answers = dict(zip([worker.pod for worker in asked], self._ask(asked), strict=True))
            for worker in asked:
                self._note(worker, answers[worker.pod])
                if answers[worker.pod].drained:
                    self._pods.mark(worker, worker.container)
                    finished[worker.pod] = worker.container
            self._reporter.changes(self._verdicts(wanted, present, answers, finished), at_once=is_first)
            is_first = False
            open_ones = {pod: answer for pod, answer in answers.items() if not answer.drained}
            if not open_ones:
                return
            if self._seconds() >= self._timeout:
                raise Failure(self._late(open_ones))
            if missing := [pod for pod, answer in open_ones.items() if lacks_program(answer)]:
                self._refuse_old(missing)
            if any(answer.error for answer in open_ones.values()):
                self._sleep(1)

    def _ask(self, workers: Sequence[Worker]) -> list[Answer]:
        if not workers:
            return []
        seconds = max(0.0, min(LOOK, self._timeout - self._seconds()))
        with ThreadPoolExecutor(min(len(workers), CONCURRENCY)) as pool:
            return list(pool.map(lambda worker: self._pods.run(worker, "drain", seconds), workers))

    def _note(self, worker: Worker, answer: Answer) -> None:
        for number, running in answer.tasks.items():
            since = f"{running.since:%Y-%m-%dT%H:%M:%SZ}" if running.since else ""
            found = {"task": running.name, "run": running.run, "worker": worker.pod, "since": since}
            self._tasks[number] = self._tasks.get(number, found) | ({"since": since} if since else {})

    def _verdicts(
        self,
        wanted: Iterable[str],
        present: Sequence[Worker],
        answers: Mapping[str, Answer],
        finished: Mapping[str, str],
    ) -> dict[Key, Verdict]:
        workers = {worker.pod: worker for worker in present}
        verdicts = {}
        for pod in sorted(wanted):
            worker, answer = workers.get(pod), answers.get(pod)
            if answer and not answer.drained:
                verdict = pending(answer.error or _running(answer.tasks))
            elif pod in finished and worker and worker.container == finished[pod]:
                verdict = ready("drained")
            else:
                verdict = ready("has no running worker")
            verdicts[Key("Worker", pod)] = verdict
        return verdicts

    def _late(self, open_ones: Mapping[str, Answer]) -> str:
        lines = [f"After {self._timeout:.0f} s these workers still have tasks:"]
        for pod, answer in open_ones.items():
            known = [answer.error] if answer.error else sorted(map(str, answer.tasks.values()))
            lines += [f"  {pod}: {line}" for line in known or ["none that it tells, but it still takes some"]]
        lines.append(
            "They take tasks again, and nothing else was changed. Run it again when these tasks have ended, raise "
            "airflow_drain_timeout, or mark the tasks as failed in the UI."
        )
        return "\n".join(lines)

    def _refuse_old(self, pods: Sequence[str]) -> None:
        if self._seconds() > ARRIVAL:
            raise Failure(
                f"{', '.join(pods)}: there is no {PROGRAM} in the pod: an older version of this collection has made "
                "it. Deploy the release with the same number of workers first."
            )

    def _give_back(self, chosen: Sequence[Worker]) -> None:
        """Have all of them take tasks again, so that nothing is half-done."""
        mine = {worker.pod for worker in chosen if not worker.is_drained}
        for worker in self._pods.list():
            if worker.pod in mine and worker.container and not worker.ending:
                answer = self._pods.run(worker, "resume", 0)
                if answer.error and not lacks_program(answer):
                    self._say(f"{worker.pod} does not take tasks again: {answer.error}; delete the pod to replace it")
                elif worker.drained:
                    self._pods.mark(worker, None)


def _selection(params: Mapping[str, Any]) -> Selection:
    replicas = {str(workload): int(left) for workload, left in params["replicas"].items()}
    if not (params["groups"] or params["node"] or params["pods"] or replicas):
        raise Failure(
            "Nothing says which workers to drain. Set groups, node, pods or replicas; with playbooks/drain.yml, "
            "airflow_drain_group, airflow_drain_node or airflow_drain_pods."
        )
    return Selection(params["groups"], params["node"], params["pods"], replicas or None)


def _elsewhere(selection: Selection, workers: Iterable[Worker]) -> str:
    nodes = sorted({worker.node for worker in workers if worker.node})
    return f": none runs on node {selection.node}, but on {', '.join(nodes) or 'no node'}" if selection.node else ""


def _running(tasks: Mapping[str, RunningTask]) -> str:
    if not tasks:
        return "stops taking tasks"
    ordered = sorted(tasks.values(), key=lambda running: (running.since is None, running.since or 0, running.name))
    more = f", and {len(ordered) - NAMED} more" if len(ordered) > NAMED else ""
    return f"{len(ordered)} task{'s' if len(ordered) > 1 else ''}: " + "; ".join(map(str, ordered[:NAMED])) + more
