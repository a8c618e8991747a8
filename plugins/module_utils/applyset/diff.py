# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What differs between two states of an object, without the values of Secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kube.client import Manifest
from .reference import Outcome

#: What the cluster writes by itself, no part of what was asked for.
_BOOKKEEPING = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
_BOOKKEEPING_ANNOTATIONS = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
)


def is_changed(before: Manifest, after: Manifest) -> bool:
    return _substance(before) != _substance(after)


def _substance(manifest: Manifest) -> Manifest:
    kept = {key: value for key, value in manifest.items() if key != "status"}
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in _BOOKKEEPING}
    annotations = metadata.pop("annotations", {}).items()
    if own := {key: value for key, value in annotations if key not in _BOOKKEEPING_ANNOTATIONS}:
        metadata["annotations"] = own
    kept["metadata"] = metadata
    return kept


def diff(outcome: Outcome) -> dict[str, Any]:
    """Return Ansible's ``diff`` of one object: its substance, with the values of a Secret hidden."""
    before, after = outcome.before, outcome.after
    return {
        "before_header": str(outcome.reference),
        "after_header": f"{outcome.reference} {outcome.result}",
        "before": hide(_substance(before)) if before else "",
        "after": hide(_substance(after), before) if after else "",
    }


def hide(manifest: Manifest, other: Manifest | None = None) -> Manifest:
    """Return a Secret with what may be told of its values: that they are there, and whether another's differ."""
    if manifest["kind"] != "Secret":
        return manifest
    hidden = dict(manifest)
    for part in ("data", "stringData"):
        if part in manifest:
            others = (other or {}).get(part, {})
            hidden[part] = {
                key: "(hidden)" if other is None or others.get(key) == value else "(hidden, differs)"
                for key, value in manifest[part].items()
            }
    return hidden


def outline(manifest: Mapping[str, Any]) -> str:
    return str({"kind": manifest.get("kind"), "metadata": {"name": (manifest.get("metadata") or {}).get("name")}})
