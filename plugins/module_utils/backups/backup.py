# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The work of the module backup: make a backup of a release's metadata database, or list those that there are."""

from __future__ import annotations

from typing import Any

from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.lease import LEASE_OPTIONS, held
from ..kube.permissions import PERMISSIONS_OPTIONS, require
from ..kube.retries import PATIENCE
from ..kube.task import Task
from .job import BackupJob
from .manifest import Backup, summary

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    **PERMISSIONS_OPTIONS,
    "release": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "action": {"type": "str", "required": True, "choices": ["create", "list"]},
    "job": {"type": "dict", "required": True},
    "timeout": {"type": "int", "default": 3600},
}

_WHAT = {"create": "The backup", "list": "The listing of backups"}


def run(task: Task) -> dict[str, Any]:
    """Make or list backups; the result has their manifests, and a ``summary`` in lines."""
    params = task.params
    client = Client(params, task.say, PATIENCE)
    require(client, params)
    creates = params["action"] == "create"
    if task.check_mode and creates:
        return {"changed": True, "backups": [], "deleted": [], "summary": ["A backup would be made."]}
    namespace, release = params["namespace"], params["release"]
    with held(client, task) as lease:
        job = BackupJob(client, release, namespace, task.say, lease.keep, params["timeout"])
        answer = job.run(params["job"], _WHAT[params["action"]])
        lease.give_back()
    found = [answer["backup"]] if creates else answer["backups"]
    lines = summary([Backup.of(manifest) for manifest in found], client.now(), answer["fernet"])
    deleted = answer.get("deleted") or []
    return {
        "changed": creates,
        "backups": found,
        "deleted": deleted,
        "summary": lines + [f"Deleted: {name}" for name in deleted],
    }
