# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an image, its DAGs and the database say of a change of version."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.change_version.findings import (
    MOST_NAMED,
    Findings,
    RunningTask,
    import_error_lines,
    kept,
    losses,
    problems,
    space_problem,
    task_lines,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HEADS = {"alembic_version": "d2", "alembic_version_fab": "02"}


def found(import_errors: dict[str, str] | None = None, version: str = "3.3.2", **answers: Any) -> Findings:
    return Findings(
        {
            "image": {"version": version, "fab": "3.9.0", "heads": HEADS},
            "database": {"kind": "postgresql", "answers": answers},
            "import_errors": import_errors or {},
        }
    )


def test_all_is_well() -> None:
    answers = {"server": [["150012"]], "may_create": [[True]], "others_tables": [], "sizes": [[100, 10]]}
    assert list(problems(found(**answers), "3.3.2")) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"version": "3.2.2"}, "airflow_version is 3.3.2, but the image has Airflow 3.2.2"),
        ({"server": [["130009"]]}, "PostgreSQL 13, and Airflow 3.3.2 supports 14"),
        ({"may_create": [[False]]}, "may not create tables"),
        ({"may_create": [[0]]}, "may not create tables"),
        ({"others_tables": [["dag", "postgres"]]}, "dag (of postgres)"),
    ],
)
def test_a_problem_is_told(given: dict[str, Any], told: str) -> None:
    (problem,) = problems(found(**given), "3.3.2")
    assert told in problem


def test_what_the_database_refuses_to_tell_is_no_problem() -> None:
    refused = "ProgrammingError: permission denied"
    assert list(problems(found(server=refused, may_create=refused, others_tables=refused), "3.3.2")) == []


@pytest.mark.parametrize(("free", "is_enough"), [(None, True), (2**30, True), (2**29, False)])
def test_the_largest_table_fits_a_second_time(free: int | None, is_enough: bool) -> None:
    said = space_problem(found(sizes=[[2**31, 2**30]]), free)
    assert ("512 MiB left" in said) is not is_enough
    assert (said == "") is is_enough


def test_import_errors_that_were_there_before_are_none_of_the_image() -> None:
    errors = {"old.py": "a", "team/new.py": "b", "/bundles/x/known.py": "c"}
    only_new = found(errors, known_errors=[["old.py"], ["known.py"]]).import_errors()
    assert only_new == {"team/new.py": "b"}


def test_a_file_with_the_end_of_another_name_is_another() -> None:
    assert found({"new.py": "a"}, known_errors=[["anew.py"]]).import_errors() == {"new.py": "a"}


def test_many_import_errors_are_cut() -> None:
    lines = import_error_lines({f"{number:02}.py": "1\n2\n3\n4" for number in range(MOST_NAMED + 2)})
    assert lines[:4] == ["  00.py:", "    2", "    3", "    4"]
    assert lines[-1] == "  ... and 2 more files"


class TestLosses:
    def test_are_counted(self) -> None:
        known = found(
            unknown_tables={"callback": 3, "asset_watcher": 0},
            run_types=[["manual", 9], ["operator_triggered", 4], ["asset_materialization", 2]],
            waiting=[["awaiting_input", 5], ["deferred", 7]],
        )
        lost = "\n".join(losses(known, "3.1.0"))
        assert "3 rows of callback" in lost
        assert "asset_watcher" not in lost
        assert "4 DAG runs, 'operator_triggered'" in lost
        assert "2 DAG runs, 'asset_materialization'" in lost
        assert "what 5 tasks have asked" in lost
        assert "manual'," not in lost
        assert kept(known, "3.1.0") == ["7 tasks are deferred, and go on"]

    def test_are_fewer_on_a_shorter_way(self) -> None:
        known = found(run_types=[["asset_materialization", 2]], waiting=[["deferred", 7]])
        assert not [line for line in losses(known, "3.2.2") if "asset_materialization" in line]
        assert kept(known, "3.2.2") == []


class TestTasks:
    ROW = ("a", "b", -1, "manual__1", "running", "worker-0", "2026-01-01T11:58:00+00:00")

    def test_are_named_with_worker_and_time(self) -> None:
        assert RunningTask.of(self.ROW).line(NOW) == "a.b (manual__1) on worker-0, since 2 min"

    def test_that_wait_have_no_worker(self) -> None:
        row = ("a", "b", 3, "manual__1", "queued", "", "2026-01-01 11:59:30")
        assert RunningTask.of(row).line(NOW) == "a.b[3] (manual__1) queued, since 30 s"

    def test_of_which_there_are_many_are_cut(self) -> None:
        lines = task_lines([RunningTask.of(self.ROW)] * (MOST_NAMED + 1), NOW)
        assert (len(lines), lines[-1]) == (MOST_NAMED + 1, "  ... and 1 more")
