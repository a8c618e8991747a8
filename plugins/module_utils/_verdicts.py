# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a workload, a Job or a claim is done, will be, or never can be.

Pure functions of recorded objects. A workload is judged by the pods of its present revision only: pods of an earlier
one are on their way out, and what is wrong with them no longer matters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ansible_collections.airflow.kubernetes.plugins.module_utils._masking import shortened
from ansible_collections.airflow.kubernetes.plugins.module_utils._pod_verdict import (
    BACK_OFF_REASONS,
    container_place,
    ended_container,
    ending_in_words,
    failing_liveness,
    is_transient,
    kubectl,
    pod_verdict,
    restarted,
    unproven,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils._variables import claim_variable, variable
from ansible_collections.airflow.kubernetes.plugins.module_utils._verdict import (
    EPOCH,
    GATE_PREFIX,
    Case,
    Event,
    Key,
    LogSource,
    Obj,
    State,
    Verdict,
    annotation,
    condition,
    created,
    deleted,
    done,
    is_true,
    labels,
    moment,
    name,
    namespace,
    never,
    not_yet,
    observed,
    owner,
    spec,
    status,
    uid,
)

# Names differ from try to try, and the object is named anyway.
_REFUSAL_PREFIX = re.compile(
    r"^((create (Pod|Claim) \S+( for Pod \S+)? in StatefulSet \S+ failed error|Error creating"
    r'|failed to create PVC \S+|error when creating [^:]*|(pods|persistentvolumeclaims) "[^"]*" is forbidden): )+'
)
_ABOUT_CLAIM = re.compile(r"create Claim |persistentvolumeclaims ")
REVISION = "deployment.kubernetes.io/revision"
#: Pods younger than this when a run begins are the run's own.
OWN_PODS = timedelta(seconds=15)


def deployment_verdict(case: Case) -> Verdict:
    """Tell whether all wanted pods of a Deployment are of its present revision and available.

    The rule is that of ``kubectl rollout status`` (Deployment status, apps/v1).
    """
    deployment, state = case.subject, status(case.subject)
    wanted = replicas(deployment)
    if not observed(deployment):
        return not_yet("its controller has not seen the change yet")
    if wanted == 0:
        return done("scaled to 0")
    updated, total = int(state.get("updatedReplicas") or 0), int(state.get("replicas") or 0)
    newest = current_replica_set(deployment, case.replica_sets)
    pods = [pod for pod in case.pods if newest and owner(pod).get("uid") == uid(newest)]
    if updated >= wanted and total <= updated and int(state.get("availableReplicas") or 0) >= wanted:
        return _just_started(case, pods) or done()
    if spec(deployment).get("paused"):
        return never("is paused", advice=f"Run: {kubectl(deployment, f'rollout resume deployment {name(deployment)}')}")
    refused = _refused_deployment(case, newest)
    if refused and refused.state == State.NEVER:
        return refused
    waits = not_yet(f"{total - updated} old pods are replaced" if total > updated else "its pods are created")
    return _past_deadline(case, _of_pods(case, pods, wanted) or refused or waits)


def stateful_set_verdict(case: Case) -> Verdict:
    """Tell whether all wanted pods of a StatefulSet are of its present revision and available.

    A broken pod of an earlier revision is a *never* of its own: with the pod management policy OrderedReady the
    controller waits for it for ever (Kubernetes documentation, StatefulSets, "Forced rollback").
    """
    stateful_set, state = case.subject, status(case.subject)
    wanted = replicas(stateful_set)
    if not observed(stateful_set):
        return not_yet("its controller has not seen the change yet")
    if wanted == 0:
        return done("scaled to 0")
    if _stateful_set_done(stateful_set, wanted):
        return _just_started(case, case.pods) or done()
    present = [pod for pod in case.pods if _of_revision(pod, state.get("updateRevision"))]
    earlier = [pod for pod in case.pods if not _of_revision(pod, state.get("updateRevision"))]
    refused = _refused_stateful_set(case, wanted)
    if refused and refused.state == State.NEVER:
        return refused
    verdict = _of_pods(case, present, wanted)
    if verdict and verdict.state == State.NEVER:
        return verdict
    return _left_behind(case, earlier) or refused or verdict or _replacing(case, earlier, wanted)


def job_verdict(case: Case) -> Verdict:
    """Tell whether a Job has finished.

    :returns: ``never`` as soon as its condition Failed or FailureTarget is true, and already when its pods have failed
        more often than its ``backoffLimit`` allows, which the Job's own condition tells later.
    """
    job = case.subject
    if is_true(job, "Complete") or is_true(job, "SuccessCriteriaMet"):
        return done()
    tries = _failed_tries(case)
    limit = int(spec(job).get("backoffLimit", 6))
    for kind in ("Failed", "FailureTarget"):
        if is_true(job, kind):
            return _job_failed(case, tries, condition(job, kind))
    if tries > limit:
        return _job_failed(case, tries, {})
    if spec(job).get("suspend"):
        return not_yet("is suspended")
    refused = _refused_job(case)
    if refused and refused.state == State.NEVER:
        return refused
    verdict = _of_pods(case, [pod for pod in case.pods if not _ended_pod(pod)], 1)
    # While tries are left, a crash is not the end.
    if verdict and verdict.state == State.NEVER and verdict.log and not verdict.at_gate:
        verdict = not_yet(verdict.reason, since=verdict.since)
    if any(is_true(pod, "Ready") for pod in case.pods):
        verdict = verdict or not_yet("runs", alive=True)
    verdict = verdict or refused or not_yet("waits for another try" if tries else "its pod is created")
    if verdict.state == State.NOT_YET and tries:
        return verdict.but(reason=f"try {tries + 1} of {limit + 1}, the last one failed{_how(case)}; {verdict.reason}")
    return verdict


def claim_verdict(case: Case) -> Verdict:
    """Tell whether a claim is bound.

    A claim of a class that waits for its first consumer is *not yet*, and holds up no release that does not use it.
    """
    claim = case.subject
    phase = status(claim).get("phase")
    if deleted(claim):
        return not_yet("is being deleted")
    if phase == "Bound":
        return done()
    if phase == "Lost":
        return never(
            f"its volume {spec(claim).get('volumeName')} is gone",
            advice=f"Restore the volume, or delete the claim: {kubectl(claim, f'describe pvc {name(claim)}')}",
        )
    if failures := case.about(claim, "ProvisioningFailed", "FailedBinding"):
        return _unbound(case, shortened(failures[0].message))
    if not case.used and (not case.events or case.about(claim, "WaitForFirstConsumer")):
        return not_yet("is bound when a pod first uses it", blocks=False, alive=True)
    making = case.about(claim, "Provisioning", "ExternalProvisioning")
    return not_yet("its volume is made" if making else "waits to be bound", alive=True)


#: How each kind is judged.
JUDGES: Mapping[str, Callable[[Case], Verdict]] = {
    "Deployment": deployment_verdict,
    "StatefulSet": stateful_set_verdict,
    "Job": job_verdict,
    "PersistentVolumeClaim": claim_verdict,
}


def awaited(verdicts: Mapping[Key, Verdict]) -> bool:
    """Tell whether there is something not done that does not itself wait for others.

    Airflow's health follows from the objects, and none of those waits for it.
    """
    return any(
        v.state != State.DONE and v.blocks and not v.at_gate for key, v in verdicts.items() if key.kind != "Health"
    )


def settled(
    verdicts: Mapping[Key, Verdict], others_done: datetime | None, now: datetime = EPOCH, grace: float | None = None
) -> dict[Key, Verdict]:
    """Correct verdicts by what they mean for each other.

    A pod that fails where it waits for others (an init container ``wait-for-...``) has not failed for good before it
    does so once more after those others are done: until then it is *not yet*. One that goes on waiting when they have
    been done for a while waits for what will not come.

    :param others_done: since when nothing is :func:`awaited`, ``None`` while something is.
    :param grace: that while in seconds; ``None`` if what it waits for may be something that is not looked at.
    """

    def settle(verdict: Verdict) -> Verdict:
        if not verdict.at_gate:
            return verdict
        if verdict.state == State.NOT_YET:
            return _waits_in_vain(verdict)
        if others_done and verdict.since and verdict.since >= others_done:
            return verdict
        return not_yet(verdict.reason, place=verdict.place, since=verdict.since)

    def _waits_in_vain(verdict: Verdict) -> Verdict:
        if not others_done or grace is None:
            return verdict
        since = max(others_done, verdict.since or others_done)
        end = since + timedelta(seconds=grace)
        if now < end:
            return verdict.but(again=end)
        return never(
            f"{verdict.reason} still, though all that it could wait for is done",
            place=verdict.place,
            since=since,
            log=replace(verdict.log, since=since) if verdict.log else None,
            # A machine that is too busy may keep it from looking.
            suspected=True,
        )

    return {key: settle(verdict) for key, verdict in verdicts.items()}


def causes_first(keys: Iterable[Key], gated: Callable[[Key], bool]) -> list[Key]:
    """Sort objects that have failed: what others depend on comes first.

    Claims, then what waits for nothing (databases, brokers), then Jobs, then what waits for those, then the health.

    :param gated: whether an object's pods wait for others before they start.
    """
    order = {"Namespace": 0, "PersistentVolumeClaim": 1, "Job": 3, "Health": 5}
    return sorted(keys, key=lambda key: (order.get(key.kind, 4 if gated(key) else 2), key.name))


def is_gated(workload: Obj) -> bool:
    """Tell whether the pods of a workload wait for others in an init container."""
    template = (spec(workload).get("template") or {}).get("spec") or {}
    return any(str(c.get("name")).startswith(GATE_PREFIX) for c in template.get("initContainers") or ())


def current_replica_set(deployment: Obj, replica_sets: Sequence[Obj]) -> Obj | None:
    """Return the ReplicaSet of a Deployment's present revision, ``None`` if it is not known yet."""
    revision = annotation(deployment, REVISION)
    found = [r for r in replica_sets if owner(r).get("uid") == uid(deployment)]
    return next((r for r in found if annotation(r, REVISION) == revision), None) if revision else None


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


def _of_pods(case: Case, pods: Sequence[Obj], wanted: int) -> Verdict | None:
    """Judge a workload by its pods of one revision: the first that fails, or else what they are doing.

    :returns: ``None`` where there are no pods to judge by.
    """
    judged = [(pod, pod_verdict(pod, case)) for pod in sorted(pods, key=name) if not is_true(pod, "Ready")]
    if not judged:
        return None
    failed = [(pod, verdict) for pod, verdict in judged if verdict.state == State.NEVER]
    if failed:
        verdict = failed[0][1]
        more = f" ({len(failed) - 1} more pods fail)" if len(failed) > 1 else ""
        return verdict.but(reason=verdict.reason + more, stuck=_stuck_before(case, [pod for pod, _verdict in failed]))
    verdict = next((v for pod, v in judged if not deleted(pod)), judged[0][1])
    again = min((v.again for _pod, v in judged if v.again), default=None)
    alive = any(v.alive for _pod, v in judged)
    at_gate = all(v.at_gate for _pod, v in judged)
    if wanted == 1:
        return verdict.but(again=again, alive=alive, at_gate=at_gate)
    ready = sum(is_true(pod, "Ready") for pod in pods)
    reason = f"{ready} of {wanted} pods ready, {verdict.reason}"
    return verdict.but(reason=reason, again=again, alive=alive, at_gate=at_gate)


def _just_started(case: Case, pods: Iterable[Obj]) -> Verdict | None:
    """Return *not yet* while a pod counts as ready only because its container has just been started.

    That is so after a failure, and for a container that nothing probes: both may end the next moment.
    """
    for pod in sorted(pods, key=name):
        for found, why, lasting in (
            (restarted(pod), "was started again after a failure", case.limits.retried),
            (unproven(pod), "has just started and has no probe", case.limits.missing),
        ):
            until = found[1] + timedelta(seconds=lasting) if found else case.now
            if found and case.now < until:
                container = str(found[0].get("name"))
                place = container_place(pod, container)
                return not_yet(f"container {container} {why}, has to last", place=place, since=found[1], again=until)
        if killing := failing_liveness(pod, case):
            until = killing.last + timedelta(seconds=case.limits.retried)
            return not_yet("its liveness probe fails", detail=killing.message, place=f"Pod {name(pod)}", again=until)
    return None


def _stuck_before(case: Case, pods: Iterable[Obj]) -> tuple[Key, ...]:
    """Return the pods that were in back-off before this run began, whose cause this run may have removed."""
    if case.started is None:
        return ()
    before = case.started - OWN_PODS
    return tuple(Key("Pod", name(pod)) for pod in pods if created(pod) < before and _backs_off(pod))


def _backs_off(pod: Obj) -> bool:
    statuses = [*(status(pod).get("initContainerStatuses") or ()), *(status(pod).get("containerStatuses") or ())]
    states = [container_status.get("state") or {} for container_status in statuses]
    reasons = [(state.get("waiting") or {}).get("reason") for state in states]
    # The kubelet says "terminated" for a while before it says that it backs off.
    return any(reason in BACK_OFF_REASONS for reason in reasons) or any(
        (state.get("terminated") or {}).get("exitCode") for state in states
    )


def _left_behind(case: Case, earlier: Sequence[Obj]) -> Verdict | None:
    """Judge pods of an earlier revision: a broken one keeps a StatefulSet from going on."""
    policy = spec(case.subject).get("podManagementPolicy", "OrderedReady")
    on_delete = (spec(case.subject).get("updateStrategy") or {}).get("type") == "OnDelete"
    for pod in sorted(earlier, key=name):
        if deleted(pod) or is_true(pod, "Ready"):
            continue
        verdict = pod_verdict(pod, case)
        if verdict.state == State.NOT_YET and verdict.again:
            return verdict
        if verdict.state == State.NEVER and (policy == "OrderedReady" or on_delete):
            return verdict.but(
                reason=f"pod {name(pod)} of an earlier revision is broken and not replaced: {verdict.reason}",
                advice=f"Kubernetes waits for that pod for ever. Delete it: {kubectl(pod, f'delete pod {name(pod)}')}",
                stuck=(Key("Pod", name(pod)),),
            )
    return None


def _replacing(case: Case, earlier: Sequence[Obj], wanted: int) -> Verdict:
    """Say how far a StatefulSet is whose present revision has no pod that could be judged."""
    ready = f"{ready_replicas(case.subject)} of {wanted} pods ready"
    ending = sorted(name(pod) for pod in case.pods if deleted(pod))
    if ending:
        return not_yet(f"{ready}, pod {ending[0]} is ending")
    updated = int(status(case.subject).get("updatedReplicas") or 0)
    return not_yet(f"{updated} of {wanted} pods replaced" if earlier else ready)


def _refused_deployment(case: Case, newest: Obj | None) -> Verdict | None:
    failure = condition(case.subject, "ReplicaFailure")
    if failure.get("status") != "True":
        return None
    refusals = case.about(newest, "FailedCreate") if newest else []
    if newest and case.events and not refusals:
        # What the condition tells is of an earlier revision.
        return None
    stuck = (Key("ReplicaSet", name(newest)),) if newest else ()
    # The condition keeps its text when one revision is refused after another.
    message = refusals[0].message if refusals else failure.get("message") or ""
    since = min((event.first for event in refusals), default=moment(failure.get("lastTransitionTime")))
    verdict = _refused(case, message, stuck)
    return _after_retries_of_creation(case, refusals, since, verdict)


def _refused_stateful_set(case: Case, wanted: int) -> Verdict | None:
    if int(status(case.subject).get("replicas") or 0) >= wanted:
        return None
    return _refused_by_event(case)


def _refused_job(case: Case) -> Verdict | None:
    return None if status(case.subject).get("active") else _refused_by_event(case)


def _refused_by_event(case: Case) -> Verdict | None:
    """Judge by FailedCreate events; one that is older than the newest pod no longer holds."""
    newest_pod = max((created(pod) for pod in case.pods), default=EPOCH)
    found = [event for event in case.about(case.subject, "FailedCreate") if event.last >= newest_pod]
    if not found:
        return None
    kind = str(case.subject.get("kind") or "")
    verdict = _refused(case, found[0].message, (Key(kind, name(case.subject)),) if kind else ())
    return _after_retries_of_creation(case, found, min(e.first for e in found), verdict)


def _after_retries_of_creation(
    case: Case, refusals: Sequence[Event], since: datetime | None, verdict: Verdict
) -> Verdict:
    """Give a webhook that does not answer, or an API server that is too busy, time to do so."""
    if verdict.state == State.NEVER and ("failed calling webhook" in verdict.reason or is_transient(verdict.reason)):
        return case.after_retries(refusals, since, verdict)
    return case.after_grace(since, case.limits.missing, verdict)


def _refused(case: Case, message: str, stuck: tuple[Key, ...]) -> Verdict:
    """Return the verdict on a pod (or claim) whose creation the API server refuses."""
    said = shortened(_REFUSAL_PREFIX.sub("", message), 500)
    if "exceeded quota" in said and any(deleted(pod) for pod in case.pods):
        return not_yet(f"waits for an ending pod to free the quota: {said}")
    if case.started is None or created(case.subject) >= case.started - OWN_PODS:
        stuck = ()
    refused = "claim" if _ABOUT_CLAIM.search(message) else "pod"
    return never(f"its {refused} is refused: {said}", advice=_refusal_advice(case.subject, said, refused), stuck=stuck)


def _refusal_advice(workload: Obj, said: str, refused: str) -> str:
    resources = variable(workload, "resources", "the role's resources")
    if "being terminated" in said:
        return f"Wait until the namespace is gone (kubectl get namespace {namespace(workload)}), then deploy again."
    if "exceeded quota" in said or "failed quota" in said:
        less = resources if refused == "pod" else variable(workload, "storage_size", "the size of its storage")
        change = f"ask for less in {less}" if "exceeded quota" in said else f"give what it misses in {less}"
        return f"Raise the quota, or {change}. See: {kubectl(workload, 'describe quota')}"
    if "violates PodSecurity" in said:
        overrides = variable(workload, "overrides", "the role's overrides")
        return f"Remove what the level forbids from {overrides}, or set another level in airflow_pod_security."
    if re.search(r"(maximum|minimum) \S+ usage per|must be less than or equal to \S+ limit|limit to request", said):
        return f"Stay within the LimitRange in {resources}. See: {kubectl(workload, 'describe limitrange')}"
    if "serviceaccount" in said:
        return "Create the service account, or correct its name in the role's variables."
    if "webhook" in said:
        return "Ask whoever runs the webhook, or change what it objects to."
    if "ValidatingAdmissionPolicy" in said:
        return "Change what the policy objects to, or ask whoever made it."
    return f"See: {kubectl(workload, 'get events --field-selector type=Warning')}"


def _past_deadline(case: Case, verdict: Verdict) -> Verdict:
    """Turn *not yet* into *never* where the Deployment's own deadline has passed and nothing is visibly on its way."""
    progressing = condition(case.subject, "Progressing")
    exceeded = progressing.get("status") == "False" and progressing.get("reason") == "ProgressDeadlineExceeded"
    if not exceeded or verdict.state != State.NOT_YET or verdict.alive or verdict.again:
        return verdict
    deadline = spec(case.subject).get("progressDeadlineSeconds", 600)
    deployment = name(case.subject)
    return never(
        f"no progress for {deadline} s: {verdict.reason}",
        detail=verdict.detail,
        place=verdict.place,
        since=moment(progressing.get("lastUpdateTime")),
        advice=f"See: {kubectl(case.subject, f'describe deployment {deployment}')}",
    )


def _failed_tries(case: Case) -> int:
    """Return how often a Job has failed: failed pods, or restarts where its pods restart their containers."""
    gone = int(status(case.subject).get("failed") or 0)
    failed_pods = sum(1 for pod in case.pods if _failed_pod(pod))
    restarts = 0
    for pod in case.pods:
        if spec(pod).get("restartPolicy") == "OnFailure":
            restarts += sum(int(s.get("restartCount") or 0) for s in status(pod).get("containerStatuses") or ())
    return max(gone, failed_pods) + restarts


def _failed_pod(pod: Obj) -> bool:
    if spec(pod).get("restartPolicy") == "Never" and not deleted(pod) and ended_container(pod):
        return True
    return status(pod).get("phase") == "Failed"


def _ended_pod(pod: Obj) -> bool:
    return _failed_pod(pod) or status(pod).get("phase") == "Succeeded"


def _last_failure(case: Case) -> Obj | None:
    """Return the pod of a Job that failed last."""
    failed = [pod for pod in case.pods if ended_container(pod)]
    return max(failed, key=created, default=None)


def _how(case: Case) -> str:
    pod = _last_failure(case)
    ended = ended_container(pod) if pod else None
    return f" ({ending_in_words(_container_of(pod, ended[0]), ended[1])})" if pod and ended else ""


def _job_failed(case: Case, tries: int, failed: Mapping[str, str]) -> Verdict:
    job, pod = case.subject, _last_failure(case)
    ended = ended_container(pod) if pod else None
    said = {"BackoffLimitExceeded": "", "PodFailurePolicy": ""}.get(failed.get("reason") or "BackoffLimitExceeded")
    reason = f"has failed{f' after {tries} tries' if tries > 1 else ''}"
    if said is None:
        reason += f" ({failed.get('reason')}: {shortened(failed.get('message') or '', 160)})"
    since = moment(failed.get("lastTransitionTime"))
    if not pod or not ended:
        advice = f"See: {kubectl(job, f'describe job {name(job)}')}"
        return never(reason + "; its pod is gone", since=since, advice=advice)
    container = str(ended[0].get("name"))
    logs = kubectl(job, f"logs {name(pod)} -c {container}")
    return never(
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


def _unbound(case: Case, said: str) -> Verdict:
    """Judge a claim that no volume could be found or made for."""
    claim = case.subject
    failure = case.about(claim, "ProvisioningFailed", "FailedBinding")[0]
    storage_class = spec(claim).get("storageClassName")
    verdict = never(
        f"no volume for it: {said}",
        since=failure.first,
        advice=_claim_advice(claim, storage_class, said),
    )
    if "storageclass" in said and "not found" in said:
        return case.after_grace(failure.first, case.limits.missing, verdict)
    if is_transient(said):
        return case.after_retries(case.about(claim, "ProvisioningFailed", "FailedBinding"), failure.first, verdict)
    if failure.reason == "ProvisioningFailed" and failure.count >= 3:
        return verdict
    return case.after_grace(failure.first, case.limits.retried, verdict)


def _claim_advice(claim: Obj, storage_class: str | None, said: str) -> str:
    see = f"See: {kubectl(claim, f'describe pvc {name(claim)}')}"
    its_class = claim_variable(claim, "storage_class", "")
    where = f" in {its_class}" if its_class else ""
    if "storageclass" in said and "not found" in said:
        return f'Create the storage class "{storage_class}", or name another{where} (kubectl get storageclass). {see}'
    if "ReadWriteOnce" in said or "access mode" in said.lower():
        modes = ", ".join(spec(claim).get("accessModes") or ())
        its_mode = claim_variable(claim, "access_mode", "")
        other = f"another access mode{f' in {its_mode}' if its_mode else ''}"
        return f"Name a storage class that can do {modes}{where}, or ask for {other}. {see}"
    if not storage_class:
        return (
            f"Name a storage class{where}, or make one the cluster's default, or create a volume for the claim. {see}"
        )
    return f'Ask whoever runs the storage class "{storage_class}". {see}'
