# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Watches a release until all of it is done, or some of it never will be.

What is asked of the cluster is in ``_probe``, what its answers mean in ``_verdicts`` and ``_health``, how it is told in
``_telling``. Here is only the order of things, and it knows no clock but the one it is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..core.errors import Failure
from ..core.labels import RELEASE_LABEL
from ..kube.lease import RENEWAL
from . import health as _health
from . import progress
from .cache import EVIDENCE_KINDS, PRIMARY_KINDS, WORKLOADS, Change, ObjectCache
from .evaluators import EVALUATORS, awaited, causes_first, settled
from .health import HealthResponse
from .log_patterns import LogPattern, match_log
from .options import WaitOptions
from .progress import Finding, ProgressReporter
from .source import Source
from .verdict import Key, State, Verdict, never, not_yet
from .watcher import WatchError, WatchEvent

#: Seconds between the first *never* and the failure, to tell with it what else has failed; fewer after a grace.
GATHERING, GATHERING_AFTER_GRACE = 2.0, 1.0
#: Seconds between two questions for Airflow's health, which cannot be watched.
HEALTH_INTERVAL = 1.0
#: Seconds for which news is gathered before it is judged, because it comes in bursts.
MIN_GATHER, MAX_GATHER = 0.05, 1.0
#: Seconds that check mode waits for one answer.
ONE_ANSWER = 8.0


class Waiting:
    """One wait.

    :param say: shows a line to the user.
    :param keep: keeps the release ours meanwhile; called every few seconds.
    :param clock: seconds that only go forward.
    """

    def __init__(
        self,
        source: Source,
        options: WaitOptions,
        say: Callable[[str], None],
        keep: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._options = options
        self._keep = keep
        self._clock = clock
        self._began = clock()
        self._release = ObjectCache(options.release, options.limits)
        self._told = ProgressReporter(say, self._seconds)
        self._verdicts: dict[Key, Verdict] = {}
        self._dirty: set[Key] = set()
        self._listed: set[str] = set()
        self._watching = False
        self._retried: dict[Key, datetime] = {}
        self._excused: dict[Key, datetime] = {}
        self._started_again: dict[Key, _Restart] = {}
        self._counted = 0.0
        self._counted_until = self._began
        self._trouble = ""
        self._fails_at: float | None = None
        self._others_done: datetime | None = None
        self._judged_in = 0.0
        self._health = _HealthState()

    def look(self) -> dict[str, Any]:
        """Return the verdicts as they are now, without waiting for any object (check mode)."""
        self._list(PRIMARY_KINDS)
        if not self._all_done():
            self._list(EVIDENCE_KINDS)
        elif self._options.health and self._verdicts:
            self._source.ask_health()
            self._take(self._source.receive(ONE_ANSWER, 0))
        self._told.first(self._settled())
        return self._result()

    def wait(self) -> dict[str, Any]:
        """Return when all is done.

        :raises Failure: something never will be, or not in time.
        """
        try:
            return self._wait()
        finally:
            self._source.close()

    def _wait(self) -> dict[str, Any]:
        self._list(PRIMARY_KINDS)
        self._check_presence()
        if not self._all_done():
            self._list(EVIDENCE_KINDS)
            self._check_namespace()
        self._told.first(self._settled())
        while not self._finished():
            self._keep()
            self._fail_if_hopeless()
            if self._counted >= self._options.timeout:
                raise self._timed_out()
            self._ask_health_if_due()
            if not self._all_done() or self._health.asked > 1:
                self._watch()
            news = self._source.receive(self._next_moment(), self._judging_pause())
            self._count()
            self._take(news)
            if all(key.kind == "Health" for key in self._verdicts):
                raise self._nothing_there()
            self._told.changes(self._settled())
        return self._result()

    def _list(self, kinds: Iterable[str]) -> None:
        """Take in all objects of these kinds, and judge all there are."""
        if not self._listed:
            # The first answers also set the cluster's clock.
            changes = list(self._source.objects(kinds))
            self._release.started = self._source.now()
        else:
            changes = list(self._source.objects(kinds))
        self._listed |= set(kinds)
        for change in changes:
            self._release.take(change)
        self._dirty |= set(self._release.to_judge())
        self._judge()

    def _watch(self) -> None:
        if not self._watching:
            self._watching = True
            if missing := [kind for kind in EVIDENCE_KINDS if kind not in self._listed]:
                self._list(missing)
            self._release.adds_nodes = self._source.adds_nodes()
            self._dirty |= set(self._release.to_judge())
            self._judge()
            self._source.watch()

    def _count(self) -> None:
        """Count the time that has passed, but for that in which a pod rightly takes its time to end."""
        clock = self._clock()
        if not self._release.ends_in_time(self._source.now()):
            self._counted += clock - self._counted_until
        self._counted_until = clock

    def _take(self, news: Iterable[WatchEvent]) -> None:
        for item in news:
            if isinstance(item, Change):
                self._dirty |= self._release.take(item)
            elif isinstance(item, HealthResponse):
                self._health.take(item, self._clock())
            else:
                self._take_error(item)
        self._judge()

    def _take_error(self, trouble: WatchError) -> None:
        if trouble.permanent:
            raise Failure(f"{self._options}: {trouble.message}", **self._result())
        if trouble.message and not self._trouble:
            self._told.note(f"the cluster does not answer: {trouble.message}")
        self._trouble = trouble.message

    def _judging_pause(self) -> float:
        """Return for how many seconds to gather news, so that judging takes a fifth of the time at most."""
        if not self._watching:
            return 0
        return min(max(MIN_GATHER, 4 * self._judged_in), MAX_GATHER)

    def _judge(self) -> None:
        """Judge again what has changed, and what may have changed by time alone."""
        began = self._clock()
        now = self._source.now()
        wanted = {key for key in self._release.to_judge() if not self._options.only or str(key) in self._options.only}
        due = {key for key, verdict in self._verdicts.items() if verdict.again and verdict.again <= now}
        for key in [key for key in self._verdicts if key not in wanted and key.kind != "Health"]:
            del self._verdicts[key]
        for key in wanted & (self._dirty | due | (wanted - set(self._verdicts))):
            self._verdicts[key] = self._second_try(EVALUATORS[key.kind](self._release.context(key, now)), now)
        self._dirty.clear()
        self._others_done = None if awaited(self._verdicts) else self._others_done or now
        self._judge_health(now)
        self._look_into_suspicions()
        self._judged_in = self._clock() - began

    def _second_try(self, verdict: Verdict, now: datetime) -> Verdict:
        """Give what is stuck from before another try, once."""
        if not self._options.restart_stuck or not verdict.stuck:
            return verdict
        stuck = [key for key in verdict.stuck if key not in self._retried]
        # What is seen of it after that may still be of before.
        until = self._retried.get(verdict.stuck[0], now) + timedelta(seconds=self._options.limits.missing)
        if not stuck:
            return not_yet(verdict.reason, place=verdict.place, again=until) if now < until else verdict
        for key in stuck:
            self._retried[key] = now
            self._source.retry(key)
            self._told.note(f"{key} is stuck and gets another try ({verdict.reason})")
        return not_yet(f"{stuck[0].kind.lower()} {stuck[0].name} gets another try", again=until)

    def _judge_health(self, now: datetime) -> None:
        if not self._workloads_done():
            self._health.ready_since = None
        elif self._health.ready_since is None:
            self._health.ready_since = now
            self._health.ready_at = self._clock()
        question = self._options.health
        if not question or self._health.answer is None:
            return
        for key in [key for key in self._verdicts if key.kind == "Health"]:
            del self._verdicts[key]
        since = self._health.ready_since or now
        self._verdicts |= _health.health_verdicts(self._health.answer, question.components, now, since, question.grace)

    def _ask_health_if_due(self) -> None:
        if self._health_is_wanted() and self._clock() >= self._health.next_at:
            self._health.ask(self._clock())
            self._source.ask_health()

    def _health_is_wanted(self) -> bool:
        """Tell whether to ask Airflow, now or soon: it can answer once the pods that serve it are ready."""
        if not self._options.health or self._health.under_way or self._health_is_known():
            return False
        serving = [
            v for k, v in self._verdicts.items() if k.kind in WORKLOADS and k.name == self._options.health.workload
        ]
        return self._workloads_done() or any(verdict.state == State.DONE for verdict in serving)

    def _health_is_known(self) -> bool:
        """Tell whether Airflow is healthy, and was asked when all its pods had become ready."""
        healthy = self._health.answer is not None and all(
            verdict.state == State.DONE for key, verdict in self._verdicts.items() if key.kind == "Health"
        )
        return healthy and (not self._workloads_done() or self._health.asked_at >= self._health.ready_at)

    def _workloads_done(self) -> bool:
        return not any(
            verdict.blocks and verdict.state != State.DONE
            for key, verdict in self._verdicts.items()
            if key.kind != "Health"
        )

    def _all_done(self) -> bool:
        return not any(verdict.blocks and verdict.state != State.DONE for verdict in self._verdicts.values())

    def _finished(self) -> bool:
        return self._all_done() and (self._options.health is None or self._health_is_known())

    def _fail_if_hopeless(self) -> None:
        verdicts = self._settled()
        failed = [key for key, verdict in verdicts.items() if verdict.state == State.NEVER]
        if not failed:
            self._fails_at = None
            return
        if self._fails_at is None:
            grace = self._source.now() - timedelta(seconds=self._options.limits.missing)
            aged = any((since := verdicts[key].since) and since <= grace for key in failed)
            self._fails_at = self._clock() + (GATHERING_AFTER_GRACE if aged else GATHERING)
        others = any(progress.is_waiting(verdict) for verdict in verdicts.values())
        if not others or self._clock() >= self._fails_at:
            raise self._failed(verdicts, failed)

    def _look_into_suspicions(self) -> None:
        """Excuse what only looks as if it had failed for good.

        For another while, what does not say that it has; until it is started again, what failed for want of servers.
        Where those are of the release and were not ready when it was started, it is given any number of tries; else as
        many as Kubernetes makes in the time that the limits have for it.
        """
        for key, verdict in self._settled().items():
            if verdict.suspected:
                if not self._pattern(verdict):
                    self._excused[key] = self._source.now() + timedelta(seconds=self._options.limits.dependencies)
            elif (
                verdict.state == State.NEVER
                and verdict.tried
                and (pattern := self._pattern(verdict))
                and not pattern.permanent
            ):
                self._excuse_restart(key, verdict)

    def _excuse_restart(self, key: Key, verdict: Verdict) -> None:
        before = self._started_again.get(key)
        first = before.first if before else self._source.now()
        until = first + timedelta(seconds=self._options.limits.restarts)
        self._started_again[key] = _Restart(verdict.tried, first, None if self._came_early(key, verdict) else until)

    def _came_early(self, key: Key, verdict: Verdict) -> bool:
        """Tell whether something failed that was started when not all that it could need was ready."""
        if not verdict.tried or not self._release.has_dependencies(key):
            return False
        ready = self._release.servers_ready()
        return ready is None or verdict.tried <= ready

    def _pattern(self, verdict: Verdict) -> LogPattern | None:
        return match_log(self._source.log(verdict.log)) if verdict.log else None

    def _failed(self, verdicts: Mapping[Key, Verdict], failed: Iterable[Key]) -> Failure:
        findings = [self._found(key, verdicts[key]) for key in causes_first(failed, self._release.has_dependencies)]
        waiting = {key: verdict for key, verdict in verdicts.items() if progress.is_waiting(verdict)}
        self._told.changes(verdicts, at_once=True)
        message = progress.failure_message(str(self._options), findings, waiting, self._source.now())
        return Failure(message, **self._result(findings))

    def _found(self, key: Key, verdict: Verdict) -> Finding:
        """Return a failure with what only who fails has to ask for: its log and what that means, the room on nodes."""
        log = self._source.log(verdict.log) if verdict.log else ()
        if pattern := match_log(log):
            verdict = verdict.but(reason=f"{verdict.reason}: {pattern.meaning}", advice=pattern.advice)
        if verdict.unplaced and (room := self._source.shortage(verdict.unplaced)):
            verdict = verdict.but(reason=f"{verdict.reason}; {room}")
        return Finding(key, verdict, log)

    def _timed_out(self) -> Failure:
        waiting = {key: verdict for key, verdict in self._settled().items() if progress.is_waiting(verdict)}
        if self._all_done():
            waiting[Key("Health", "api_server")] = not_yet("has not answered yet")
        message = progress.timeout_message(str(self._options), self._seconds(), waiting, self._trouble)
        return Failure(message, **self._result())

    def _check_presence(self) -> None:
        """Refuse to wait for what is not there."""
        if self._options.only:
            missing = sorted(self._options.only - {str(key) for key in self._verdicts})
            if missing:
                raise Failure(f"{self._options} has no {', '.join(missing)}. Deploy it, or correct the names in only.")
        if not self._verdicts:
            raise self._nothing_there()

    def _nothing_there(self) -> Failure:
        state = self._source.namespace_state()
        seen = {"missing": "The namespace does not exist", "Terminating": "The namespace is being deleted"}.get(
            state, f"No workload there carries the label {RELEASE_LABEL}={self._options.release}"
        )
        return Failure(
            f"{self._options} has no objects to wait for. {seen} ({self._source.where}). "
            "Deploy it first, or correct airflow_namespace, airflow_name and the cluster's context."
        )

    def _check_namespace(self) -> None:
        if self._source.namespace_state() == "Terminating":
            self._verdicts[Key("Namespace", self._options.namespace)] = never("is being deleted")
            raise Failure(
                f"{self._options} can never be done: the namespace is being deleted. "
                f"Wait until it is gone (kubectl get namespace {self._options.namespace}), then deploy again.",
                **self._result(),
            )

    def _next_moment(self) -> float:
        """Return the seconds until something has to be done even though there is no news."""
        now, clock = self._source.now(), self._clock()
        moments = [self._options.timeout - self._counted]
        moments += [(v.again - now).total_seconds() for v in self._settled().values() if v.again]
        if self._fails_at is not None:
            moments.append(self._fails_at - clock)
        if self._health_is_wanted():
            moments.append(self._health.next_at - clock)
        if self._told.held_until is not None:
            moments.append(self._told.held_until - self._seconds())
        return min(max(min(moments), 0.0), RENEWAL / 4)

    def _settled(self) -> dict[Key, Verdict]:
        # What is looked at in part may wait for what is not looked at.
        grace = None if self._options.only else self._options.limits.dependencies
        now = self._source.now()
        verdicts = settled(self._verdicts, self._others_done, now, grace)
        for key, until in self._excused.items():
            if key in verdicts and verdicts[key].suspected and now < until:
                verdicts[key] = self._verdicts[key].but(again=until)
        for key, restart in self._started_again.items():
            verdict = verdicts.get(key)
            if verdict and verdict.state == State.NEVER and restart.excuses(verdict, now):
                reason = f"{verdict.reason}; {restart.why}"
                verdicts[key] = not_yet(reason, place=verdict.place, since=verdict.since, again=restart.until)
        return verdicts

    def _seconds(self) -> float:
        return self._clock() - self._began

    def _result(self, findings: Iterable[Finding] = ()) -> dict[str, Any]:
        objects = []
        found = {finding.key: finding for finding in findings}
        for key, settled_verdict in sorted(self._settled().items()):
            verdict = found[key].verdict if key in found else settled_verdict
            told: dict[str, Any] = {
                "kind": key.kind,
                "name": key.name,
                "verdict": str(verdict.state),
                "reason": verdict.reason,
                "seconds": self._told.seconds_of(key, verdict),
            }
            if verdict.state == State.NEVER:
                told |= {
                    "place": verdict.place,
                    "advice": verdict.advice,
                    "log": list(found[key].log) if key in found else [],
                }
            objects.append(told)
        return {
            "changed": bool(self._retried),
            "objects": objects,
            "health": {part: dict(told) for part, told in (self._health.answer or HealthResponse()).parts.items()},
            "restarted": sorted(str(key) for key in self._retried),
            "seconds": round(self._seconds(), 1),
            "log": self._told.lines,
        }


@dataclass(frozen=True)
class _Restart:
    """A failure after which a container is started again, and may then find what it needs.

    :param tried: when the container was started that has failed.
    :param first: when the first such failure was seen.
    :param until: until when that is not called *never*; ``None``: until it fails again.
    """

    tried: datetime | None
    first: datetime
    until: datetime | None

    @property
    def why(self) -> str:
        if self.until is None:
            return "it was started before what it needs was ready"
        return "it is started again, and may find what it needs then"

    def excuses(self, verdict: Verdict, now: datetime) -> bool:
        return verdict.tried == self.tried and (self.until is None or now < self.until)


class _HealthState:
    """Where the questions for Airflow's health stand, in seconds of the clock; ``ready_since`` is by the cluster's."""

    def __init__(self) -> None:
        self.answer: HealthResponse | None = None
        self.asked = 0
        self.asked_at = -1.0
        self.next_at = 0.0
        self.under_way = False
        self.ready_since: datetime | None = None
        self.ready_at = 0.0

    def ask(self, clock: float) -> None:
        self.asked += 1
        self.asked_at = clock
        self.under_way = True

    def take(self, answer: HealthResponse, clock: float) -> None:
        self.answer = answer
        self.under_way = False
        self.next_at = max(self.asked_at + HEALTH_INTERVAL, clock)
