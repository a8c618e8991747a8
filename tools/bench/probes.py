"""Measure what the probes of an idle release cost, against the chart's way in the same release."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..common.errors import ToolError
from ..common.step import step
from ..harness.cgroups import container_cpu, in_node
from ..harness.command import kubectl
from ..harness.report import Aim, Section
from .release import Release

METHOD = (
    "each probe is run again and again as the kubelet does (a command by exec in the container, a request from the "
    "node), its cost read from the control groups of its container, PostgreSQL and Redis, less what they use in an "
    "equal time without, times its runs a minute; the chart's commands likewise"
)
AIM_SHARE = 0.05
COMMAND_RUNS = 8
REQUEST_RUNS = 60
QUIET_SECONDS = 3.0
IDLE_SECONDS = 60
STORES = ("postgresql", "redis")

_REQUESTS = r"""
for ((run = 0; run < {runs}; run++)); do
  exec 3<>/dev/tcp/{host}/{port}
  printf 'GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: kube-probe\r\nConnection: close\r\n\r\n' >&3
  read -r -u 3 protocol status rest
  cat <&3 >/dev/null
  exec 3>&-
  [[ $status == 2* ]] || {{ echo "{path} answers $status"; exit 1; }}
done
"""


@dataclass(frozen=True)
class Container:
    """A running container of the release.

    :param identity: as the runtime gives it.
    """

    pod: str
    name: str
    identity: str


@dataclass(frozen=True)
class Probe:
    """One way in which a container is probed, be it for readiness, liveness or both.

    :param a_minute: how often.
    """

    container: Container
    uses: str
    a_minute: float
    shown: str
    run: Callable[[], int]


@dataclass(frozen=True)
class Cost:
    """What a probe costs: CPU seconds a run, and a minute."""

    probe: Probe
    a_run: float

    @property
    def a_minute(self) -> float:
        return self.a_run * self.probe.a_minute


def measure_probes(release: Release, rounds: int) -> Section:
    """Compare the release's probes with the chart's.

    :param release: is deployed, healthy, and has nothing to do.
    :param rounds: how often each probe is measured.
    """
    pods = release.cluster.pods(release.namespace)
    containers = {container.name: container for container in _containers(pods)}
    missing = {*STORES, "scheduler", "triggerer", "dag-processor", "worker"} - set(containers)
    if missing:
        raise ToolError(f"no running container {', '.join(sorted(missing))} in {release.namespace}")
    stores = [containers[name] for name in STORES]
    with step(f"The idle release for {IDLE_SECONDS} s"):
        idle = _idle(containers.values())
    ours = []
    for probe in _probes(release.namespace, pods):
        with step(f"The probe {probe.shown} of {probe.container.name}"):
            ours.append(_cost(probe, stores, rounds))
    chart = []
    for probe in _chart_probes(release.namespace, containers):
        with step(f"The chart's {probe.shown} in {probe.container.name}"):
            chart.append(_cost(probe, stores, rounds))
    return _section(ours, chart, idle)


def _containers(pods: Iterable[Mapping[str, Any]]) -> list[Container]:
    return [
        Container(pod["metadata"]["name"], status["name"], status["containerID"].rpartition("/")[2])
        for pod in pods
        for status in pod["status"]["containerStatuses"]
    ]


def _probes(namespace: str, pods: Iterable[Mapping[str, Any]]) -> list[Probe]:
    """Return the probes of a release that has started; those that do the same are one."""
    found: dict[tuple[str, str], list[Probe]] = {}
    for pod in pods:
        identities = {container.name: container for container in _containers([pod])}
        for spec in pod["spec"]["containers"]:
            for use in ("readiness", "liveness"):
                probe_spec = spec.get(f"{use}Probe")
                if probe_spec:
                    container = identities[spec["name"]]
                    shown, run = _action(namespace, container, probe_spec, spec, pod["status"]["podIP"])
                    probe = Probe(container, use, 60 / probe_spec["periodSeconds"], shown, run)
                    found.setdefault((container.identity, shown), []).append(probe)
    return [
        Probe(
            same[0].container,
            " + ".join(probe.uses for probe in same),
            sum(probe.a_minute for probe in same),
            same[0].shown,
            same[0].run,
        )
        for same in found.values()
    ]


def _action(
    namespace: str, container: Container, probe_spec: Mapping[str, Any], spec: Mapping[str, Any], host: str
) -> tuple[str, Callable[[], int]]:
    """Return what a probe does in a few words, and a function that does it many times and returns how often."""
    if "exec" in probe_spec:
        command = probe_spec["exec"]["command"]
        return _shortened(command), lambda: _run_commands(namespace, container, command, COMMAND_RUNS)
    if "httpGet" in probe_spec and probe_spec["httpGet"].get("scheme", "HTTP") == "HTTP":
        path, port = probe_spec["httpGet"]["path"], probe_spec["httpGet"]["port"]
        ports = {named.get("name"): named["containerPort"] for named in spec.get("ports", [])}
        script = _REQUESTS.format(runs=REQUEST_RUNS, host=host, port=ports.get(port, port), path=path)

        def request() -> int:
            in_node(script, timeout=120)
            return REQUEST_RUNS

        return f"GET {path}", request
    raise ToolError(f"the probe of {container.name} is of a kind that is not measured: {', '.join(probe_spec)}")


def _run_commands(namespace: str, container: Container, command: list[str], runs: int) -> int:
    for _ in range(runs):
        kubectl("--namespace", namespace, "exec", container.pod, "--container", container.name, "--", *command)
    return runs


def _chart_probes(namespace: str, containers: Mapping[str, Container]) -> list[Probe]:
    """Return the chart's commands, each once a minute."""
    wanted = [(name, f"airflow jobs check --job-type {job} --local") for name, job in _JOBS.items()]
    app = "airflow.providers.celery.executors.celery_executor.app"
    ping = f"python -m celery --app {app} inspect --timeout 20 ping --destination celery@$(hostname)"
    wanted.append(("worker", ping))

    def probe(name: str, text: str) -> Probe:
        container = containers[name]
        command = ["sh", "-c", f"CONNECTION_CHECK_MAX_COUNT=0 AIRFLOW__LOGGING__LOGGING_LEVEL=ERROR exec {text}"]
        shown = " ".join(text.split()[:3]) if name in _JOBS else "celery inspect ping"
        return Probe(container, "liveness", 1, shown, lambda: _run_commands(namespace, container, command, 1))

    return [probe(name, text) for name, text in wanted]


_JOBS = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}


def _cost(probe: Probe, stores: list[Container], rounds: int) -> Cost:
    """Return the CPU seconds of one run, in the container that is probed and in what it may ask."""
    watched = {probe.container.identity, *(store.identity for store in stores)}

    def used() -> float:
        return sum(container_cpu(watched).values())

    total, runs = 0.0, 0
    for _ in range(rounds):
        start, before = time.monotonic(), used()
        runs += probe.run()
        middle, busy = time.monotonic(), used()
        time.sleep(max(middle - start, QUIET_SECONDS))
        end, quiet = time.monotonic(), used()
        total += (busy - before) - (quiet - busy) * (middle - start) / (end - middle)
    return Cost(probe, max(total, 0) / runs)


def _idle(containers: Iterable[Container]) -> dict[str, float]:
    """Return the CPU seconds a minute of each container, probes included, by its name."""
    identities = {container.identity: container.name for container in containers}
    before = container_cpu(identities)
    time.sleep(IDLE_SECONDS)
    after = container_cpu(identities)
    return {name: (after[identity] - before[identity]) * 60 / IDLE_SECONDS for identity, name in identities.items()}


def _shortened(command: list[str]) -> str:
    """Return a command without its folders and its arguments."""
    words = [word.rpartition("/")[2] if word.startswith("/") else word for word in command]
    words = words[2:] if words[:2] == ["sh", "-c"] else words
    text = " ".join(words[:2] if words[0] == "python" else words[:1])
    return text if len(text) <= 40 else text[:37] + "..."


def _section(ours: list[Cost], chart: list[Cost], idle: Mapping[str, float]) -> Section:
    def row(cost: Cost) -> tuple[str, ...]:
        label = f"{cost.probe.container.name}: {cost.probe.shown} ({cost.probe.uses})"
        return label, f"{cost.probe.a_minute:g}", f"{cost.a_run * 1000:.1f}", f"{cost.a_minute:.3f}"

    def total(label: str, seconds: float) -> tuple[str, ...]:
        return label, "", "", f"{seconds:.3f}"

    sum_ours, sum_chart = (sum(cost.a_minute for cost in costs) for costs in (ours, chart))
    sum_idle = sum(idle.values())
    if not ours or sum_ours > sum_idle:
        raise ToolError(
            f"the probes are said to cost {sum_ours:.2f} s a minute, and the whole release {sum_idle:.2f} s"
        )
    rows = [
        ("", "a minute", "CPU ms a run", "CPU s a minute"),
        *(row(cost) for cost in ours),
        total("all probes of the release", sum_ours),
        total("the idle release, probes included", sum_idle),
        *(row(cost) for cost in chart),
        total("all of the chart's commands", sum_chart),
        total("ratio, ours to the chart's", sum_ours / sum_chart),
    ]
    figures = {
        "ours": [_as_data(cost) for cost in ours],
        "chart": [_as_data(cost) for cost in chart],
        "idle": dict(idle),
    }
    aim = Aim("CPU of the probes, to that of the chart's,", sum_ours / sum_chart, AIM_SHARE)
    return Section("Probes of an idle release", METHOD, rows, [aim], figures)


def _as_data(cost: Cost) -> dict[str, Any]:
    probe = cost.probe
    return {
        "container": probe.container.name,
        "probe": probe.shown,
        "uses": probe.uses,
        "runs_a_minute": probe.a_minute,
        "cpu_a_run": cost.a_run,
        "cpu_a_minute": cost.a_minute,
    }
