# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stop a release: no pod is left, all data is. A deploy starts it again.

What is stopped says so itself: its replicas were set to zero by :data:`STOP_MANAGER`, and when. So nothing is recorded
that could differ from what is the case, and a run that was interrupted is taken up by the next.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..core.errors import Failure
from ..core.labels import TASK_POD_LABEL
from ..core.names import STOP_MANAGER
from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.lease import LEASE_OPTIONS, LostError, held
from ..kube.permissions import PERMISSIONS_OPTIONS, require
from ..kube.retries import PATIENCE
from ..kube.task import Task
from .drain import Drained, drain_workers
from .workers import Selection
from .workloads import Workload, Workloads

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    **PERMISSIONS_OPTIONS,
    "release": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "drain_timeout": {"type": "int", "default": 3600},
}

#: What sends tasks, where it has pods of its own: it stops before the workers are drained.
SENDER = "scheduler"
#: What stops after the workers, in this order: each needs what follows it.
AFTER_WORKERS = (
    "triggerer",
    "dag-processor",
    "master",
    "api-server",
    "flower",
    "pgbouncer",
    "redis",
    "postgresql",
    "mysql",
)


def run(task: Task) -> dict[str, Any]:
    """Do the work of the module ``stop``; the result tells what was stopped, and which tasks were waited for."""
    params = task.params
    client = Client(params, task.say, PATIENCE)
    require(client, params)
    drained = Drained()
    with held(client, task) as lease:
        workloads = Workloads(client, params, task.say, lease.keep)
        stages = [[w for w in stage if w.replicas] for stage in stages_of(workloads.all())]
        stopped = [str(workload) for stage in stages for workload in stage]
        if not task.check_mode:
            sender, workers, *others = stages
            with _restored(workloads, sender):
                _stop(workloads, sender)
                workloads.wait_for_tasks(f"{TASK_POD_LABEL}=true", params["drain_timeout"])
                if workers:
                    left = Selection(replicas={worker.name: 0 for worker in workers})
                    drained = drain_workers(client, task, lease, left, params["drain_timeout"])
            for stage in (workers, *others):
                _stop(workloads, stage)
                for workload in stage:
                    task.say(f"{workload} is stopped")
            task.say("The release is stopped, and keeps its data. Start it with playbooks/start.yml.")
            lease.give_back()
    return {
        "changed": bool(stopped),
        "stopped": stopped,
        **drained.as_data(),
    }


def stages_of(workloads: Sequence[Workload]) -> list[list[Workload]]:
    """Return what stops together, in order: what sends tasks, the workers, and the others, each in a stage."""
    sender = [workload for workload in workloads if workload.part == SENDER]
    workers = [workload for workload in workloads if workload.is_worker]
    rest = [workload for workload in workloads if workload not in sender + workers]
    places = {part: place for place, part in enumerate(AFTER_WORKERS)}
    rest.sort(key=lambda workload: places.get(workload.part, -1))
    return [sender, workers, *([workload] for workload in rest)]


def _stop(workloads: Workloads, stage: Sequence[Workload]) -> None:
    for workload in stage:
        workloads.scale(workload, 0, STOP_MANAGER)
    workloads.wait_ended([replace(workload, replicas=0) for workload in stage])


@contextlib.contextmanager
def _restored(workloads: Workloads, sender: Sequence[Workload]) -> Iterator[None]:
    """Start again what sends tasks if the tasks that run do not end in time."""
    try:
        yield
    except LostError:
        raise
    except Failure:
        for workload in sender:
            workloads.scale(workload, workload.replicas, STOP_MANAGER)
        raise
