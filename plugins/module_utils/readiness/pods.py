# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a pod is ready, will be, or never can be."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.objects import Obj, deleted, is_true, moment, name, spec, status
from .container_facts import container_place, container_spec, is_native_sidecar, statuses
from .containers import container_state
from .context import WAIT_PREFIX, Context
from .scheduling import lost_verdict, node_is_gone, silent_since, unplaced_verdict
from .verdict import LogSource, State, Verdict, pending, ready


def pod_verdict(pod: Obj, context: Context) -> Verdict:
    """Tell whether a pod is ready.

    :param context: of the workload it belongs to, with the events about the pod.
    :returns: ``never`` with the place and log of the container that fails, or ``not yet`` with what the pod does now.
    """
    if deleted(pod):
        return _ending(pod, context)
    if is_true(pod, "Ready"):
        return ready()
    verdict = unplaced_verdict(pod, context) or lost_verdict(pod, context) or _containers(pod, context)
    return verdict.but(place=verdict.place or f"Pod {name(pod)}")


def _ending(pod: Obj, context: Context) -> Verdict:
    """Evaluate a pod that is being deleted, which only its node can bring to an end."""
    since = silent_since(pod, context)
    end = moment((pod.get("metadata") or {}).get("deletionTimestamp"))
    if since and end:
        return context.after_grace(max(since, end), context.limits.lost, node_is_gone(pod))
    return pending(f"pod {name(pod)} is ending")


def _containers(pod: Obj, context: Context) -> Verdict:
    """Evaluate the containers of a pod on a node: init containers one after the other, then all others at once.

    A native sidecar is among the first until it has started, and among the others then. It ends after these for good.
    """
    has_ended = _has_ended(pod)
    for container_status, container in () if has_ended else _unfinished_init(pod):
        return _container(pod, container_status, container, context, init=True)
    verdicts = [
        _container(pod, container_status, container_spec(pod, "containers", container_status), context)
        for container_status in statuses(pod, "containerStatuses")
        if not container_status.get("ready")
    ]
    verdicts += [
        _container(pod, container_status, container, context)
        for container_status, container in _native_sidecars(pod)
        if not container_status.get("ready") and not has_ended
    ]
    verdicts.sort(key=lambda verdict: verdict.state != State.FAILED)
    if verdicts:
        return verdicts[0]
    if status(pod).get("containerStatuses"):
        return pending("its containers are ready, the pod is not yet")
    return pending(f"node {spec(pod).get('nodeName')} takes it")


def _unfinished_init(pod: Obj) -> Iterator[tuple[Obj, Obj]]:
    for container_status in statuses(pod, "initContainerStatuses"):
        container = container_spec(pod, "initContainers", container_status)
        ended = (container_status.get("state") or {}).get("terminated")
        is_over = container_status.get("started") if is_native_sidecar(container) else ended and not ended["exitCode"]
        if not is_over:
            yield container_status, container


def _has_ended(pod: Obj) -> bool:
    """Tell whether all containers have ended for good, be its phase behind that or not."""
    states = [container_status.get("state") or {} for container_status in statuses(pod, "containerStatuses")]
    return spec(pod).get("restartPolicy") == "Never" and bool(states) and all("terminated" in state for state in states)


def _native_sidecars(pod: Obj) -> Iterator[tuple[Obj, Obj]]:
    for container_status in statuses(pod, "initContainerStatuses"):
        container = container_spec(pod, "initContainers", container_status)
        if is_native_sidecar(container):
            yield container_status, container


def _container(pod: Obj, container_status: Obj, container: Obj, context: Context, init: bool = False) -> Verdict:
    verdict = container_state(pod, container_status, container, context, init)
    container_name = str(container_status.get("name"))
    if not init or not container_name.startswith(WAIT_PREFIX):
        return verdict
    running = (container_status.get("state") or {}).get("running")
    if running:
        return verdict.hint(awaits_dependencies=True).but(
            place=container_place(pod, container_name),
            since=moment(running.get("startedAt")),
            log=LogSource(name(pod), container_name),
        )
    # Only what the program says of others may pass: an image or a volume that is missing is a failure of its own.
    return verdict.hint(awaits_dependencies=verdict.state == State.FAILED and verdict.log is not None)
