"""Measure how soon a failure is reported: by the module wait, by kubernetes.core's wait, and by kubectl."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any

from ..common.step import step
from ..harness.command import INVENTORY, kubectl, kubectl_command, timed
from ..harness.connection import Cluster
from ..harness.report import Section
from ..images.airflow_versions import DEPLOYED

METHOD = (
    "the same object applied three times at once, each in a fresh namespace; seconds from the start of the command to "
    "its end, and from the cluster's own first word of the failure; the others may wait for 60 s, which is what they "
    "are told in place of their default (kubernetes.core: 120 s; kubectl wait: 30 s; kubectl rollout status: for ever)"
)
LIMIT = 60
RELEASE = "control"
WAYS = ("wait", "kubernetes.core", "kubectl")
IMAGE = f"docker.io/apache/airflow:{DEPLOYED}"


@dataclass(frozen=True)
class Failing:
    """A failure to stage.

    :param known: reason of the event in which the cluster first tells of it.
    :param kubectl: how kubectl waits for the object.
    """

    name: str
    manifest: Mapping[str, Any]
    known: str
    kubectl: Sequence[str]


@dataclass(frozen=True)
class Outcome:
    """How one of the ways ended.

    :param seconds: from its start.
    :param after: seconds from the cluster's first word of the failure, ``None`` if the cluster had not said any.
    :param message: the line in which it says what is wrong, or its last.
    """

    case: str
    way: str
    code: int
    seconds: float
    after: float | None
    message: str


def measure_control(cluster: Cluster, folder: Path) -> Section:
    """Stage each failure for all three at once."""
    outcomes: list[Outcome] = []
    for failing in _failures():
        namespaces = {way: f"bench-control-{number}" for number, way in enumerate(WAYS)}
        with step(f"A failure reported in three ways: {failing.name}"):
            for namespace in namespaces.values():
                kubectl("create", "namespace", namespace)
            try:
                with ThreadPoolExecutor(len(WAYS)) as pool:
                    outcomes += pool.map(_outcome, repeat(failing), WAYS, namespaces.values(), repeat(folder))
            finally:
                for namespace in namespaces.values():
                    cluster.remove(namespace)
    return _section(outcomes)


def _failures() -> Iterable[Failing]:
    yield Failing(
        "a wrong image",
        _workload("Deployment", {"image": f"{IMAGE}-no-such-tag"}),
        "Failed",
        ["rollout", "status", "deployment/control"],
    )
    # What a migration does first, without the seconds that importing Airflow takes.
    connect = "import psycopg2; psycopg2.connect('postgresql://airflow:airflow@127.0.0.1:9/airflow')"
    migration = {"image": IMAGE, "command": ["python", "-c", connect]}
    yield Failing(
        "a migration Job that fails",
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "control"},
            "spec": {"backoffLimit": 0, "template": _template(migration, restartPolicy="Never")},
        },
        "BackoffLimitExceeded",
        ["wait", "--for", "condition=complete", "job/control"],
    )
    yield Failing(
        "a worker that no node can hold",
        _workload("StatefulSet", {"image": IMAGE, "resources": {"requests": {"cpu": "500"}}}),
        "FailedScheduling",
        ["rollout", "status", "statefulset/control"],
    )


def _workload(kind: str, container: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = {"selector": {"matchLabels": {"app": "control"}}, "template": _template(container)}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "control"}, "spec": spec}


def _template(container: Mapping[str, Any], **spec: Any) -> Mapping[str, Any]:
    labels = {"app": "control", "airflow.kubernetes/release": RELEASE}
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", **container}], **spec}}


def _outcome(failing: Failing, way: str, namespace: str, folder: Path) -> Outcome:
    began = datetime.now(UTC)
    start = time.monotonic()
    if way == "kubectl":
        code, output = _with_kubectl(failing, namespace, folder)
    else:
        tasks = _our_tasks(failing, namespace) if way == "wait" else _core_tasks(failing, namespace)
        code, output = _with_ansible(tasks, folder / f"{namespace}.yml")
    seconds = time.monotonic() - start
    known = _known(failing, namespace)
    after = seconds - (known - began).total_seconds() if known else None
    return Outcome(failing.name, way, code, seconds, after, _message(output))


def _with_kubectl(failing: Failing, namespace: str, folder: Path) -> tuple[int, str]:
    file = folder / f"{namespace}.json"
    file.write_text(json.dumps(failing.manifest))
    kubectl("--namespace", namespace, "apply", "--filename", file)
    command = kubectl_command("--namespace", namespace, *failing.kubectl, f"--timeout={LIMIT}s")
    run = timed(command, timeout=LIMIT + 30, check=False)
    return run.code, run.output


def _with_ansible(tasks: Sequence[Mapping[str, Any]], file: Path) -> tuple[int, str]:
    play = {"name": "Control", "hosts": "all", "gather_facts": False, "connection": "local"}
    interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    file.write_text(json.dumps([play | {"vars": interpreter, "tasks": tasks}]))
    run = timed(["ansible-playbook", "-i", INVENTORY, file], timeout=LIMIT + 60, check=False)
    return run.code, run.output


def _our_tasks(failing: Failing, namespace: str) -> Sequence[Mapping[str, Any]]:
    where = {"context": "{{ airflow_context }}", "namespace": namespace, "release": RELEASE}
    return [
        {"name": "Apply", "airflow.kubernetes.apply": where | {"set": RELEASE, "objects": [failing.manifest]}},
        {"name": "Wait", "airflow.kubernetes.wait": where | {"timeout": LIMIT}},
    ]


def _core_tasks(failing: Failing, namespace: str) -> Sequence[Mapping[str, Any]]:
    options: dict[str, Any] = {
        "context": "{{ airflow_context }}",
        "namespace": namespace,
        "definition": failing.manifest,
        "wait": True,
        "wait_timeout": LIMIT,
    }
    if failing.manifest["kind"] == "Job":
        # Without a condition it does not wait for a Job at all.
        options["wait_condition"] = {"type": "Complete", "status": "True"}
    return [{"name": "Apply and wait", "kubernetes.core.k8s": options}]


def _known(failing: Failing, namespace: str) -> datetime | None:
    """Return when the cluster first told of the failure."""
    found = json.loads(kubectl("--namespace", namespace, "get", "events", "--output", "json"))
    times = [event["metadata"]["creationTimestamp"] for event in found["items"] if event["reason"] == failing.known]
    return min(map(datetime.fromisoformat, times), default=None)


def _message(output: str) -> str:
    for words in (r"What: (.*)", r"Task failed: (?:Module failed: )?(.*)", r"error: (.*)"):
        if found := re.search(words, output):
            return found[1].strip()
    return (output.strip().splitlines() or [""])[-1].strip()


def _section(outcomes: Sequence[Outcome]) -> Section:
    rows = [("", "s", "s after the cluster knew", "exit code", "message")]
    rows += [
        (
            f"{one.case}: {one.way}",
            f"{one.seconds:.0f}",
            "" if one.after is None else f"{one.after:.0f}",
            str(one.code),
            one.message if len(one.message) <= 110 else one.message[:107] + "...",
        )
        for one in outcomes
    ]
    return Section("How soon a failure is reported", METHOD, rows, [], {"control": [asdict(one) for one in outcomes]})
