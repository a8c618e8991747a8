"""The release that the soak does harm to, on a cluster of several nodes: how it is, and what it has executed.

All is asked with kubectl and of the pods themselves, so that an answer can be had while half of the release is away.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..cluster.lifecycle import is_ready
from ..common.paths import CHECKOUT, kubeconfig
from ..common.run import CommandError, run
from ..common.waiting import until
from ..environment.variables import venv_variables
from ..harness.rollout import is_well, rolled_out
from ..programs.binaries import ensure_kubectl

CLUSTER = "airflow-nodes"
INVENTORY = "inventories/kind_nodes"
NAMESPACE = "airflow"
NAME = "airflow"
DAG = "endurance"
HEALTHY_SECONDS = 600.0
PLAYBOOK_SECONDS = 600.0
DAG_SECONDS = 120.0

# Runs in the API server's pod, so that no port of it has to be open: one request, with the login from standard input.
_ASK = """
import json, sys, urllib.request
order = json.load(sys.stdin)
def ask(method, path, body=None, token=""):
    request = urllib.request.Request("http://localhost:8080" + path, method=method)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", "Bearer " + token)
    data = None if body is None else json.dumps(body).encode()
    return json.load(urllib.request.urlopen(request, data, timeout=30))
token = ask("POST", "/auth/token", order["login"])["access_token"]
print(json.dumps([ask(*request, token=token) for request in order["requests"]]))
"""

_PSQL = (
    'exec psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --variable run_id="$0" --tuples-only --no-align '
    "--field-separator ' '"
)
_STATES = """
SELECT coalesce(state, 'none'), count(*) FROM task_instance
WHERE run_id = :'run_id' AND task_id = 'work' GROUP BY state;
"""
_RUN_STATE = "SELECT state FROM dag_run WHERE run_id = :'run_id';"


@dataclass(frozen=True)
class Execution:
    """A line that a task has left.

    :param event: start or end.
    """

    event: str
    map_index: int
    try_number: int
    pod: str


class Release:
    """A release, the inventory's if none is named, with the DAG of the soak."""

    def __init__(self, cluster: str = CLUSTER, namespace: str = NAMESPACE) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._kubectl = [str(ensure_kubectl()), "--kubeconfig", str(kubeconfig(cluster)), "--namespace", namespace]

    def kubectl(self, *arguments: str, timeout: float = 60, stdin: str = "") -> str:
        """Run kubectl in the release's namespace and return what it printed.

        :raises CommandError: if it fails.
        """
        return run([*self._kubectl, *arguments], timeout=timeout, log_stdout=False, stdin=stdin)

    def play(self, playbook: str, **variables: Any) -> None:
        """Run a playbook on the release."""
        command = ["ansible-playbook", "--inventory", INVENTORY, playbook, "--extra-vars", json.dumps(variables)]
        env = {**venv_variables(""), "KUBECONFIG": str(kubeconfig(self._cluster))}
        run(command, timeout=PLAYBOOK_SECONDS, env=env, cwd=CHECKOUT)

    def pods(self, component: str) -> list[str]:
        """Return the names of a component's pods."""
        return [pod["metadata"]["name"] for pod in self._pods(component)]

    def delete(self, pod: str, seconds: float) -> None:
        """Delete a pod and wait until it has ended.

        :param seconds: how long that may take.
        """
        self.kubectl("delete", "pod", pod, timeout=seconds)

    def inside(self, component: str, *command: str, stdin: str = "", timeout: float = 60) -> str:
        """Run a command in the container of a component, whatever its pod is in the architecture; return its output.

        :raises CommandError: if it fails, or nothing of the component runs.
        """
        pods = [pod for pod in self._pods(component) if "deletionTimestamp" not in pod["metadata"]]
        if not pods:
            raise CommandError(f"no pod of {component} runs")
        best = max(pods, key=lambda pod: (_is_ready(pod), pod["metadata"]["creationTimestamp"]))
        where = ["exec", "--stdin", best["metadata"]["name"], f"--container={component}", "--"]
        return self.kubectl(*where, *command, stdin=stdin, timeout=timeout)

    def node(self, pod: str) -> str:
        """Return the node that a pod runs on."""
        return self.kubectl("get", "pod", pod, "--output", "jsonpath={.spec.nodeName}").strip()

    def healthy(self) -> bool:
        """Tell whether all nodes are ready, all is rolled out, Airflow is well, and each worker consumes its queues."""
        try:
            return (
                is_ready(self._cluster) and self._rolled_out() and self._airflow_is_well() and self._workers_consume()
            )
        except CommandError:
            return False

    def wait_healthy(self) -> None:
        """Ask until it is healthy.

        :raises ToolError: if it takes too long.
        """
        until(self.healthy, HEALTHY_SECONDS, "the release is not healthy")

    def trigger(self, tasks: int, seconds: float) -> str:
        """Start a run of the DAG and return its id.

        :param tasks: how many task instances it has.
        :param seconds: how long each sleeps.
        """
        dag = f"/api/v2/dags/{DAG}"
        unpause = ("PATCH", f"{dag}?update_mask=is_paused", {"is_paused": False})
        body = {"logical_date": None, "conf": {"tasks": tasks, "seconds": seconds}}
        answers: list[Any] = []

        def started() -> bool:
            try:
                answers.extend(self.ask(unpause, ("POST", f"{dag}/dagRuns", body)))
            except CommandError:
                return False
            return True

        until(started, DAG_SECONDS, f"the DAG {DAG} cannot be started")
        return str(answers[-1]["dag_run_id"])

    def instances(self, run_id: str) -> list[Mapping[str, Any]]:
        """Return the mapped task instances of a run, as Airflow's REST API tells them."""
        path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances"
        total = self.ask(("GET", f"{path}?limit=1"))[0]["total_entries"]
        requests = [("GET", f"{path}?limit=100&offset={offset}") for offset in range(0, total, 100)]
        found = [instance for answer in self.ask(*requests) for instance in answer["task_instances"]]
        return [instance for instance in found if instance["task_id"] == "work"]

    def states(self, run_id: str) -> Counter[str]:
        """Count the mapped task instances of a run by their state; none while the database is away."""
        counts = self._sql(_STATES, run_id)
        return Counter({state: int(count) for state, count in (line.split() for line in counts)})

    def run_state(self, run_id: str) -> str:
        """Return the state of a run, "" while the database is away."""
        return " ".join(self._sql(_RUN_STATE, run_id))

    def executions(self, run_id: str) -> list[Execution]:
        """Return what the tasks of a run have left on the logs volume."""
        file = f"/opt/airflow/logs/endurance/{run_id}"
        lines = self.inside("scheduler", "cat", file)
        words = [line.split() for line in lines.splitlines()]
        return [Execution(event, int(index), int(number), pod) for event, index, number, pod in words]

    def _pods(self, component: str) -> list[Any]:
        label = f"airflow.kubernetes/release={NAME},airflow.kubernetes/{component}=true"
        return list(json.loads(self.kubectl("get", "pods", "--selector", label, "--output", "json"))["items"])

    def _rolled_out(self) -> bool:
        found = json.loads(self.kubectl("get", "deployments,statefulsets,pods", "--output", "json"))["items"]
        pods = [item for item in found if item["kind"] == "Pod"]
        workloads = [item for item in found if item["kind"] != "Pod"]
        return all(map(rolled_out, workloads)) and not any("deletionTimestamp" in pod["metadata"] for pod in pods)

    def _airflow_is_well(self) -> bool:
        service = f"/api/v1/namespaces/{self._namespace}/services/{NAME}-api-server:8080/proxy"
        health = json.loads(self.kubectl("get", "--raw", f"{service}/api/v2/monitor/health"))
        return is_well(health)

    def _workers_consume(self) -> bool:
        # The worker's own probes note what they find in another file.
        probe = ["python", "/opt/airflow-kubernetes/probe_worker.py", "/tmp/soak"]  # noqa: S108
        for worker in self.pods("worker"):
            self.kubectl("exec", worker, "--container=worker", "--", *probe)
        return True

    def ask(self, *requests: tuple[Any, ...]) -> list[Any]:
        """Return what Airflow's REST API answers to requests: method, path, body."""
        secret = json.loads(self.kubectl("get", "secret", f"{NAME}-admin", "--output", "json"))["data"]
        login = {key: base64.b64decode(value).decode() for key, value in secret.items()}
        order = json.dumps({"login": login, "requests": requests})
        return list(json.loads(self.inside("api-server", "python", "-c", _ASK, stdin=order)))

    def _sql(self, query: str, run_id: str) -> list[str]:
        database = ["exec", "--stdin", f"{NAME}-postgresql-0", "--"]
        try:
            return self.kubectl(*database, "sh", "-c", _PSQL, run_id, stdin=query).splitlines()
        except CommandError:
            return []


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
