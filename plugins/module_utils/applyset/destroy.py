# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove a release from its cluster: every apply set, and its data only when that is asked for by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ..core.confirmation import lacks_confirmation
from ..core.errors import ApiFailure, Failure
from ..core.labels import RELEASE_LABEL, TASK_POD_LABEL, WORKER_LABEL
from ..kube.client import CONNECTION_OPTIONS, Client, Manifest
from ..kube.ending_pods import wait_until_ended
from ..kube.lease import LEASE_OPTIONS, Lease, held
from ..kube.permissions import PERMISSIONS_OPTIONS, require
from ..kube.retries import PATIENCE
from ..kube.task import Task
from .apply_set import ApplySet
from .reference import Outcome, Reference

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **PERMISSIONS_OPTIONS,
    **LEASE_OPTIONS,
    "release": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "data": {"type": "bool", "default": False},
    "confirm": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 60},
}

#: The role workers' apply set.
WORKERS_SET = "workers"

#: What holds the data of a release, and is deleted only with ``data``.
DATA_KINDS = ("PersistentVolumeClaim", "Secret")


def run(task: Task) -> dict[str, Any]:
    """Remove the release; the result holds ``objects`` deleted and ``kept``."""
    params = task.params
    if params["data"] and not task.check_mode:
        require_confirmation(params["release"], params["namespace"], params["confirm"])
    client = Client(params, task.say, PATIENCE)
    require(client, params)
    destroyer = _Destroyer(client, params["release"], params["namespace"], task.check_mode)
    outcomes = []
    with held(client, task) as lease:
        for workers, pods in ((True, f"{WORKER_LABEL}=true"), (False, "")):
            outcomes += destroyer.remove_sets(workers)
            if not task.check_mode:
                destroyer.wait_for_pods(params["timeout"], pods, lease, time.monotonic, time.sleep)
        if params["data"]:
            outcomes += destroyer.remove_data()
        # In a namespace that does not exist there is nothing to hold, nor to forget.
        if lease.is_held:
            destroyer.forget()
            lease.remove()
    deleted = [outcome for outcome in outcomes if outcome.result == "deleted"]
    return {
        "changed": bool(deleted),
        "objects": [outcome.as_data() for outcome in deleted],
        "kept": sorted(map(destroyer.name_of, destroyer.data_left())),
    }


def require_confirmation(release: str, namespace: str, confirmed: Sequence[str]) -> None:
    """Make sure that whoever deletes data means this release.

    :param confirmed: releases, each as ``namespace/name``.
    :raises Failure: it is not among them.
    """
    wanted = f"{namespace}/{release}"
    lack = lacks_confirmation("airflow_destroy_confirm", release, namespace, confirmed)
    if not lack:
        return
    raise Failure(
        f"Nothing was deleted: the volumes and Secrets of {wanted} would be lost, and {lack}. "
        f"If you mean it: -e airflow_destroy_data=true -e airflow_destroy_confirm={wanted}"
        f" (several releases: separated by commas). To keep the data, leave airflow_destroy_data out."
    )


class _Destroyer:
    def __init__(self, client: Client, release: str, namespace: str, check_mode: bool) -> None:
        self.client = client
        self.release = release
        self.namespace = namespace
        self.check_mode = check_mode
        self.selector = f"{RELEASE_LABEL}={release}"
        #: What holds data in other namespaces, once the sets have been emptied that name it.
        self.data_elsewhere: set[Reference] = set()

    def remove_sets(self, workers: bool) -> list[Outcome]:
        """Empty the apply sets that the release's inventory names.

        :param workers: the workers' set, which goes first, or all others: a worker ends its tasks, and ends at all,
            only while the database, the broker and the API server are there.
        """
        name = ApplySet(self.client, self.release, "", self.namespace).inventory_name
        inventory = self.client.get("v1", "ConfigMap", name, self.namespace) or {}
        sets = [
            ApplySet(self.client, self.release, set_name, self.namespace, self.check_mode)
            for set_name in inventory.get("data") or {}
            if (set_name == WORKERS_SET) is workers
        ]
        outcomes = [outcome for apply_set in sets for outcome in apply_set.apply([])]
        self.data_elsewhere |= {
            outcome.reference
            for outcome in outcomes
            if outcome.result == "kept"
            and outcome.reference.kind in DATA_KINDS
            and outcome.reference.namespace != self.namespace
        }
        return outcomes

    def wait_for_pods(
        self, timeout: float, label: str, lease: Lease, now: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        """Wait until the pods have ended, which hold claims until then; those of tasks are deleted first.

        :param timeout: seconds that they may take beyond the grace that they were given.
        :param label: a further label of the pods; empty for all of the release.
        :param lease: is kept meanwhile.
        """

        def left() -> list[Manifest]:
            pods = self._list("Pod", label)
            for pod in filter(_is_left_task, pods):
                self.client.delete("v1", "Pod", pod["metadata"]["name"], self.namespace)
            return pods

        def late(seconds: float, names: str) -> str:
            return (
                f"After {seconds:.0f} s these pods of {self.release} in {self.namespace} have not ended: {names}. "
                "Look at what they still do; run again, or delete them by hand."
            )

        wait_until_ended(left, timeout, lease.keep, late, now, sleep)

    def remove_data(self) -> list[Outcome]:
        """Delete the claims and Secrets of the release."""
        outcomes = []
        for reference in self.data_left():
            self.client.delete(
                reference.api_version,
                reference.kind,
                reference.name,
                reference.namespace or None,
                dry_run=self.check_mode,
            )
            outcomes.append(Outcome(reference, "deleted"))
        self.data_elsewhere.clear()
        return outcomes

    def data_left(self) -> list[Reference]:
        """Return what holds data of the release and is not being deleted."""
        here = [
            Reference("v1", kind, item["metadata"]["name"], self.namespace)
            for kind in DATA_KINDS
            for item in self._list(kind)
            if "deletionTimestamp" not in item["metadata"]
        ]
        return here + self._volumes() + sorted(self.data_elsewhere)

    def name_of(self, reference: Reference) -> str:
        """Return how to call an object, with its namespace where that is not the release's."""
        elsewhere = reference.namespace not in ("", self.namespace)
        return f"{reference} (namespace {reference.namespace})" if elsewhere else str(reference)

    def _volumes(self) -> list[Reference]:
        """Return the volumes that lead to folders which were there already; what is in those is never deleted."""
        try:
            volumes = self.client.list("v1", "PersistentVolume", None, self.selector)["items"]
        except ApiFailure as failure:
            if failure.status == 403:
                # Who may not see them did not make them.
                return []
            raise
        return [
            Reference("v1", "PersistentVolume", volume["metadata"]["name"])
            for volume in volumes
            if volume["spec"].get("claimRef", {}).get("namespace") == self.namespace
            and "deletionTimestamp" not in volume["metadata"]
        ]

    def forget(self) -> None:
        """Delete the inventory: what was kept carries the release's label and is taken up again by the next deploy.

        It stays while it names what was kept in other namespaces.
        """
        if self.data_elsewhere:
            return
        name = ApplySet(self.client, self.release, "", self.namespace).inventory_name
        self.client.delete("v1", "ConfigMap", name, self.namespace)

    def _list(self, kind: str, label: str = "") -> list[Manifest]:
        selector = f"{self.selector},{label}" if label else self.selector
        items: list[Manifest] = self.client.list("v1", kind, self.namespace, selector)["items"]
        return items


def _is_left_task(pod: Manifest) -> bool:
    """Tell whether this is the pod of a task, which nobody else deletes: it has no owner, and its scheduler is gone."""
    metadata = pod["metadata"]
    return "deletionTimestamp" not in metadata and TASK_POD_LABEL in (metadata.get("labels") or {})
