# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an evaluator is given to say whether an object is ready: the object, what happened to it, and limits of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..core.objects import EPOCH, Obj, moment, uid
from .verdict import Hints, Verdict, pending


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
    :param dependencies: a pod goes on waiting for others although those are done: time for one try that began before,
        and a whole one, of 5 s each.
    :param unrouted: no router says anything of a Route; it does so within a second, unless there is none.
    :param unsynced: the External Secrets operator cannot make a Secret, and tries again with growing pauses.
    """

    unschedulable: float = 60
    unscalable: float = 10
    transient: float = 90
    restarts: float = 120
    missing: float = 5
    retried: float = 8
    lost: float = 10
    dependencies: float = 11
    unrouted: float = 30
    unsynced: float = 20


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
class Context:
    """Everything known about one object at one moment: all that an evaluator is given.

    :param subject: the object to evaluate.
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
        matches = [e for e in self.events.get(uid(obj), ()) if not reasons or e.reason in reasons]
        return sorted(matches, key=lambda e: e.last, reverse=True)

    def in_this_run(self, time: str | None) -> datetime | None:
        """Return since when something counts that is so since ``time``: what was so before may just be corrected."""
        return max((each for each in (moment(time), self.started) if each), default=None)

    def after_grace(self, since: datetime | None, seconds: float, verdict: Verdict) -> Verdict:
        """Return ``verdict`` once ``seconds`` have passed since ``since``, and until then *not yet* with its reason."""
        since = since or self.now
        if self.now >= since + timedelta(seconds=seconds):
            return verdict.but(since=since)
        end = since + timedelta(seconds=seconds)
        return pending(verdict.reason, place=verdict.place, since=since, hints=Hints(recheck_at=end))

    def after_retries(self, failures: Sequence[Event], since: datetime | None, verdict: Verdict) -> Verdict:
        """Return ``verdict`` once the cluster has tried often and long enough, and until then *not yet*.

        :param failures: the events of the tries, oldest or newest first; empty where the cluster writes none.
        :param since: when the first try failed, for where there are none.
        """
        first = min((event.first for event in failures), default=since)
        if failures and sum(event.count for event in failures) < MIN_TRIES:
            return pending(verdict.reason, place=verdict.place, since=first)
        return self.after_grace(first, self.limits.transient, verdict)


#: Begins the message of an Event that stands for many whose messages differ.
_COMBINED = "(combined from similar events): "

#: Containers of this name only wait for other objects, and may fail as long as those are not done.
WAIT_PREFIX = "wait-for-"
