"""Measure a fresh deploy against `kubectl apply` of the same objects, by the same definition of healthy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from ..common.step import step
from ..harness.cgroups import node_cpu
from ..harness.command import Timed
from ..harness.connection import Cluster
from ..harness.report import Aim, Section
from .release import PlantedDag, Release

METHOD = (
    "fresh namespace and volumes each time, by turns, medians; healthy: all rolled out, the migration complete, every "
    "part of Airflow's monitor/health healthy (asked every 0.5 s after kubectl, by the role health after Ansible, "
    "which is checked); node CPU from the control group of the node's container, all that runs on it included"
)
# Measured side by side on one machine: chart 1.19 with helm 3.19, and kubectl apply of a lean release.
CHART_SECONDS = 49
KUBECTL_SECONDS = 24
AIM_RATIO = 1.2
AIM_CHART = 0.6
SETTLE_SECONDS = 5


@dataclass(frozen=True)
class Fresh:
    """A fresh deploy, in seconds from its start.

    :param client_cpu: of the command that deploys, with all its children.
    :param node_healthy: CPU of the node until then.
    :param node_before: CPU a second of the node just before.
    """

    healthy: float
    dag_run: float
    client_cpu: float
    node_healthy: float
    node_dag_run: float
    node_before: float


def measure_fresh(cluster: Cluster, rounds: int, folder: Path) -> Section:
    """Compare the two.

    :param rounds: how often each deploys.
    """
    ours, theirs = Release(cluster, "bench-ansible", folder), Release(cluster, "bench-kubectl", folder)
    by_ansible: list[Fresh] = []
    by_kubectl: list[Fresh] = []
    again: list[float] = []

    def with_ansible() -> None:
        by_ansible.append(_measured(ours, ours.deploy))
        # Its Secrets are made beforehand for kubectl, and so are its objects.
        if not by_kubectl:
            theirs.render(ours.secrets())

    def with_kubectl() -> None:
        by_kubectl.append(_measured(theirs, theirs.apply))
        again.append(theirs.apply().seconds)

    for number in range(rounds):
        turns: list[tuple[str, Release, Callable[[], None]]] = [
            ("Ansible", ours, with_ansible),
            ("kubectl", theirs, with_kubectl),
        ]
        # Whoever comes second finds the node warmer.
        for name, release, measure in turns if number % 2 == 0 else reversed(turns):
            with step(f"Round {number + 1} of {rounds}: a fresh deploy with {name}"):
                try:
                    measure()
                finally:
                    release.remove()
    return _section(by_ansible, by_kubectl, median(again))


def _measured(release: Release, deploy: Callable[[], Timed]) -> Fresh:
    before = node_cpu()
    time.sleep(SETTLE_SECONDS)
    cpu = node_cpu()
    with PlantedDag(release):
        start = time.monotonic()
        deployed = deploy()
        healthy = time.monotonic() - start
        if not release.healthy():
            release.wait_healthy()
            healthy = time.monotonic() - start
        cpu_healthy = node_cpu()
        release.run_dag()
        dag_run = time.monotonic() - start
        cpu_dag_run = node_cpu()
    return Fresh(
        healthy=healthy,
        dag_run=dag_run,
        client_cpu=deployed.cpu,
        node_healthy=cpu_healthy - cpu,
        node_dag_run=cpu_dag_run - cpu,
        node_before=(cpu - before) / SETTLE_SECONDS,
    )


def _section(by_ansible: list[Fresh], by_kubectl: list[Fresh], again: float) -> Section:
    def row(label: str, value: Callable[[Fresh], float]) -> tuple[str, ...]:
        ours, theirs = median(map(value, by_ansible)), median(map(value, by_kubectl))
        return label, f"{ours:.1f}", f"{theirs:.1f}", f"{ours / theirs:.2f}" if theirs else ""

    rows = [
        ("", "Ansible", "kubectl", "ratio"),
        row("healthy, s", lambda run: run.healthy),
        row("first DAG run succeeded, s", lambda run: run.dag_run),
        row("node CPU until healthy, s", lambda run: run.node_healthy),
        row("node CPU until the DAG run, s", lambda run: run.node_dag_run),
        row("CPU of the deploying command, s", lambda run: run.client_cpu),
        row("node CPU a second just before", lambda run: run.node_before),
        ("the same apply again, s", "", f"{again:.1f}", ""),
    ]
    ours, theirs = (median(run.healthy for run in runs) for runs in (by_ansible, by_kubectl))
    chart = CHART_SECONDS * theirs / KUBECTL_SECONDS
    aims = [
        Aim("healthy with Ansible, to healthy with kubectl,", ours / theirs, AIM_RATIO),
        Aim(
            f"healthy with Ansible, to the chart ({CHART_SECONDS} s where kubectl took {KUBECTL_SECONDS} s, so "
            f"{chart:.0f} s here),",
            ours / chart,
            AIM_CHART,
        ),
    ]
    figures = {
        "ansible": [asdict(run) for run in by_ansible],
        "kubectl": [asdict(run) for run in by_kubectl],
        "kubectl_again": again,
    }
    return Section("A fresh deploy", METHOD, rows, aims, figures)
