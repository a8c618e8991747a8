# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an API server's refusal of an object means, and the way out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..core.errors import ApiFailure
from ..core.names import SCALE_MANAGER, STOP_MANAGER
from ..core.objects import scaled_at, spec, stopped_since
from ..kube.client import Manifest
from .reference import Reference


def explain(failure: ApiFailure, manifest: Manifest, is_new: bool = False) -> str:
    """Say what the cluster refused, and what to do.

    :param is_new: the object did not exist, so that none of its fields would have been changed.
    """
    reference = Reference.of(manifest)
    if conflicts := _conflicts(failure):
        fields = "; ".join(f"{cause.get('field', '?')} ({cause.get('message', '')})" for cause in conflicts)
        return (
            f"{reference}: somebody else manages what this would change: {fields}. "
            "Leave the field to them with the role's overrides, or take it with airflow_force_conflicts: true."
        )
    immutable = [] if is_new else immutable_causes(failure)
    if immutable:
        fields = "; ".join(f"{cause.get('field', '?')}: {cause.get('message', '')}" for cause in immutable)
        return f"{reference}: a field cannot be changed once the object exists: {fields}. {_way_out(reference)}"
    if failure.status == 403 and failure.reason == "Forbidden":
        return f"{reference}: the cluster forbids it: {failure.message}"
    if failure.status == 404 and failure.message.startswith("namespaces "):
        way_out = "The role airflow creates the namespace unless airflow_namespace_create is false."
        return f"{reference}: {failure.message}. {way_out}"
    return f"{reference}: the cluster refuses it: {failure.message}"


def _conflicts(failure: ApiFailure) -> list[Mapping[str, Any]]:
    return [cause for cause in _causes(failure) if cause.get("reason") == "FieldManagerConflict"]


def is_of_day_two(failure: ApiFailure) -> bool:
    """Tell whether an object is refused only because a playbook has set its replicas since the last deploy."""
    managers = [_MANAGER.match(str(cause.get("message", ""))) for cause in _conflicts(failure)]
    return bool(managers) and all(manager and manager[1] in (SCALE_MANAGER, STOP_MANAGER) for manager in managers)


#: How the API server begins what it says of a conflict.
_MANAGER = re.compile(r'conflict with "([^"]+)"')


def replicas_note(before: Manifest | None, after: Manifest) -> str:
    """Say what becomes of the replicas that a playbook has set since the last deploy; empty if nothing does."""
    had, wanted = (spec(obj).get("replicas") for obj in (before or {}, after))
    if before is None or had == wanted:
        return ""
    if since := stopped_since(before):
        return f"was stopped at {since:%Y-%m-%d %H:%M:%S} UTC, and starts again with {wanted} pods"
    if scaled_at(before, SCALE_MANAGER):
        return f"was scaled to {had} pods after the last deploy, and gets the {wanted} of the inventory again"
    return ""


def _causes(failure: ApiFailure) -> list[Mapping[str, Any]]:
    return [cause for cause in failure.details.get("causes") or [] if isinstance(cause, Mapping)]


def immutable_causes(failure: ApiFailure) -> list[Mapping[str, Any]]:
    """Return what the cluster says of fields that cannot be changed; nothing if something else was wrong."""
    if failure.status != 422:
        return []
    return [cause for cause in _causes(failure) if _immutable(str(cause.get("message", "")))]


#: What the API's validation says of a field that had another value; what may not be *used* was never right.
_IMMUTABLE = re.compile(
    r"immutable|updates? to .* (is|are) forbidden|(may|can) ?not (be )?(chang|updat|modif|set once|unset|less than)"
    r"|(may|can) ?not be (added|removed|decreas|increas)"
)


def _immutable(message: str) -> bool:
    return bool(_IMMUTABLE.search(message))


def _way_out(reference: Reference) -> str:
    if reference.kind == "PersistentVolumeClaim":
        return "Set the old value again, or make a new claim of another name and move the data."
    if reference.kind == "PersistentVolume":
        return (
            "Set the old value again. To have the other: stop the pods, delete the claim that is bound to the volume, "
            f"and deploy once more; the files stay where they are: kubectl get persistentvolume {reference.name}"
        )
    where = f" -n {reference.namespace}" if reference.namespace else ""
    orphan = " --cascade=orphan" if reference.kind in ("StatefulSet", "Deployment") else ""
    return (
        f"Set the old value again, or delete the object and deploy once more: "
        f"kubectl delete {reference.kind.lower()} {reference.name}{where}{orphan}"
        + (" (its pods and claims stay)." if orphan else ".")
    )
