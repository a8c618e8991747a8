# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run of a DAG and its tasks, and what is said of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..readiness.log_patterns import TASK_LOG_PATTERNS, match_log

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


_TRIGGER_STARTS = re.compile(r"\btrigger .* starting\b")


def is_half(log: str) -> bool:
    """Tell whether the log of a task that has ended stops where it was deferred, or lacks what its trigger wrote.

    Worker and triggerer each upload their own part of it. The words are Airflow's own (task_runner.py,
    bundles/manager.py, triggerer_job_runner.py); each process of a task begins with the second.
    """
    _before, paused, after = log.rpartition("Pausing task as DEFERRED")
    if not paused:
        return False
    return "DAG bundles loaded" not in after or len(_TRIGGER_STARTS.findall(log)) < log.count(paused)


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
            log = logs[instance.key]
            message += f"\n{instance.label}, try {instance.try_number}{where}, {_last_words(log)}"
            message += _explained(log.splitlines()[-LOG_LINES_TOLD:])
            message += "".join(_said(words) for words in sayings.get(instance.key, ()))
    return message


def _said(words: str) -> str:
    return f"\nThe scheduler says of it: {words}{_explained([words])}"


def _explained(lines: Sequence[str]) -> str:
    meant = match_log(lines, TASK_LOG_PATTERNS)
    return f"\n  That is: {meant.meaning}. {meant.advice}" if meant else ""


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
