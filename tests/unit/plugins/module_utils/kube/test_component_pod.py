# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which pod is talked to."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.component_pod import choose, find_pod


def pod(name: str, state: str = "running", ready: bool = True, ends: bool = False, **details: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if ends else {})}
    statuses = [
        {"name": "other", "state": {"running": {}}, "ready": True},
        {"name": "dag-processor", "state": {state: details}, "ready": ready},
    ]
    return {"metadata": metadata, "status": {"phase": "Running", "containerStatuses": statuses}}


NEW = {"metadata": {"name": "new"}, "status": {"phase": "Pending"}}


@pytest.mark.parametrize(
    ("pods", "ready", "expected"),
    [
        ([], False, None),
        ([NEW], False, None),
        ([pod("b"), pod("a")], False, "a"),
        ([pod("a", ready=False), pod("b")], False, "b"),
        ([pod("a", ready=False)], False, "a"),
        ([pod("a", ready=False)], True, None),
        ([pod("a", ends=True), pod("b", "waiting", False)], False, None),
    ],
)
def test_choose(pods: list[dict[str, Any]], ready: bool, expected: str | None) -> None:
    assert choose(pods, "dag-processor", ready) == expected


class Cluster:
    where = "context kind"

    def __init__(self, *looks: list[dict[str, Any]]) -> None:
        self.looks = list(looks)
        self.now = 0.0
        self.selectors: list[str] = []

    def list(self, _api_version: str, _kind: str, _namespace: str, selector: str) -> dict[str, Any]:
        self.selectors.append(selector)
        return {"items": self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]}

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def find(self, timeout: float) -> str:
        return find_pod(self, "ns", "rel", "dag-processor", timeout, clock=self.clock, sleep=self.sleep)  # type: ignore[arg-type]


def test_it_waits_for_one_that_runs() -> None:
    cluster = Cluster([], [NEW], [pod("a")])
    assert cluster.find(10) == "a"
    assert set(cluster.selectors) == {"airflow.kubernetes/release=rel,airflow.kubernetes/dag-processor=true"}


def test_it_tells_what_there_is_instead() -> None:
    pods = [pod("a", "waiting", False, reason="CrashLoopBackOff"), NEW, pod("c", ends=True)]
    with pytest.raises(Failure, match="a: CrashLoopBackOff; new: Pending; c: ends"):
        Cluster(pods).find(5)
    with pytest.raises(
        Failure, match=r"No running dag-processor of release rel in namespace ns .* after 5 s: no such pod"
    ):
        Cluster([]).find(5)
