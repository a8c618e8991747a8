"""Whether a release is rolled out and well, as the benchmark and the soak see it: without the collection's own wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
