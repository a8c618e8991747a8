"""Whether a release is rolled out and well, as the benchmark and the soak see it: without the collection's own wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..common.errors import ToolError

PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


def rolled_out(workload: Mapping[str, Any]) -> bool:
    """Tell what `kubectl rollout status` tells of a Deployment or StatefulSet."""
    spec, status = workload["spec"], workload.get("status", {})
    counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")}
    observed = status.get("observedGeneration", 0) >= workload["metadata"]["generation"]
    return bool(observed and counts == {spec["replicas"]})


def is_well(health: Mapping[str, Any]) -> bool:
    """Tell whether Airflow's own health page says that every part is healthy."""
    return all((health.get(part) or {}).get("status") == "healthy" for part in PARTS)


def until(condition: Callable[[], bool], seconds: float, problem: str, pause: float = 2.0) -> None:
    """Ask until a condition holds.

    :param pause: seconds between two questions.
    :raises ToolError: if it takes longer.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ToolError(f"{problem} after {seconds:.0f} s")
        time.sleep(pause)
