"""Measure what `wait` costs when there are many pods, and when it takes long: neither should matter."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..cluster.kind_config import CLUSTER
from ..common.paths import CHECKOUT, kubeconfig
from ..common.step import step
from ..harness.command import CONTEXT, kubectl, timed
from ..harness.connection import Cluster
from ..harness.report import Aim, Section
from ..programs.go import ensure_program
from ..programs.modules import FAKE_KUBELET

METHOD = (
    "worker pods on a node that kwok plays, ready at once and available after minReadySeconds; `wait` in a process of "
    "its own, from their creation until all are available; requests are counted where they leave for the network"
)
NAMESPACE = "bench-scale"
NODE = "bench-scale"
LABELS = {"airflow.kubernetes/release": "airflow", "app.kubernetes.io/component": "worker"}
#: Pods, and seconds until a ready one counts as available: long enough for the long one that watches are opened anew.
FEW, MANY = 5, 500
SHORT, LONG = 5, 150
AIM_REQUESTS, AIM_MEMORY = 1.5, 20
WAIT_SECONDS = 500


@dataclass(frozen=True)
class Cost:
    """What one wait cost.

    :param seconds: that it waited.
    :param cpu: seconds of its process, imports not counted.
    :param memory: MiB by which its process grew at most.
    """

    pods: int
    seconds: float
    requests: int
    cpu: float
    memory: float


def measure_scale(cluster: Cluster, folder: Path) -> Section:
    """Wait for few pods and for many, for a short time and for a long one."""
    with _fake_node(folder):
        few, many, few_long, many_long = costs = [
            _measure(cluster, folder, pods, seconds) for seconds in (SHORT, LONG) for pods in (FEW, MANY)
        ]
    rows = [
        ("pods", "waited s", "requests", "a minute", "CPU s", "MiB more"),
        *(
            (
                str(cost.pods),
                f"{cost.seconds:.0f}",
                str(cost.requests),
                f"{cost.requests * 60 / cost.seconds:.0f}",
                f"{cost.cpu:.2f}",
                f"{cost.memory:.1f}",
            )
            for cost in costs
        ),
    ]
    aims = [
        Aim(
            f"{MANY} pods take, to the requests of {FEW} in the same time,", many.requests / few.requests, AIM_REQUESTS
        ),
        Aim("the same, waited for long,", many_long.requests / few_long.requests, AIM_REQUESTS),
        Aim(f"{MANY} pods take, beyond the memory of {FEW},", many.memory - few.memory, AIM_MEMORY, " MiB"),
        Aim(
            "waiting long takes, beyond the memory of a short wait,", many_long.memory - many.memory, AIM_MEMORY, " MiB"
        ),
    ]
    return Section("`wait` with many pods", METHOD, rows, aims, {"costs": [asdict(cost) for cost in costs]})


@contextmanager
def _fake_node(folder: Path) -> Iterator[None]:
    """Give the cluster a node for a thousand pods, which kwok plays while this lasts."""
    kwok = ensure_program(FAKE_KUBELET) / "kwok"
    command = [
        str(kwok),
        f"--kubeconfig={kubeconfig(CLUSTER)}",
        f"--manage-single-node={NODE}",
        "--node-lease-duration-seconds=40",
    ]
    _apply(folder, _node())
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield
        finally:
            # The pods first, while there is somebody to end them.
            kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", timeout=300)
            kubectl("delete", "node", NODE, "--ignore-not-found")
            process.terminate()


def _measure(cluster: Cluster, folder: Path, pods: int, seconds: int) -> Cost:
    with step(f"Wait for {pods} pods that are available {seconds} s after they are ready"):
        _apply(folder, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        _apply(folder, _stateful_set(pods, seconds))
        imports = f"PYTHONPATH={CHECKOUT / '.collections'}"
        waiting = [
            "env",
            imports,
            sys.executable,
            "-m",
            "tools.bench.scale_wait",
            CONTEXT,
            NAMESPACE,
            str(WAIT_SECONDS),
        ]
        found = json.loads(timed(waiting, timeout=WAIT_SECONDS + 60).output.splitlines()[-1])
        cluster.remove(NAMESPACE)
    return Cost(pods, **found)


def _apply(folder: Path, obj: Mapping[str, Any]) -> None:
    path = folder / f"{obj['kind']}.json"
    path.write_text(json.dumps(obj))
    kubectl("apply", "--filename", path)


def _node() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}},
        # Nothing but what is measured should be put onto it.
        "spec": {"taints": [{"key": NODE, "effect": "NoSchedule"}]},
        "status": {"allocatable": {"cpu": "1000", "memory": "4000Gi", "pods": "1000"}},
    }


def _stateful_set(pods: int, seconds: int) -> dict[str, Any]:
    # As big as a worker's: what is read over the network and taken apart should be of its true size.
    container = {
        "name": "worker",
        "image": "none",
        "env": [{"name": f"AIRFLOW__SECTION__OPTION_{number}", "value": "x" * 80} for number in range(40)],
        "readinessProbe": {"exec": {"command": ["true"]}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "airflow-worker", "namespace": NAMESPACE, "labels": LABELS},
        "spec": {
            "replicas": pods,
            "minReadySeconds": seconds,
            "serviceName": "airflow-worker",
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": LABELS},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {
                    "automountServiceAccountToken": False,
                    "nodeSelector": {"kubernetes.io/hostname": NODE},
                    "tolerations": [{"key": NODE, "operator": "Exists"}],
                    "containers": [container],
                },
            },
        },
    }
