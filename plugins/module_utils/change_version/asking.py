# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the check program in a pod: one of the release, or one that is made for it with the image to check."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..core.errors import Failure
from ..core.objects import spec
from ..kube.client import Client, Manifest
from ..kube.component_pod import find_pod
from ..kube.pod_stream import Exec, reader_of
from ..probe_pod.probe_pod import ProbePod
from ..readiness.context import Limits
from . import check_program

#: Seconds to wait for a running pod, and without a line from the program in it.
POD_SECONDS, SILENCE_SECONDS = 120, 60
#: The container that checks.
CONTAINER = "check"

_FREE_SPACE = ["sh", "-c", 'df -Pk "${PGDATA:-/var/lib/mysql}" | tail -n 1']


class Asking:
    """Asks pods of one release, and of its database.

    :param keep: keeps the release ours; called at each sign of life of a program.
    """

    def __init__(self, client: Client, namespace: str, release: str, keep: Callable[[], None]) -> None:
        self._client = client
        self._namespace = namespace
        self._release = release
        self._keep = keep

    def in_component(self, component: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Ask in a running container of the release.

        :param wanted: what the check program shall answer.
        """
        pod = find_pod(self._client, self._namespace, self._release, component, POD_SECONDS)
        return self._ask(pod, component, wanted)

    def in_image(
        self, pod: Manifest, wanted: Mapping[str, Any], nodes: list[str], limits: Limits, timeout: float
    ) -> dict[str, Any]:
        """Ask in a pod that is made for it, and have every node pull its image meanwhile.

        :param nodes: names of the nodes whose pods will have the image.
        :raises Failure: the pod cannot run, on a node or at all.
        """

        def ask() -> dict[str, Any]:
            with self._probe(pod, limits, timeout).running() as made:
                return self._ask(made["metadata"]["name"], CONTAINER, wanted)

        def pull(node: str) -> None:
            with self._probe(pull_pod(pod, node), limits, timeout).running():
                pass

        with ThreadPoolExecutor(max_workers=4) as pool:
            answer = pool.submit(ask)
            pulls = {node: pool.submit(pull, node) for node in nodes}
            failures = [
                f"Node {node}: {error}" for node, done in pulls.items() if (error := _failure(done.exception()))
            ]
            found = answer.result()
        if failures:
            raise Failure("\n".join(failures))
        return found

    def free_space(self, server: str) -> int | None:
        """Return the bytes that are left on the volume of a database in the cluster; ``None`` without one."""
        if not server:
            return None
        pod = find_pod(self._client, self._namespace, self._release, server, POD_SECONDS)
        with Exec(self._client, self._namespace, pod, server, _FREE_SPACE, SILENCE_SECONDS) as program:
            fields = " ".join(program.lines()).split()
        return int(fields[3]) * 1024 if len(fields) > 3 and fields[3].isdigit() else None

    def _probe(self, pod: Manifest, limits: Limits, timeout: float) -> ProbePod:
        return ProbePod(self._client, self._release, pod, "the image and the DAGs", limits, timeout)

    def _ask(self, pod: str, container: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        text = inspect.getsource(check_program).encode()
        command = ["python", "-X", "utf8", "-c", reader_of(text, "check_program.py")]
        with Exec(self._client, self._namespace, pod, container, command, SILENCE_SECONDS) as program:
            program.write(text + json.dumps(wanted).encode() + b"\n")
            for line in program.lines():
                self._keep()
                if line.startswith(check_program.ANSWER):
                    answer: dict[str, Any] = json.loads(line.removeprefix(check_program.ANSWER))
                    return answer
        raise Failure(f"The check program in pod {pod} has ended without an answer.")


def _failure(error: BaseException | None) -> str:
    return error.message if isinstance(error, Failure) else str(error or "")


def pull_pod(pod: Manifest, node: str) -> Manifest:
    """Return a pod that only has a node pull the image: it needs nothing of the release."""
    given = spec(pod)
    container = next(each for each in given["containers"] if each["name"] == CONTAINER)
    bare = {name: container[name] for name in ("name", "image", "imagePullPolicy", "args", "securityContext")}
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    kept = (
        "activeDeadlineSeconds",
        "automountServiceAccountToken",
        "enableServiceLinks",
        "imagePullSecrets",
        "restartPolicy",
        "securityContext",
        "serviceAccountName",
        "terminationGracePeriodSeconds",
    )
    made = copy.deepcopy(pod)
    # No network policy of the release concerns it.
    made["metadata"]["labels"] = {
        name: value for name, value in made["metadata"]["labels"].items() if not name.startswith("airflow.kubernetes/")
    }
    made["spec"] = {
        **{name: given[name] for name in kept if name in given},
        "containers": [bare],
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}},
    }
    return made
