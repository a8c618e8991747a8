# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long pods may take to end."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.ending_pods import wait_until_ended


def pod(name: str, grace: int) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"terminationGracePeriodSeconds": grace}}


def ended_after(seconds: int, *pods: dict[str, Any]) -> list[int]:
    """Wait for pods that end after so many seconds; return the seconds at which the release was kept."""
    passed = [0]
    kept: list[int] = []
    wait_until_ended(
        lambda: [] if passed[0] >= seconds else list(pods),
        60,
        lambda: kept.append(passed[0]),
        lambda longest, names: f"after {longest:.0f} s: {names}",
        lambda: float(passed[0]),
        lambda pause: passed.__setitem__(0, passed[0] + int(pause)),
    )
    return kept


def test_they_have_their_grace_and_the_margin() -> None:
    assert ended_after(100, pod("a", 30), pod("b", 40)) == list(range(100))


def test_what_takes_longer_is_named_with_the_time_that_it_had() -> None:
    with pytest.raises(Failure, match="after 100 s: a, b"):
        ended_after(102, pod("a", 30), pod("b", 40))


def test_without_pods_nothing_is_waited_for() -> None:
    assert ended_after(0) == []
