# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Watches a release until all of it is ready, or some of it never will be: only the order of things.

A :class:`~.source.Source` asks the cluster, evaluators say what is known of each object, :func:`~.settle.settle` has
the last word on all of them, and :mod:`.progress` and :mod:`.report` put it into words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from ..kube.lease import RENEWAL
from .blocked_jobs import BlockedJobs
from .cache import EVIDENCE_KINDS, PRIMARY_KINDS, Change, ObjectCache
from .evaluators import Evaluation
from .health import HealthResponse
from .health_polling import HealthPolling
from .options import WaitOptions
from .progress import ProgressReporter
from .report import Report
from .settle import Instant, Settled, settle_with_logs
from .source import Source
from .stopwatch import Stopwatch
from .watcher import WatchError, WatchEvent

#: Seconds for which changes are gathered before they are evaluated, because they come in bursts.
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
        self._stopwatch = Stopwatch(clock)
        self._cache = ObjectCache(options.release, options.limits)
        self._evaluation = Evaluation(self._cache, options.only)
        self._health = HealthPolling(options.health)
        self._reporter = ProgressReporter(say, self._stopwatch.seconds)
        self._report = Report(source, options, self._reporter, self._stopwatch)
        self._blocked = BlockedJobs(source.log, self._reporter.note)
        self._settled = Settled()
        self._settled_in = 0.0
        self._watching = False
        self._error = ""

    def look(self) -> dict[str, Any]:
        """Return the verdicts as they are now, without waiting for any object (check mode)."""
        self._list((*PRIMARY_KINDS, *self._options.awaited))
        if not self._settled.all_done:
            self._list(EVIDENCE_KINDS)
        elif self._options.health and self._evaluation.verdicts:
            self._source.ask_health()
            self._take(self._source.receive(ONE_ANSWER, 0))
        self._reporter.first(self._settled.verdicts)
        return self._report.result(self._settled)

    def wait(self) -> dict[str, Any]:
        """Return when all is ready.

        :raises Failure: something never will be, or not in time.
        """
        try:
            return self._wait()
        finally:
            self._source.close()

    def _wait(self) -> dict[str, Any]:
        self._list((*PRIMARY_KINDS, *self._options.awaited))
        if missing := self._options.only - {str(key) for key in self._evaluation.verdicts}:
            raise self._report.missing(missing)
        if not self._evaluation.verdicts:
            raise self._report.nothing_there()
        if not self._settled.all_done:
            self._list(EVIDENCE_KINDS)
            if self._source.namespace_state() == "Terminating":
                raise self._report.namespace_deleted(self._settled)
        self._reporter.first(self._settled.verdicts)
        self._blocked.look(self._settled.verdicts, self._stopwatch.seconds())
        while not (self._settled.all_done and self._health.is_settled(self._settled)):
            self._keep()
            if self._settled.given_up:
                raise self._report.failed(self._settled)
            if self._stopwatch.counted >= self._options.timeout:
                waiting = self._blocked.explained(self._settled.waiting())
                raise self._report.timed_out(self._settled, waiting, self._error)
            if self._health.is_due(self._settled, self._stopwatch.seconds()):
                self._health.ask(self._stopwatch.seconds())
                self._source.ask_health()
            if not self._settled.all_done or self._health.asked > 1:
                self._watch()
            events = self._source.receive(self._next_moment(), self._pause())
            # The time does not count in which a pod rightly takes its time to end.
            self._stopwatch.lap(counts=not self._cache.ends_in_time(self._source.now()))
            self._take(events)
            if not self._evaluation.verdicts:
                raise self._report.nothing_there()
            self._reporter.changes(self._settled.verdicts)
            self._blocked.look(self._settled.verdicts, self._stopwatch.seconds())
        return self._report.result(self._settled)

    def _list(self, kinds: Iterable[str]) -> None:
        """Take in all objects of these kinds, and evaluate all there are."""
        changes = list(self._source.objects(kinds))
        # The first answers also set the cluster's clock.
        self._cache.started = self._cache.started or self._source.now()
        for change in changes:
            self._evaluation.take(change)
        self._evaluation.expire()
        self._settle()

    def _watch(self) -> None:
        if self._watching:
            return
        self._watching = True
        if missing := [kind for kind in EVIDENCE_KINDS if kind not in self._cache.listed]:
            self._list(missing)
        self._cache.adds_nodes = self._source.adds_nodes()
        self._evaluation.expire()
        self._settle()
        self._source.watch()

    def _take(self, events: Iterable[WatchEvent]) -> None:
        for event in events:
            if isinstance(event, Change):
                self._evaluation.take(event)
            elif isinstance(event, HealthResponse):
                self._health.take(event, self._stopwatch.seconds())
            else:
                self._take_error(event)
        self._settle()

    def _take_error(self, error: WatchError) -> None:
        if error.permanent:
            raise self._report.disconnected(self._settled, error.message)
        if error.message and not self._error:
            self._reporter.note(f"the cluster does not answer: {error.message}")
        self._error = error.message

    def _settle(self) -> None:
        """Evaluate what has changed, settle what that means, and give what is stuck another try."""
        now = self._now()
        self._evaluation.update(now.time, self._settled.due(now.time))
        verdicts, history, rules = self._evaluation.verdicts, self._settled.history, self._options.rules
        facts = self._evaluation.facts(self._health.response)
        self._settled = settle_with_logs(verdicts, history, now, facts, rules, self._source.log)
        for retry in self._settled.retries:
            self._source.retry(retry.key)
            self._reporter.note(f"{retry.key} is stuck and gets another try ({retry.reason})")
        self._settled_in = self._stopwatch.seconds() - now.seconds

    def _pause(self) -> float:
        """Return for how many seconds to gather events, so that this work takes a fifth of the time at most."""
        return min(max(MIN_GATHER, 4 * self._settled_in), MAX_GATHER) if self._watching else 0

    def _next_moment(self) -> float:
        """Return the seconds until something has to be done even though nothing is heard."""
        now = self._now()
        delays = [self._options.timeout - self._stopwatch.counted, *self._settled.delays(now)]
        for moment in (self._health.due_at(self._settled), self._reporter.held_until, self._blocked.due_at()):
            delays += [] if moment is None else [moment - now.seconds]
        return min(max(min(delays), 0.0), RENEWAL / 4)

    def _now(self) -> Instant:
        return Instant(self._source.now(), self._stopwatch.seconds())
