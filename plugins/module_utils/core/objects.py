# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fields of Kubernetes objects, each with what an object without it means."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .labels import DRAINED_ANNOTATION, EXTRA_SET, SET_LABEL
from .names import STOP_MANAGER

#: A Kubernetes object as the API returns it, decoded from JSON. Any part of it may be missing, ``status`` first of all.
Obj = Mapping[str, Any]

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def moment(text: str | None) -> datetime | None:
    """Read a time as the API writes it (RFC 3339, in UTC)."""
    return datetime.fromisoformat(text) if text else None


def created(obj: Obj) -> datetime:
    """Return when an object was created."""
    return moment((obj.get("metadata") or {}).get("creationTimestamp")) or EPOCH


def name(obj: Obj) -> str:
    """Return an object's name."""
    return str((obj.get("metadata") or {}).get("name") or "")


def namespace(obj: Obj) -> str:
    """Return an object's namespace, or ``""``."""
    return str((obj.get("metadata") or {}).get("namespace") or "")


def uid(obj: Obj) -> str:
    """Return an object's uid."""
    return str((obj.get("metadata") or {}).get("uid") or "")


def labels(obj: Obj) -> Mapping[str, str]:
    """Return an object's labels."""
    return (obj.get("metadata") or {}).get("labels") or {}


def annotation(obj: Obj, called: str) -> str | None:
    """Return one of an object's annotations."""
    found = ((obj.get("metadata") or {}).get("annotations") or {}).get(called)
    return None if found is None else str(found)


def status(obj: Obj) -> Mapping[str, Any]:
    """Return an object's status, empty where there is none yet."""
    return obj.get("status") or {}


def spec(obj: Obj) -> Mapping[str, Any]:
    """Return an object's specification, empty where there is none."""
    return obj.get("spec") or {}


def owner(obj: Obj) -> Mapping[str, Any]:
    """Return the reference to the controller of an object, empty where there is none."""
    for reference in (obj.get("metadata") or {}).get("ownerReferences") or ():
        if reference.get("controller"):
            return dict(reference)
    return {}


def condition(obj: Obj, kind: str) -> Mapping[str, Any]:
    """Return the condition of that type from an object's status, empty where there is none."""
    for found in status(obj).get("conditions") or ():
        if found.get("type") == kind:
            return dict(found)
    return {}


def is_true(obj: Obj, kind: str) -> bool:
    """Tell whether the condition of that type is present and true."""
    return condition(obj, kind).get("status") == "True"


def ready_since(pod: Obj) -> datetime | None:
    """Return when a pod got ready, ``None`` if it is not."""
    return moment(condition(pod, "Ready").get("lastTransitionTime")) if is_true(pod, "Ready") else None


def deleted(obj: Obj) -> bool:
    """Tell whether an object is being deleted."""
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def is_extra(obj: Obj) -> bool:
    """Tell whether an object is one of the user's own, of ``airflow_extra_objects``."""
    return labels(obj).get(SET_LABEL) == EXTRA_SET


def grace(pod: Obj) -> float:
    """Return the seconds that a pod has to end; Kubernetes gives 30 where nothing else is said."""
    given = (pod.get("metadata") or {}).get("deletionGracePeriodSeconds")
    return float(spec(pod).get("terminationGracePeriodSeconds", 30) if given is None else given)


def observed(obj: Obj) -> bool:
    """Tell whether a workload's status speaks of its present specification."""
    return int(status(obj).get("observedGeneration") or 0) >= int((obj.get("metadata") or {}).get("generation") or 1)


def scaled_at(obj: Obj, manager: str) -> datetime | None:
    """Return when a manager has set the replicas of a workload; ``None`` if they are not its own.

    They have to be set in the workload itself. The API server forgets who sets them to zero in its ``scale``, where
    zero is the same as nothing.
    """
    for entry in (obj.get("metadata") or {}).get("managedFields") or ():
        fields = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        if entry.get("manager") == manager and "f:replicas" in fields:
            return moment(entry.get("time"))
    return None


def stopped_since(workload: Obj) -> datetime | None:
    """Return since when a workload has been stopped by ``playbooks/stop.yml``, ``None`` if it is not."""
    return scaled_at(workload, STOP_MANAGER) if spec(workload).get("replicas") == 0 else None


def is_drained(pod: Obj) -> bool:
    """Tell whether a worker takes no more tasks; a container that was started since does."""
    container = annotation(pod, DRAINED_ANNOTATION)
    statuses = status(pod).get("containerStatuses") or ()
    return container is not None and any(each.get("containerID") == container for each in statuses)
