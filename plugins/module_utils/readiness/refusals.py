# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods that the API server refuses to create for a workload."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from ..core.objects import EPOCH, Obj, created, deleted, name, namespace
from ..redaction.masking import shortened
from .claims import ABOUT_CLAIM
from .container_facts import kubectl
from .context import Context, Event
from .images import is_transient
from .variables import variable
from .verdict import Hints, Key, State, Verdict, failed, pending

# Names differ from try to try, and the object is named anyway.
_REFUSAL_PREFIX = re.compile(
    r"^((create (Pod|Claim) \S+( for Pod \S+)? in StatefulSet \S+ failed error|Error creating"
    r'|failed to create PVC \S+|error when creating [^:]*|(pods|persistentvolumeclaims) "[^"]*" is forbidden): )+'
)
#: Pods younger than this when a run begins are the run's own.
OWN_PODS = timedelta(seconds=15)


def refused_by_event(context: Context) -> Verdict | None:
    """Evaluate by FailedCreate events; one that is older than the newest pod no longer holds."""
    newest_pod = max((created(pod) for pod in context.pods), default=EPOCH)
    matches = [event for event in context.about(context.subject, "FailedCreate") if event.last >= newest_pod]
    if not matches:
        return None
    kind = str(context.subject.get("kind") or "")
    verdict = refused_verdict(context, matches[0].message, (Key(kind, name(context.subject)),) if kind else ())
    return after_retries_of_creation(context, matches, min(e.first for e in matches), verdict)


def after_retries_of_creation(
    context: Context, refusals: Sequence[Event], since: datetime | None, verdict: Verdict
) -> Verdict:
    """Give a webhook that does not answer, or an API server that is too busy, time to do so."""
    if verdict.state == State.FAILED and ("failed calling webhook" in verdict.reason or is_transient(verdict.reason)):
        return context.after_retries(refusals, since, verdict)
    return context.after_grace(since, context.limits.missing, verdict)


def refused_verdict(context: Context, message: str, stuck: tuple[Key, ...]) -> Verdict:
    """Return the verdict on a pod (or claim) whose creation the API server refuses."""
    refusal = shortened(_REFUSAL_PREFIX.sub("", message), 500)
    if "exceeded quota" in refusal and any(deleted(pod) for pod in context.pods):
        return pending(f"waits for an ending pod to free the quota: {refusal}")
    if context.started is None or created(context.subject) >= context.started - OWN_PODS:
        stuck = ()
    refused = "claim" if ABOUT_CLAIM.search(message) else "pod"
    advice = _refusal_advice(context.subject, refusal, refused)
    return failed(f"its {refused} is refused: {refusal}", advice=advice, hints=Hints(stuck=stuck))


def _refusal_advice(workload: Obj, refusal: str, refused: str) -> str:
    resources = variable(workload, "resources", "the role's resources")
    if "being terminated" in refusal:
        return f"Wait until the namespace is gone (kubectl get namespace {namespace(workload)}), then deploy again."
    if "exceeded quota" in refusal or "failed quota" in refusal:
        less = resources if refused == "pod" else variable(workload, "storage_size", "the size of its storage")
        change = f"ask for less in {less}" if "exceeded quota" in refusal else f"give what it misses in {less}"
        return f"Raise the quota, or {change}. See: {kubectl(workload, 'describe quota')}"
    if "violates PodSecurity" in refusal:
        overrides = variable(workload, "overrides", "the role's overrides")
        return f"Remove what the level forbids from {overrides}, or set another level in airflow_pod_security."
    if "security context constraint" in refusal:
        overrides = variable(workload, "overrides", "the role's overrides")
        return (
            f"Remove what OpenShift does not allow from {overrides} and from what is added to its pods. "
            "airflow_run_as_user has to be empty there."
        )
    if re.search(r"(maximum|minimum) \S+ usage per|must be less than or equal to \S+ limit|limit to request", refusal):
        return f"Stay within the LimitRange in {resources}. See: {kubectl(workload, 'describe limitrange')}"
    if "serviceaccount" in refusal:
        return "Create the service account, or correct its name in the role's variables."
    if "webhook" in refusal:
        return "Ask whoever runs the webhook, or change what it objects to."
    if "ValidatingAdmissionPolicy" in refusal:
        return "Change what the policy objects to, or ask whoever made it."
    return f"See: {kubectl(workload, 'get events --field-selector type=Warning')}"
