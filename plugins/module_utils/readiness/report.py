# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a wait returns, and the failures that it ends with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..core.errors import Failure
from ..core.labels import RELEASE_LABEL
from .health import HealthResponse
from .log_patterns import match_log
from .options import WaitOptions
from .progress import Finding, ProgressReporter, failure_message, timeout_message
from .settle import Settled
from .source import Source
from .stopwatch import Stopwatch
from .verdict import Key, State, Verdict, failed, pending


class Report:
    """Puts what was settled into results and failures; asks the cluster for what only who fails needs."""

    def __init__(self, source: Source, options: WaitOptions, reporter: ProgressReporter, stopwatch: Stopwatch) -> None:
        self._source = source
        self._options = options
        self._reporter = reporter
        self._stopwatch = stopwatch

    def result(self, settled: Settled, findings: Iterable[Finding] = ()) -> dict[str, Any]:
        """Return the data of a wait, whatever its end.

        :param findings: the failures among the verdicts, with their evidence.
        """
        by_key = {finding.key: finding for finding in findings}
        objects = [self._object(key, verdict, by_key.get(key)) for key, verdict in sorted(settled.verdicts.items())]
        restarted = sorted(str(key) for key in settled.history.retried)
        return {
            "changed": bool(restarted),
            "objects": objects,
            "health": {part: dict(reported) for part, reported in (settled.health or HealthResponse()).parts.items()},
            "restarted": restarted,
            "seconds": round(self._stopwatch.seconds(), 1),
            "log": self._reporter.lines,
        }

    def failed(self, settled: Settled) -> Failure:
        """Return the failure of a release that cannot become ready, and show it as progress."""
        findings = [self._evidence(key, settled.verdicts[key]) for key in settled.failed]
        self._reporter.changes(settled.verdicts, at_once=True)
        message = failure_message(str(self._options), findings, settled.waiting(), self._source.now())
        return Failure(message, **self.result(settled, findings))

    def timed_out(self, settled: Settled, waiting: dict[Key, Verdict], error: str) -> Failure:
        """Return the failure of a release that is not ready in time.

        :param waiting: what is neither ready nor failed.
        :param error: why the cluster does not answer, if it does not.
        """
        if settled.all_done:
            waiting[Key("Health", "api_server")] = pending("has not answered yet")
        message = timeout_message(str(self._options), self._stopwatch.seconds(), waiting, error)
        return Failure(message, **self.result(settled))

    def disconnected(self, settled: Settled, error: str) -> Failure:
        """Return the failure to reach the cluster ever again."""
        return Failure(f"{self._options}: {error}", **self.result(settled))

    def namespace_deleted(self, settled: Settled) -> Failure:
        """Return the failure of a release whose namespace is being deleted."""
        namespace = self._options.namespace
        deleted = {Key("Namespace", namespace): failed("is being deleted")}
        return Failure(
            f"{self._options} cannot become ready: the namespace is being deleted. "
            f"Wait until it is gone (kubectl get namespace {namespace}), then deploy again.",
            **self.result(replace(settled, verdicts={**settled.verdicts, **deleted})),
        )

    def missing(self, objects: Iterable[str]) -> Failure:
        """Return the failure to find some of the objects to wait for."""
        names = ", ".join(sorted(objects))
        return Failure(f"{self._options} has no {names}. Deploy it, or correct the names in only.")

    def nothing_there(self) -> Failure:
        """Return the failure to find any object of the release."""
        unlabelled = f"No workload there carries the label {RELEASE_LABEL}={self._options.release}"
        states = {"missing": "The namespace does not exist", "Terminating": "The namespace is being deleted"}
        seen = states.get(self._source.namespace_state(), unlabelled)
        return Failure(
            f"{self._options} has no objects to wait for. {seen} ({self._source.where}). "
            "Deploy it first, or correct airflow_namespace, airflow_name and the cluster's context."
        )

    def _evidence(self, key: Key, verdict: Verdict) -> Finding:
        """Return a failure with its log and what that means, and what the nodes lack."""
        log = self._source.log(verdict.log) if verdict.log else ()
        if pattern := match_log(log):
            verdict = verdict.but(reason=f"{verdict.reason}: {pattern.meaning}", advice=pattern.advice)
        if verdict.unplaced and (shortage := self._source.shortage(verdict.unplaced)):
            verdict = verdict.but(reason=f"{verdict.reason}; {shortage}")
        return Finding(key, verdict, log)

    def _object(self, key: Key, verdict: Verdict, finding: Finding | None) -> dict[str, Any]:
        verdict = finding.verdict if finding else verdict
        reported: dict[str, Any] = {
            "kind": key.kind,
            "name": key.name,
            "verdict": str(verdict.state),
            "reason": verdict.reason,
            "seconds": self._reporter.seconds_of(key, verdict),
        }
        if verdict.state == State.FAILED:
            log = list(finding.log) if finding else []
            reported |= {"place": verdict.place, "advice": verdict.advice, "log": log}
        return reported
