# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much room nodes have for a pod."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.node_capacity import (
    NodeCapacity,
    asked_by,
    in_words,
)


def requests(**amounts: str) -> dict[str, Any]:
    return {"resources": {"requests": amounts}}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), **spec}}


def node(name: str, cpu: str = "2", memory: str = "4Gi", labels: dict[str, str] | None = None, **spec: Any) -> Any:
    allocatable = {"cpu": cpu, "memory": memory, "pods": "110"}
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": spec, "status": {"allocatable": allocatable}}


@pytest.mark.parametrize(
    ("asking", "asked"),
    [
        (pod(requests(cpu="250m"), requests(cpu="1")), {"cpu": "1.25"}),
        (pod({}), {}),
        (pod(requests(cpu="1"), initContainers=[requests(cpu="3"), requests(cpu="2")]), {"cpu": "3"}),
        (pod(requests(cpu="1"), initContainers=[{**requests(cpu="2"), "restartPolicy": "Always"}]), {"cpu": "3"}),
        (
            pod(
                requests(cpu="1"), initContainers=[{**requests(cpu="2"), "restartPolicy": "Always"}, requests(cpu="4")]
            ),
            {"cpu": "6"},
        ),
        (pod(requests(cpu="1"), overhead={"cpu": "100m"}), {"cpu": "1.1"}),
        (pod(requests(cpu="1"), resources={"requests": {"cpu": "3"}}), {"cpu": "3"}),
    ],
    ids=["a sum", "nothing", "largest init", "sidecar", "init after a sidecar", "overhead", "pod level (1.34)"],
)
def test_what_a_pod_asks_for(asking: dict[str, Any], asked: dict[str, str]) -> None:
    assert asked_by(asking) == {resource: Decimal(amount) for resource, amount in asked.items()}


def shortage(asking: dict[str, Any], *nodes: Any, running: tuple[Any, ...] = ()) -> str:
    capacity = NodeCapacity(asking, nodes)
    capacity.count(running)
    return capacity.shortage()


def test_what_is_short_and_by_how_much() -> None:
    running = (pod(requests(cpu="500m", memory="1Gi"), nodeName="one"), pod(requests(cpu="1"), nodeName="other"))
    said = shortage(pod(requests(cpu="4", memory="2Gi")), node("one"), running=running)
    assert said == "node one: 2.5 cpu short (1.5 of 2 free)"


def test_of_many_nodes_the_one_that_lacks_least_is_told() -> None:
    nodes = [node("small", memory="1Gi"), node("large", memory="15Gi"), node("middle", memory="8Gi")]
    assert (
        shortage(pod(requests(memory="16Gi")), *nodes) == "closest is node large: 1Gi memory short (15Gi of 15Gi free)"
    )


def test_nodes_that_are_closed_do_not_count() -> None:
    taints = [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]
    nodes = [node("cordoned", cpu="9", unschedulable=True), node("tainted", cpu="9", taints=taints), node("open")]
    assert shortage(pod(requests(cpu="3")), *nodes).startswith("node open: 1 cpu short")
    tolerant = pod(requests(cpu="10"), tolerations=[{"key": "gpu", "operator": "Exists"}])
    assert shortage(tolerant, *nodes).startswith("closest is node tainted: 1 cpu short")
    choosy = pod(requests(cpu="10"), nodeSelector={"disk": "fast"})
    assert shortage(choosy, *nodes, node("fast", labels={"disk": "fast"})).startswith("node fast: 8 cpu short")


def test_where_there_is_room_after_all_nothing_is_said() -> None:
    assert shortage(pod(requests(cpu="1")), node("one")) == ""
    assert shortage(pod(requests(cpu="1"))) == ""


@pytest.mark.parametrize(
    ("resource", "amount", "words"),
    [
        ("cpu", "498.75", "498.75"),
        ("cpu", "0.1", "0.1"),
        ("memory", "1610612736", "1.5Gi"),
        ("memory", "512", "512"),
        ("nvidia.com/gpu", "1", "1"),
    ],
)
def test_amounts_in_words(resource: str, amount: str, words: str) -> None:
    assert in_words(resource, Decimal(amount)) == words
