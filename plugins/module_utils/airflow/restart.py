# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace the pods of a release's components one after the other; a worker is drained before its pod is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.errors import Failure
from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.lease import LEASE_OPTIONS, Lease, held
from ..kube.permissions import PERMISSIONS_OPTIONS, require
from ..kube.retries import PATIENCE
from ..kube.task import Task
from ..readiness.options import WAIT_OPTIONS
from .drain import drain_workers
from .workers import PodsOfRelease, Selection
from .workloads import BACKING, Workload, Workloads

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    **PERMISSIONS_OPTIONS,
    **WAIT_OPTIONS,
    "release": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "components": {"type": "list", "elements": "str", "default": []},
    "drain_timeout": {"type": "int", "default": 3600},
}


def run(task: Task) -> dict[str, Any]:
    """Do the work of the module ``restart``; the result tells what was restarted, and which tasks were waited for."""
    params = task.params
    client = Client(params, task.say, PATIENCE)
    require(client, params)
    tasks: list[dict[str, str]] = []
    with held(client, task) as lease:
        workloads = Workloads(client, params, task.say, lease.keep)
        chosen = choose(workloads.all(), params["components"])
        for workload in [] if task.check_mode else chosen:
            task.say(f"{workload} is restarted")
            if workload.is_worker:
                tasks += _replace_workers(client, task, lease, workloads, workload)
            else:
                workloads.restart(workload)
                workloads.wait_ready([workload])
    return {"changed": bool(chosen), "restarted": [str(workload) for workload in chosen], "tasks": tasks}


def choose(workloads: Sequence[Workload], components: Sequence[str]) -> list[Workload]:
    """Return what is restarted, in order: all but what tasks depend on at every moment, if nothing is named.

    :param components: names of components and groups of workers; ``worker`` is all groups, if none is called so.
    :raises Failure: the release does not have one, or is stopped.
    """
    known = [workload.part for workload in workloads]
    meant: set[str] = set()
    for component in components:
        groups = [workload.part for workload in workloads if workload.is_worker] if component == "worker" else []
        if component not in known and not groups:
            raise Failure(
                f"airflow_restart names {component}, which the release does not have. It may name: {', '.join(known)}."
            )
        meant.update([component] if component in known else groups)
    chosen = [w for w in workloads if (w.part in meant if components else w.part not in BACKING)]
    if any(workload.stopped for workload in chosen):
        raise Failure("The release is stopped. Start it: playbooks/start.yml.")
    return [workload for workload in chosen if workload.replicas]


def _replace_workers(
    client: Client, task: Task, lease: Lease, workloads: Workloads, workload: Workload
) -> list[dict[str, str]]:
    """Drain and replace the pods of a group, one after the other, so that the others take tasks meanwhile."""
    tasks: list[dict[str, str]] = []
    pods = PodsOfRelease(client, task.params["namespace"], task.params["release"])
    for worker in reversed([worker for worker in pods.list() if worker.workload == workload.name]):
        tasks += drain_workers(client, task, lease, Selection(pods=[worker.pod]), task.params["drain_timeout"]).tasks
        workloads.replace_pod(worker.pod)
        workloads.wait_ready([workload])
    return tasks
