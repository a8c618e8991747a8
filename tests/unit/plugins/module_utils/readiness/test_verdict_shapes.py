# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verdicts on what Kubernetes versions say that nothing was recorded from: shapes/*.yaml, each with its version."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.cache import LISTED, Change, ObjectCache
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.evaluators import EVALUATORS
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.verdict import Key, State, Verdict

SHAPES = Path(__file__).parents[1] / "shapes"
BEGAN = "2026-01-01T12:00:00Z"
FLOWER = Key("Deployment", "airflow-flower")
REDIS = Key("StatefulSet", "airflow-redis")


def shapes(name: str) -> list[Any]:
    read = yaml.safe_load((SHAPES / f"{name}.yaml").read_text(encoding="utf-8"))
    return [pytest.param(shape, id=f"{shape['kubernetes']}: {shape['name']}") for shape in read]


def metadata(name: str, role: str = "flower", owner: tuple[str, str] | None = None, **more: Any) -> dict[str, Any]:
    owners = [{"controller": True, "kind": owner[0], "name": owner[1], "uid": f"uid-{owner[1]}"}] if owner else []
    return {
        "name": name,
        "namespace": "airflow",
        "uid": f"uid-{name}",
        "generation": 1,
        "creationTimestamp": BEGAN,
        "labels": {
            "airflow.kubernetes/release": "airflow",
            "airflow.kubernetes/set": role,
            "pod-template-hash": "hash",
        },
        "annotations": {"deployment.kubernetes.io/revision": "1"},
        "ownerReferences": owners,
        **more,
    }


def event(about: str, kind: str, number: int, shape: dict[str, Any]) -> dict[str, Any]:
    """Return an Event: of the older kind with ``firstTimestamp``, or of the newer one with ``eventTime``."""
    times = (
        {"eventTime": shape["eventTime"], "series": shape.get("series"), "firstTimestamp": None, "lastTimestamp": None}
        if "eventTime" in shape
        else {"firstTimestamp": shape["first"], "lastTimestamp": shape.get("last", shape["first"]), "eventTime": None}
    )
    involved = {"kind": kind, "name": about, "uid": f"uid-{about}", "fieldPath": shape.get("fieldPath")}
    return {
        "metadata": {"name": f"{about}.{number}", "creationTimestamp": shape.get("first", BEGAN)},
        "involvedObject": involved,
        "reason": shape["reason"],
        "message": shape["message"],
        "count": shape.get("count"),
        **times,
    }


def judge_pod(shape: dict[str, Any]) -> Verdict:
    spec = {"containers": [{"name": "flower", "resources": {"requests": {"memory": "128Mi"}}}]} | shape.get("spec", {})
    scheduled = [c for c in shape["status"].get("conditions", ()) if c.get("reason") == "Unschedulable"]
    pod = {
        "metadata": metadata(
            "airflow-flower-hash-1", owner=("ReplicaSet", "airflow-flower-hash"), **shape.get("metadata", {})
        ),
        "spec": spec if scheduled else spec | {"nodeName": "node-1"},
        "status": shape["status"],
    }
    deployment = {
        "metadata": metadata("airflow-flower"),
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 0},
    }
    replica_set = {"metadata": metadata("airflow-flower-hash", owner=("Deployment", "airflow-flower"))}
    events = [event("airflow-flower-hash-1", "Pod", i, told) for i, told in enumerate(shape.get("events", ()))]
    cache = ObjectCache("airflow")
    cache.adds_nodes = shape.get("adds_nodes", False)
    for kind, objects in (("Deployment", [deployment]), ("ReplicaSet", [replica_set]), ("Pod", [pod])):
        cache.take(Change(kind, LISTED, objects))
    cache.take(Change("Event", LISTED, events))
    now = datetime.fromisoformat(shape.get("at", "2026-01-01T12:00:30Z"))
    return EVALUATORS["Deployment"](cache.context(FLOWER, now))


@pytest.mark.parametrize("shape", shapes("pods"))
def test_a_pod(shape: dict[str, Any]) -> None:
    verdict = judge_pod(shape)
    assert str(verdict.state) == shape["verdict"], verdict
    assert re.search(shape["reason"], verdict.reason), verdict.reason
    assert re.search(shape.get("advice", ""), verdict.advice), verdict.advice
    assert not verdict.hints.awaits_dependencies
    if verdict.state == State.FAILED:
        assert "airflow-flower-hash-1" in verdict.place
        assert verdict.since


@pytest.mark.parametrize("shape", shapes("refusals"))
def test_a_refusal(shape: dict[str, Any]) -> None:
    stateful_set = {
        "metadata": metadata("airflow-redis", role="redis"),
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "replicas": 0},
    }
    said = {"reason": "FailedCreate", "first": BEGAN, "message": shape["message"]}
    told = event("airflow-redis", "StatefulSet", 1, said)
    cache = ObjectCache("airflow")
    cache.take(Change("StatefulSet", LISTED, [stateful_set]))
    cache.take(Change("Event", LISTED, [told]))
    verdict = EVALUATORS["StatefulSet"](cache.context(REDIS, datetime.fromisoformat(BEGAN) + timedelta(seconds=9)))
    assert verdict.state == State.FAILED, verdict
    assert re.search(shape["reason"], verdict.reason), verdict.reason
    assert re.search(shape["advice"], verdict.advice), verdict.advice
