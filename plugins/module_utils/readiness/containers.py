# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a container runs, will run, or never can."""

from __future__ import annotations

from ..core.objects import Obj, created, moment, name, spec
from ..redaction.masking import shortened
from .container_facts import (
    NOT_READ_YET,
    OBJECT_IS_MISSING,
    container_place,
    ended_badly,
    ending_in_words,
    is_native_sidecar,
    kubectl,
    last_word,
    probe_words,
)
from .context import Context, Event
from .images import IMAGE_REASONS, failed_pulls, image_verdict
from .probes import failed_probe, not_ready, permanent_failure
from .variables import variable
from .verdict import PROGRESSING, Hints, LogSource, Verdict, failed, pending
from .volumes import volume_verdict


def container_state(pod: Obj, container_status: Obj, container: Obj, context: Context, init: bool) -> Verdict:
    is_sidecar = is_native_sidecar(container)
    kind = "native sidecar" if is_sidecar else "init container" if init else "container"
    title = f"{kind} {container_status.get('name')}"
    state = container_status.get("state") or {}
    if state.get("running"):
        return _running(pod, container_status, container, title, context, init and not is_sidecar)
    if state.get("terminated"):
        return _ended(pod, container_status, container, title, context)
    waiting = state.get("waiting") or {}
    reason = waiting.get("reason")
    if reason in IMAGE_REASONS:
        return image_verdict(pod, container_status, waiting, context)
    if reason == "CrashLoopBackOff":
        return _crashes(pod, container_status, container, title, context)
    if reason == "CreateContainerConfigError":
        return _configuration(pod, container_status, waiting, title, context)
    if reason in ("CreateContainerError", "RunContainerError"):
        return _creation(pod, container_status, waiting, title, context)
    return _starting(pod, container_status, title, context)


def _running(pod: Obj, container_status: Obj, container: Obj, title: str, context: Context, init: bool) -> Verdict:
    restarts = int(container_status.get("restartCount") or 0)
    tries = f" (try {restarts + 1})" if restarts else ""
    if init:
        return pending(f"{title} runs{tries}", hints=PROGRESSING)
    began = moment(((container_status.get("state") or {}).get("running") or {}).get("startedAt"))
    probe = failed_probe(pod, container_status, context, after=began)
    detail = f"its {probe_words(probe)}" if probe else ""
    if restarts >= 2 and container_status.get("started") is False and _killed_by_probe(pod, container_status, context):
        return _crashes(pod, container_status, container, title, context)
    if probe and (verdict := permanent_failure(pod, container_status, title, probe, context, began)):
        return verdict
    if container_status.get("started") is False:
        return pending(f"{title} starts{tries}", detail=detail)
    waits = pending(f"{title} runs{tries}, not ready yet", detail=detail)
    if began and container.get("startupProbe") and container.get("readinessProbe"):
        return not_ready(pod, container_status, container, title, context, began) or waits
    return waits


def _ended(pod: Obj, container_status: Obj, container: Obj, title: str, context: Context) -> Verdict:
    """Evaluate a container between its end and its next start.

    The kubelet starts it again at once the first time; after the second it backs off, which it may say seconds later.
    """
    restarts = int(container_status.get("restartCount") or 0)
    ending = ended_badly(container_status)
    policy = "Always" if is_native_sidecar(container) else spec(pod).get("restartPolicy", "Always")
    if ending and restarts >= 1 and policy == "Always":
        return _crashes(pod, container_status, container, title, context)
    words = ending_in_words(container, ending) if ending else "exit code 0"
    again = "" if policy == "Never" else ", is started again"
    return pending(f"{title} ended ({words}){again}")


def _crashes(pod: Obj, container_status: Obj, container: Obj, title: str, context: Context) -> Verdict:
    """Evaluate a container that fails whenever it is started."""
    container_name = str(container_status.get("name"))
    ending = ended_badly(container_status) or ((container_status.get("lastState") or {}).get("terminated") or {})
    probe = _killed_by_probe(pod, container_status, context)
    words = ending_in_words(container, ending, probe)
    times = int(container_status.get("restartCount") or 0) + 1
    return failed(
        f"{title} ended {times} times, last: {words}",
        place=container_place(pod, container_name),
        since=moment(ending.get("finishedAt")),
        advice=_crash_advice(pod, container_name, ending, probe, context.subject),
        log=LogSource(name(pod), container_name, previous="terminated" not in (container_status.get("state") or {})),
        hints=Hints(started=moment(ending.get("startedAt"))),
    )


def _killed_by_probe(pod: Obj, container_status: Obj, context: Context) -> Event | None:
    """Return the failure of the probe that a container was killed for last, ``None`` if it ended otherwise."""
    ending = ended_badly(container_status)
    if ending.get("exitCode") not in (137, 143) or ending.get("reason") == "OOMKilled":
        return None
    return failed_probe(pod, container_status, context, kinds=("Liveness", "Startup"))


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


def _configuration(pod: Obj, container_status: Obj, waiting: Obj, title: str, context: Context) -> Verdict:
    """Evaluate a container whose Secret, ConfigMap or user is not there; the objects may be on their way."""
    message = shortened(waiting.get("message") or "")
    if NOT_READ_YET.search(message):
        return pending(f"{title} is configured: {message}")
    first = min(
        (e.first for e in context.about(pod, "Failed") if e.message == f"Error: {message}"), default=created(pod)
    )
    verdict = failed(
        f"{title} cannot be configured: {message}",
        place=container_place(pod, str(container_status.get("name"))),
        since=first,
        advice=f"Create what is missing, or correct its name. See: {kubectl(pod, f'describe pod {name(pod)}')}",
    )
    if "runAsNonRoot" in message or "non-numeric user" in message:
        return verdict.but(advice="Use an image with a numeric USER other than 0, or set runAsUser for it.")
    return context.after_grace(first, context.limits.missing, verdict)


def _creation(pod: Obj, container_status: Obj, waiting: Obj, title: str, context: Context) -> Verdict:
    message = shortened(waiting.get("message") or waiting.get("reason") or "")
    first = min((e.first for e in context.about(pod, "Failed") if e.message.startswith("Error")), default=created(pod))
    verdict = failed(
        f"{title} cannot be started: {message}",
        place=container_place(pod, str(container_status.get("name"))),
        since=first,
        advice=f"Check its command, image and volumes. See: {kubectl(pod, f'describe pod {name(pod)}')}",
    )
    if waiting.get("reason") == "RunContainerError" and "not found" in message:
        return verdict
    return context.after_grace(first, context.limits.retried, verdict)


def _starting(pod: Obj, container_status: Obj, title: str, context: Context) -> Verdict:
    """Evaluate a container that has not been created yet: volumes, network, image, in the kubelet's order."""
    pulling = [e for e in context.about(pod, "Pulling") if e.container == container_status.get("name")]
    failed_mounts = context.about(pod, "FailedMount", "FailedAttachVolume")
    if last_word(failed_mounts, pulling):
        return volume_verdict(pod, failed_mounts, context)
    # The container's state says what comes now only at the kubelet's next look at the pod, which may be 15 s later.
    if last_word(failed_pulls(pod, container_status, context), pulling):
        return image_verdict(pod, container_status, {}, context)
    failures = [e for e in context.about(pod, "Failed") if e.container == container_status.get("name")]
    failed = last_word(failures, pulling)
    if failed and OBJECT_IS_MISSING.search(failed.message):
        message = failed.message.removeprefix("Error: ")
        return _configuration(pod, container_status, {"message": message}, title, context)
    if pulling:
        return pending(f"pulling image {container_status.get('image')}", hints=PROGRESSING)
    if sandbox := context.about(pod, "FailedCreatePodSandBox"):
        return pending(f"its network is not set up yet: {shortened(sandbox[0].message, 160)}")
    return pending(f"{title} is created")
