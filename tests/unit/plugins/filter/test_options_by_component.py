# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which pods a changed option rolls."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.filter.options_by_component import options_by_component
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.option_readers import READERS

BEFORE = {"AIRFLOW__CORE__PARALLELISM": "32"}


def rolled(**options: str) -> list[str]:
    before, after = options_by_component(BEFORE), options_by_component({**BEFORE, **options})
    return [name for name in READERS if before[name] != after[name]]


@pytest.mark.parametrize(
    ("variable", "components"),
    [
        ("AIRFLOW__TRIGGERER__CAPACITY", ["triggerer"]),
        ("AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME", ["scheduler"]),
        ("AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES", ["dag-processor"]),
        ("AIRFLOW__API__INSTANCE_NAME", ["api-server"]),
        ("AIRFLOW__API__INSTANCE_NAME_CMD", ["api-server"]),
        ("AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER", ["worker"]),
        # Others read these, too: the API server says whether the scheduler lives, and who reads the last is unknown.
        ("AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD", list(READERS)),
        ("AIRFLOW__API__BASE_URL", list(READERS)),
        ("AIRFLOW__SCHEDULER__SOMETHING_NEW", list(READERS)),
        ("AIRFLOW__CORE__PARALLELISM", list(READERS)),
        ("TZ", list(READERS)),
    ],
)
def test_an_option_rolls_the_components_that_read_it(variable: str, components: list[str]) -> None:
    assert rolled(**{variable: "1"}) == components


def test_a_value_that_is_omitted_is_none() -> None:
    omitted: Any = {**BEFORE, "AIRFLOW__API__BASE_URL": object()}
    assert options_by_component(omitted) == options_by_component(BEFORE)
