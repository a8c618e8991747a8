# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a Job is ready, pending or failed."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.objects import Obj, condition, created, deleted, is_true, moment, name, spec, status
from ..redaction.masking import shortened
from .container_facts import (
    container_place,
    container_spec,
    ended_container,
    ending_in_words,
    is_native_sidecar,
    kubectl,
)
from .context import Context
from .refusals import refused_by_event
from .verdict import PROGRESSING, LogSource, State, Verdict, failed, pending, ready
from .workloads import of_pods


def job_verdict(context: Context) -> Verdict:
    """Tell whether a Job has finished.

    :returns: ``never`` as soon as its condition Failed or FailureTarget is true, and already when its pods have failed
        more often than its ``backoffLimit`` allows, which the Job's own condition tells later.
    """
    job = context.subject
    if is_true(job, "Complete") or is_true(job, "SuccessCriteriaMet"):
        return ready()
    tries = _failed_tries(context)
    limit = int(spec(job).get("backoffLimit", 6))
    for kind in ("Failed", "FailureTarget"):
        if is_true(job, kind):
            return _job_failed(context, tries, condition(job, kind))
    if tries > limit:
        return _job_failed(context, tries, {})
    if spec(job).get("suspend"):
        return pending("is suspended")
    refused = _refused_job(context)
    if refused and refused.state == State.FAILED:
        return refused
    verdict = of_pods(context, [pod for pod in context.pods if not _ended_pod(pod)], 1)
    # While tries are left, a crash is not the end; that of a native sidecar takes none of them.
    if (
        verdict
        and verdict.state == State.FAILED
        and verdict.log
        and not verdict.hints.awaits_dependencies
        and not any(_has_native_sidecar(pod, verdict.log) for pod in context.pods)
    ):
        verdict = pending(verdict.reason, since=verdict.since)
    running = next((pod for pod in context.pods if is_true(pod, "Ready")), None)
    if running:
        containers = spec(running).get("containers") or ()
        log = LogSource(name(running), str(containers[0]["name"])) if containers else None
        verdict = verdict or pending("runs", hints=PROGRESSING, log=log)
    verdict = verdict or refused or pending("waits for another try" if tries else "its pod is created")
    if verdict.state == State.PENDING and tries:
        return verdict.but(
            reason=f"try {tries + 1} of {limit + 1}, the last one failed{_how(context)}; {verdict.reason}"
        )
    return verdict


def _refused_job(context: Context) -> Verdict | None:
    return None if status(context.subject).get("active") else refused_by_event(context)


def _failed_tries(context: Context) -> int:
    """Return how often a Job has failed: failed pods, or restarts where its pods restart their containers."""
    gone = int(status(context.subject).get("failed") or 0)
    failed_pods = sum(1 for pod in context.pods if _failed_pod(pod))
    restarts = 0
    for pod in context.pods:
        if spec(pod).get("restartPolicy") == "OnFailure":
            restarts += sum(int(s.get("restartCount") or 0) for s in status(pod).get("containerStatuses") or ())
    return max(gone, failed_pods) + restarts


def _failed_pod(pod: Obj) -> bool:
    if spec(pod).get("restartPolicy") == "Never" and not deleted(pod) and ended_container(pod):
        return True
    return status(pod).get("phase") == "Failed"


def _has_native_sidecar(pod: Obj, log: LogSource) -> bool:
    """Tell whether a log is of a native sidecar of the pod."""
    container = container_spec(pod, "initContainers", {"name": log.container})
    return log.pod == name(pod) and is_native_sidecar(container)


def _ended_pod(pod: Obj) -> bool:
    return _failed_pod(pod) or status(pod).get("phase") == "Succeeded"


def _last_failure(context: Context) -> Obj | None:
    """Return the pod of a Job that failed last."""
    ended = [pod for pod in context.pods if ended_container(pod)]
    return max(ended, key=created, default=None)


def _how(context: Context) -> str:
    pod = _last_failure(context)
    ended = ended_container(pod) if pod else None
    return f" ({ending_in_words(_container_of(pod, ended[0]), ended[1])})" if pod and ended else ""


def _job_failed(context: Context, tries: int, condition: Mapping[str, str]) -> Verdict:
    job, pod = context.subject, _last_failure(context)
    ended = ended_container(pod) if pod else None
    label = {"BackoffLimitExceeded": "", "PodFailurePolicy": ""}.get(condition.get("reason") or "BackoffLimitExceeded")
    reason = f"has failed{f' after {tries} tries' if tries > 1 else ''}"
    if label is None:
        reason += f" ({condition.get('reason')}: {shortened(condition.get('message') or '', 160)})"
    since = moment(condition.get("lastTransitionTime"))
    if not pod or not ended:
        advice = f"See: {kubectl(job, f'describe job {name(job)}')}"
        return failed(reason + "; its pod is gone", since=since, advice=advice)
    container = str(ended[0].get("name"))
    logs = kubectl(job, f"logs {name(pod)} -c {container}")
    return failed(
        f"{reason}: container {container} ended with {ending_in_words(_container_of(pod, ended[0]), ended[1])}",
        place=container_place(pod, container),
        since=since or moment(ended[1].get("finishedAt")),
        advice=f"Its log says why: {logs}",
        log=LogSource(name(pod), container, previous=bool((ended[0].get("state") or {}).get("waiting"))),
    )


def _container_of(pod: Obj, container_status: Obj) -> Obj:
    for container in [*(spec(pod).get("initContainers") or ()), *(spec(pod).get("containers") or ())]:
        if container.get("name") == container_status.get("name"):
            return dict(container)
    return {}
