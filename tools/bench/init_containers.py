"""Measure what the init containers of a release cost until what they wait for is there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ..common.errors import ToolError
from ..common.step import step
from ..harness.cgroups import Sampler, container_cpu
from ..harness.command import kubectl
from ..harness.report import Section
from .release import Release

METHOD = (
    "one fresh deploy; the control group of each init container is read every 0.3 s, the last reading counts; an idle "
    "release has none that runs; the chart's command is run once in the scheduler's container, with the schema there"
)


@dataclass(frozen=True)
class InitContainer:
    """An init container that has ended.

    :param seconds: that it waited, as the kubelet tells, which tells whole seconds.
    :param cpu: seconds that it used meanwhile.
    """

    pod: str
    name: str
    seconds: float
    cpu: float

    @property
    def a_minute(self) -> float:
        return self.cpu * 60 / max(self.seconds, 1)


def deploy_and_measure_init_containers(release: Release) -> Section:
    """Deploy a release afresh, and tell what its init containers cost."""
    with step("A fresh deploy, with an eye on its init containers"), Sampler() as sampler:
        release.deploy()
    init_containers = [
        container
        for pod in release.cluster.pods(release.namespace)
        for container in _init_containers(pod, sampler.last())
    ]
    if not init_containers:
        raise ToolError("no init container was seen")
    with step("The chart's check of the migrations"):
        check = _check_migrations(release)
    return _section(init_containers, check)


def _init_containers(pod: Mapping[str, Any], seen: Mapping[str, float]) -> list[InitContainer]:
    init_containers = []
    for status in pod["status"].get("initContainerStatuses", []):
        identity = status["containerID"].rpartition("/")[2]
        if identity not in seen:
            raise ToolError(f"the init container {status['name']} of {pod['metadata']['name']} was not seen")
        ended = status["state"]["terminated"]
        seconds = (_moment(ended["finishedAt"]) - _moment(ended["startedAt"])).total_seconds()
        init_containers.append(InitContainer(pod["metadata"]["name"], status["name"], seconds, seen[identity]))
    return init_containers


def _check_migrations(release: Release) -> float:
    """Return the CPU seconds of the way in which the chart's init containers look at the schema, once."""
    for pod in release.cluster.pods(release.namespace):
        for status in pod["status"]["containerStatuses"]:
            if status["name"] == "scheduler":
                identity = status["containerID"].rpartition("/")[2]
                place = ("exec", pod["metadata"]["name"], "--container", "scheduler")
                start, before = time.monotonic(), container_cpu([identity])[identity]
                kubectl("--namespace", release.namespace, *place, "--", "airflow", "db", "check-migrations")
                middle, busy = time.monotonic(), container_cpu([identity])[identity]
                time.sleep(middle - start)
                quiet = container_cpu([identity])[identity]
                return (busy - before) - (quiet - busy)
    raise ToolError("there is no scheduler")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _section(init_containers: list[InitContainer], check: float) -> Section:
    total = sum(container.cpu for container in init_containers)
    schema = [container for container in init_containers if container.name == "wait-for-schema"]
    rows = [
        ("", "waited s", "CPU s", "CPU s a minute waited"),
        *(
            (
                f"{container.pod}: {container.name}",
                f"{container.seconds:.0f}",
                f"{container.cpu:.2f}",
                f"{container.a_minute:.2f}",
            )
            for container in init_containers
        ),
        ("all init containers of a start", "", f"{total:.2f}", ""),
        ("airflow db check-migrations, once", "", f"{check:.2f}", ""),
        (f"the same in each of the {len(schema)} pods", "", f"{check * len(schema):.2f}", ""),
        ("ratio, ours to that", "", f"{total / (check * len(schema)):.2f}", ""),
    ]
    figures = {"init_containers": [asdict(container) for container in init_containers], "check_migrations": check}
    return Section("Init containers of a start", METHOD, rows, [], figures)
