# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Airflow's options as environment variables, by the module's function and by the filter."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.airflow.kubernetes.plugins.filter.environment import FilterModule
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.environment import environment
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure


@pytest.mark.parametrize(
    ("option", "variable"),
    [
        ("core__parallelism", "AIRFLOW__CORE__PARALLELISM"),
        ("Core__Parallelism", "AIRFLOW__CORE__PARALLELISM"),
        ("AIRFLOW__CORE__PARALLELISM", "AIRFLOW__CORE__PARALLELISM"),
        ("airflow__core__parallelism", "AIRFLOW__CORE__PARALLELISM"),
        ("dag_processor__refresh_interval", "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL"),
        ("kubernetes_executor__a__b", "AIRFLOW__KUBERNETES_EXECUTOR__A__B"),
        # A provider's section may have a hyphen or a dot.
        ("opensearch.x-y__host", "AIRFLOW__OPENSEARCH.X-Y__HOST"),
    ],
)
def test_a_name(option: str, variable: str) -> None:
    assert environment({option: "1"}) == {variable: "1"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (64, "64"),
        (0.5, "0.5"),
        (True, "True"),
        (False, "False"),
        ("", ""),
        ("a b", "a b"),
        ([1, "a"], '[1, "a"]'),
        ({"a": True}, '{"a": true}'),
    ],
)
def test_a_value_is_text_as_airflow_reads_it(value: Any, text: str) -> None:
    assert environment({"core__x": value}) == {"AIRFLOW__CORE__X": text}


def test_null_leaves_the_option_out() -> None:
    assert environment({"core__x": None}) == {}


@pytest.mark.parametrize("option", ["x", "core_x", "__x", "core__", "core__x\n", "1core__x", "core__x y"])
def test_what_names_no_section_and_key_is_refused(option: str) -> None:
    with pytest.raises(Failure, match="airflow_config has no option"):
        environment({option: "1"})


def test_one_option_twice_is_refused_even_when_one_is_null() -> None:
    with pytest.raises(Failure, match="airflow_config sets AIRFLOW__CORE__X twice"):
        environment({"core__x": 1, "AIRFLOW__CORE__X": 2})


def test_the_filter_does_the_same() -> None:
    the_filter = FilterModule().filters()["environment"]
    assert the_filter({"core__x": 1}) == {"AIRFLOW__CORE__X": "1"}
    with pytest.raises(AnsibleFilterError, match="airflow_config has no option 'x'"):
        the_filter({"x": 1})
