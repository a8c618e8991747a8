# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a Deployment or a StatefulSet is ready, pending or failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from ..core.objects import (
    Obj,
    annotation,
    condition,
    created,
    deleted,
    is_true,
    labels,
    moment,
    name,
    observed,
    owner,
    spec,
    status,
    uid,
)
from .container_facts import BACK_OFF_REASONS, container_place, kubectl, restarted, unproven
from .context import WAIT_PREFIX, Context
from .pods import pod_verdict
from .probes import failing_liveness
from .refusals import OWN_PODS, after_retries_of_creation, refused_by_event, refused_verdict
from .verdict import Hints, Key, State, Verdict, failed, pending, ready

REVISION = "deployment.kubernetes.io/revision"


def deployment_verdict(context: Context) -> Verdict:
    """Tell whether all wanted pods of a Deployment are of its present revision and available.

    The rule is that of ``kubectl rollout status`` (Deployment status, apps/v1).
    """
    deployment, state = context.subject, status(context.subject)
    wanted = replicas(deployment)
    if not observed(deployment):
        return pending("its controller has not seen the change yet")
    if wanted == 0:
        return ready("scaled to 0")
    updated, total = int(state.get("updatedReplicas") or 0), int(state.get("replicas") or 0)
    newest = current_replica_set(deployment, context.replica_sets)
    pods = [pod for pod in context.pods if newest and owner(pod).get("uid") == uid(newest)]
    if updated >= wanted and total <= updated and int(state.get("availableReplicas") or 0) >= wanted:
        return _just_started(context, pods) or ready()
    if spec(deployment).get("paused"):
        return failed(
            "is paused", advice=f"Run: {kubectl(deployment, f'rollout resume deployment {name(deployment)}')}"
        )
    refused = _refused_deployment(context, newest)
    if refused and refused.state == State.FAILED:
        return refused
    waits = pending(f"{total - updated} old pods are replaced" if total > updated else "its pods are created")
    return _past_deadline(context, of_pods(context, pods, wanted) or refused or waits)


def stateful_set_verdict(context: Context) -> Verdict:
    """Tell whether all wanted pods of a StatefulSet are of its present revision and available.

    A broken pod of an earlier revision is a *never* of its own: with the pod management policy OrderedReady the
    controller waits for it for ever (Kubernetes documentation, StatefulSets, "Forced rollback").
    """
    stateful_set, state = context.subject, status(context.subject)
    wanted = replicas(stateful_set)
    if not observed(stateful_set):
        return pending("its controller has not seen the change yet")
    if wanted == 0:
        return ready("scaled to 0")
    if _stateful_set_done(stateful_set, wanted):
        return _just_started(context, context.pods) or ready()
    present = [pod for pod in context.pods if _of_revision(pod, state.get("updateRevision"))]
    earlier = [pod for pod in context.pods if not _of_revision(pod, state.get("updateRevision"))]
    refused = _refused_stateful_set(context, wanted)
    if refused and refused.state == State.FAILED:
        return refused
    verdict = of_pods(context, present, wanted)
    if verdict and verdict.state == State.FAILED:
        return verdict
    return _left_behind(context, earlier) or refused or verdict or _replacing(context, earlier, wanted)


def has_dependencies(workload: Obj) -> bool:
    """Tell whether the pods of a workload wait for others in an init container."""
    template = (spec(workload).get("template") or {}).get("spec") or {}
    return any(str(c.get("name")).startswith(WAIT_PREFIX) for c in template.get("initContainers") or ())


def current_replica_set(deployment: Obj, replica_sets: Sequence[Obj]) -> Obj | None:
    """Return the ReplicaSet of a Deployment's present revision, ``None`` if it is not known yet."""
    revision = annotation(deployment, REVISION)
    matches = [r for r in replica_sets if owner(r).get("uid") == uid(deployment)]
    return next((r for r in matches if annotation(r, REVISION) == revision), None) if revision else None


def replicas(workload: Obj) -> int:
    """Return how many pods a workload wants."""
    wanted = spec(workload).get("replicas")
    return 1 if wanted is None else int(wanted)


def ready_replicas(workload: Obj) -> int:
    """Return how many pods of a workload can be used."""
    state = status(workload)
    ready = int(state.get("readyReplicas") or 0)
    available = state.get("availableReplicas")
    return ready if available is None else min(ready, int(available))


def _stateful_set_done(stateful_set: Obj, wanted: int) -> bool:
    state = status(stateful_set)
    strategy = spec(stateful_set).get("updateStrategy") or {}
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    updated = int(state.get("updatedReplicas") or 0)
    all_new = strategy.get("type") == "OnDelete" or updated >= wanted - partition
    return all_new and ready_replicas(stateful_set) >= wanted


def _of_revision(pod: Obj, revision: str | None) -> bool:
    return not revision or labels(pod).get("controller-revision-hash") == revision


def of_pods(context: Context, pods: Sequence[Obj], wanted: int) -> Verdict | None:
    """Evaluate a workload by its pods of one revision: the first that fails, or else what they are doing.

    :returns: ``None`` where there are no pods to evaluate it by.
    """
    evaluated = [(pod, pod_verdict(pod, context)) for pod in sorted(pods, key=name) if not is_true(pod, "Ready")]
    if not evaluated:
        return None
    failed = [(pod, verdict) for pod, verdict in evaluated if verdict.state == State.FAILED]
    if failed:
        verdict = failed[0][1]
        more = f" ({len(failed) - 1} more pods fail)" if len(failed) > 1 else ""
        stuck = _stuck_before(context, [pod for pod, _verdict in failed])
        return verdict.but(reason=verdict.reason + more).hint(stuck=stuck)
    verdict = next((v for pod, v in evaluated if not deleted(pod)), evaluated[0][1])
    hints = [v.hints for _pod, v in evaluated]
    verdict = verdict.hint(
        recheck_at=min((hint.recheck_at for hint in hints if hint.recheck_at), default=None),
        progressing=any(hint.progressing for hint in hints),
        awaits_dependencies=all(hint.awaits_dependencies for hint in hints),
    )
    if wanted == 1:
        return verdict
    ready = sum(is_true(pod, "Ready") for pod in pods)
    reason = f"{ready} of {wanted} pods ready, {verdict.reason}"
    return verdict.but(reason=reason)


def _just_started(context: Context, pods: Iterable[Obj]) -> Verdict | None:
    """Return *not yet* while a pod counts as ready only because its container has just been started.

    That is so after a failure, and for a container that nothing probes: both may end the next moment.
    """
    for pod in sorted(pods, key=name):
        for started, why, seconds in (
            (restarted(pod), "was started again after a failure", context.limits.retried),
            (unproven(pod), "has just started and has no probe", context.limits.missing),
        ):
            until = started[1] + timedelta(seconds=seconds) if started else context.now
            if started and context.now < until:
                container = str(started[0].get("name"))
                place = container_place(pod, container)
                reason = f"container {container} {why}, has to last"
                return pending(reason, place=place, since=started[1], hints=Hints(recheck_at=until))
        if killing := failing_liveness(pod, context):
            until = killing.last + timedelta(seconds=context.limits.retried)
            place, hints = f"Pod {name(pod)}", Hints(recheck_at=until)
            return pending("its liveness probe fails", detail=killing.message, place=place, hints=hints)
    return None


def _stuck_before(context: Context, pods: Iterable[Obj]) -> tuple[Key, ...]:
    """Return the pods that were in back-off before this run began, whose cause this run may have removed."""
    if context.started is None:
        return ()
    before = context.started - OWN_PODS
    return tuple(Key("Pod", name(pod)) for pod in pods if created(pod) < before and _backs_off(pod))


def _backs_off(pod: Obj) -> bool:
    statuses = [*(status(pod).get("initContainerStatuses") or ()), *(status(pod).get("containerStatuses") or ())]
    states = [container_status.get("state") or {} for container_status in statuses]
    reasons = [(state.get("waiting") or {}).get("reason") for state in states]
    # The kubelet says "terminated" for a while before it says that it backs off.
    return any(reason in BACK_OFF_REASONS for reason in reasons) or any(
        (state.get("terminated") or {}).get("exitCode") for state in states
    )


def _left_behind(context: Context, earlier: Sequence[Obj]) -> Verdict | None:
    """Evaluate pods of an earlier revision: a broken one keeps a StatefulSet from going on."""
    policy = spec(context.subject).get("podManagementPolicy", "OrderedReady")
    on_delete = (spec(context.subject).get("updateStrategy") or {}).get("type") == "OnDelete"
    for pod in sorted(earlier, key=name):
        if deleted(pod) or is_true(pod, "Ready"):
            continue
        verdict = pod_verdict(pod, context)
        if verdict.state == State.PENDING and verdict.hints.recheck_at:
            return verdict
        if verdict.state == State.FAILED and (policy == "OrderedReady" or on_delete):
            return verdict.hint(stuck=(Key("Pod", name(pod)),)).but(
                reason=f"pod {name(pod)} of an earlier revision is broken and not replaced: {verdict.reason}",
                advice=f"Kubernetes waits for that pod for ever. Delete it: {kubectl(pod, f'delete pod {name(pod)}')}",
            )
    return None


def _replacing(context: Context, earlier: Sequence[Obj], wanted: int) -> Verdict:
    """Say how far a StatefulSet is whose present revision has no pod that could be evaluated."""
    ready = f"{ready_replicas(context.subject)} of {wanted} pods ready"
    ending = sorted(name(pod) for pod in context.pods if deleted(pod))
    if ending:
        return pending(f"{ready}, pod {ending[0]} is ending")
    updated = int(status(context.subject).get("updatedReplicas") or 0)
    return pending(f"{updated} of {wanted} pods replaced" if earlier else ready)


def _refused_deployment(context: Context, newest: Obj | None) -> Verdict | None:
    failure = condition(context.subject, "ReplicaFailure")
    if failure.get("status") != "True":
        return None
    refusals = context.about(newest, "FailedCreate") if newest else []
    if newest and context.events and not refusals:
        # What the condition tells is of an earlier revision.
        return None
    stuck = (Key("ReplicaSet", name(newest)),) if newest else ()
    # The condition keeps its text when one revision is refused after another.
    message = refusals[0].message if refusals else failure.get("message") or ""
    since = min((event.first for event in refusals), default=moment(failure.get("lastTransitionTime")))
    verdict = refused_verdict(context, message, stuck)
    return after_retries_of_creation(context, refusals, since, verdict)


def _refused_stateful_set(context: Context, wanted: int) -> Verdict | None:
    if int(status(context.subject).get("replicas") or 0) >= wanted:
        return None
    return refused_by_event(context)


def _past_deadline(context: Context, verdict: Verdict) -> Verdict:
    """Turn *not yet* into *never* where the Deployment's own deadline has passed and nothing is visibly on its way."""
    progressing = condition(context.subject, "Progressing")
    exceeded = progressing.get("status") == "False" and progressing.get("reason") == "ProgressDeadlineExceeded"
    if not exceeded or verdict.state != State.PENDING or verdict.hints.progressing or verdict.hints.recheck_at:
        return verdict
    deadline = spec(context.subject).get("progressDeadlineSeconds", 600)
    deployment = name(context.subject)
    return failed(
        f"no progress for {deadline} s: {verdict.reason}",
        detail=verdict.detail,
        place=verdict.place,
        since=moment(progressing.get("lastUpdateTime")),
        advice=f"See: {kubectl(context.subject, f'describe deployment {deployment}')}",
    )
