# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which versions may follow which."""

from __future__ import annotations

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.versions import (
    LINES,
    line_of,
    may_roll,
    old_workers_are_served,
    oldest_postgresql,
    parts,
)


@pytest.mark.parametrize(
    ("running", "wanted", "rolls"),
    [
        ("3.1.0", "3.1.7", True),
        ("3.1.0", "3.1.0", True),
        ("3.1.7", "3.1.8", False),
        ("3.1.0", "3.2.0", False),
        ("3.2.0", "3.2.2", True),
        ("3.2.2", "3.2.0", False),
        ("3.2.2", "3.3.0", False),
        ("3.3.0", "3.3.2", True),
        ("3.3.2", "3.3.3", False),
        ("9.0.0", "9.0.1", False),
    ],
)
def test_pods_of_two_versions_run_side_by_side_where_the_schema_is_the_same(
    running: str, wanted: str, rolls: bool
) -> None:
    assert may_roll(running, wanted) is rolls


@pytest.mark.parametrize(
    ("worker", "api_server", "served"),
    [
        ("3.1.0", "3.3.2", True),
        ("3.2.2", "3.3.2", True),
        ("3.3.2", "3.1.0", False),
        ("3.3.2", "3.4.0", False),
        ("3.3.9", "3.3.9", False),
    ],
)
def test_tasks_of_old_workers_outlast_a_newer_api_server_where_that_was_measured(
    worker: str, api_server: str, served: bool
) -> None:
    assert old_workers_are_served(worker, api_server) is served


def test_lines_follow_each_other_and_none_overlaps_another() -> None:
    ends = [end for line in LINES for end in (parts(line.first), parts(line.last))]
    assert ends == sorted(ends)
    assert len({line.core for line in LINES}) == len(LINES)


def test_what_is_not_known_is_taken_for_the_newest() -> None:
    assert line_of("4.0.0") is None
    assert (oldest_postgresql("3.1.0"), oldest_postgresql("3.2.0"), oldest_postgresql("4.0.0")) == (13, 14, 14)
