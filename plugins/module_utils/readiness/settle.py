# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the verdicts of one round mean, by those on other objects and by what was seen in earlier rounds.

An evaluator says of one object what its own data say. Whatever depends on other objects or on the past is settled here,
once a round, by a function that asks nobody and knows no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from .cache import EXTERNAL_SECRET, ROUTE
from .context import Limits
from .health import HealthResponse, health_verdicts
from .log_patterns import LogPattern, match_log
from .verdict import Hints, Key, LogSource, State, Verdict, failed, pending

#: Seconds between the first *never* and the failure, to tell with it what else has failed; fewer after a grace.
GATHERING, GATHERING_AFTER_GRACE = 2.0, 1.0


@dataclass(frozen=True)
class Instant:
    """One moment, by two clocks.

    :param time: by the cluster's, which the times in objects are compared with, and which may be corrected.
    :param seconds: since the wait began, by a clock that only goes forward.
    """

    time: datetime
    seconds: float = 0.0


@dataclass(frozen=True)
class Rules:
    """By which rules verdicts are settled.

    :param restart_stuck: give what was stuck before this run another try.
    :param partial: not all objects are looked at, so what one of them waits for may be another one.
    :param health_components: the components that Airflow's health is asked of, besides the database.
    :param health_grace: seconds that they may stay unhealthy when all pods are ready.
    """

    limits: Limits = field(default_factory=Limits)
    restart_stuck: bool = False
    partial: bool = False
    health_components: Sequence[str] = ()
    health_grace: float = 0.0


@dataclass(frozen=True)
class Facts:
    """What is known of this round besides the verdicts.

    :param dependents: the objects whose pods wait for others before they start.
    :param servers_ready: since when the workloads that wait for nothing are ready; ``None`` while one is not.
    :param health: what Airflow has answered last, ``None`` before it has.
    :param complete: whether pods and events are known, too, so that a failure is one.
    :param logs: by object, what its log means, of those in :attr:`Settled.unread`; ``None``: nothing that is known.
    """

    dependents: Container[Key] = frozenset()
    servers_ready: datetime | None = None
    health: HealthResponse | None = None
    complete: bool = True
    logs: Mapping[Key, LogPattern | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Restart:
    """A failure after which a container is started again, and may then find what it needs.

    :param started: when the container was started that has failed.
    :param first: when the first such failure was seen.
    :param until: until when that is not *never*; ``None``: until it fails again.
    """

    started: datetime | None
    first: datetime
    until: datetime | None

    @property
    def reason(self) -> str:
        """Why the failure does not count yet."""
        if self.until is None:
            return "it was started before what it needs was ready"
        return "it is started again, and may find what it needs then"

    def excuses(self, verdict: Verdict, now: datetime) -> bool:
        """Tell whether a verdict is on that same failure, and need not be the last word."""
        return verdict.hints.started == self.started and (self.until is None or now < self.until)


@dataclass(frozen=True)
class History:
    """What earlier rounds have seen and done.

    :param retried: what was given another try, and when.
    :param retried_for: by object, the verdict for which that was done, and what was tried again.
    :param others_ready: since when nothing is pending but what waits for others itself.
    :param pods_ready: since when all objects are ready, so that Airflow can be healthy.
    :param excused: by object, until when it may go on waiting for what is done: its log says nothing against that.
    :param restarts: by object, its last failure for want of a server.
    :param fails_at: in seconds of :class:`Instant`, when a failure is not kept back any longer to gather others.
    """

    retried: Mapping[Key, datetime] = field(default_factory=dict)
    retried_for: Mapping[Key, tuple[Verdict, Key]] = field(default_factory=dict)
    others_ready: datetime | None = None
    pods_ready: Instant | None = None
    excused: Mapping[Key, datetime] = field(default_factory=dict)
    restarts: Mapping[Key, Restart] = field(default_factory=dict)
    fails_at: float | None = None


@dataclass(frozen=True)
class Retry:
    """Something to be given another try.

    :param reason: what it is stuck with.
    """

    key: Key
    reason: str


@dataclass(frozen=True)
class Settled:
    """How a release is.

    :param verdicts: the last word on each object of this round, Airflow's health among them.
    :param history: for the next round.
    :param failed: the objects that are *failed*, causes first.
    :param given_up: whether something has failed and nothing more is to be expected.
    :param retries: what to give another try now.
    :param unread: by object, the log without which its verdict cannot be settled. They are to be read, and the round
        settled once more with :attr:`Facts.logs`, from the same history.
    :param retrying: by object that gets another try, when that has had its time.
    :param recheck_at: when something may change by time alone.
    :param health: what Airflow has answered last, ``None`` before it has.
    """

    verdicts: Mapping[Key, Verdict] = field(default_factory=dict)
    history: History = field(default_factory=History)
    failed: Sequence[Key] = ()
    given_up: bool = False
    retries: Sequence[Retry] = ()
    unread: Mapping[Key, LogSource] = field(default_factory=dict)
    retrying: Mapping[Key, datetime] = field(default_factory=dict)
    recheck_at: datetime | None = None
    health: HealthResponse | None = None

    @property
    def all_done(self) -> bool:
        """Whether nothing holds up the release."""
        return not any(verdict.holds_up for verdict in self.verdicts.values())

    def waiting(self) -> dict[Key, Verdict]:
        """Return what is neither ready nor failed."""
        return {key: verdict for key, verdict in self.verdicts.items() if verdict.is_waiting}

    def delays(self, now: Instant) -> list[float]:
        """Return the seconds after which to settle again though nothing has changed."""
        delays = [(self.recheck_at - now.time).total_seconds()] if self.recheck_at else []
        return delays + ([self.history.fails_at - now.seconds] if self.history.fails_at is not None else [])

    def due(self, now: datetime) -> set[Key]:
        """Return the objects to evaluate again because another try has had its time."""
        return {key for key, until in self.retrying.items() if until <= now}


def settle(
    verdicts: Mapping[Key, Verdict],
    history: History,
    now: Instant,
    facts: Facts | None = None,
    rules: Rules | None = None,
) -> Settled:
    """Return the last word of a round on all objects, in this order.

    1. What was stuck before the run gets another try, and is *not yet* until that has had its time.
    2. What waits for others fails only by what happens after those are done; what goes on waiting then, waits for what
       will not come, unless its log says otherwise.
    3. What failed for want of a server counts once it was started when that was ready, or has been for long enough.
    4. Airflow's health counts from when all pods are ready.
    5. A failure is kept back for a moment, while others may follow; causes come first.

    :param verdicts: of the evaluators, with their hints.
    :param history: what the last round has left; empty in the first one.
    """
    facts, rules = facts or Facts(), rules or Rules()
    tries = _SecondTries(history, now.time, rules)
    current = {key: tries.settle(key, verdict) for key, verdict in verdicts.items()}
    others_ready = None if _others_pending(current) else history.others_ready or now.time
    doubts = _Doubts(history, now.time, facts, rules, others_ready)
    current = {key: doubts.settle(key, verdict) for key, verdict in current.items()}
    pods_ready = None if any(verdict.holds_up for verdict in current.values()) else history.pods_ready or now
    if facts.health is not None:
        since = pods_ready.time if pods_ready else now.time
        current |= health_verdicts(facts.health, rules.health_components, now.time, since, rules.health_grace)
    failed = causes_first((key for key, verdict in current.items() if verdict.state == State.FAILED), facts.dependents)
    fails_at = None
    if failed and facts.complete:
        fails_at = history.fails_at
        if fails_at is None:
            fails_at = now.seconds + _gathering([current[key] for key in failed], now.time, rules.limits)
    others_follow = any(verdict.is_waiting for verdict in current.values())
    return Settled(
        verdicts={key: verdict.but(hints=Hints()) for key, verdict in current.items()},
        history=History(
            retried=tries.retried,
            retried_for=tries.retried_for,
            others_ready=others_ready,
            pods_ready=pods_ready,
            excused=doubts.excused,
            restarts=doubts.restarts,
            fails_at=fails_at,
        ),
        failed=failed,
        given_up=fails_at is not None and (not others_follow or now.seconds >= fails_at),
        retries=tries.due,
        unread=doubts.unread,
        retrying=tries.retrying,
        recheck_at=min((v.hints.recheck_at for v in current.values() if v.hints.recheck_at), default=None),
        health=facts.health,
    )


def settle_with_logs(
    verdicts: Mapping[Key, Verdict],
    history: History,
    now: Instant,
    facts: Facts,
    rules: Rules,
    read: Callable[[LogSource], Iterable[str]],
) -> Settled:
    """Settle a round, and once more with the logs that it turns out to depend on.

    :param read: returns the last lines of a log.
    """
    settled = settle(verdicts, history, now, facts, rules)
    if not settled.unread:
        return settled
    logs = {key: match_log(read(log)) for key, log in settled.unread.items()}
    return settle(verdicts, history, now, replace(facts, logs=logs), rules)


def causes_first(keys: Iterable[Key], dependents: Container[Key]) -> list[Key]:
    """Sort objects that have failed: what others depend on comes first.

    Secrets and claims, then what waits for nothing (databases, brokers), then Jobs, then what waits for those, then
    the health and the way in.

    :param dependents: the objects whose pods wait for others before they start.
    """
    order = {"Namespace": 0, EXTERNAL_SECRET: 1, "PersistentVolumeClaim": 1, "Job": 3, "Health": 5, ROUTE: 6}
    return sorted(keys, key=lambda key: (order.get(key.kind, 4 if key in dependents else 2), key.name))


def _others_pending(verdicts: Mapping[Key, Verdict]) -> bool:
    """Tell whether something is not done that does not itself wait for others, and that others may wait for."""
    return any(
        verdict.holds_up and not verdict.hints.awaits_dependencies and key.kind != ROUTE
        for key, verdict in verdicts.items()
    )


def _gathering(failed: Iterable[Verdict], now: datetime, limits: Limits) -> float:
    """Return for how many seconds others are gathered that fail with the first."""
    grace = now - timedelta(seconds=limits.missing)
    aged = any(verdict.since and verdict.since <= grace for verdict in failed)
    return GATHERING_AFTER_GRACE if aged else GATHERING


class _SecondTries:
    """What is stuck from before the run, and gets another try, once."""

    def __init__(self, history: History, now: datetime, rules: Rules) -> None:
        self.retried = dict(history.retried)
        self.retried_for = dict(history.retried_for)
        self.due: list[Retry] = []
        self.retrying: dict[Key, datetime] = {}
        self._now = now
        self._rules = rules

    def settle(self, key: Key, verdict: Verdict) -> Verdict:
        stuck = verdict.hints.stuck
        if not self._rules.restart_stuck or not stuck:
            return verdict
        fresh = [one for one in stuck if one not in self.retried]
        if fresh:
            self.due += [Retry(one, verdict.reason) for one in fresh]
            self.retried |= dict.fromkeys(fresh, self._now)
            self.retried_for[key] = (verdict, fresh[0])
        # What is seen of it after that may still be of before.
        until = self.retried[stuck[0]] + timedelta(seconds=self._rules.limits.missing)
        if not fresh and self._now >= until:
            return verdict
        self.retrying[key] = until
        hints = Hints(recheck_at=until)
        before, retried = self.retried_for.get(key, (None, key))
        # The same verdict, not an equal one: nothing has been seen of the object since.
        if before is verdict:
            return pending(f"{retried.kind.lower()} {retried.name} gets another try", hints=hints)
        return pending(verdict.reason, place=verdict.place, hints=hints)


class _Doubts:
    """What looks as if it had failed for good, but may only be early, or slow to see that others are done."""

    def __init__(
        self, history: History, now: datetime, facts: Facts, rules: Rules, others_ready: datetime | None
    ) -> None:
        self.excused = dict(history.excused)
        self.restarts = dict(history.restarts)
        self.unread: dict[Key, LogSource] = {}
        self._now = now
        self._facts = facts
        self._rules = rules
        self._others_ready = others_ready

    def settle(self, key: Key, verdict: Verdict) -> Verdict:
        if verdict.hints.awaits_dependencies:
            if verdict.state == State.PENDING:
                return self._waits_in_vain(key, verdict)
            if not (self._others_ready and verdict.since and verdict.since >= self._others_ready):
                return pending(verdict.reason, place=verdict.place, since=verdict.since)
        return self._started_too_early(key, verdict)

    def _waits_in_vain(self, key: Key, verdict: Verdict) -> Verdict:
        """Fail what goes on waiting though the others are done, unless its log says nothing of a reason."""
        if not self._others_ready or self._rules.partial:
            return verdict
        grace = timedelta(seconds=self._rules.limits.dependencies)
        since = max(self._others_ready, verdict.since or self._others_ready)
        end = max(since + grace, self.excused.get(key, since))
        if self._now < end:
            return verdict.hint(recheck_at=end)
        log = replace(verdict.log, since=since) if verdict.log else None
        if self._is_read(key, log) and not self._facts.logs.get(key):
            # A machine that is too busy may keep it from looking.
            self.excused[key] = self._now + grace
            return verdict.hint(recheck_at=self._now + grace)
        reason = f"{verdict.reason} still, although its dependencies are ready"
        return failed(reason, place=verdict.place, since=since, log=log)

    def _started_too_early(self, key: Key, verdict: Verdict) -> Verdict:
        """Give what failed for want of a server another start.

        Where those are of the release and were not ready when it was started, it is given any number of tries; else as
        many as Kubernetes makes in the time that the limits have for it.
        """
        if verdict.state != State.FAILED or not verdict.hints.started or not verdict.log:
            return verdict
        restart = self.restarts.get(key)
        if not restart or not restart.excuses(verdict, self._now):
            pattern = self._facts.logs.get(key) if self._is_read(key, verdict.log) else None
            if not pattern or pattern.permanent:
                return verdict
            first = restart.first if restart else self._now
            until = first + timedelta(seconds=self._rules.limits.restarts)
            early = self._was_early(key, verdict.hints.started)
            restart = self.restarts[key] = Restart(verdict.hints.started, first, None if early else until)
        if not restart.excuses(verdict, self._now):
            return verdict
        reason = f"{verdict.reason}; {restart.reason}"
        hints = Hints(recheck_at=restart.until)
        return pending(reason, place=verdict.place, since=verdict.since, hints=hints)

    def _was_early(self, key: Key, started: datetime) -> bool:
        """Tell whether something was started when not all that it could need was ready."""
        ready = self._facts.servers_ready
        return key in self._facts.dependents and (ready is None or started <= ready)

    def _is_read(self, key: Key, log: LogSource | None) -> bool:
        """Tell whether it is known what a log means, and ask for it where it is not; no log means nothing."""
        if log and key not in self._facts.logs:
            self.unread[key] = log
        return key not in self.unread
