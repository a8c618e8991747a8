# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The workloads of a release between two deploys: their replicas, their restarts, and the end of their pods."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..core.errors import Failure
from ..core.labels import RELEASE_LABEL, WORKER_LABEL
from ..core.names import RESTART_MANAGER
from ..core.objects import Obj, grace, is_extra, labels, name, owner, spec, stopped_since, uid
from ..kube.client import Client
from ..readiness.wait import wait_for
from ..readiness.workloads import replicas

#: In the order in which they are restarted: workers last, whose tasks need all others.
COMPONENTS = (
    "postgresql",
    "mysql",
    "redis",
    "pgbouncer",
    "master",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
    "flower",
)
#: What tasks and logins depend on at every moment.
BACKING = frozenset({"postgresql", "mysql", "redis", "pgbouncer"})
#: Of these there is one pod.
SINGLE = frozenset({"postgresql", "mysql", "redis", "master"})

#: Seconds that pods may take to end beyond the grace that they were given.
END_SECONDS = 60
#: What ``kubectl rollout restart`` writes: a template that differs has the controller replace the pods.
RESTARTED = "kubectl.kubernetes.io/restartedAt"
_PLURALS = {"Deployment": "deployments", "StatefulSet": "statefulsets"}


@dataclass(frozen=True)
class Workload:
    """A Deployment or StatefulSet of a release.

    :param part: how it is named to the user: the component, or the group of workers.
    :param stopped: since when ``playbooks/stop.yml`` has had it stopped, if it has.
    """

    kind: str
    name: str
    part: str
    replicas: int
    is_worker: bool = False
    stopped: datetime | None = None

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def workload_of(obj: Obj, kind: str, release: str) -> Workload:
    """Read a Deployment or StatefulSet as the API returns it."""
    template = (spec(obj).get("template") or {}).get("metadata") or {}
    return Workload(
        kind=kind,
        name=name(obj),
        part=name(obj).removeprefix(f"{release}-"),
        replicas=replicas(obj),
        is_worker=labels({"metadata": template}).get(WORKER_LABEL) == "true",
        stopped=stopped_since(obj),
    )


def in_order(workloads: Iterable[Workload]) -> list[Workload]:
    """Return workloads as :data:`COMPONENTS` says, the groups of workers last."""
    places = {part: place for place, part in enumerate(COMPONENTS)}
    return sorted(workloads, key=lambda workload: (places.get(workload.part, len(places)), workload.name))


class Workloads:
    """The workloads of a release in a cluster.

    :param keep: keeps the release ours while something is waited for.
    """

    def __init__(
        self,
        client: Client,
        params: Mapping[str, Any],
        say: Callable[[str], None],
        keep: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._params = params
        self._namespace: str = params["namespace"]
        self._release: str = params["release"]
        self._say = say
        self._keep = keep
        self._sleep = sleep

    def all(self) -> list[Workload]:
        """Return all of them, in the order of a restart.

        :raises Failure: there are none.
        """
        found = [
            workload_of(obj, kind, self._release)
            for kind in _PLURALS
            for obj in self._client.list("apps/v1", kind, self._namespace, f"{RELEASE_LABEL}={self._release}")["items"]
            # One of the user's own, of airflow_extra_objects, is not known.
            if not is_extra(obj)
        ]
        if not found:
            raise Failure(
                f"Release {self._release} in namespace {self._namespace} has no workloads ({self._client.where}). "
                "Deploy it first, or correct the names."
            )
        return in_order(found)

    def scale(self, workload: Workload, wanted: int, manager: str) -> None:
        """Set the number of pods.

        :param manager: says in the object's managed fields who has done so, and when.
        """
        self._client.request(
            "patch",
            self._path(workload),
            body={"spec": {"replicas": wanted}},
            content_type="application/merge-patch+json",
            field_manager=manager,
        )

    def restart(self, workload: Workload) -> None:
        """Have its controller replace the pods, one after the other."""
        moment = self._client.now().isoformat(timespec="seconds")
        self._client.request(
            "patch",
            self._path(workload),
            body={"spec": {"template": {"metadata": {"annotations": {RESTARTED: moment}}}}},
            content_type="application/merge-patch+json",
            field_manager=RESTART_MANAGER,
        )

    def replace_pod(self, pod: str) -> None:
        """Delete a pod of a StatefulSet, and wait until there is another of the same name."""
        found = self._client.get("v1", "Pod", pod, self._namespace)
        if found is None:
            return
        self._client.delete("v1", "Pod", pod, self._namespace)
        self._wait_for(lambda: self._unless_replaced(found), [found])
        # Until then the StatefulSet has counted it among those that are not ready.
        self._sleep(1)

    def wait_ready(self, workloads: Sequence[Workload]) -> None:
        """Wait until their pods are ready.

        :raises Failure: they will not be, or not in time.
        """
        if not workloads:
            return
        wait_for(self._client, self._params, map(str, workloads), self._say, self._keep)

    def wait_ended(self, workloads: Sequence[Workload]) -> None:
        """Wait until as many pods are left as are wanted.

        :raises Failure: not within the grace that they have.
        """
        names = {workload.name: workload.replicas for workload in workloads}

        def surplus() -> list[Obj]:
            pods: dict[str, list[Obj]] = {}
            for pod in self._pods():
                pods.setdefault(self._workload_of(pod), []).append(pod)
            return [
                pod
                for workload, wanted in names.items()
                if len(pods.get(workload, ())) > wanted
                for pod in pods[workload]
            ]

        self._wait_for(surplus, surplus())

    def pods(self, label: str) -> list[Obj]:
        """Return the release's pods with a label, ``name=value``."""
        return self._pods(f",{label}")

    def wait_for_tasks(self, label: str, timeout: float, clock: Callable[[], float] = time.monotonic) -> list[str]:
        """Wait until the pods that each run one task have ended; return their names.

        :raises Failure: not in time.
        """
        began, seen = clock(), set[str]()
        while running := sorted(name(pod) for pod in self.pods(label) if _runs(pod)):
            if not set(running) <= seen:
                self._say(f"waits for the pods of {len(running)} tasks: {', '.join(running)}")
            seen.update(running)
            if clock() - began >= timeout:
                raise Failure(f"After {timeout:.0f} s these pods still run a task: {', '.join(running)}.")
            self._keep()
            self._sleep(1)
        return sorted(seen)

    def _unless_replaced(self, pod: Obj) -> list[Obj]:
        found = self._client.get("v1", "Pod", name(pod), self._namespace)
        return [] if found and uid(found) != uid(pod) else [pod]

    def _wait_for(
        self, left: Callable[[], Sequence[Obj]], pods: Sequence[Obj], clock: Callable[[], float] = time.monotonic
    ) -> None:
        seconds = max(map(grace, pods), default=0.0) + END_SECONDS
        end = clock() + seconds
        while remaining := left():
            if clock() >= end:
                raise Failure(
                    f"After {seconds:.0f} s these pods of {self._release} in {self._namespace} have not "
                    f"ended: {', '.join(sorted(map(name, remaining)))}. Look at what they still do, and run again."
                )
            self._keep()
            self._sleep(1)

    def _pods(self, further: str = "") -> list[Obj]:
        selector = f"{RELEASE_LABEL}={self._release}{further}"
        items: list[Obj] = self._client.list("v1", "Pod", self._namespace, selector)["items"]
        return items

    def _path(self, workload: Workload) -> str:
        return f"/apis/apps/v1/namespaces/{self._namespace}/{_PLURALS[workload.kind]}/{workload.name}"

    @staticmethod
    def _workload_of(pod: Obj) -> str:
        """Return the name of a pod's workload: a ReplicaSet has its Deployment's, with a hash behind it."""
        reference = owner(pod)
        named = str(reference.get("name") or "")
        return named.rpartition("-")[0] if reference.get("kind") == "ReplicaSet" else named


def _runs(pod: Obj) -> bool:
    return (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
