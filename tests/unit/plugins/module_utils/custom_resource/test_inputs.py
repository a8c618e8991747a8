# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every way in which a spec can name a Secret or a ConfigMap is known, and no other text is taken for one."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.custom_resource.inputs import Input, inputs

SECRET, CONFIG_MAP = Input("Secret", "wanted"), Input("ConfigMap", "wanted")


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"airflow_database_secret": "wanted"}, SECRET),
        ({"airflow_ca_config_map": "wanted"}, CONFIG_MAP),
        ({"airflow_environment": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "wanted"}}}]}, SECRET),
        ({"airflow_environment": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "wanted"}}}]}, CONFIG_MAP),
        ({"workers_env_from": [{"secretRef": {"name": "wanted"}}]}, SECRET),
        ({"workers_env_from": [{"configMapRef": {"name": "wanted"}}]}, CONFIG_MAP),
        ({"airflow_extra_volumes": [{"name": "v", "secret": {"secretName": "wanted"}}]}, SECRET),
        ({"airflow_extra_volumes": [{"name": "v", "configMap": {"name": "wanted"}}]}, CONFIG_MAP),
        ({"airflow_extra_volumes": [{"projected": {"sources": [{"secret": {"name": "wanted"}}]}}]}, SECRET),
        ({"airflow_dag_bundles": [{"name": "dags", "secret": "wanted"}]}, SECRET),
    ],
)
def test_what_is_named_is_found(spec: dict[str, Any], found: Input) -> None:
    assert inputs(spec) == [found]


@pytest.mark.parametrize(
    "spec",
    [
        {"airflow_database_secret": ""},
        {"airflow_database_secret_key": "password"},
        {"airflow_image_pull_secrets": []},
        {"airflow_config": {"core__parallelism": "4"}},
    ],
)
def test_other_text_is_no_name(spec: dict[str, Any]) -> None:
    assert inputs(spec) == []


def test_each_is_found_once() -> None:
    assert inputs({"flower_password_secret": "wanted", "airflow_redis_secret": "wanted"}) == [SECRET]
