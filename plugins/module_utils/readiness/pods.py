# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a pod is ready, will be, or never can be."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.objects import Obj, deleted, is_true, moment, name, spec, status
from .case import GATE_PREFIX, Case
from .container_facts import container_place, container_spec, statuses
from .containers import container_state
from .scheduling import lost_verdict, node_is_gone, silent_since, unplaced_verdict
from .verdict import LogSource, State, Verdict, done, not_yet


def pod_verdict(pod: Obj, case: Case) -> Verdict:
    """Tell whether a pod is ready.

    :param case: of the workload it belongs to, with the events about the pod.
    :returns: ``never`` with the place and log of the container that fails, or ``not yet`` with what the pod does now.
    """
    if deleted(pod):
        return _ending(pod, case)
    if is_true(pod, "Ready"):
        return done()
    verdict = unplaced_verdict(pod, case) or lost_verdict(pod, case) or _containers(pod, case)
    return verdict.but(place=verdict.place or f"Pod {name(pod)}")


def _ending(pod: Obj, case: Case) -> Verdict:
    """Judge a pod that is being deleted, which only its node can bring to an end."""
    since = silent_since(pod, case)
    end = moment((pod.get("metadata") or {}).get("deletionTimestamp"))
    if since and end:
        return case.after_grace(max(since, end), case.limits.lost, node_is_gone(pod))
    return not_yet(f"pod {name(pod)} is ending")


def _containers(pod: Obj, case: Case) -> Verdict:
    """Judge the containers of a pod on a node: init containers one after the other, then all others at once."""
    for container_status, container in _unfinished_init(pod):
        return _container(pod, container_status, container, case, init=True)
    found = [
        _container(pod, container_status, container_spec(pod, "containers", container_status), case)
        for container_status in statuses(pod, "containerStatuses")
        if not container_status.get("ready")
    ]
    found.sort(key=lambda verdict: verdict.state != State.NEVER)
    if found:
        return found[0]
    if status(pod).get("containerStatuses"):
        return not_yet("its containers are ready, the pod is not yet")
    return not_yet(f"node {spec(pod).get('nodeName')} takes it")


def _unfinished_init(pod: Obj) -> Iterator[tuple[Obj, Obj]]:
    for container_status in statuses(pod, "initContainerStatuses"):
        container = container_spec(pod, "initContainers", container_status)
        ended = (container_status.get("state") or {}).get("terminated")
        runs_on = container.get("restartPolicy") == "Always" and container_status.get("started")
        if not runs_on and not (ended and not ended.get("exitCode")):
            yield container_status, container


def _container(pod: Obj, container_status: Obj, container: Obj, case: Case, init: bool = False) -> Verdict:
    verdict = container_state(pod, container_status, container, case, init)
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
