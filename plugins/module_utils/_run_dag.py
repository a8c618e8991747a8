# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a DAG and follow its tasks to the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from ansible_collections.airflow.kubernetes.plugins.module_utils._airflow_api import (
    AirflowApi,
    AirflowApiFailure,
    address,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils._client import (
    CONNECTION_OPTIONS,
    FIRST_PATIENCE,
    Client,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils._errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils._permissions import PERMISSIONS_OPTIONS, require
from ansible_collections.airflow.kubernetes.plugins.module_utils._sayings import OF_TASKS, saying_of
from ansible_collections.airflow.kubernetes.plugins.module_utils._task import Task

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

#: Task instances in one answer: the most that Airflow gives unless told otherwise.
PAGE = 100

#: How much is told of what failed.
FAILED_TASKS_TOLD = 5
LOG_LINES_TOLD = 15

RUN_ENDS = ("success", "failed")

#: Events in Airflow's audit log with which its scheduler says why it ended a task itself, of which the task's own log
#: tells nothing (airflow.jobs.scheduler_job_runner).
SCHEDULERS_EVENTS = (
    "state mismatch",
    "heartbeat timeout",
    "stuck in queued reschedule",
    "stuck in queued tries exceeded",
)


class Api(Protocol):
    """What is needed of :class:`AirflowApi`."""

    def get(self, path: str, **query: Any) -> Any: ...

    def post(self, path: str, body: Any, **query: Any) -> Any: ...

    def patch(self, path: str, body: Any, **query: Any) -> Any: ...


@dataclass(frozen=True)
class TaskInstance:
    """A task of a run, as the API tells it.

    :param map_index: -1 for a task that is not mapped.
    :param state: Airflow's word, empty before it is scheduled.
    :param duration: seconds.
    """

    task_id: str
    map_index: int = -1
    state: str = ""
    hostname: str = ""
    try_number: int = 0
    duration: float | None = None
    operator: str = ""
    queue: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> TaskInstance:
        return cls(
            task_id=data["task_id"],
            map_index=data.get("map_index", -1),
            state=data.get("state") or "",
            hostname=data.get("hostname") or "",
            try_number=data.get("try_number") or 0,
            duration=data.get("duration"),
            operator=data.get("operator") or "",
            queue=data.get("queue") or "",
        )

    @property
    def key(self) -> tuple[str, int]:
        return self.task_id, self.map_index

    @property
    def place(self) -> str:
        """The pod it ran in, where the host's name is long."""
        return self.hostname.partition(".")[0]

    @property
    def label(self) -> str:
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


class Progress:
    """What has been seen of a run's tasks."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, int], list[tuple[int, str]]] = {}

    def observe(self, instances: Sequence[TaskInstance]) -> list[str]:
        """Return a line for each task that has changed its state."""
        lines = []
        for instance in instances:
            seen = self._states.setdefault(instance.key, [])
            now = (instance.try_number, instance.state)
            if instance.state and (not seen or seen[-1] != now):
                seen.append(now)
                lines.append(describe(instance))
        return lines

    def states(self, instance: TaskInstance) -> list[str]:
        """Return the states that a task has been seen in, in order."""
        return [state for _try_number, state in self._states.get(instance.key, [])]


def describe(instance: TaskInstance) -> str:
    """Return what a task's new state means, in a few words."""
    words = f"{instance.label}: {instance.state}"
    if instance.state == "running" and instance.place:
        words += f" on {instance.place}"
    if instance.state in ("success", "failed", "up_for_retry") and instance.duration is not None:
        words += f" after {instance.duration:.1f} s"
    if instance.state in ("failed", "up_for_retry"):
        words += f", try {instance.try_number}" + (f" on {instance.place}" if instance.place else "")
    return words


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
        deadline = self.clock() + patience
        waiting = False
        while True:
            known = self._known()
            if known:
                if known.get("is_paused"):
                    self.api.patch(address("dags", self.dag_id), {"is_paused": False}, update_mask="is_paused")
                run_id = self._trigger(conf, logical_date)
                if run_id:
                    return run_id
            if self.clock() >= deadline:
                raise Failure(self._unknown(patience))
            if not waiting:
                self.tell(f"{self.dag_id}: waiting for the DAG processor to register it")
                waiting = True
            self.sleep(POLL)

    def follow(self, run_id: str, timeout: float) -> tuple[str, list[TaskInstance]]:
        """Wait until the run ends; return its state and its tasks.

        :raises Failure: it has not ended after ``timeout`` seconds.
        """
        self.tell(f"{self.dag_id}: run {run_id} triggered")
        triggered = self.clock()
        deadline = triggered + timeout
        while True:
            # The run first: when it has ended, so have its tasks.
            state = self._state(run_id, triggered)
            instances = self.instances(run_id)
            for line in self.progress.observe(instances):
                self.tell(line)
            if state in RUN_ENDS:
                self.tell(f"{self.dag_id}: {state}")
                return state, instances
            if self.clock() >= deadline:
                raise Failure(
                    unfinished(self.dag_id, run_id, timeout, state, instances), **self.report(run_id, state, instances)
                )
            self.sleep(POLL)

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
        """Return the text of a task's log, of its last try; a line without one says why."""
        if not instance.try_number:
            return ""
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
        said: dict[tuple[str, int], list[str]] = {}
        for event in answer["event_logs"]:
            key = event["task_id"], -1 if event.get("map_index") is None else event["map_index"]
            said.setdefault(key, []).append(f"{event['event']}: {' '.join((event.get('extra') or '').split())}")
        return said

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
        while True:
            try:
                return str(self.api.get(address("dags", self.dag_id, "dagRuns", run_id))["state"])
            except AirflowApiFailure as failure:
                if failure.status != 404 or self.clock() >= triggered + COMMITTED_WITHIN:
                    raise
            self.sleep(POLL)

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
        for told, instance in zip(result["task_instances"], instances, strict=True):
            told["log"] = runner.log(run_id, instance)
    if state != "success":
        failed = [instance for instance in instances if instance.state == "failed"]
        logs = {instance.key: runner.log(run_id, instance) for instance in failed[:FAILED_TASKS_TOLD]}
        sayings = runner.sayings(run_id) if failed else {}
        raise Failure(failed_run(runner.dag_id, run_id, instances, logs, sayings), **result)
    return result


def log_lines(content: Any) -> list[str]:
    """Return a log as lines of text: time, level and event, and below it where it comes from or what was raised.

    :param content: what the API gives: structured messages, or lines of text.
    """
    if isinstance(content, str):
        return content.splitlines()
    lines = []
    for message in content or []:
        if not isinstance(message, Mapping):
            lines.append(str(message))
            continue
        words = [str(message[name]) for name in ("timestamp", "level", "event") if message.get(name)]
        lines.append(" ".join(words))
        more = [*(message.get("sources") or []), *_traceback(message.get("error_detail"))]
        lines += [f"    {line}" for line in more]
    return lines


def _traceback(errors: Any) -> list[str]:
    """Return the places and the message of the exceptions that a structured message carries."""
    lines = []
    for error in errors or []:
        frames = error.get("frames") or []
        lines += [
            f'File "{frame.get("filename")}", line {frame.get("lineno")}, in {frame.get("name")}' for frame in frames
        ]
        lines.append(f"{error.get('exc_type')}: {error.get('exc_value')}")
    return lines


def failed_run(
    dag_id: str,
    run_id: str,
    instances: Sequence[TaskInstance],
    logs: Mapping[tuple[str, int], str],
    sayings: Mapping[tuple[str, int], Sequence[str]],
) -> str:
    """Return the message about a run that has failed.

    :param logs: the logs of some of the failed tasks.
    :param sayings: what the scheduler says of them.
    """
    failed = [instance for instance in instances if instance.state == "failed"]
    if not failed:
        states = ", ".join(f"{instance.label} {instance.state or 'not started'}" for instance in instances)
        return f"DAG {dag_id}, run {run_id}, failed, and none of its tasks did: {states or 'it has no tasks'}."
    message = f"DAG {dag_id}, run {run_id}, failed in {_listed(failed)}."
    for instance in failed:
        if instance.key in logs:
            where = f" on {instance.place}" if instance.place else ""
            message += f"\n{instance.label}, try {instance.try_number}{where}, {_last_words(logs[instance.key])}"
            message += "".join(_said(words) for words in sayings.get(instance.key, ()))
    return message


def _said(words: str) -> str:
    meant = saying_of([words], OF_TASKS)
    explained = f"\n  That is: {meant.meaning}. {meant.advice}" if meant else ""
    return f"\nThe scheduler says of it: {words}{explained}"


def _last_words(log: str) -> str:
    lines = log.splitlines()
    if lines and lines[0].startswith("::group::") and "::endgroup::" in lines:
        # The first lines only tell where the log was read.
        lines = lines[lines.index("::endgroup::") + 1 :]
    if not lines:
        return "has written no log: most likely it could not be started. Look at the log of the workers."
    return "ends its log with:" + "".join(f"\n  {line}" for line in lines[-LOG_LINES_TOLD:])


def unfinished(dag_id: str, run_id: str, timeout: float, state: str, instances: Sequence[TaskInstance]) -> str:
    """Return the message about a run that takes too long, with the likely cause."""
    ended = ("success", "failed", "skipped", "upstream_failed", "removed")
    left = [instance for instance in instances if instance.state not in ended]
    words = ", ".join(f"{instance.label} {instance.state or 'not scheduled'}" for instance in left[:20])
    message = f"DAG {dag_id}, run {run_id}, is {state} after {timeout:.0f} s; unfinished: {words or 'nothing'}."
    queues = sorted({instance.queue for instance in left if instance.state == "queued"})
    if queues:
        message += (
            f" A task stays queued while no worker takes from its queue ({', '.join(queues)}): look at the workers."
        )
    elif any(instance.state == "deferred" for instance in left):
        message += " A task stays deferred until the triggerer wakes it: look at the triggerer."
    elif left and all(instance.state in ("", "scheduled") for instance in left):
        message += " The scheduler starts nothing: look at the scheduler, and at the pools and limits of the DAG."
    return message


def _listed(instances: Sequence[TaskInstance]) -> str:
    named = ", ".join(instance.label for instance in instances[:20])
    return named + (f" and {len(instances) - 20} more" if len(instances) > 20 else "")
