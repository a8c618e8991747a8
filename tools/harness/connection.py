"""Talk to the cluster, and to Airflow in it, over connections that stay open, so that asking costs next to nothing."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ..common.errors import ToolError
from ..common.paths import CHECKOUT
from ..common.waiting import until
from ..environment.variables import venv_variables
from .command import kubectl, kubectl_command

REMOVAL_SECONDS = 180
_SERVING = re.compile(r"127\.0\.0\.1:(\d+)")


@contextmanager
def serving(*arguments: str) -> Iterator[str]:
    """Run a kubectl command that serves on a port of this machine, and give the address."""
    with subprocess.Popen(
        [str(word) for word in kubectl_command(*arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(venv_variables("")),
        cwd=CHECKOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            match = _SERVING.search(process.stdout.readline())
            if match is None:
                raise ToolError(f"kubectl {' '.join(arguments)} does not serve")
            yield f"http://{match[0]}"
        finally:
            process.terminate()


def ask(url: str, body: Mapping[str, Any] | None = None, token: str = "") -> Any:
    """Return the JSON that an address answers, or None if it answers with an error or not at all.

    :param body: what is posted; without it the address is only read.
    :param token: what the request is authorised with.
    """
    request = urllib.request.Request(url, headers={"Content-Type": "application/json"})
    if body is not None:
        request.data = json.dumps(body).encode()
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


class Cluster:
    """The cluster's API, behind a local proxy that holds the credentials.

    :param address: of the proxy.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def get(self, path: str) -> Any:
        """Return the object at a path of the API, or None if there is none."""
        return ask(self._address + path)

    def items(self, path: str) -> list[Any]:
        """Return the objects of a list."""
        answer = self.get(path)
        if answer is None:
            raise ToolError(f"the cluster does not answer {path}")
        return list(answer["items"])

    def pods(self, namespace: str) -> list[Any]:
        """Return the pods of a namespace that run."""
        pods = self.items(f"/api/v1/namespaces/{namespace}/pods")
        return [pod for pod in pods if pod["status"]["phase"] == "Running"]

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        """Return what a Secret holds."""
        found = self.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        if found is None:
            raise ToolError(f"there is no Secret {name} in the namespace {namespace}")
        return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}

    def remove(self, namespace: str) -> None:
        """Delete a namespace with all its pods and volumes, and wait until the cluster has forgotten them.

        :raises ToolError: if that takes too long.
        """
        kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false")
        # What runs in there has nothing to lose, and pods of a namespace that goes are not made anew.
        kubectl("--namespace", namespace, "delete", "pods", "--all", "--grace-period=1", "--wait=false")
        until(
            lambda: not self._is_there(namespace) and not self._volumes(namespace),
            REMOVAL_SECONDS,
            f"the namespace {namespace} is still there",
            pause=1,
        )

    def _is_there(self, namespace: str) -> bool:
        """Tell whether a namespace that is being deleted is still there, and have the cluster look at it again.

        If pods had begun to end before their grace was cut short, its controller would look again after half of that
        grace: minutes. It looks within seconds at a namespace that changes.
        """
        found = self.get(f"/api/v1/namespaces/{namespace}")
        if found and not self.pods(namespace):
            look = f"airflow.kubernetes/look-again={time.time():.0f}"
            # It may be gone by now.
            with suppress(ToolError):
                kubectl("annotate", "namespace", namespace, look, "--overwrite")
        return bool(found)

    def _volumes(self, namespace: str) -> list[Any]:
        volumes = self.items("/api/v1/persistentvolumes")
        return [volume for volume in volumes if volume["spec"].get("claimRef", {}).get("namespace") == namespace]


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Open a connection to the cluster."""
    with serving("proxy", "--port=0") as address:
        yield Cluster(address)
