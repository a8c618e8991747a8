# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Try from a pod in the cluster whether the network policies of a release are enforced.

As a pod that is not of the release it must not reach what only pods of the release may, but does reach the cluster's
DNS, so that its network works. Once it carries the release's label, and is no component, it must not even reach that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..core.errors import Failure
from ..core.labels import RELEASE_LABEL
from ..kube.client import CONNECTION_OPTIONS, Client, Manifest
from ..kube.pod_stream import WRITE_ANSWER, Exec, read_answer
from ..kube.polling import poll
from ..kube.retries import FIRST_PATIENCE
from ..kube.task import Task
from ..probe_pod.probe_pod import ProbePod
from ..readiness.context import Limits
from ..readiness.options import WAIT_OPTIONS, limits_of

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **WAIT_OPTIONS,
    "namespace": {"type": "str", "required": True},
    "release": {"type": "str", "required": True},
    "pod": {"type": "dict", "required": True},
}

#: Containers whose ports are for pods of the release alone.
PRIVATE = frozenset({"worker", "triggerer", "postgresql", "mysql", "redis", "pgbouncer"})

#: Seconds that a network plugin may take to know a new pod, or a new label of one; and between two looks.
PATIENCE, LOOK = 15.0, 0.5

# Answers with the places that a connection could be made to, in two seconds.
_PROGRAM = (
    """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor

def reached(place):
    try:
        socket.create_connection(place, 2).close()
    except OSError:
        return False
    return True

with open('/etc/resolv.conf') as lines:
    servers = [line.split()[1] for line in lines if line.startswith('nameserver')]
dns = any(reached((server, 53)) for server in servers)
places = json.loads(sys.argv[1])
with ThreadPoolExecutor(8) as pool:
    found = [place for place, is_reached in zip(places, pool.map(reached, map(tuple, places))) if is_reached]
answer = json.dumps({'dns': dns, 'reached': found}).encode()
"""
    + WRITE_ANSWER
)


def run(task: Task) -> dict[str, Any]:
    """Try as the options say; the result tells what was tried, and fails where the policies are not enforced."""
    params = task.params
    if task.check_mode:
        return {"changed": False, "refused": []}
    client = Client(params, task.say, FIRST_PATIENCE)
    where = (params["namespace"], params["release"], params["pod"])
    return Enforcement(client, *where, limits_of(params), params["timeout"]).verify()


class Enforcement:
    """Tries whether the policies of one release are enforced."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        release: str,
        pod: Manifest,
        limits: Limits,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.namespace = namespace
        self.release = release
        self.pod = ProbePod(client, release, pod, "network policies", limits, timeout, clock, sleep)
        self.clock = clock
        self.sleep = sleep

    def verify(self) -> dict[str, Any]:
        """Return what was refused.

        :raises Failure: something was not, or it cannot be told.
        """
        pods = self.client.list("v1", "Pod", self.namespace, f"{RELEASE_LABEL}={self.release}")["items"]
        places = private_places(pods)
        if not places:
            raise Failure(
                f"Whether the network policies of release {self.release} are enforced cannot be tried: the namespace "
                f"{self.namespace} has no running worker, database or broker of it. Deploy it first."
            )
        with self.pod.running() as pod:
            answer = self._until(pod, places, lambda answer: bool(answer["dns"]))
            if not answer["dns"]:
                raise Failure(
                    "Whether the network policies are enforced cannot be told: the pod to try it in does not reach the "
                    "cluster's DNS by TCP either. If other policies of the namespace keep it from that, set "
                    "airflow_network_policies_verify: false."
                )
            if answer["reached"]:
                names = ", ".join(places[address, port] for address, port in answer["reached"])
                raise self._not_enforced(f"a pod that is not of the release reaches {names}")
            self._make_it_one_of_the_release(pod)
            if self._until(pod, {}, lambda answer: not answer["dns"])["dns"]:
                raise self._not_enforced("a pod of the release reaches what its policies do not let through")
        return {"changed": False, "refused": sorted(places.values())}

    def _not_enforced(self, why: str) -> Failure:
        return Failure(
            f"The network policies of release {self.release} in namespace {self.namespace} are not enforced: {why}. "
            "The cluster's network plugin does not enforce NetworkPolicies, or only in part, or a policy of somebody "
            "else lets that through. Install or switch on what enforces them (Calico, Cilium, the network policy agent "
            "of the Amazon VPC CNI, Dataplane V2 of GKE), or do without the proof: "
            "airflow_network_policies_verify: false."
        )

    def _make_it_one_of_the_release(self, pod: Manifest) -> None:
        self.client.request(
            "patch",
            f"/api/v1/namespaces/{quote(self.namespace)}/pods/{quote(pod['metadata']['name'])}",
            body={"metadata": {"labels": {RELEASE_LABEL: self.release}}},
            content_type="application/merge-patch+json",
        )

    def _until(
        self, pod: Manifest, places: Mapping[tuple[str, int], str], wanted: Callable[[Mapping[str, Any]], bool]
    ) -> Mapping[str, Any]:
        """Ask until the answer is the wanted one, or the plugin has had its time; return the last one."""
        return poll(lambda: self._ask(pod, [*places]), wanted, PATIENCE, LOOK, self.clock, self.sleep)

    def _ask(self, pod: Manifest, places: Sequence[tuple[str, int]]) -> Mapping[str, Any]:
        name, container = pod["metadata"]["name"], pod["spec"]["containers"][0]["name"]
        command = ["python", "-I", "-S", "-c", _PROGRAM, json.dumps(places)]
        with Exec(self.client, self.namespace, name, container, command) as program:
            answer: dict[str, Any] = json.loads(read_answer(program))
        answer["reached"] = [tuple(place) for place in answer["reached"]]
        return answer


def private_places(pods: Sequence[Manifest]) -> dict[tuple[str, int], str]:
    """Return the addresses and ports that only pods of the release may reach, with what messages call them."""
    return {
        (pod["status"]["podIP"], port["containerPort"]): f"{pod['metadata']['name']}:{port['containerPort']}"
        for pod in pods
        if pod["status"].get("podIP") and pod["status"].get("phase") == "Running"
        for container in pod["spec"]["containers"]
        if container["name"] in PRIVATE
        for port in container.get("ports", [])
    }
