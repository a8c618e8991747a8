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
