"""The lookup pod_extras, in templates, as the roles use it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.plugins.lookup.test_template_each import template

SCHEDULER = "{{ lookup('airflow.kubernetes.pod_extras', deployment, roles=['scheduler']) }}"
BIG = "{{ lookup('airflow.kubernetes.pod_extras', deployment, roles=['scheduler'], group=group) }}"


def deployment() -> dict[str, Any]:
    spec = {"containers": [{"name": "scheduler", "image": "airflow", "args": "{{ args | default(omit) }}"}]}
    return {"kind": "Deployment", "metadata": {"name": "x"}, "spec": {"template": {"spec": spec}}}


def pod(expression: str = SCHEDULER, **variables: Any) -> Any:
    found = template(
        expression,
        deployment=deployment(),
        __airflow_container_security_context={"strict": "{{ 1 == 1 }}"},
        **variables,
    )
    return found["spec"]["template"]["spec"]


def test_without_additions_the_workload_is_as_it_was() -> None:
    assert pod(scheduler_extra_volumes=[]) == {"containers": [{"name": "scheduler", "image": "airflow"}]}


def test_reads_the_variables_of_the_role_and_evaluates_them() -> None:
    found = pod(scheduler_host_aliases=[{"ip": "{{ address }}", "hostnames": ["a"]}], address="10.0.0.1")
    assert found["hostAliases"] == [{"ip": "10.0.0.1", "hostnames": ["a"]}]


def test_added_containers_and_a_groups_image_come_from_the_registry_of_all() -> None:
    found = pod(
        BIG,
        scheduler_extra_containers=[{"name": "a", "image": "docker.io/a:1"}],
        group={"name": "big", "image": "b:1"},
        airflow_image_registry="mirror.example.com",
    )
    own, added = found["containers"]
    assert own == {"name": "scheduler", "image": "mirror.example.com/b:1"}
    assert added == {"name": "a", "image": "mirror.example.com/a:1", "securityContext": {"strict": True}}


def test_says_which_variable_is_wrong() -> None:
    with pytest.raises(
        LookupError, match="scheduler_extra_volume_mounts mounts the volume a, which the pods of x do not"
    ):
        pod(scheduler_extra_volume_mounts=[{"name": "a", "mountPath": "/a"}])


PROXY = {"name": "cloud-sql-proxy", "image": "proxy", "restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("roles", "has_proxy"),
    [
        (["scheduler"], True),
        (["master", "flower", "scheduler"], True),
        (["preflight"], True),
        (["flower"], False),
        ([], False),
        # The pod of a task has what workers have, but no login of the database.
        (["scheduler", "airflow_task_pod"], False),
    ],
)
def test_the_proxy_to_cloud_sql_is_where_a_role_connects_to_the_database(roles: list[str], has_proxy: bool) -> None:
    found = pod(
        "{{ lookup('airflow.kubernetes.pod_extras', deployment, roles=roles) }}",
        roles=roles,
        airflow_cloud_sql_instance="{{ 'a:b:c' }}",
        __airflow_cloud_sql_roles=["preflight", "scheduler"],
        __airflow_cloud_sql_container=PROXY,
    )
    assert found.get("initContainers", []) == ([PROXY] if has_proxy else [])


def test_the_proxy_to_cloud_sql_comes_before_sidecars_of_the_users() -> None:
    mesh = {"name": "mesh", "image": "mesh", "restartPolicy": "Always"}
    found = pod(
        scheduler_extra_containers=[mesh],
        airflow_cloud_sql_instance="a:b:c",
        __airflow_cloud_sql_roles=["scheduler"],
        __airflow_cloud_sql_container=PROXY,
    )
    assert [each["name"] for each in found["initContainers"]] == ["cloud-sql-proxy", "mesh"]
