"""A release to measure: deployed with Ansible or with kubectl, healthy by one definition, with one small DAG."""

from __future__ import annotations

import base64
import json
import shlex
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from ..common.errors import ToolError
from ..common.waiting import until
from ..harness.cgroups import in_node
from ..harness.command import Timed, kubectl, kubectl_command, play, timed
from ..harness.connection import Cluster, ask, serving
from ..harness.rollout import is_well, rolled_out

NAME = "airflow"
POLL_SECONDS = 0.5
HEALTHY_SECONDS = 600
RUN_SECONDS = 180
DAG = """
from airflow.sdk import dag, task


@dag(schedule=None, catchup=False, is_paused_upon_creation=False)
def bench():
    @task
    def one():
        return 1

    one()


bench()
"""


class Release:
    """One release in a namespace of its own.

    :param folder: where its files are written.
    """

    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self._objects = folder / namespace
        self.variables = folder / f"{namespace}.json"
        self.variables.write_text(
            json.dumps(
                {
                    "airflow_name": NAME,
                    "airflow_namespace": namespace,
                    "airflow_render_to": str(self._objects),
                    # The inventory's ports of the node belong to another release.
                    "api_server_service_type": "ClusterIP",
                    "api_server_node_port": "",
                    "flower_service_type": "ClusterIP",
                    "flower_node_port": "",
                }
            )
        )

    def deploy(self) -> Timed:
        """Deploy it as a user does, which ends when the role health has found it healthy."""
        return play("deploy.yml", self.variables, timeout=HEALTHY_SECONDS + 60)

    def render(self, secrets: Mapping[str, Mapping[str, str]]) -> None:
        """Write all its objects to a folder, for one `kubectl apply`.

        :param secrets: what each Secret holds, by its name.
        """
        play("playbooks/render.yml", self.variables, timeout=120)
        # Files are applied in the order of their names, so the namespace's is before these beside it.
        folders = [path.parent for path in self._objects.rglob(f"0-namespace-{self.namespace}.yaml")]
        if len(folders) != 1:
            raise ToolError("the rendered objects should hold one namespace, in a file that is applied first")
        for name, values in secrets.items():
            data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
            metadata = {"name": name, "namespace": self.namespace}
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
            (folders[0] / f"1-secret-{name}.json").write_text(json.dumps(secret))

    def apply(self) -> Timed:
        """Apply what was rendered, with kubectl."""
        return timed(kubectl_command("apply", "--recursive", "--filename", self._objects), timeout=120)

    def secrets(self) -> dict[str, dict[str, str]]:
        """Return what its Secrets hold, by their names."""
        found = self.cluster.items(f"/api/v1/namespaces/{self.namespace}/secrets")
        names = [secret["metadata"]["name"] for secret in found]
        return {name: self.cluster.secret(self.namespace, name) for name in names}

    def healthy(self) -> bool:
        """Tell whether all is rolled out, the migration is complete, and Airflow says that every part is healthy."""
        get = self.cluster.get
        lists = [
            (get(f"/apis/apps/v1/namespaces/{self.namespace}/deployments"), rolled_out),
            (get(f"/apis/apps/v1/namespaces/{self.namespace}/statefulsets"), rolled_out),
            (get(f"/apis/batch/v1/namespaces/{self.namespace}/jobs"), _complete),
        ]
        for found, is_done in lists:
            if not found or not found["items"] or not all(map(is_done, found["items"])):
                return False
        service = f"/api/v1/namespaces/{self.namespace}/services/{NAME}-api-server:8080/proxy"
        health = get(f"{service}/api/v2/monitor/health") or {}
        return is_well(health)

    def wait_healthy(self) -> None:
        """Ask until it is healthy.

        :raises ToolError: if it takes too long.
        """
        until(self.healthy, HEALTHY_SECONDS, f"the release in {self.namespace} is not healthy", POLL_SECONDS)

    def run_dag(self) -> None:
        """Run the small DAG once, to its success.

        :raises ToolError: if it fails or takes too long.
        """
        login = self.cluster.secret(self.namespace, f"{NAME}-admin")
        with serving("--namespace", self.namespace, "port-forward", f"service/{NAME}-api-server", ":8080") as address:
            token = _eventually(lambda: ask(f"{address}/auth/token", login), "gives no token")["access_token"]
            runs = f"{address}/api/v2/dags/bench/dagRuns"
            made = _eventually(lambda: ask(runs, {"logical_date": None}, token), "does not start the DAG")
            run = f"{runs}/{made['dag_run_id']}"

            def state() -> str:
                return str((ask(run, token=token) or {}).get("state"))

            until(lambda: state() in ("success", "failed"), RUN_SECONDS, "the DAG run has not ended", POLL_SECONDS / 2)
            if state() != "success":
                raise ToolError(f"the DAG run in {self.namespace} ended as {state()}")

    def remove(self) -> None:
        """Delete it with its namespace and its volumes."""
        self.cluster.remove(self.namespace)


class PlantedDag(AbstractContextManager[None]):
    """Puts the small DAG on a release's DAGs volume as soon as there is one, as if it had always been there."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._plant, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=60)

    def _plant(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            path = self._path()
            if path:
                file = shlex.quote(f"{path}/bench.py")
                in_node(f"printf %s {shlex.quote(DAG)} > {file} && chmod 644 {file}")
                return

    def _path(self) -> str:
        get = self._release.cluster.get
        claim = get(f"/api/v1/namespaces/{self._release.namespace}/persistentvolumeclaims/{NAME}-dags") or {}
        name = claim.get("spec", {}).get("volumeName")
        spec = (get(f"/api/v1/persistentvolumes/{name}") or {}).get("spec", {}) if name else {}
        return str((spec.get("hostPath") or spec.get("local") or {}).get("path") or "")


def leftovers() -> list[str]:
    """Return the namespaces that an earlier run has left behind."""
    names = kubectl("get", "namespaces", "--output", "name").split()
    return [name.removeprefix("namespace/") for name in names if name.startswith("namespace/bench-")]


def _complete(job: Mapping[str, Any]) -> bool:
    conditions = job.get("status", {}).get("conditions") or []
    return any(condition["type"] == "Complete" and condition["status"] == "True" for condition in conditions)


def _eventually(question: Callable[[], Any], problem: str) -> Any:
    """Ask until there is an answer, and return it."""
    answers: list[Any] = []

    def answered() -> bool:
        answers.append(question())
        return answers[-1] is not None

    until(answered, RUN_SECONDS, f"Airflow {problem}", POLL_SECONDS / 2)
    return answers[-1]
