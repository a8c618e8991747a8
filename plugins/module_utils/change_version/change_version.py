# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes a release to another version of Airflow, one phase at a time; the deploy's roles do what lies between.

Which phases there are and when each is due is in `phases.py`, what a check has found in `findings.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..airflow.versions import old_workers_are_served
from ..core.errors import Failure
from ..core.labels import COMPONENT_LABEL, RELEASE_LABEL, VERSION_LABEL
from ..core.names import FIELD_MANAGER, upgrade_record_name
from ..core.objects import created, deleted, labels, moment, name, ready_since, spec, status
from ..kube.client import CONNECTION_OPTIONS, Client, Manifest
from ..kube.lease import LEASE_OPTIONS, Lease, LostError, held
from ..kube.retries import PATIENCE
from ..kube.task import Task
from ..readiness.options import WAIT_OPTIONS
from ..readiness.wait import wait_for
from . import queries
from .asking import Asking
from .checks import Check
from .findings import RunningTask, task_lines
from .phases import PHASES, ROLLBACK, UPGRADE, Record, Wish, begun, refusal
from .stopping import MASTER, SERVING, WORKER, Workloads, containers_of

#: What the module may be asked for: phases, and what comes before and after them.
STEPS = ("check", "stop", "downgrade", "migrate", "retire", "exchange", "workers", "end")

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    **WAIT_OPTIONS,
    "release": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "operation": {"type": "str", "required": True, "choices": list(PHASES)},
    "step": {"type": "str", "required": True, "choices": list(STEPS)},
    "version": {"type": "str", "required": True},
    "image": {"type": "str", "default": ""},
    "pod": {"type": "dict", "default": {}},
    "server": {"type": "str", "choices": ["postgresql", "mysql", ""], "default": ""},
    "dag_errors": {"type": "str", "choices": ["stop", "warn"], "default": "stop"},
    "drain": {"type": "bool", "default": False},
    "drain_timeout": {"type": "int", "default": 3600},
    "confirm": {"type": "list", "elements": "str", "default": []},
}

#: Seconds between two looks at the tasks that run, and after which they are shown again.
LOOK, SHOW_AGAIN = 5.0, 20.0


def run(task: Task) -> dict[str, Any]:
    """Do one step; the result tells whether its phase is or was due, and what is known of the operation."""
    params = task.params
    client = Client(params, task.say, PATIENCE)
    with held(client, task) as lease:
        change = ChangeOfVersion(client, params, task.say, lease)
        result = change.step(params["step"], task.check_mode)
        if params["step"] == "end" and not task.check_mode:
            lease.give_back()
    return result


class ChangeOfVersion:
    """The change of a release's version, which may be under way already."""

    def __init__(
        self,
        client: Client,
        params: Mapping[str, Any],
        say: Callable[[str], None],
        lease: Lease,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._params = params
        self._say = say
        self._lease = lease
        self._clock = clock
        self._sleep = sleep
        self._namespace: str = params["namespace"]
        self._release: str = params["release"]
        self._workloads = Workloads(client, self._namespace, self._release, say, lease.keep, clock, sleep)
        self._asking = Asking(client, self._namespace, self._release, lease.keep)
        self._record = self._read()

    def step(self, step: str, check_mode: bool) -> dict[str, Any]:
        """Do a step, if it is due.

        :raises Failure: it cannot be done; says in which phase the operation is, and how to go on or back.
        """
        if step == "check":
            return self._check(check_mode)
        if self._record is None or self._record.done or check_mode:
            return self._result(due=False)
        steps: Mapping[str, Callable[[], bool]] = {
            "stop": self._stop,
            "downgrade": self._downgrade,
            "migrate": self._migrate,
            "retire": self._retire,
            "exchange": self._exchange,
            "workers": self._workers,
            "end": self._end,
        }
        try:
            return self._result(due=steps[step]())
        except LostError:
            raise
        except Failure as failure:
            raise Failure(f"{failure.message}\n{self._way_out()}", **failure.result) from failure

    def _result(self, due: bool, **more: Any) -> dict[str, Any]:
        record = self._record
        known: dict[str, Any] = {"downgrade": bool(record and record.is_due("downgrade"))}
        if record:
            known |= {"source": record.source, "target": record.target, "source_image": record.image}
            known |= {"heads": record.heads, "fab": record.fab, "began": record.began.get(PHASES[record.operation][0])}
        return {"changed": due, "due": due, **known, **more}

    def _way_out(self) -> str:
        record = self._record
        if record is None:
            return "Nothing was changed."
        again = f"playbooks/{record.operation}.yml goes on from its phase {record.phase!r}"
        back = f"; playbooks/rollback.yml with airflow_version {record.source} goes back"
        return again + (back if record.operation == UPGRADE else "") + "."

    # Before anything is changed.

    def _check(self, check_mode: bool) -> dict[str, Any]:
        operation, wanted = self._params["operation"], self._params["version"]
        wish = Wish(operation, wanted, self._running_version(), f"release {self._release} in {self._namespace}")
        if problem := refusal(wish, self._record):
            raise Failure(problem)
        record = begun(wish, self._record, self._running_image(), self._params["image"])
        if record is None:
            self._say(f"runs {wanted} already: what follows is a deploy")
            return self._result(due=False)
        first = PHASES[operation][0]
        if not record.is_due(first):
            self._say(f"goes on with the {operation} from {record.source} to {record.target}: {record.phase}")
            return self._result(due=False)
        if check_mode:
            return self._result(due=True)
        check = Check(self._client, self._params, self._say, self._asking)
        found, warnings = check.run()
        record = replace(record, heads=found.heads, fab=found.fab).begin(first, self._now())
        if operation == ROLLBACK and not record.away_since:
            record = replace(record, away_since=self._now())
        self._write(record)
        return self._result(due=True, warnings=warnings)

    # The phases.

    def _stop(self) -> bool:
        record = self._require()
        if not record.is_due("stop"):
            return False
        self._remember_before()
        if record.operation == ROLLBACK:
            self._say("stops all of Airflow")
            self._workloads.stop_all()
        else:
            self._say("stops scheduler, DAG processor and triggerer: no new task is sent")
            self._workloads.stop_scheduling()
        self._over("stop")
        if record.operation == UPGRADE:
            self._drain()
        return True

    def _remember_before(self) -> None:
        record = self._require()
        if not record.before:
            self._write(replace(record, before=self._workloads.replicas()))

    def _drain(self) -> None:
        """Tell which tasks run; wait for them where the new API server would not serve their workers."""
        record = self._require()
        self._begin("drain")
        tasks = self._running_tasks()
        demanded = not old_workers_are_served(record.source, record.target)
        if demanded or self._params["drain"]:
            waited = len(tasks)
            self._wait_for_tasks(tasks)
            self._write(replace(self._require(), waited=waited))
        elif tasks:
            self._say(f"{len(tasks)} tasks run on:")
            for line in task_lines(tasks, self._client.now()):
                self._say(line)
        self._over("drain")

    def _wait_for_tasks(self, tasks: list[RunningTask]) -> None:
        timeout = self._params["drain_timeout"]
        began = shown = self._clock()
        seen: list[str] = []
        while tasks:
            names = [task.name for task in tasks]
            if self._clock() - began >= timeout:
                self._call_off(tasks, timeout)
            if names != seen or self._clock() >= shown:
                self._say(f"{self._clock() - began:6.1f} s  waits for {len(tasks)} tasks:")
                for line in task_lines(tasks, self._client.now()):
                    self._say(line)
                seen, shown = names, self._clock() + SHOW_AGAIN
            self._lease.keep()
            self._sleep(LOOK)
            tasks = self._running_tasks()

    def _call_off(self, tasks: list[RunningTask], timeout: int) -> None:
        """Start again what was stopped, since nothing else was changed, and fail with the tasks that hold it up.

        :raises Failure: always.
        """
        self._workloads.start_scheduling(self._require().before)
        self._client.delete("v1", "ConfigMap", upgrade_record_name(self._release), self._namespace)
        self._record = None
        lines = "\n".join(task_lines(tasks, self._client.now()))
        raise Failure(
            f"After {timeout} s these tasks have not ended, and the upgrade was called off; the release runs as "
            f"before:\n{lines}\nWait for them, end them, or raise airflow_upgrade_drain_timeout."
        )

    def _running_tasks(self) -> list[RunningTask]:
        answer = self._asking.in_component("api-server", {"queries": queries.RUNNING})
        return [RunningTask.of(row) for row in queries.rows(answer["database"]["answers"], "tasks")]

    def _downgrade(self) -> bool:
        """Wait for the Job that brings the schema back, which was applied before."""
        if not self._require().is_due("downgrade"):
            return False
        self._begin("downgrade")
        self._wait_for(self._job("downgrade"))
        self._over("downgrade")
        return True

    def _migrate(self) -> bool:
        if not self._require().is_due("migrate"):
            return False
        self._begin("migrate")
        job = self._job("migrations")
        self._wait_for(job)
        record = self._require()
        if record.operation == UPGRADE and not record.away_since:
            started = (self._client.get("batch/v1", "Job", name(job), self._namespace) or {}).get("status", {})
            self._write(replace(record, away_since=str(started.get("startTime") or "")))
        self._over("migrate")
        return True

    def _retire(self) -> bool:
        record = self._require()
        if record.operation != UPGRADE or not record.is_due("exchange"):
            return False
        self._begin("exchange")
        self._workloads.stop_master(record.target)
        return True

    def _exchange(self) -> bool:
        """Wait until API servers of the new version answer, and no others."""
        if not self._require().is_due("exchange"):
            return False
        self._begin("exchange")
        for workload in self._workloads.of(["api-server", MASTER]):
            self._wait_for(workload)
        record = self._require()
        serving = [pod for pod in self._pods() if serves(pod, record.target_image)]
        answering = [since for pod in serving if (since := ready_since(pod))]
        away_since = moment(record.away_since or None)
        if away_since and answering:
            seconds = max((min(answering) - away_since).total_seconds(), 0)
            self._write(replace(record, away=seconds))
        self._over("exchange")
        self._begin("start")
        return True

    def _workers(self) -> bool:
        """Have the old workers take no more tasks, before the newer scheduler sends one; they finish those they have.

        From 3.2 on a task's message has a token that the worker exchanges for another one, which 3.1 does not know: its
        tasks start, and fail at their next request.
        """
        record = self._require()
        if record.operation != UPGRADE or not record.is_due("start"):
            return False
        old = [pod for pod in self._pods() if is_older_worker(pod, record)]
        for pod in old:
            self._client.delete("v1", "Pod", name(pod), self._namespace)
        if old:
            self._say(f"{len(old)} older workers take no more tasks, and finish theirs")
        return True

    def _end(self) -> bool:
        record = self._require()
        self._over("start")
        record = replace(self._require(), done=self._now())
        self._write(record)
        parts = [f"{record.operation.capitalize()} from Airflow {record.source} to {record.target} is done"]
        if record.away is not None:
            parts.append(f"The UI was away, or answered with errors, for {record.away:.0f} s")
        parts.append(f"{record.waited} tasks were waited for")
        self._say(". ".join(parts) + ".")
        return True

    # What the phases need.

    def _job(self, component: str) -> Manifest:
        """Return the newest Job of a component."""
        selector = f"{RELEASE_LABEL}={self._release},{COMPONENT_LABEL}={component}"
        jobs = self._client.list("batch/v1", "Job", self._namespace, selector)["items"]
        if not jobs:
            raise Failure(f"There is no Job of {component} of release {self._release} in {self._namespace}.")
        newest: Manifest = max(jobs, key=lambda job: str(job["metadata"].get("creationTimestamp", "")))
        return {**newest, "kind": "Job"}

    def _wait_for(self, subject: Manifest) -> None:
        only = [f"{subject['kind']}/{name(subject)}"]
        wait_for(self._client, self._params, only, self._say, self._lease.keep)

    def _pods(self) -> list[Manifest]:
        found = self._client.list("v1", "Pod", self._namespace, f"{RELEASE_LABEL}={self._release}")
        items: list[Manifest] = found["items"]
        return items

    def _running_version(self) -> str:
        live = self._client.get("v1", "ConfigMap", f"{self._release}-config", self._namespace)
        return labels(live or {}).get(VERSION_LABEL, "")

    def _running_image(self) -> str:
        for workload in self._workloads.of(SERVING):
            for container in spec(spec(workload)["template"])["containers"]:
                if container["name"] == "api-server":
                    return str(container["image"])
        return ""

    def _require(self) -> Record:
        if self._record is None:
            raise Failure("The record of the operation is gone: somebody has deleted it, or called the operation off.")
        return self._record

    def _begin(self, phase: str) -> None:
        self._write(self._require().begin(phase, self._now()))

    def _over(self, phase: str) -> None:
        self._write(self._require().end(phase, self._now()))

    def _now(self) -> str:
        return self._client.now().isoformat(timespec="seconds")

    def _read(self) -> Record | None:
        found = self._client.get("v1", "ConfigMap", upgrade_record_name(self._release), self._namespace)
        return Record.parse((found or {}).get("data") or {})

    def _write(self, record: Record) -> None:
        if record == self._record:
            return
        self._client.apply(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": upgrade_record_name(self._release),
                    "namespace": self._namespace,
                    "labels": {RELEASE_LABEL: self._release},
                },
                "data": record.data(),
            },
            FIELD_MANAGER,
        )
        self._record = record


def is_older_worker(pod: Mapping[str, Any], record: Record) -> bool:
    """Tell whether a pod is a worker from before the exchange of the API server, which does not end yet."""
    if WORKER not in containers_of(pod) or deleted(pod):
        return False
    exchanged = moment(record.began.get("exchange"))
    images = [each["image"] for each in spec(pod)["containers"] if each["name"] == WORKER]
    return record.target_image not in images or bool(exchanged and created(pod) < exchanged)


def serves(pod: Mapping[str, Any], image: str) -> bool:
    """Tell whether an API server of an image runs in a pod: an older one that is about to end does not count."""
    containers = [each for each in spec(pod).get("containers") or () if each["name"] == "api-server"]
    return status(pod).get("phase") == "Running" and any(each["image"] == image for each in containers)
