# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The work of the module ``custom_resource``: what a run of the operator is to do, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..airflow.versions import may_roll, parts
from ..change_version.phases import DEPLOY, ROLLBACK, UPGRADE, Record
from ..core.errors import ApiFailure, Failure
from ..core.labels import VERSION_LABEL
from ..core.names import upgrade_record_name
from ..core.objects import labels
from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.retries import FIRST_PATIENCE
from ..kube.task import Task
from ..readiness import status as readiness_status
from ..readiness.health_probe import HEALTH_OPTIONS
from ..readiness.options import AWAITED_OPTIONS
from . import conditions, resource

BEGIN, END, FAIL, DELETE = "begin", "end", "fail", "delete"
OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "step": {"type": "str", "required": True, "choices": [BEGIN, END, FAIL, DELETE]},
    "version": {"type": "str", "default": ""},
    "operation": {"type": "str", "default": DEPLOY, "choices": [DEPLOY, UPGRADE, ROLLBACK]},
    "generation": {"type": "int", "required": True},
    "failure": {"type": "str", "default": ""},
    **AWAITED_OPTIONS,
    "health": {"type": "dict", "options": HEALTH_OPTIONS},
    "address": {"type": "str", "default": ""},
}


def run(task: Task) -> dict[str, Any]:
    """Do the work of the module: write the status of the resource, and say what is due."""
    params = task.params
    client = Client(params, task.say, FIRST_PATIENCE)
    found = _resource(client, params["namespace"], params["name"])
    if found is None:
        # Somebody has deleted it, and what there was to say of it is of no use.
        return {"changed": False, "operation": DEPLOY}
    before = found.get("status") or {}
    now = resource.timestamp(client.now())
    step = params["step"]
    generation = params["generation"]
    operation = params["operation"]
    if step == BEGIN:
        operation = due(*_running(client, params["namespace"], params["name"]), params["version"])
        status = conditions.begun(before, operation, generation, now)
        if operation != DEPLOY:
            resource.tell(client, found, status["phase"], f"From {before.get('version')} to {params['version']}")
    elif step == DELETE:
        status = conditions.begun(before, "destroy", generation, now)
    elif step == END:
        status = conditions.ended(before, _observe(task), generation, now)
        if operation != DEPLOY or not conditions.is_true(before, "Ready"):
            resource.tell(client, found, conditions.DONE[operation], f"Airflow {status['version']} is healthy")
    else:
        status = conditions.failed(before, _look(task), params["failure"], generation, now)
        # Its first line has the reason, and no seconds.
        if status["message"].partition("\n")[0] != str(before.get("message", "")).partition("\n")[0]:
            resource.tell(client, found, "RunFailed", status["message"], is_warning=True)
    if not task.check_mode:
        resource.write_status(client, found, status)
    return {"changed": False, "operation": operation}


def due(running: str, record: Record | None, wanted: str) -> str:
    """Return the operation that takes a release to a version.

    What has begun goes on, or back where the version asks for that; see ``change_version``.

    :param running: version of the release, "" where there is none.
    :param record: of the last change of the version, ``None`` if there was none.
    """
    if record and not record.done:
        back = parts(wanted) < parts(record.target) if record.operation == UPGRADE else True
        return ROLLBACK if back else UPGRADE
    if not running or running == wanted or may_roll(running, wanted):
        return DEPLOY
    return UPGRADE if parts(wanted) > parts(running) else ROLLBACK


def _resource(client: Client, namespace: str, name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = client.request("get", resource.path(namespace, name))
    except ApiFailure as failure:
        if failure.status == 404:
            return None
        raise
    return found


def _running(client: Client, namespace: str, name: str) -> tuple[str, Record | None]:
    live = client.get("v1", "ConfigMap", f"{name}-config", namespace)
    record = client.get("v1", "ConfigMap", upgrade_record_name(name), namespace)
    return labels(live or {}).get(VERSION_LABEL, ""), Record.parse((record or {}).get("data") or {})


def _observe(task: Task) -> Mapping[str, Any]:
    """Return what the module ``status`` returns of the release, without showing it."""
    return readiness_status.run(Task({**task.params, "release": task.params["name"], "permissions": []}))


def _look(task: Task) -> Mapping[str, Any] | None:
    """Return the status of the release, ``None`` where there is none yet, or it cannot be told."""
    try:
        return _observe(task)
    except Failure:
        return None
