# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a pod is ready, will be, or never can be.

The reasons that containers wait with are the kubelet's (pkg/kubelet/images/types.go and container/sync_result.go);
those of events are in pkg/kubelet/events/event.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils._masking import shortened
from ansible_collections.airflow.kubernetes.plugins.module_utils._sayings import saying_of
from ansible_collections.airflow.kubernetes.plugins.module_utils._variables import image_variable, variable
from ansible_collections.airflow.kubernetes.plugins.module_utils._verdict import (
    GATE_PREFIX,
    Case,
    Event,
    LogSource,
    Obj,
    State,
    Verdict,
    condition,
    created,
    deleted,
    done,
    is_true,
    moment,
    name,
    namespace,
    never,
    not_yet,
    spec,
    status,
)

IMAGE_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
#: States in which the kubelet waits up to five minutes before it tries again.
BACK_OFF_REASONS = frozenset({"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull"})

# What passes by itself: time-outs, DNS, and the status codes of a server that is too busy. A message may say besides
# that something was not found.
_TRANSIENT = re.compile(
    r"timed? ?out|time-?out|deadline ?exceeded|connection (refused|reset)|no such host|server misbehaving|\bEOF\b"
    r"|temporary failure|network is unreachable|no route to host|too ?many ?requests|rate exceeded|throttl|unavailable"
    r"|code = (Aborted|DeadlineExceeded|ResourceExhausted|Unavailable)"
    r"|\b(429|50[0-4]) [A-Z]|(status|code)[^0-9]{1,40}(429|50[0-4])\b",
    re.IGNORECASE,
)
# What registries answer when trying again cannot help. Everything else may be chance.
_IMAGE_IS_WRONG = re.compile(
    r"not found|unknown|does not exist|unauthori[sz]ed|authentication required|denied|forbidden|no basic auth"
    r"|no match for platform|no matching manifest|invalid reference|x509",
    re.IGNORECASE,
)
_PULL_PREFIX = re.compile(
    r'^(Back-off pulling image "[^"]*":? ?|ErrImagePull: |failed to pull and unpack image "[^"]*": '
    r'|failed to resolve (reference|image)( "[^"]*")?: )+'
)
# What the scheduler says of nodes that take no pod (kubernetes/pkg/scheduler/framework/plugins), and the way out.
_PLACING = (
    (r"Insufficient|Too many pods", "Ask for less in {resources}, or add a node that fits."),
    (r"untolerated taint", "Tolerate the taint in airflow_tolerations, or take it off the node."),
    (
        r"didn't match Pod's node affinity/selector",
        "Correct airflow_node_selector, airflow_affinity or {overrides}, or label a node.",
    ),
    (
        r"volume node affinity conflict|didn't match PersistentVolume's node affinity",
        "Its volume is on another node: make room there, or restore the data into a volume that this node reaches.",
    ),
    (r"didn't match pod (anti-)?affinity|existing pods anti-affinity", "Correct airflow_affinity, or add a node."),
    (r"didn't match pod topology spread", "Correct {spread}, or add a node."),
    (r"were unschedulable", "Let a node take pods again (kubectl uncordon), or add one."),
    (r"free ports", "Let it use another port of the node, or add a node."),
)
# What the kubelet says of Secrets and ConfigMaps (kubernetes/pkg/kubelet/kubelet_pods.go): that one is missing, or that
# it has not read it itself yet, which a busy one does a little later.
_OBJECT_IS_MISSING = re.compile(r"^Error: ((secret|configmap) \S+ not found|couldn't find key )")
# The same of those that are mounted. What else is "not found" may come: a CSI driver that has not registered yet, a
# volume that is not attached, a SecretProviderClass.
_MOUNTED_OBJECT_IS_MISSING = re.compile(
    r'\b(secret|configmap|persistentvolumeclaim) "[^"]+" not found|references non-existent (secret|config) key'
)
_NOT_READ_YET = re.compile(r"failed to sync (secret|configmap) cache")
_NOBODY_LISTENS = re.compile(r"connection refused", re.IGNORECASE)
_TIMED_OUT = re.compile(r"timed? ?out|context deadline exceeded|Client\.Timeout", re.IGNORECASE)
_ABOUT_PREEMPTION = re.compile(r"[.,]?\s*(no new claims to deallocate,?\s*)?preemption: .*", re.DOTALL)
_REGISTRY_REFUSES = re.compile(r"unauthori[sz]ed|authentication required|denied|forbidden|no basic auth", re.IGNORECASE)


def pod_verdict(pod: Obj, case: Case) -> Verdict:
    """Tell whether a pod is ready.

    :param case: of the workload it belongs to, with the events about the pod.
    :returns: ``never`` with the place and log of the container that fails, or ``not yet`` with what the pod does now.
    """
    if deleted(pod):
        return _ending(pod, case)
    if is_true(pod, "Ready"):
        return done()
    verdict = _unplaced(pod, case) or _lost(pod, case) or _containers(pod, case)
    return verdict.but(place=verdict.place or f"Pod {name(pod)}")


def container_place(pod: Obj, container: str) -> str:
    """Name a container for a message."""
    return f"container {container} of Pod {name(pod)}"


def kubectl(obj: Obj, command: str) -> str:
    """Return a kubectl command in the namespace of ``obj``."""
    return f"kubectl -n {namespace(obj)} {command}"


def ended_badly(container_status: Obj) -> Mapping[str, Any]:
    """Return how a container ended last (``terminated`` of its present or last state), empty if it never failed."""
    for state in (container_status.get("state"), container_status.get("lastState")):
        ending = (state or {}).get("terminated")
        if ending and ending.get("exitCode"):
            return dict(ending)
    return {}


def ending_in_words(container: Obj, ending: Obj, probe: Event | None = None) -> str:
    """Say how a container ended: exit code, out of memory and its limit, or killed by a probe.

    :param container: its part of the pod's specification.
    :param ending: ``terminated`` of its state.
    """
    code = ending.get("exitCode")
    if ending.get("reason") == "OOMKilled":
        limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
        return f"out of memory at its limit of {limit} (OOMKilled)" if limit else "out of memory (OOMKilled)"
    if probe:
        return f"killed because its {_probe_words(probe)}"
    if ending.get("reason") in ("StartError", "ContainerCannotRun"):
        return f"it cannot be started: {shortened(ending.get('message') or '')}"
    return f"exit code {code}"


def unproven(pod: Obj) -> tuple[Obj, datetime] | None:
    """Return the status of a container that counts as ready only because it has no probe, and when it was started."""
    for container_status in _statuses(pod, "containerStatuses"):
        container = _container_spec(pod, "containers", container_status)
        began = moment(((container_status.get("state") or {}).get("running") or {}).get("startedAt"))
        if container and began and not container.get("readinessProbe") and not container.get("startupProbe"):
            return container_status, began
    return None


def failing_liveness(pod: Obj, case: Case) -> Event | None:
    """Return the failure of a liveness probe that a ready pod may be about to be killed for."""
    for event in case.about(pod, "Unhealthy"):
        if event.message.startswith("Liveness") and case.now < event.last + timedelta(seconds=case.limits.retried):
            return event
    return None


def restarted(pod: Obj) -> tuple[Obj, datetime] | None:
    """Return the status of the container that was started again last after a failure, and when it was."""
    found = []
    for container_status in _statuses(pod, "containerStatuses"):
        began = moment(((container_status.get("state") or {}).get("running") or {}).get("startedAt"))
        if began and ended_badly(container_status):
            found.append((began, container_status))
    latest = max(found, key=lambda item: item[0], default=None)
    return (latest[1], latest[0]) if latest else None


def requests_in_words(pod: Obj) -> str:
    """Return what a pod asks of a node, as written in its containers: ``cpu 2, memory 4Gi``, or ``""``."""
    asked: dict[str, list[str]] = {}
    for container in spec(pod).get("containers") or ():
        for resource, amount in ((container.get("resources") or {}).get("requests") or {}).items():
            asked.setdefault(resource, []).append(str(amount))
    return ", ".join(f"{resource} {' + '.join(amounts)}" for resource, amounts in sorted(asked.items()))


def _unplaced(pod: Obj, case: Case) -> Verdict | None:
    """Judge a pod that no node has taken yet."""
    scheduled = condition(pod, "PodScheduled")
    if spec(pod).get("nodeName") or scheduled.get("status") == "True":
        return None
    if scheduled.get("reason") == "SchedulingGated":
        return not_yet("a scheduling gate holds the pod back")
    claims = sorted(case.pending_claims & _claims(pod))
    if scheduled.get("reason") != "Unschedulable":
        return not_yet(f"waits for claim {', '.join(claims)}" if claims else "waits for a node", alive=True)
    message = shortened(_ABOUT_PREEMPTION.sub("", scheduled.get("message") or "").rstrip("."))
    if "unbound immediate PersistentVolumeClaims" in message:
        return not_yet(f"waits for claim {', '.join(claims) or 'of its volumes'}", alive=True)
    if leaving := re.search(r'persistentvolumeclaim "([^"]+)" is being deleted', message):
        # As the scheduler last saw it. One that never goes, or never comes again, is told of by itself.
        return not_yet(f"waits for claim {leaving[1]}", alive=True)
    if absent := re.search(r'persistentvolumeclaim "([^"]+)" not found', message):
        if absent[1] in case.claims:
            # It was made after the scheduler looked, which looks again only after a while.
            return not_yet(f"waits for claim {absent[1]}", alive=True)
        verdict = never(
            f"its claim {absent[1]} does not exist",
            advice=f"Create the claim, or correct its name. See: {kubectl(pod, 'get pvc')}",
        )
        return case.after_grace(moment(scheduled.get("lastTransitionTime")), case.limits.missing, verdict)
    scaling = case.about(pod, "TriggeredScaleUp", "Nominated", "NotTriggerScaleUp")
    if scaling and scaling[0].reason != "NotTriggerScaleUp":
        return not_yet(f"waits for a new node ({shortened(scaling[0].message, 120)})", alive=True)
    asks = requests_in_words(pod)
    verdict = never(
        f"no node takes it: {message}" + (f" (it asks for {asks})" if asks else ""),
        advice=_placing_advice(pod, message, case),
        unplaced=pod if "Insufficient" in message else None,
    )
    hopeless = scaling or case.adds_nodes is False
    grace = min(case.limits.unscalable, case.limits.unschedulable) if hopeless else case.limits.unschedulable
    return case.after_grace(moment(scheduled.get("lastTransitionTime")), grace, verdict)


def _placing_advice(pod: Obj, message: str, case: Case) -> str:
    variables = {
        "resources": variable(case.subject, "resources", "the resources of its role"),
        "overrides": variable(case.subject, "overrides", "the overrides of its role"),
        "spread": variable(case.subject, "topology_spread_constraints", "its topology spread constraints"),
    }
    advice = [way_out.format(**variables) for words, way_out in _PLACING if re.search(words, message)]
    if "Insufficient" in message:
        advice.append("A node that is added later is waited for with health_unschedulable_grace.")
    return " ".join([*advice, f"See: {kubectl(pod, f'describe pod {name(pod)}')}"])


def _lost(pod: Obj, case: Case) -> Verdict | None:
    """Judge a pod whose node is gone, or which was thrown off it."""
    state = status(pod)
    if state.get("phase") == "Failed" and not ended_container(pod):
        why = shortened(state.get("message") or state.get("reason") or "it failed")
        return not_yet(f"pod {name(pod)} is to be replaced: {why}")
    since = _silent_since(pod, case)
    return case.after_grace(since, case.limits.lost, _node_is_gone(pod)) if since else None


def _silent_since(pod: Obj, case: Case) -> datetime | None:
    """Return since when the node of a pod is not heard of, ``None`` if it is."""
    if status(pod).get("reason") == "NodeLost":
        return moment(condition(pod, "Ready").get("lastTransitionTime")) or case.now
    unready = case.about(pod, "NodeNotReady")
    ready_since = moment(condition(pod, "Ready").get("lastTransitionTime"))
    return unready[0].last if unready and ready_since and unready[0].last >= ready_since else None


def _node_is_gone(pod: Obj) -> Verdict:
    node = spec(pod).get("nodeName")
    return never(
        f"its node {node} does not answer",
        place=f"Pod {name(pod)}",
        advice=(
            f"Bring the node back, or if it is gone for good remove it, so that its pods are made elsewhere: "
            f"kubectl delete node {node}"
        ),
    )


def _ending(pod: Obj, case: Case) -> Verdict:
    """Judge a pod that is being deleted, which only its node can bring to an end."""
    since = _silent_since(pod, case)
    end = moment((pod.get("metadata") or {}).get("deletionTimestamp"))
    if since and end:
        return case.after_grace(max(since, end), case.limits.lost, _node_is_gone(pod))
    return not_yet(f"pod {name(pod)} is ending")


def ended_container(pod: Obj) -> tuple[Obj, Mapping[str, Any]] | None:
    """Return the status of the first container that has ended badly, and how, init containers first."""
    for container_status in [*_statuses(pod, "initContainerStatuses"), *_statuses(pod, "containerStatuses")]:
        if ending := ended_badly(container_status):
            return container_status, ending
    return None


def _containers(pod: Obj, case: Case) -> Verdict:
    """Judge the containers of a pod on a node: init containers one after the other, then all others at once."""
    for container_status, container in _unfinished_init(pod):
        return _container(pod, container_status, container, case, init=True)
    found = [
        _container(pod, container_status, _container_spec(pod, "containers", container_status), case)
        for container_status in _statuses(pod, "containerStatuses")
        if not container_status.get("ready")
    ]
    found.sort(key=lambda verdict: verdict.state != State.NEVER)
    if found:
        return found[0]
    if status(pod).get("containerStatuses"):
        return not_yet("its containers are ready, the pod is not yet")
    return not_yet(f"node {spec(pod).get('nodeName')} takes it")


def _unfinished_init(pod: Obj) -> Iterator[tuple[Obj, Obj]]:
    for container_status in _statuses(pod, "initContainerStatuses"):
        container = _container_spec(pod, "initContainers", container_status)
        ended = (container_status.get("state") or {}).get("terminated")
        runs_on = container.get("restartPolicy") == "Always" and container_status.get("started")
        if not runs_on and not (ended and not ended.get("exitCode")):
            yield container_status, container


def _container(pod: Obj, container_status: Obj, container: Obj, case: Case, init: bool = False) -> Verdict:
    verdict = _container_state(pod, container_status, container, case, init)
    called = str(container_status.get("name"))
    if not init or not called.startswith(GATE_PREFIX):
        return verdict
    running = (container_status.get("state") or {}).get("running")
    if running:
        return verdict.but(
            at_gate=True,
            place=container_place(pod, called),
            since=moment(running.get("startedAt")),
            log=LogSource(name(pod), called),
        )
    # Only what the program says of others may pass: an image or a volume that is missing is a failure of its own.
    return verdict.but(at_gate=verdict.state == State.NEVER and verdict.log is not None)


def _container_state(pod: Obj, container_status: Obj, container: Obj, case: Case, init: bool) -> Verdict:
    title = f"init container {container_status.get('name')}" if init else f"container {container_status.get('name')}"
    state = container_status.get("state") or {}
    if state.get("running"):
        return _running(pod, container_status, container, title, case, init)
    if state.get("terminated"):
        return _ended(pod, container_status, container, title, case)
    waiting = state.get("waiting") or {}
    reason = waiting.get("reason")
    if reason in IMAGE_REASONS:
        return _image(pod, container_status, waiting, case)
    if reason == "CrashLoopBackOff":
        return _crashes(pod, container_status, container, title, case)
    if reason == "CreateContainerConfigError":
        return _configuration(pod, container_status, waiting, title, case)
    if reason in ("CreateContainerError", "RunContainerError"):
        return _creation(pod, container_status, waiting, title, case)
    return _starting(pod, container_status, title, case)


def _running(pod: Obj, container_status: Obj, container: Obj, title: str, case: Case, init: bool) -> Verdict:
    restarts = int(container_status.get("restartCount") or 0)
    tries = f" (try {restarts + 1})" if restarts else ""
    if init:
        return not_yet(f"{title} runs{tries}", alive=True)
    began = moment(((container_status.get("state") or {}).get("running") or {}).get("startedAt"))
    probe = _failed_probe(pod, container_status, case, after=began)
    detail = f"its {_probe_words(probe)}" if probe else ""
    if restarts >= 2 and container_status.get("started") is False and _killed_by_probe(pod, container_status, case):
        return _crashes(pod, container_status, container, title, case)
    if probe and (verdict := _lasting(pod, container_status, title, probe, case, began)):
        return verdict
    if container_status.get("started") is False:
        return not_yet(f"{title} starts{tries}", detail=detail)
    waits = not_yet(f"{title} runs{tries}, not ready yet", detail=detail)
    if began and container.get("startupProbe") and container.get("readinessProbe"):
        return _not_ready(pod, container_status, container, title, case, began) or waits
    return waits


def _lasting(
    pod: Obj, container_status: Obj, title: str, probe: Event, case: Case, began: datetime | None
) -> Verdict | None:
    """Judge a running container whose probe says what no other try can help."""
    saying = saying_of([probe.message])
    if not saying or not saying.lasting:
        return None
    alike = [e.first for e in case.about(pod, "Unhealthy") if saying.words.search(e.message)]
    verdict = never(
        f"{title} runs, but {saying.meaning}",
        detail=f"its {_probe_words(probe)}",
        place=container_place(pod, str(container_status.get("name"))),
        advice=saying.advice,
    )
    first = min(alike, default=probe.first)
    return case.after_grace(max(first, began) if began else first, case.limits.retried, verdict)


def _not_ready(
    pod: Obj, container_status: Obj, container: Obj, title: str, case: Case, began: datetime
) -> Verdict | None:
    """Judge a container that has started, as its startup probe says, but that its readiness probe refuses since.

    :returns: ``None`` before that has failed a second time, or as often as it may where it only took too long; where
        nobody listens yet, before it has failed for a while.
    """
    failures = [
        event
        for event in case.about(pod, "Unhealthy")
        if event.container == container_status.get("name")
        and event.message.startswith("Readiness")
        and event.first >= began
    ]
    if not failures:
        return None
    allowed = int(container["readinessProbe"].get("failureThreshold") or 3)
    needed = allowed if _TIMED_OUT.search(failures[0].message) else 2
    if sum(event.count for event in failures) < needed:
        return None
    first = min(event.first for event in failures)
    tried_for = (max(event.last for event in failures) - first).total_seconds()
    # The kubelet probes several times at once when a container has started, which may serve its port a little later.
    if _NOBODY_LISTENS.search(failures[0].message) and tried_for < case.limits.retried:
        return None
    called = str(container_status.get("name"))
    longer = variable(case.subject, "readiness_probe", "its readiness probe", called)
    verdict = never(
        f"{title} has started, but never gets ready: its {_probe_words(failures[0])}",
        place=container_place(pod, called),
        advice=f"Its log may say why; or correct {longer}. See: {kubectl(pod, f'logs {name(pod)} -c {called}')}",
        log=LogSource(name(pod), called),
    )
    return case.after_grace(first, case.limits.retried, verdict)


def _ended(pod: Obj, container_status: Obj, container: Obj, title: str, case: Case) -> Verdict:
    """Judge a container between its end and its next start.

    The kubelet starts it again at once the first time; after the second it backs off, which it may say seconds later.
    """
    restarts = int(container_status.get("restartCount") or 0)
    ending = ended_badly(container_status)
    if ending and restarts >= 1 and spec(pod).get("restartPolicy", "Always") == "Always":
        return _crashes(pod, container_status, container, title, case)
    words = ending_in_words(container, ending) if ending else "exit code 0"
    again = "" if spec(pod).get("restartPolicy") == "Never" else ", is started again"
    return not_yet(f"{title} ended ({words}){again}")


def _crashes(pod: Obj, container_status: Obj, container: Obj, title: str, case: Case) -> Verdict:
    """Judge a container that fails whenever it is started."""
    container_name = str(container_status.get("name"))
    ending = ended_badly(container_status) or ((container_status.get("lastState") or {}).get("terminated") or {})
    probe = _killed_by_probe(pod, container_status, case)
    words = ending_in_words(container, ending, probe)
    times = int(container_status.get("restartCount") or 0) + 1
    return never(
        f"{title} ended {times} times, last: {words}",
        place=container_place(pod, container_name),
        since=moment(ending.get("finishedAt")),
        tried=moment(ending.get("startedAt")),
        advice=_crash_advice(pod, container_name, ending, probe, case.subject),
        log=LogSource(name(pod), container_name, previous="terminated" not in (container_status.get("state") or {})),
    )


def _killed_by_probe(pod: Obj, container_status: Obj, case: Case) -> Event | None:
    """Return the failure of the probe that a container was killed for last, ``None`` if it ended otherwise."""
    ending = ended_badly(container_status)
    if ending.get("exitCode") not in (137, 143) or ending.get("reason") == "OOMKilled":
        return None
    return _failed_probe(pod, container_status, case, kinds=("Liveness", "Startup"))


def _crash_advice(pod: Obj, container: str, ending: Obj, probe: Event | None, workload: Obj) -> str:
    see = f"See: {kubectl(pod, f'logs {name(pod)} -c {container} --previous')}"
    if ending.get("reason") == "OOMKilled":
        more = variable(workload, "resources", "the resources of its role", container)
        return f"Raise limits.memory in {more}. {see}"
    if probe:
        kind = probe.message.partition(" ")[0].lower()
        longer = variable(workload, f"{kind}_probe", f"its {kind} probe", container)
        return f"If it only needs longer to start, give it more time in {longer}. {see}"
    return f"Its log says why. {see}"


def _image(pod: Obj, container_status: Obj, waiting: Obj, case: Case) -> Verdict:
    container_name = str(container_status.get("name"))
    failures = _failed_pulls(pod, container_status, case)
    said = _pull_error(waiting.get("message") or "", failures)
    verdict = never(
        f'image "{container_status.get("image")}" cannot be pulled: {said}' + _missing_pull_secret(pod, case),
        place=container_place(pod, container_name),
        since=min((e.first for e in failures), default=created(pod)),
        advice=_image_advice(pod, said, image_variable(case.subject)),
    )
    if waiting.get("reason") in ("InvalidImageName", "ErrImageNeverPull") or is_permanent_pull_error(said):
        return verdict
    return case.after_retries(failures, verdict.since, verdict)


def is_permanent_pull_error(said: str) -> bool:
    """Tell whether trying again cannot help, by what the registry or the container runtime said."""
    return bool(_IMAGE_IS_WRONG.search(said)) and not _TRANSIENT.search(said)


def is_transient(message: str) -> bool:
    """Tell whether a message is about what passes by itself, such as a time-out or a server that is too busy."""
    return bool(_TRANSIENT.search(message))


def _failed_pulls(pod: Obj, container_status: Obj, case: Case) -> list[Event]:
    called = container_status.get("name")
    return [e for e in case.about(pod, "Failed") if e.container == called and "Failed to pull" in e.message]


def _pull_error(message: str, failures: list[Event]) -> str:
    """Return the registry's words: from the container's state or, where that says only "back-off", from the event."""
    if (message.startswith("Back-off") and ": " not in message) or not message:
        message = failures[0].message if failures else message
    message = message.rpartition("desc = ")[2]
    return shortened(_PULL_PREFIX.sub("", message) or "no reason given")


def _missing_pull_secret(pod: Obj, case: Case) -> str:
    missing = case.about(pod, "FailedToRetrieveImagePullSecret")
    return f". {shortened(missing[0].message)}" if missing else ""


def _image_advice(pod: Obj, said: str, called: str) -> str:
    see = f"See: {kubectl(pod, f'describe pod {name(pod)}')}"
    where = f" in {called}" if called else ""
    if _REGISTRY_REFUSES.search(said) and not is_transient(said):
        secrets = "airflow_image_pull_secrets" if called else "image pull secret"
        return f"Check the image's name{where}, and that the registry lets this cluster in ({secrets}). {see}"
    if is_permanent_pull_error(said):
        return f"Check the image's name and tag{where}, and that the registry has it for this node's platform. {see}"
    return f"Check the image's name and tag{where}, and that the node reaches the registry. {see}"


def _configuration(pod: Obj, container_status: Obj, waiting: Obj, title: str, case: Case) -> Verdict:
    """Judge a container whose Secret, ConfigMap or user is not there; the objects may be on their way."""
    message = shortened(waiting.get("message") or "")
    if _NOT_READ_YET.search(message):
        return not_yet(f"{title} is configured: {message}")
    first = min((e.first for e in case.about(pod, "Failed") if e.message == f"Error: {message}"), default=created(pod))
    verdict = never(
        f"{title} cannot be configured: {message}",
        place=container_place(pod, str(container_status.get("name"))),
        since=first,
        advice=f"Create what is missing, or correct its name. See: {kubectl(pod, f'describe pod {name(pod)}')}",
    )
    if "runAsNonRoot" in message or "non-numeric user" in message:
        return verdict.but(advice="Use an image with a numeric USER other than 0, or set runAsUser for it.")
    return case.after_grace(first, case.limits.missing, verdict)


def _creation(pod: Obj, container_status: Obj, waiting: Obj, title: str, case: Case) -> Verdict:
    message = shortened(waiting.get("message") or waiting.get("reason") or "")
    first = min((e.first for e in case.about(pod, "Failed") if e.message.startswith("Error")), default=created(pod))
    verdict = never(
        f"{title} cannot be started: {message}",
        place=container_place(pod, str(container_status.get("name"))),
        since=first,
        advice=f"Check its command, image and volumes. See: {kubectl(pod, f'describe pod {name(pod)}')}",
    )
    if waiting.get("reason") == "RunContainerError" and "not found" in message:
        return verdict
    return case.after_grace(first, case.limits.retried, verdict)


def _starting(pod: Obj, container_status: Obj, title: str, case: Case) -> Verdict:
    """Judge a container that has not been created yet: volumes, network, image, in the kubelet's order."""
    pulling = [e for e in case.about(pod, "Pulling") if e.container == container_status.get("name")]
    failed_mounts = case.about(pod, "FailedMount", "FailedAttachVolume")
    if _last_word(failed_mounts, pulling):
        return _volume(pod, failed_mounts, case)
    # The container's state says what comes now only at the kubelet's next look at the pod, which may be 15 s later.
    if _last_word(_failed_pulls(pod, container_status, case), pulling):
        return _image(pod, container_status, {}, case)
    failures = [e for e in case.about(pod, "Failed") if e.container == container_status.get("name")]
    failed = _last_word(failures, pulling)
    if failed and _OBJECT_IS_MISSING.search(failed.message):
        message = failed.message.removeprefix("Error: ")
        return _configuration(pod, container_status, {"message": message}, title, case)
    if pulling:
        return not_yet(f"pulling image {container_status.get('image')}", alive=True)
    if sandbox := case.about(pod, "FailedCreatePodSandBox"):
        return not_yet(f"its network is not set up yet: {shortened(sandbox[0].message, 160)}")
    return not_yet(f"{title} is created")


def _last_word(events: Sequence[Event], pulling: Sequence[Event]) -> Event | None:
    """Return the newest of some events, both newest first; ``None`` if an image has been pulled after it."""
    return None if not events or (pulling and pulling[0].last > events[0].last) else events[0]


def _volume(pod: Obj, failures: Sequence[Event], case: Case) -> Verdict:
    """Judge a pod whose volumes are not mounted, by the events of that, newest first."""
    event = failures[0]
    message = shortened(event.message)
    if "Multi-Attach" in message:
        return not_yet(f"its volume is still attached to another node: {message}")
    if _NOT_READ_YET.search(message):
        return not_yet(f"its volumes are mounted: {message}")
    verdict = never(
        f"a volume cannot be mounted: {message}",
        since=event.first,
        advice=f"Create what is missing, or correct the volume. See: {kubectl(pod, f'describe pod {name(pod)}')}",
    )
    if _MOUNTED_OBJECT_IS_MISSING.search(message):
        return case.after_grace(event.first, case.limits.missing, verdict)
    return case.after_retries(failures, event.first, verdict)


def _failed_probe(
    pod: Obj,
    container_status: Obj,
    case: Case,
    kinds: tuple[str, ...] = ("Liveness", "Startup", "Readiness"),
    after: datetime | None = None,
) -> Event | None:
    for event in case.about(pod, "Unhealthy", "ProbeWarning"):
        if event.container != container_status.get("name") or (after and event.last < after):
            continue
        if event.message.startswith(kinds):
            return event
    return None


def _probe_words(probe: Event) -> str:
    kind, _failed, output = probe.message.partition(" probe failed: ")
    if "Traceback" in output:
        output = output.strip().splitlines()[-1]
    return f"{kind.lower()} probe fails: {shortened(output, 200)}" if output else shortened(probe.message, 200)


def _claims(pod: Obj) -> frozenset[str]:
    """Return the names of the claims that a pod mounts."""
    volumes = spec(pod).get("volumes") or ()
    return frozenset(v["persistentVolumeClaim"]["claimName"] for v in volumes if v.get("persistentVolumeClaim"))


def _statuses(pod: Obj, which: str) -> list[Obj]:
    return list(status(pod).get(which) or ())


def _container_spec(pod: Obj, which: str, container_status: Obj) -> Obj:
    for container in spec(pod).get(which) or ():
        if container.get("name") == container_status.get("name"):
            return dict(container)
    return {}
