# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of releases that were recorded from a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.cache import (
    EVIDENCE_KINDS,
    LISTED,
    PRIMARY_KINDS,
    Change,
    ObjectCache,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.health import HealthResponse
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.status import (
    Queue,
    Status,
    address,
    build,
    is_healthy,
    text,
)

RECORDED = Path(__file__).parents[1] / "recorded"


def status(
    recording: str,
    health: HealthResponse | None = None,
    edit: Callable[[dict[str, Any]], None] = lambda obj: None,
    **changes: Any,
) -> Status:
    read = yaml.safe_load((RECORDED / f"{recording}.yaml").read_text(encoding="utf-8"))
    objects = read["objects"]
    for obj in objects:
        if obj["metadata"]["name"] in changes:
            obj["status"] |= changes[obj["metadata"]["name"]]
        edit(obj)
    return build(
        title="Release airflow in namespace airflow",
        cache=ObjectCache("airflow"),
        changes=[
            Change(kind, LISTED, [obj for obj in objects if obj["kind"] == kind])
            for kind in (*PRIMARY_KINDS, *EVIDENCE_KINDS)
        ],
        now=datetime.fromisoformat(read["now"]),
        health=health,
        kubernetes="1.34.4",
        address="http://localhost:8080",
    )


def answer(scheduler: str = "healthy") -> HealthResponse:
    read = yaml.safe_load((RECORDED / "healthy.yaml").read_text(encoding="utf-8"))
    beat = (datetime.fromisoformat(read["now"]) - timedelta(seconds=4)).isoformat()
    parts = {part: {"status": "healthy", f"latest_{part}_heartbeat": beat} for part in ("dag_processor", "triggerer")}
    return HealthResponse(
        parts={
            "metadatabase": {"status": "healthy"},
            "scheduler": {"status": scheduler, "latest_scheduler_heartbeat": beat},
            **parts,
        }
    )


def test_a_healthy_release() -> None:
    found = status("healthy", answer())
    assert is_healthy(found)
    assert found.versions == {"airflow": "3.1.0", "kubernetes": "1.34.4"}
    assert found.queues == [Queue("default", workers=1, wanted=1)]
    scheduler = next(component for component in found.components if component.name == "airflow-scheduler")
    assert (scheduler.ready, scheduler.wanted, scheduler.restarts) == (1, 1, 0)
    assert scheduler.images == ["docker.io/apache/airflow:3.1.0"]
    assert scheduler.health["scheduler"].heartbeat_age == 4
    lines = text(found)
    assert lines[0] == "Release airflow in namespace airflow: healthy"
    header = ["COMPONENT", "READY", "RESTARTS", "AGE", "HEALTH", "IMAGE"]
    assert [line.split() for line in lines if line.startswith("COMPONENT")] == [header]
    assert any(line.startswith("airflow-scheduler ") and "1/1" in line and "healthy, 4 s ago" in line for line in lines)


@pytest.mark.parametrize("health", [answer("unhealthy"), HealthResponse(problem="no endpoints available")])
def test_a_release_that_airflow_calls_ill(health: HealthResponse) -> None:
    found = status("healthy", health)
    assert not is_healthy(found)
    said = "unhealthy" if health.parts else "no endpoints available"
    assert any(said in line for line in text(found))


def test_a_run_that_is_at_work_is_told() -> None:
    found = status("healthy", answer())
    assert not any("At work" in line for line in text(found))
    assert "At work on it: ann@desk" in text(replace(found, holder="ann@desk"))


def stop(obj: dict[str, Any]) -> None:
    """Change an object as playbooks/stop.yml does."""
    if obj["kind"] in ("Deployment", "StatefulSet"):
        replicas = {"f:spec": {"f:replicas": {}}}
        entry = {"manager": "airflow.kubernetes/stop", "fieldsV1": replicas, "time": "2026-01-01T12:00:00Z"}
        obj["spec"]["replicas"] = 0
        obj["metadata"]["managedFields"] = [entry]


def test_a_stopped_release_is_told_and_not_healthy() -> None:
    found = status("healthy", HealthResponse(problem="no answer"), stop)
    assert found.stopped == datetime.fromisoformat("2026-01-01T12:00:00+00:00")
    lines = text(found)
    assert lines[0].endswith("stopped since 2026-01-01 12:00:00 UTC; start it with playbooks/start.yml")
    assert not any("no answer" in line for line in lines)
    assert not is_healthy(found)


def test_one_that_is_stopped_in_part_is_not_stopped() -> None:
    found = status("healthy", answer(), lambda obj: stop(obj) if obj["metadata"]["name"] != "airflow-redis" else None)
    assert found.stopped is None


def test_a_drained_worker_is_told_and_takes_no_tasks() -> None:
    def drain(obj: dict[str, Any], container: str = "") -> None:
        if obj["kind"] == "Pod" and obj["metadata"]["name"].startswith("airflow-worker-"):
            drained = container or obj["status"]["containerStatuses"][0]["containerID"]
            obj["metadata"]["annotations"] = {
                **obj["metadata"].get("annotations", {}),
                "airflow.kubernetes/drained": drained,
            }

    found = status("healthy", answer(), drain)
    assert found.queues == [Queue("default", workers=0, wanted=1)]
    assert text(found)[-1] == "Drained, and without tasks until their pods are replaced: airflow-worker-0"
    found = status("healthy", answer(), lambda obj: drain(obj, "containerd://of-an-earlier-life"))
    assert (found.drained, found.queues) == ([], [Queue("default", workers=1, wanted=1)])


def test_flowers_address_is_told_where_there_is_one() -> None:
    found = status("healthy", answer())
    assert not any("Flower" in line for line in text(found))
    assert "Flower: https://a.example.com/flower" in text(replace(found, flower_address="https://a.example.com/flower"))


def test_what_is_not_done_is_told() -> None:
    found = status("job-failed")
    assert not is_healthy(found)
    lines = text(found)
    assert "airflow-scheduler  pending: init container wait-for-schema runs" in lines
    assert "Job/airflow-migrations  failed: has failed: container main ended with exit code 3" in lines


@pytest.mark.parametrize(
    ("service", "told"),
    [
        (
            {"spec": {"ports": [{"port": 80}]}, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}},
            "http://192.0.2.1:80",
        ),
        (
            {
                "metadata": {"annotations": {"airflow.kubernetes/address": "https://airflow.example.com/airflow"}},
                "spec": {"ports": [{"port": 8080, "nodePort": 30080}]},
            },
            "https://airflow.example.com/airflow",
        ),
        ({"spec": {"ports": [{"port": 8080, "nodePort": 30080}]}}, "port 30080 of each node"),
        (
            {"metadata": {"name": "x"}, "spec": {"ports": [{"port": 8080}]}},
            "http://localhost:8080 after: kubectl -n airflow port-forward service/x 8080",
        ),
    ],
)
def test_the_address(service: dict[str, Any], told: str) -> None:
    assert address(service, "airflow") == told
