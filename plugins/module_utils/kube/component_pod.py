# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which pod of a release to talk to for one of its components."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..core.errors import Failure
from ..core.labels import RELEASE_LABEL
from .client import Client
from .polling import poll

Pod = Mapping[str, Any]


def find_pod(
    client: Client,
    namespace: str,
    release: str,
    component: str,
    timeout: float,
    ready: bool = False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Return the name of a pod in which the component's container runs; the same one while the pods are the same.

    :param component: the container's name, and of the label that pods with it carry.
    :param timeout: seconds to wait for such a pod.
    :param ready: the container's readiness probe must have passed.
    :raises Failure: there is none; says what there is.
    """
    selector = f"{RELEASE_LABEL}={release},airflow.kubernetes/{component}=true"
    pods: list[Pod] = poll(
        lambda: client.list("v1", "Pod", namespace, selector)["items"],
        lambda pods: choose(pods, component, ready) is not None,
        timeout,
        1,
        clock,
        sleep,
    )
    if name := choose(pods, component, ready):
        return name
    seen = "; ".join(f"{pod['metadata']['name']}: {_condition(pod, component)}" for pod in pods) or "no such pod"
    raise Failure(
        f"No running {component} of release {release} in namespace {namespace} ({client.where}) "
        f"after {timeout:.0f} s: {seen}. Deploy the release, or see why it does not start: "
        f"kubectl describe pods -n {namespace} -l '{selector}'"
    )


def choose(pods: Iterable[Pod], container: str, ready: bool) -> str | None:
    """Return the name of the best pod for the container: a ready one before one that only runs, then by name."""
    ranked = []
    for pod in pods:
        status = _container_status(pod, container)
        if pod["metadata"].get("deletionTimestamp") or "running" not in status.get("state", {}):
            continue
        is_ready = bool(status.get("ready"))
        if is_ready or not ready:
            ranked.append((not is_ready, pod["metadata"]["name"]))
    return min(ranked)[1] if ranked else None


def _container_status(pod: Pod, container: str) -> Mapping[str, Any]:
    statuses = pod.get("status", {}).get("containerStatuses") or []
    return next((status for status in statuses if status["name"] == container), {})


def _condition(pod: Pod, container: str) -> str:
    if pod["metadata"].get("deletionTimestamp"):
        return "ends"
    for what, details in _container_status(pod, container).get("state", {}).items():
        return str((details or {}).get("reason") or f"{what}, not ready")
    return str(pod.get("status", {}).get("phase") or "not started")
