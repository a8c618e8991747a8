# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Jobs whose pods have a native sidecar, which the kubelet starts again and ends with the pod."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.context import Context
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.jobs import job_verdict
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.verdict import LogSource, State, Verdict

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BEGAN, ENDED = "2026-01-01T11:59:00Z", "2026-01-01T11:59:30Z"
POD = "airflow-migrations-a"


def ended(code: int) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "startedAt": BEGAN, "finishedAt": ENDED}}


RUNS = {"running": {"startedAt": BEGAN}}


def evaluate(proxy: dict[str, Any], main: dict[str, Any], phase: str = "Running", **job: Any) -> Verdict:
    """Return the verdict on a Job that may fail twice, by the statuses of the sidecar and the container of its pod."""
    pod = {
        "metadata": {"name": POD, "namespace": "airflow", "creationTimestamp": BEGAN},
        "spec": {
            "nodeName": "node-1",
            "restartPolicy": "Never",
            "initContainers": [{"name": "proxy", "restartPolicy": "Always"}],
            "containers": [{"name": "migrations"}],
        },
        "status": {
            "phase": phase,
            "initContainerStatuses": [{"name": "proxy", "restartCount": 0, "started": True, "ready": True, **proxy}],
            "containerStatuses": [{"name": "migrations", "restartCount": 0, "ready": False, "state": main}],
        },
    }
    subject = {"metadata": {"name": "airflow-migrations", "namespace": "airflow"}, "spec": {"backoffLimit": 2}, **job}
    return job_verdict(Context(subject, NOW, pods=[pod]))


def test_a_sidecar_that_crashed_once_and_runs_again_is_no_failed_try() -> None:
    verdict = evaluate({"state": RUNS, "lastState": ended(2), "restartCount": 1}, RUNS)
    assert (verdict.state, verdict.reason) == (State.PENDING, "container migrations runs, not ready yet")


def test_the_sidecars_end_with_its_pod_is_no_failed_try() -> None:
    """The kubelet sends it SIGTERM when the containers have ended, and 143 is how most programs end then."""
    verdict = evaluate({"state": ended(143), "started": False, "ready": False}, ended(0), phase="Succeeded")
    assert verdict.state == State.PENDING
    assert "try" not in verdict.reason


def test_a_sidecar_that_ends_before_the_phase_of_its_pod_changes_is_not_told() -> None:
    """Nor is one that had crashed before, and so looks as if it did so again."""
    verdict = evaluate({"state": ended(143), "started": False, "ready": False, "restartCount": 1}, ended(0))
    assert (verdict.state, verdict.reason) == (State.PENDING, "container migrations ended (exit code 0)")


def test_a_failed_container_is_told_and_not_the_sidecar_that_ended_after_it() -> None:
    failed = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}], "failed": 3}
    verdict = evaluate({"state": ended(143), "started": False}, ended(3), phase="Failed", status=failed)
    assert verdict.reason == "has failed after 3 tries: container migrations ended with exit code 3"
    assert verdict.log == LogSource(POD, "migrations")


def test_a_sidecar_that_always_crashes_is_the_end_because_it_takes_no_tries() -> None:
    crashes = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended(1), "restartCount": 4}
    verdict = evaluate({**crashes, "started": False, "ready": False}, {"waiting": {"reason": "PodInitializing"}})
    assert (verdict.state, verdict.reason) == (State.FAILED, "native sidecar proxy ended 5 times, last: exit code 1")
    assert verdict.log == LogSource(POD, "proxy", previous=True)
