# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a wait returns, and the failures that it ends with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..core.errors import Failure
from ..core.labels import RELEASE_LABEL
from .health import HealthResponse
from .log_patterns import match_log
from .options import WaitOptions
from .progress import Finding, ProgressReporter
from .source import Source
from .verdict import Key, State, Verdict


def find_evidence(key: Key, verdict: Verdict, source: Source) -> Finding:
    """Return a failure with what only who fails has to ask for: its log and what that means, the capacity of nodes."""
    log = source.log(verdict.log) if verdict.log else ()
    if pattern := match_log(log):
        verdict = verdict.but(reason=f"{verdict.reason}: {pattern.meaning}", advice=pattern.advice)
    if verdict.unplaced and (shortage := source.shortage(verdict.unplaced)):
        verdict = verdict.but(reason=f"{verdict.reason}; {shortage}")
    return Finding(key, verdict, log)


def result(
    verdicts: Mapping[Key, Verdict],
    findings: Iterable[Finding],
    retried: Iterable[Key],
    health: HealthResponse | None,
    reporter: ProgressReporter,
    seconds: float,
) -> dict[str, Any]:
    """Return the data of a wait, whatever its end.

    :param findings: the failures among the verdicts, with their evidence.
    :param retried: what was given another try.
    """
    by_key = {finding.key: finding for finding in findings}
    restarted = sorted(str(key) for key in retried)
    return {
        "changed": bool(restarted),
        "objects": [_object(key, verdicts[key], by_key.get(key), reporter) for key in sorted(verdicts)],
        "health": {part: dict(reported) for part, reported in (health or HealthResponse()).parts.items()},
        "restarted": restarted,
        "seconds": round(seconds, 1),
        "log": reporter.lines,
    }


def nothing_there(options: WaitOptions, source: Source) -> Failure:
    """Return the failure to find any object of a release."""
    seen = {"missing": "The namespace does not exist", "Terminating": "The namespace is being deleted"}.get(
        source.namespace_state(), f"No workload there carries the label {RELEASE_LABEL}={options.release}"
    )
    return Failure(
        f"{options} has no objects to wait for. {seen} ({source.where}). "
        "Deploy it first, or correct airflow_namespace, airflow_name and the cluster's context."
    )


def _object(key: Key, verdict: Verdict, finding: Finding | None, reporter: ProgressReporter) -> dict[str, Any]:
    verdict = finding.verdict if finding else verdict
    reported: dict[str, Any] = {
        "kind": key.kind,
        "name": key.name,
        "verdict": str(verdict.state),
        "reason": verdict.reason,
        "seconds": reporter.seconds_of(key, verdict),
    }
    if verdict.state == State.NEVER:
        log = list(finding.log) if finding else []
        reported |= {"place": verdict.place, "advice": verdict.advice, "log": log}
    return reported
