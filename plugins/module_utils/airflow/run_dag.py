# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a DAG and follow its tasks to the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..core.errors import Failure
from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.permissions import PERMISSIONS_OPTIONS, require
from ..kube.polling import poll
from ..kube.retries import FIRST_PATIENCE
from ..kube.task import Task
from .api import AirflowApi, AirflowApiFailure, address
from .dag_run import (
    FAILED_TASKS_TOLD,
    RUN_ENDS,
    SCHEDULERS_EVENTS,
    Api,
    Progress,
    TaskInstance,
    failed_run,
    is_half,
    log_lines,
    unfinished,
)

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **PERMISSIONS_OPTIONS,
    "namespace": {"type": "str", "required": True},
    "release": {"type": "str", "required": True},
    "dag_id": {"type": "str", "required": True},
    "conf": {"type": "dict", "default": {}},
    "logical_date": {"type": "str"},
    "wait_for_dag": {"type": "int", "default": 120},
    "timeout": {"type": "int", "default": 600},
    "logs": {"type": "bool", "default": False},
}

#: Seconds between two looks at a run.
POLL = 0.5

#: Seconds in which Airflow must find a run that it has just answered to have created. From FastAPI 0.118 the answer is
#: sent before the API server commits, so a request right after it can be told that there is no such run.
COMMITTED_WITHIN = 10.0

#: Seconds in which the log of a task that has ended must be whole. Airflow uploads a log after it has told the API
#: server that the task has ended; until then, that of a task which was deferred has only what came before.
UPLOADED_WITHIN = 10.0

#: Task instances in one answer: the most that Airflow gives unless told otherwise.
PAGE = 100


@dataclass
class Runner:
    """One DAG, run once.

    :param say: shows a line to the user.
    """

    api: Api
    dag_id: str
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self.started = self.clock()
        self.progress = Progress()

    def tell(self, line: str) -> None:
        self.say(f"{self.clock() - self.started:6.1f} s  {line}")

    def start(self, conf: Mapping[str, Any], logical_date: str | None, patience: float) -> str:
        """Trigger the DAG as soon as Airflow knows it, unpaused; return the run's id.

        :param patience: seconds to wait until the DAG processor has registered the DAG.
        """
        waiting = False

        def trigger() -> str | None:
            known = self._known()
            if not known:
                return None
            if known.get("is_paused"):
                self.api.patch(address("dags", self.dag_id), {"is_paused": False}, update_mask="is_paused")
            return self._trigger(conf, logical_date)

        def sleep(seconds: float) -> None:
            nonlocal waiting
            if not waiting:
                self.tell(f"{self.dag_id}: waiting for the DAG processor to register it")
                waiting = True
            self.sleep(seconds)

        run_id = poll(trigger, bool, patience, POLL, self.clock, sleep)
        if not run_id:
            raise Failure(self._unknown(patience))
        return run_id

    def follow(self, run_id: str, timeout: float) -> tuple[str, list[TaskInstance]]:
        """Wait until the run ends; return its state and its tasks.

        :raises Failure: it has not ended after ``timeout`` seconds.
        """
        self.tell(f"{self.dag_id}: run {run_id} triggered")
        triggered = self.clock()

        def look() -> tuple[str, list[TaskInstance]]:
            # The run first: when it has ended, so have its tasks.
            state = self._state(run_id, triggered)
            instances = self.instances(run_id)
            for line in self.progress.observe(instances):
                self.tell(line)
            return state, instances

        state, instances = poll(look, lambda seen: seen[0] in RUN_ENDS, timeout, POLL, self.clock, self.sleep)
        if state not in RUN_ENDS:
            raise Failure(
                unfinished(self.dag_id, run_id, timeout, state, instances), **self.report(run_id, state, instances)
            )
        self.tell(f"{self.dag_id}: {state}")
        return state, instances

    def instances(self, run_id: str) -> list[TaskInstance]:
        """Return the run's tasks in the order in which they started."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self.api.get(
                address("dags", self.dag_id, "dagRuns", run_id, "taskInstances"),
                limit=PAGE,
                offset=len(found),
                order_by="id",
            )
            found += answer["task_instances"]
            if not answer["task_instances"] or len(found) >= answer["total_entries"]:
                break
        found.sort(key=lambda data: (data.get("start_date") or "~", data["task_id"], data.get("map_index", -1)))
        return [TaskInstance.of(data) for data in found]

    def log(self, run_id: str, instance: TaskInstance) -> str:
        """Return the text of an ended task's log, of its last try; a line without one says why."""
        if not instance.try_number:
            return ""

        def read() -> str:
            return self._read_log(run_id, instance)

        return poll(read, lambda log: not is_half(log), UPLOADED_WITHIN, 2 * POLL, self.clock, self.sleep)

    def _read_log(self, run_id: str, instance: TaskInstance) -> str:
        path = address(
            "dags", self.dag_id, "dagRuns", run_id, "taskInstances", instance.task_id, "logs", str(instance.try_number)
        )
        query: dict[str, Any] = {"map_index": instance.map_index, "full_content": "true"}
        lines: list[str] = []
        try:
            while True:
                answer = self.api.get(path, **query)
                more = log_lines(answer.get("content"))
                lines += more
                token = answer.get("continuation_token")
                if not token or not more:
                    break
                query["token"] = token
        except AirflowApiFailure as failure:
            lines.append(f"(no log: {failure.message})")
        return "\n".join(lines)

    def sayings(self, run_id: str) -> dict[tuple[str, int], list[str]]:
        """Return what the scheduler says of tasks of a run that it ended itself, by the tasks' keys, oldest first."""
        try:
            answer = self.api.get(
                address("eventLogs"),
                dag_id=self.dag_id,
                run_id=run_id,
                included_events=SCHEDULERS_EVENTS,
                order_by="event_log_id",
                limit=PAGE,
            )
        except AirflowApiFailure as failure:
            # It is said besides, and whoever asks may not be allowed to read it.
            self.tell(f"{self.dag_id}: what the scheduler says of it cannot be read: {failure.message}")
            return {}
        entries: dict[tuple[str, int], list[str]] = {}
        for event in answer["event_logs"]:
            key = event["task_id"], -1 if event.get("map_index") is None else event["map_index"]
            entries.setdefault(key, []).append(f"{event['event']}: {' '.join((event.get('extra') or '').split())}")
        return entries

    def report(self, run_id: str, state: str, instances: Sequence[TaskInstance]) -> dict[str, Any]:
        """Return the task's result."""
        return {
            "changed": True,
            "dag_id": self.dag_id,
            "run_id": run_id,
            "state": state,
            "seconds": round(self.clock() - self.started, 1),
            "task_instances": [
                {**asdict(instance), "states": self.progress.states(instance)} for instance in instances
            ],
        }

    def _known(self) -> dict[str, Any] | None:
        try:
            dag: dict[str, Any] = self.api.get(address("dags", self.dag_id))
        except AirflowApiFailure as failure:
            if failure.status == 404:
                return None
            raise
        return None if dag.get("is_stale") else dag

    def _trigger(self, conf: Mapping[str, Any], logical_date: str | None) -> str | None:
        try:
            run = self.api.post(
                address("dags", self.dag_id, "dagRuns"), {"logical_date": logical_date, "conf": dict(conf)}
            )
        except AirflowApiFailure as failure:
            # The DAG is listed a moment before its tasks are.
            if failure.status == 404:
                return None
            raise
        return str(run["dag_run_id"])

    def _state(self, run_id: str, triggered: float) -> str:
        def ask() -> str | AirflowApiFailure:
            try:
                return str(self.api.get(address("dags", self.dag_id, "dagRuns", run_id))["state"])
            except AirflowApiFailure as failure:
                if failure.status != 404:
                    raise
                return failure

        left = triggered + COMMITTED_WITHIN - self.clock()
        state = poll(ask, lambda answer: isinstance(answer, str), left, POLL, self.clock, self.sleep)
        if isinstance(state, AirflowApiFailure):
            raise state
        return state

    def _unknown(self, patience: float) -> str:
        message = (
            f"Airflow knows no DAG {self.dag_id} after {patience:.0f} s. "
            "Check the name, that its file is on the DAGs volume (playbooks/sync_dags.yml), "
            "and how often the DAG processor looks for new files ([dag_processor] refresh_interval)."
        )
        errors = self.api.get(address("importErrors"), limit=PAGE)["import_errors"]
        for error in errors[:FAILED_TASKS_TOLD]:
            last = (error.get("stack_trace") or "").strip().splitlines()[-1:]
            message += f"\n  {error.get('filename')} cannot be imported: {''.join(last)}"
        return message


def run(task: Task) -> dict[str, Any]:
    """Run the DAG as the options say; the result tells the run and its tasks."""
    params = task.params
    if not params["dag_id"]:
        raise Failure("No DAG is named. Set dag_id; with playbooks/run_dag.yml, set airflow_dag.")
    if task.check_mode:
        return {
            "changed": True,
            "dag_id": params["dag_id"],
            "run_id": "",
            "state": "",
            "seconds": 0.0,
            "task_instances": [],
        }
    client = Client(params, task.say, FIRST_PATIENCE)
    require(client, params)
    with AirflowApi.of_release(client, params["namespace"], params["release"]) as api:
        return run_to_end(Runner(api, params["dag_id"], task.say), params)


def run_to_end(runner: Runner, params: Mapping[str, Any]) -> dict[str, Any]:
    """Trigger, follow and report.

    :raises Failure: the run failed; names the tasks and shows the end of their logs.
    """
    run_id = runner.start(params["conf"], params["logical_date"], params["wait_for_dag"])
    state, instances = runner.follow(run_id, params["timeout"])
    result = runner.report(run_id, state, instances)
    if params["logs"]:
        for shown, instance in zip(result["task_instances"], instances, strict=True):
            shown["log"] = runner.log(run_id, instance)
    if state != "success":
        failed = [instance for instance in instances if instance.state == "failed"]
        logs = {instance.key: runner.log(run_id, instance) for instance in failed[:FAILED_TASKS_TOLD]}
        sayings = runner.sayings(run_id) if failed else {}
        raise Failure(failed_run(runner.dag_id, run_id, instances, logs, sayings), **result)
    return result
