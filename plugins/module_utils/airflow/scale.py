# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Set the replicas of a release's workloads until the next deploy; workers that go are drained before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import Failure
from ..core.names import SCALE_MANAGER
from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.lease import LEASE_OPTIONS, held
from ..kube.permissions import PERMISSIONS_OPTIONS, require
from ..kube.retries import PATIENCE
from ..kube.task import Task
from ..readiness.options import WAIT_OPTIONS
from .drain import Drained, drain_workers
from .workers import Selection
from .workloads import SINGLE, Workload, Workloads

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    **PERMISSIONS_OPTIONS,
    **WAIT_OPTIONS,
    "release": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "replicas": {"type": "dict", "required": True},
    "drain_timeout": {"type": "int", "default": 3600},
}


@dataclass(frozen=True)
class Change:
    """A workload whose replicas change."""

    workload: Workload
    wanted: int

    @property
    def is_smaller(self) -> bool:
        return self.wanted < self.workload.replicas

    def as_data(self) -> dict[str, Any]:
        return {"workload": str(self.workload), "before": self.workload.replicas, "after": self.wanted}


def run(task: Task) -> dict[str, Any]:
    """Do the work of the module ``scale``; the result tells what changed, and which tasks were waited for."""
    params = task.params
    wanted = wanted_of(params["replicas"])
    client = Client(params, task.say, PATIENCE)
    require(client, params)
    drained = Drained()
    with held(client, task) as lease:
        workloads = Workloads(client, params, task.say, lease.keep)
        plan = changes(workloads.all(), wanted)
        if not task.check_mode:
            smaller = [change for change in plan if change.is_smaller]
            going = {change.workload.name: change.wanted for change in smaller if change.workload.is_worker}
            if going:
                drained = drain_workers(client, task, lease, Selection(replicas=going), params["drain_timeout"])
            for change in plan:
                workloads.scale(change.workload, change.wanted, SCALE_MANAGER)
                task.say(f"{change.workload}: {change.workload.replicas} -> {change.wanted} pods")
            workloads.wait_ended([replace(change.workload, replicas=change.wanted) for change in smaller])
            workloads.wait_ready([change.workload for change in plan])
            if plan:
                task.say("The next deploy sets the replicas of the inventory again: change them there to keep these.")
            lease.give_back()
    return {
        "changed": bool(plan),
        "workloads": [change.as_data() for change in plan],
        **drained.as_data(),
    }


def wanted_of(given: Mapping[str, Any]) -> dict[str, int]:
    """Read the option ``replicas``.

    :raises Failure: it names nothing, or a number is none.
    """
    if not given:
        raise Failure(
            "Nothing says what to scale. Set replicas; with playbooks/scale.yml, airflow_scale, such as "
            """-e '{"airflow_scale": {"worker": 3}}'."""
        )
    wanted = {}
    for part, number in given.items():
        if isinstance(number, bool) or not str(number).isdecimal():
            raise Failure(f"airflow_scale has {part}: {number!r}. Write the number of its pods.")
        wanted[str(part)] = int(number)
    return wanted


def changes(workloads: Sequence[Workload], wanted: Mapping[str, int]) -> list[Change]:
    """Return which workloads change.

    :raises Failure: one cannot be scaled so, or the release is stopped.
    """
    known = {workload.part: workload for workload in workloads}
    scalable = ", ".join(part for part in known if part not in SINGLE)
    for part, number in wanted.items():
        if part not in known:
            raise Failure(f"airflow_scale names {part}, which the release does not have. It may name: {scalable}.")
        if part in SINGLE:
            raise Failure(f"airflow_scale names {part}, which always has one pod. It may name: {scalable}.")
        if known[part].stopped:
            raise Failure("The release is stopped. Start it first: playbooks/start.yml.")
        if number == 0 and not known[part].is_worker:
            raise Failure(
                f"airflow_scale has {part}: 0, without which Airflow does not work. Only a group of workers may have "
                "no pod; to stop all of the release: playbooks/stop.yml."
            )
    return [Change(known[part], number) for part, number in sorted(wanted.items()) if known[part].replicas != number]
