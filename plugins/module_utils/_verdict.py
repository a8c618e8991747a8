# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be said of an object: done, not yet, or never; and what a judge is given to say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

#: A Kubernetes object as the API returns it, decoded from JSON. Any part of it may be missing, ``status`` first of all.
Obj = Mapping[str, Any]


class State(StrEnum):
    """The three things that a verdict can say."""

    DONE = "done"
    NOT_YET = "not yet"
    NEVER = "never"


class Key(NamedTuple):
    """An object within a release."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class LogSource:
    """The log that tells more about a failure.

    :param previous: the log of the container before its last restart.
    :param since: only what was said after that.
    """

    pod: str
    container: str
    previous: bool = False
    since: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """What a check says of one object.

    :param reason: what was seen, in words that do not change with time; for *not yet* what it is doing now.
    :param detail: what else was seen, where that changes all the time (the last output of a probe).
    :param place: the pod and container it was seen at, if it is narrower than the object itself.
    :param since: when it began, by the cluster's clock.
    :param advice: the next step for the reader.
    :param log: where more is to be read.
    :param again: when to judge again though nothing has changed, because a grace ends then.
    :param at_gate: it is at a container that only waits for other objects (see :data:`GATE_PREFIX`).
    :param blocks: false for an object that need not be done for the release to be.
    :param alive: slow or waiting for others, but nothing speaks against it.
    :param stuck: what gets no other try by itself, or only after minutes: pods to delete, owners of pods to touch.
    :param suspected: holds only if the log says what it means.
    :param tried: when the container was started that has failed: what it says of others may be over since.
    :param unplaced: a pod that no node has room for, to be compared with what the nodes have.
    """

    state: State
    reason: str = ""
    detail: str = ""
    place: str = ""
    since: datetime | None = None
    advice: str = ""
    log: LogSource | None = None
    again: datetime | None = None
    at_gate: bool = False
    blocks: bool = True
    alive: bool = False
    stuck: tuple[Key, ...] = ()
    suspected: bool = False
    tried: datetime | None = None
    unplaced: Obj | None = None

    def but(self, **changes: Any) -> Verdict:
        """Return this verdict with some fields changed."""
        return replace(self, **changes)


def done(reason: str = "") -> Verdict:
    """Return a verdict *done*."""
    return Verdict(State.DONE, reason)


def not_yet(reason: str, **more: Any) -> Verdict:
    """Return a verdict *not yet*: ``reason`` is what the object does now or waits for."""
    return Verdict(State.NOT_YET, reason, **more)


def never(reason: str, **more: Any) -> Verdict:
    """Return a verdict *never*: nothing but a change from outside can help."""
    return Verdict(State.NEVER, reason, **more)


@dataclass(frozen=True)
class Limits:
    """How long what looks bad may last before it is called *never*. All in seconds.

    :param unschedulable: no node takes a pod, but one may be added: a cluster autoscaler looks every 10 s.
    :param unscalable: no node takes a pod, and nothing adds nodes.
    :param transient: what Kubernetes retries with growing pauses: a registry that did not answer, a volume that was not
        attached, an admission webhook. Three tries are waited for besides (:data:`MIN_TRIES`).
    :param restarts: a container ends because something outside of the release did not answer, and is started again.
    :param missing: a Secret, ConfigMap or claim does not exist, or a creation is refused: it may just be on its way.
    :param retried: what is retried every few seconds: a probe, a container that could not be created.
    :param lost: a node does not answer, which the cluster says only after 40 s of silence.
    :param gate: a pod goes on waiting for others although those are done: time for one try that began before, and a
        whole one, of 5 s each.
    """

    unschedulable: float = 60
    unscalable: float = 10
    transient: float = 90
    restarts: float = 120
    missing: float = 5
    retried: float = 8
    lost: float = 10
    gate: float = 11


#: How often what may be transient is seen to fail before it is called *never*. The kubelet pulls an image again after
#: 10 s, then 20, 40 (kubernetes/pkg/kubelet/images); a volume is tried after 0.5 s, then 1, 2, 4.
MIN_TRIES = 3


@dataclass(frozen=True)
class Event:
    """One core/v1 Event, with the two forms of its times and counts made one."""

    reason: str
    message: str
    first: datetime
    last: datetime
    count: int = 1
    container: str = ""

    @classmethod
    def of(cls, event: Obj) -> Event:
        """Read an Event as the API returns it; ``series`` and ``eventTime`` are what newer reporters set."""
        series = event.get("series") or {}
        first = event.get("firstTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
        last = series.get("lastObservedTime") or event.get("lastTimestamp") or first
        field_path = (event.get("involvedObject") or {}).get("fieldPath") or ""
        return cls(
            reason=event.get("reason") or "",
            message=(event.get("message") or "").strip().removeprefix(_COMBINED),
            first=moment(first) or EPOCH,
            last=moment(last) or EPOCH,
            count=int(series.get("count") or event.get("count") or 1),
            container=field_path.partition("{")[2].rstrip("}"),
        )


@dataclass(frozen=True)
class Case:
    """Everything known about one object at one moment: all that a judge is given.

    :param subject: the object to judge.
    :param now: the time by the cluster's clock.
    :param started: when this run began; what is older comes from an earlier run. ``None``: nothing does.
    :param pods: the pods that the object owns, of all revisions.
    :param replica_sets: metadata of the ReplicaSets that a Deployment owns.
    :param events: by the uid of the object they are about.
    :param claims: names of the claims of the namespace.
    :param pending_claims: names of those that are not bound.
    :param used: for a claim, whether a pod mounts it.
    :param adds_nodes: whether the cluster adds nodes on demand; ``None`` where that cannot be told.
    """

    subject: Obj
    now: datetime
    started: datetime | None = None
    pods: Sequence[Obj] = ()
    replica_sets: Sequence[Obj] = ()
    events: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    claims: frozenset[str] = frozenset()
    pending_claims: frozenset[str] = frozenset()
    used: bool = False
    adds_nodes: bool | None = None
    limits: Limits = field(default_factory=Limits)

    def about(self, obj: Obj, *reasons: str) -> list[Event]:
        """Return the events about one object, newest first; with ``reasons`` only those."""
        found = [e for e in self.events.get(uid(obj), ()) if not reasons or e.reason in reasons]
        return sorted(found, key=lambda e: e.last, reverse=True)

    def after_grace(self, since: datetime | None, seconds: float, verdict: Verdict) -> Verdict:
        """Return ``verdict`` once ``seconds`` have passed since ``since``, and until then *not yet* with its reason."""
        since = since or self.now
        if self.now >= since + timedelta(seconds=seconds):
            return verdict.but(since=since)
        return not_yet(verdict.reason, place=verdict.place, since=since, again=since + timedelta(seconds=seconds))

    def after_retries(self, failures: Sequence[Event], since: datetime | None, verdict: Verdict) -> Verdict:
        """Return ``verdict`` once the cluster has tried often and long enough, and until then *not yet*.

        :param failures: the events of the tries, oldest or newest first; empty where the cluster writes none.
        :param since: when the first try failed, for where there are none.
        """
        first = min((event.first for event in failures), default=since)
        if failures and sum(event.count for event in failures) < MIN_TRIES:
            return not_yet(verdict.reason, place=verdict.place, since=first)
        return self.after_grace(first, self.limits.transient, verdict)


#: Begins the message of an Event that stands for many whose messages differ.
_COMBINED = "(combined from similar events): "

#: Containers of this name only wait for other objects, and may fail as long as those are not done.
GATE_PREFIX = "wait-for-"

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def moment(text: str | None) -> datetime | None:
    """Read a time as the API writes it (RFC 3339, in UTC)."""
    return datetime.fromisoformat(text) if text else None


def created(obj: Obj) -> datetime:
    """Return when an object was created."""
    return moment((obj.get("metadata") or {}).get("creationTimestamp")) or EPOCH


def name(obj: Obj) -> str:
    """Return an object's name."""
    return str((obj.get("metadata") or {}).get("name") or "")


def namespace(obj: Obj) -> str:
    """Return an object's namespace, or ``""``."""
    return str((obj.get("metadata") or {}).get("namespace") or "")


def uid(obj: Obj) -> str:
    """Return an object's uid."""
    return str((obj.get("metadata") or {}).get("uid") or "")


def labels(obj: Obj) -> Mapping[str, str]:
    """Return an object's labels."""
    return (obj.get("metadata") or {}).get("labels") or {}


def annotation(obj: Obj, called: str) -> str | None:
    """Return one of an object's annotations."""
    found = ((obj.get("metadata") or {}).get("annotations") or {}).get(called)
    return None if found is None else str(found)


def status(obj: Obj) -> Mapping[str, Any]:
    """Return an object's status, empty where there is none yet."""
    return obj.get("status") or {}


def spec(obj: Obj) -> Mapping[str, Any]:
    """Return an object's specification, empty where there is none."""
    return obj.get("spec") or {}


def owner(obj: Obj) -> Mapping[str, Any]:
    """Return the reference to the controller of an object, empty where there is none."""
    for reference in (obj.get("metadata") or {}).get("ownerReferences") or ():
        if reference.get("controller"):
            return dict(reference)
    return {}


def condition(obj: Obj, kind: str) -> Mapping[str, Any]:
    """Return the condition of that type from an object's status, empty where there is none."""
    for found in status(obj).get("conditions") or ():
        if found.get("type") == kind:
            return dict(found)
    return {}


def is_true(obj: Obj, kind: str) -> bool:
    """Tell whether the condition of that type is present and true."""
    return condition(obj, kind).get("status") == "True"


def ready_since(pod: Obj) -> datetime | None:
    """Return when a pod got ready, ``None`` if it is not."""
    return moment(condition(pod, "Ready").get("lastTransitionTime")) if is_true(pod, "Ready") else None


def deleted(obj: Obj) -> bool:
    """Tell whether an object is being deleted."""
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def observed(obj: Obj) -> bool:
    """Tell whether a workload's status speaks of its present specification."""
    return int(status(obj).get("observedGeneration") or 0) >= int((obj.get("metadata") or {}).get("generation") or 1)
