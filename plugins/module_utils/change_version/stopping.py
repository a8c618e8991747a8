# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stops what may not run while the schema changes, and starts it again where that is called off."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..applyset.applied import applied_by
from ..core.errors import Failure
from ..core.labels import COMPONENT_LABEL, RELEASE_LABEL, VERSION_LABEL
from ..core.names import FIELD_MANAGER
from ..core.objects import created, grace, labels, name, owner, spec
from ..kube.client import Client, Manifest

#: What ends on a schema that it does not know, and what runs tasks.
SCHEDULING = ("scheduler", "dag-processor", "triggerer")
MASTER = "master"
WORKER = "worker"
#: What else talks to the database or to the API server.
SERVING = ("api-server", "flower", MASTER)

#: Seconds that pods may take beyond the grace that they were given.
MARGIN = 60.0
#: Seconds after which it is shown again what still runs, and between two looks.
SHOW_AGAIN, PAUSE = 15.0, 1.0

_KINDS = ("Deployment", "StatefulSet")


class Workloads:
    """The workloads of one release.

    :param keep: keeps the release ours; called every second of a wait.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        release: str,
        say: Callable[[str], None],
        keep: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._release = release
        self._say = say
        self._keep = keep
        self._clock = clock
        self._sleep = sleep

    def of(self, components: Sequence[str]) -> list[Manifest]:
        """Return the workloads of these components."""
        return [
            {**found, "apiVersion": "apps/v1", "kind": kind}
            for kind in _KINDS
            for found in self._list("apps/v1", kind)
            if labels(found).get(COMPONENT_LABEL) in components
        ]

    def replicas(self) -> dict[str, int]:
        """Return how many pods each workload of Airflow's wants, by ``Kind/name``."""
        every = (*SCHEDULING, WORKER, *SERVING)
        return {f"{found['kind']}/{name(found)}": int(spec(found).get("replicas", 1)) for found in self.of(every)}

    def stop_scheduling(self) -> None:
        """Stop what schedules, parses and waits; the API server and the workers go on."""
        for found in self.of(SCHEDULING):
            self._scale(found, 0)
        for found in self.of([MASTER]):
            if set(SCHEDULING) & set(containers_of(spec(found)["template"])):
                self._change(found, lambda changed: keep_containers(changed, lambda each: each not in SCHEDULING))
        self._wait_for_containers(SCHEDULING)

    def stop_all(self) -> None:
        """Stop all of Airflow, each after what needs it: a worker ends its tasks while an API server answers."""
        self.stop_scheduling()
        for components in ((WORKER,), SERVING):
            for found in self.of(components):
                self._scale(found, 0)
            self._wait_for_containers([component for component in components if component != MASTER])

    def stop_master(self, version: str) -> None:
        """Stop a master of another version: its API server must not answer beside the newer one's scheduler."""
        for found in self.of([MASTER]):
            if labels(found).get(VERSION_LABEL) != version:
                self._scale(found, 0)
                self._wait_for_containers(["api-server"])

    def start_scheduling(self, before: Mapping[str, int]) -> None:
        """Start again what :meth:`stop_scheduling` has stopped.

        :param before: how many pods each workload had, as :meth:`replicas` returns it.
        """
        for found in self.of(SCHEDULING):
            self._scale(found, before.get(f"{found['kind']}/{name(found)}", 1))
        for found in self.of([MASTER]):
            sets = [each for each in self._list("apps/v1", "ReplicaSet") if owner(each).get("name") == name(found)]
            if containers := containers_before(sets):
                self._change(found, functools.partial(set_containers, containers=containers))

    def _scale(self, workload: Manifest, replicas: int) -> None:
        if int(spec(workload).get("replicas", 1)) != replicas:
            self._change(workload, lambda changed: changed["spec"].update(replicas=replicas))

    def _change(self, workload: Manifest, change: Callable[[dict[str, Any]], None]) -> None:
        """Apply a workload again as it was applied, with a change, so that no other manager owns what is changed."""
        manifest = applied_by(FIELD_MANAGER, workload)
        if manifest is None:
            raise Failure(
                f"{workload['kind']}/{name(workload)} cannot be changed, because this collection has not applied it. "
                "Deploy the release with the version that it runs (playbooks/deploy.yml) first."
            )
        change(manifest)
        self._client.apply(manifest, FIELD_MANAGER, force=True)

    def _wait_for_containers(self, containers: Sequence[str]) -> None:
        """Wait until no pod of the release has one of these containers."""
        began = shown = self._clock()
        longest = MARGIN
        while left := [pod for pod in self._list("v1", "Pod") if set(containers) & set(containers_of(pod))]:
            longest = max(longest, *(MARGIN + grace(pod) for pod in left))
            passed = self._clock() - began
            names = ", ".join(sorted(map(name, left)))
            if passed > longest:
                raise Failure(
                    f"After {passed:.0f} s these pods of release {self._release} in {self._namespace} have not ended: "
                    f"{names}. See what they still do (kubectl -n {self._namespace} describe pod NAME), or delete them."
                )
            if self._clock() >= shown:
                self._say(f"{passed:6.1f} s  waits for the end of {names}")
                shown = self._clock() + SHOW_AGAIN
            self._keep()
            self._sleep(PAUSE)

    def _list(self, api_version: str, kind: str) -> list[Manifest]:
        found = self._client.list(api_version, kind, self._namespace, f"{RELEASE_LABEL}={self._release}")
        items: list[Manifest] = found["items"]
        return items


def containers_of(pod: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of a pod's containers."""
    return (str(container["name"]) for container in spec(pod).get("containers") or ())


def keep_containers(workload: Mapping[str, Any], wanted: Callable[[str], bool]) -> None:
    """Leave in a workload the containers that are wanted."""
    containers = workload["spec"]["template"]["spec"]["containers"]
    set_containers(workload, [each for each in containers if wanted(each["name"])])


def set_containers(workload: Mapping[str, Any], containers: Sequence[Any]) -> None:
    """Give a workload these containers."""
    workload["spec"]["template"]["spec"]["containers"] = list(containers)


def containers_before(replica_sets: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the containers of the newest ReplicaSet that has all that schedules; none where there is no such."""
    whole = [each for each in replica_sets if set(SCHEDULING) <= set(containers_of(spec(each).get("template") or {}))]
    newest = max(whole, key=created, default=None)
    return list(spec(newest)["template"]["spec"]["containers"]) if newest else []
