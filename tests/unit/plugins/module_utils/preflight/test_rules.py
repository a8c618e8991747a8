# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Input that can never work is refused with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.environment import environment
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.names import RESERVED_GROUPS
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.rules import (
    OWNED,
    check_architecture,
    check_computed_variables,
    check_executors,
    check_object_names,
    check_owned_options,
    check_secret_options,
)
from tools.checks.rendered import RENDERED


def manifests() -> Iterator[dict[str, Any]]:
    for path in RENDERED.glob("*/*/*.yaml"):
        yield yaml.safe_load(path.read_text(encoding="utf-8"))


def environments() -> Iterator[dict[str, Any]]:
    """Yield the variables of all containers of all rendered releases."""
    for manifest in manifests():
        spec = ((manifest.get("spec") or {}).get("template") or {}).get("spec") or {}
        for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
            yield from container.get("env", [])


def owned(**config: Any) -> list[str]:
    return list(check_owned_options(environment(config)))


def secret(**config: Any) -> list[str]:
    return list(check_secret_options(environment(config), config))


def names(release: str, *groups: str, version: str = "3.1.0") -> list[str]:
    return list(check_object_names(release, version, groups))


@pytest.mark.parametrize(
    ("option", "value", "instead"),
    [
        ("core__fernet_key", "abc", "airflow_fernet_key"),
        ("celery__worker_concurrency", 4, "workers_concurrency"),
        ("AIRFLOW__CELERY__BROKER_URL", "redis://a", "airflow_redis_host"),
        ("celery__broker_url_cmd", "cat /url", "airflow_redis_host"),
        ("core__auth_manager", "airflow.api_fastapi.auth.managers.simple.SimpleAuthManager", "airflow_auth_type"),
        ("core__executor", "CeleryExecutor,KubernetesExecutor", "airflow_executors"),
        ("scheduler__enable_health_check", False, "probes"),
    ],
)
def test_an_option_that_the_collection_sets_is_refused(option: str, value: Any, instead: str) -> None:
    (problem,) = owned(**{option: value})
    assert option.lower().removeprefix("airflow__") in problem
    assert instead in problem


def test_what_changes_nothing_is_let_through() -> None:
    assert owned(core__executor="CeleryExecutor", scheduler__enable_health_check=True, api__port=8080) == []
    assert owned(core__parallelism=4, celery__task_track_started=True) == []


def test_every_option_that_containers_are_given_from_a_secret_is_owned() -> None:
    given = {
        variable["name"]
        for variable in environments()
        if variable["name"].startswith("AIRFLOW__") and "secretKeyRef" in variable.get("valueFrom", {})
    }
    assert len(given) > 5
    assert given - OWNED.keys() == set()


@pytest.mark.parametrize("option", ["smtp__smtp_password", "sentry__sentry_dsn", "opensearch__password"])
def test_a_secret_is_refused_with_the_way_by_a_secret(option: str) -> None:
    (problem,) = secret(**{option: "hunter2"})
    assert option in problem
    assert f"AIRFLOW__{option.upper()}, valueFrom" in problem
    assert "hunter2" not in problem


def test_what_only_leads_to_a_secret_is_none() -> None:
    assert secret(smtp__smtp_password_cmd="cat /password", smtp__smtp_password_secret="smtp") == []
    assert secret(smtp__smtp_password="", core__hide_sensitive_var_conn_fields=True, fab__enable_token=True) == []


def test_a_name_of_which_an_object_would_be_too_long() -> None:
    (problem,) = names("customer-analytics-production-airflow-01")
    assert "Job" in problem
    assert "at most 35" in problem
    assert names("a" * 35) == []
    assert names("a" * 35, version="3.10.10") != []


def test_a_group_of_which_an_object_would_be_too_long() -> None:
    (problem,) = names("analytics-production", "memory-optimized-spot-instances-eu")
    assert "analytics-production-memory-optimized-spot-instances-eu" in problem
    assert names("analytics-production", "a" * 31) == []
    assert names("analytics-production", "a" * 32) != []


@pytest.mark.parametrize("group", ["redis", "scheduler", "api-server"])
def test_a_group_that_would_take_the_place_of_another_object(group: str) -> None:
    (problem,) = names("airflow", "worker", group)
    assert f"airflow-{group}" in problem


def test_every_workload_and_service_of_a_release_is_reserved() -> None:
    made = set()
    for manifest in manifests():
        labels = manifest["metadata"].get("labels", {})
        is_named = manifest["kind"] in ("Deployment", "StatefulSet", "Service", "CronJob")
        if is_named and labels.get("app.kubernetes.io/component") != "worker":
            made.add(manifest["metadata"]["name"].removeprefix(f"{labels['airflow.kubernetes/release']}-"))
    assert len(made) > 8
    assert made - RESERVED_GROUPS == set()


def test_a_host_has_one_architecture() -> None:
    assert len(list(check_architecture(["kind", "master_worker", "separated_services"]))) == 1
    assert list(check_architecture(["kind", "master_worker"])) == []


def test_a_computed_variable_is_refused() -> None:
    (problem,) = check_computed_variables(["airflow_volumes", "airflow_name"], ["airflow_volumes"])
    assert "airflow_volumes" in problem


class TestExecutors:
    """Celery is always there, and the first runs what names none."""

    @pytest.mark.parametrize("executors", [["celery"], ["celery", "kubernetes"], ["kubernetes", "celery"]])
    def test_combinations_that_there_are(self, executors: list[str]) -> None:
        assert list(check_executors(executors)) == []

    @pytest.mark.parametrize(
        ("executors", "message"),
        [
            (["celery", "local"], "has local, which is no executor of the roles. Write .celery., .celery, kubernetes."),
            (["CeleryExecutor"], "has CeleryExecutor, which is no executor"),
            (["kubernetes"], "is .kubernetes., but a release always has Celery's workers. Write .celery., "),
            (["celery", "celery"], "has an executor twice"),
        ],
    )
    def test_others_are_refused_with_those_that_there_are(self, executors: list[str], message: str) -> None:
        (problem,) = check_executors(executors)
        assert re.match(f"airflow_executors {message}", problem)
        assert "[kubernetes, celery]" in problem

    @pytest.mark.parametrize(
        ("option", "value", "instead"),
        [
            ("core__executor", "CeleryExecutor,KubernetesExecutor", "Set airflow_executors."),
            ("kubernetes_executor__namespace", "tasks", "set airflow_namespace"),
            ("kubernetes_executor__multi_namespace_mode", True, "set airflow_namespace"),
            ("kubernetes_executor__in_cluster", False, "own account"),
            ("kubernetes_executor__pod_template_file", "/pod.yaml", "airflow_task_pod_overrides"),
            ("kubernetes_executor__worker_container_repository", "airflow", "Set airflow_image."),
        ],
    )
    def test_what_airflow_executors_sets_is_not_for_airflow_config(
        self, option: str, value: object, instead: str
    ) -> None:
        (problem,) = owned(**{option: value})
        assert problem.startswith(f"airflow_config has {option}, which the collection sets itself.")
        assert instead in problem

    def test_how_airflow_keeps_pods_is_the_users_choice(self) -> None:
        assert owned(kubernetes_executor__delete_worker_pods_on_failure=False) == []
