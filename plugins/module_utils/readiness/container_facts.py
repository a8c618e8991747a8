# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kubelet tells of containers, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..core.objects import Obj, moment, name, namespace, spec, status
from ..redaction.masking import shortened
from .context import Event

#: States in which the kubelet waits up to five minutes before it tries again.
BACK_OFF_REASONS = frozenset({"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull"})
# What the kubelet says of Secrets and ConfigMaps (kubernetes/pkg/kubelet/kubelet_pods.go): that one is missing, or that
# it has not read it itself yet, which a busy one does a little later.
OBJECT_IS_MISSING = re.compile(r"^Error: ((secret|configmap) \S+ not found|couldn't find key )")
NOT_READ_YET = re.compile(r"failed to sync (secret|configmap) cache")


def is_native_sidecar(container: Obj) -> bool:
    """Tell whether an init container runs as long as its pod does, and is started again whenever it ends.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    return container.get("restartPolicy") == "Always"


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
        return f"killed because its {probe_words(probe)}"
    if ending.get("reason") in ("StartError", "ContainerCannotRun"):
        return f"it cannot be started: {shortened(ending.get('message') or '')}"
    return f"exit code {code}"


def unproven(pod: Obj) -> tuple[Obj, datetime] | None:
    """Return the status of a container that counts as ready only because it has no probe, and when it was started."""
    for container_status in statuses(pod, "containerStatuses"):
        container = container_spec(pod, "containers", container_status)
        began = moment(((container_status.get("state") or {}).get("running") or {}).get("startedAt"))
        if container and began and not container.get("readinessProbe") and not container.get("startupProbe"):
            return container_status, began
    return None


def restarted(pod: Obj) -> tuple[Obj, datetime] | None:
    """Return the status of the container that was started again last after a failure, and when it was."""
    matches = []
    for container_status in statuses(pod, "containerStatuses"):
        began = moment(((container_status.get("state") or {}).get("running") or {}).get("startedAt"))
        if began and ended_badly(container_status):
            matches.append((began, container_status))
    latest = max(matches, key=lambda item: item[0], default=None)
    return (latest[1], latest[0]) if latest else None


def ended_container(pod: Obj) -> tuple[Obj, Mapping[str, Any]] | None:
    """Return the status of the first container that has ended badly, and how, init containers first.

    A native sidecar is none: it is started again, and its end with its pod, which the kubelet asks for, means nothing.
    """
    for which in ("initContainers", "containers"):
        for container_status in statuses(pod, f"{which[:-1]}Statuses"):
            ending = ended_badly(container_status)
            if ending and not is_native_sidecar(container_spec(pod, which, container_status)):
                return container_status, ending
    return None


def last_word(events: Sequence[Event], pulling: Sequence[Event]) -> Event | None:
    """Return the newest of some events, both newest first; ``None`` if an image has been pulled after it."""
    return None if not events or (pulling and pulling[0].last > events[0].last) else events[0]


def probe_words(probe: Event) -> str:
    kind, _failed, output = probe.message.partition(" probe failed: ")
    if "Traceback" in output:
        output = output.strip().splitlines()[-1]
    return f"{kind.lower()} probe fails: {shortened(output, 200)}" if output else shortened(probe.message, 200)


def statuses(pod: Obj, which: str) -> list[Obj]:
    return list(status(pod).get(which) or ())


def container_spec(pod: Obj, which: str, container_status: Obj) -> Obj:
    for container in spec(pod).get(which) or ():
        if container.get("name") == container_status.get("name"):
            return dict(container)
    return {}
