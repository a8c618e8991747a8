# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The work of the module apply."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.checksum import checksum
from ..kube.client import CONNECTION_OPTIONS, Client, Manifest
from ..kube.lease import LEASE_OPTIONS, held
from ..kube.retries import PATIENCE
from ..kube.task import Task
from .apply_set import ApplySet
from .diff import diff
from .ordering import FLUX_OPTIONS
from .prepare import checksums, prepare, render_all

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    "release": {"type": "str", "required": True},
    "set": {"type": "str", "required": True},
    "replaces": {"type": "list", "elements": "str", "default": []},
    "namespace": {"type": "str", "required": True},
    "objects": {"type": "list", "elements": "dict", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force_conflicts": {"type": "bool", "default": False},
    "render": {"type": "path"},
    "render_ordering": {"type": "str", "choices": ["none", "argocd", "flux"], "default": "none"},
    "render_flux": {"type": "dict", "apply_defaults": True, "options": FLUX_OPTIONS},
    "dry_run_digest": {"type": "str", "default": ""},
    "checksums_of": {"type": "dict", "default": {}},
}


def run(task: Task) -> dict[str, Any]:
    """Apply the set as the options say; the result holds ``objects`` and, in diff mode, ``diff``."""
    params = task.params
    objects = [] if params["state"] == "absent" else params["objects"]
    if params["render"]:
        manifests = prepare(objects, params["release"], params["set"], params["namespace"])
        result = render_all(manifests, Path(params["render"]), params, task.check_mode)
    else:
        result = _apply_all(objects, task)
    result["checksums"] |= {name: checksum(value) for name, value in params["checksums_of"].items()}
    return result


def _apply_all(objects: Sequence[Manifest], task: Task) -> dict[str, Any]:
    """Apply the set, and delete those whose place it takes."""
    params = task.params
    client = Client(params, task.say, PATIENCE)
    manifests = prepare(objects, params["release"], params["set"], params["namespace"], client.is_namespaced)
    apply_set = ApplySet(client, params["release"], params["set"], params["namespace"], task.check_mode)
    with held(client, task):
        outcomes = apply_set.apply(manifests, force=params["force_conflicts"])
        apply_set.note_dry_run(params["dry_run_digest"])
        for name in params["replaces"]:
            outcomes += ApplySet(client, params["release"], name, params["namespace"], task.check_mode).apply([])
    for outcome in outcomes:
        if outcome.note:
            task.say(f"{outcome.reference} {outcome.note}")
    result: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in outcomes),
        "objects": [outcome.as_data() for outcome in outcomes],
        "checksums": checksums(manifests),
    }
    if task.diff_mode:
        result["diff"] = [diff(outcome) for outcome in outcomes if outcome.changed]
    return result
