"""What the soak says of the task instances of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tools.soak.endurance import Outcome, judge
from tools.soak.release import Execution

WELL = Outcome("a fault", False, 200, 150, succeeded=200, once=200, retried=0, healthy=20, seconds=100)


def instance(index: int, state: str = "success", try_number: int = 1) -> dict[str, Any]:
    return {"map_index": index, "state": state, "try_number": try_number}


def lines(*indexes: int, event: str) -> list[Execution]:
    return [Execution(event, index, 1, "airflow-worker-0") for index in indexes]


class TestJudge:
    def test_counts_what_airflow_says(self) -> None:
        assert judge([instance(0), instance(1, "failed"), instance(2, try_number=2)], []) == (2, 0, 1)

    def test_counts_what_has_started_and_ended_once(self) -> None:
        instances = [instance(index) for index in range(4)]
        executions = [*lines(0, 1, 2, 1, event="start"), *lines(0, 1, event="end")]
        # 0 once, 1 started twice, 2 without an end, 3 never.
        assert judge(instances, executions)[1] == 1


class TestOutcome:
    def test_is_as_promised(self) -> None:
        assert WELL.problem == ""

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"succeeded": 199}, "1 did not succeed"),
            ({"retried": 2}, "2 were tried again"),
            ({"once": 197}, "3 were not executed once"),
        ],
    )
    def test_tells_what_is_not(self, changes: dict[str, int], problem: str) -> None:
        assert replace(WELL, **changes).problem == problem

    def test_where_workers_are_killed_their_tasks_alone_are_executed_twice(self) -> None:
        killed = replace(WELL, kills_tasks=True, retried=8, once=192)
        assert killed.problem == ""
        assert replace(killed, once=191).problem == "9 were not executed once"
