# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lookup ``pod_extras``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pod_extras
short_description: Add to a workload what users want in its pods, and the auth proxy of Cloud SQL
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Returns the workload with the volumes, mounts, containers, environment, host aliases, annotations and labels of the
    variables C(airflow_*) and C(<role>_*) in its pods, such as C(scheduler_extra_volumes).
  - Pods that connect to the database get Google's auth proxy, where C(airflow_cloud_sql_instance) is set. They are
    those of the roles in C(__airflow_cloud_sql_roles).
  - A lookup and not a filter, because it reads these variables by their names.
options:
  _terms:
    description:
      - The workload or pod, as an object of the Kubernetes API.
    required: true
  roles:
    description:
      - The roles whose containers its pods hold.
      - V(airflow_task_pod) stands for a task's pod; of other roles' containers it then gets those alone that end by
        themselves.
      - V(preflight) stands for the probe pod.
    type: list
    elements: str
    default: []
  group:
    description: The worker group, whose additions come on top.
    type: dict
    default: {}
  identity_of:
    description: The role or worker group whose identity in a cloud the pod has, whatever its containers are.
    type: str
    default: ""
"""

EXAMPLES = r"""
objects:
  - "{{ lookup('airflow.kubernetes.pod_extras', __scheduler_deployment, roles=['scheduler']) }}"
"""

RETURN = r"""
_raw:
  description: The workload.
  type: list
  elements: dict
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.airflow.kubernetes.plugins.filter.from_registry import from_registry
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.identity import WORKERS
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.pod_extras import (
    MASTER,
    PREFLIGHT,
    TASK_POD,
    Extras,
    add_extras,
    add_sidecar,
    extras_of_group,
    extras_of_role,
    without_endless,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        self.known: Mapping[str, Any] = variables or {}
        roles, group = self.get_option("roles"), self.get_option("group")
        components = [role for role in roles if role not in (MASTER, PREFLIGHT, TASK_POD)]
        levels = [["airflow"], [role for role in roles if role == MASTER], components]
        extras = [[extras_of_role(role, self._value) for role in level] for level in levels]
        if TASK_POD in roles:
            extras = [[without_endless(one) for one in level] for level in extras]
            extras.append([extras_of_role(TASK_POD, self._value)])
        extras += [[extras_of_group(group)]] if group else []
        extras += [list(self._identities(roles, group))]
        if not any(one.fields for level in extras for one in level):
            return self._with_database_proxy(terms, roles)
        registered = [[self._from_registry(one) for one in level] for level in extras]
        defaults = {"securityContext": self._value("__airflow_container_security_context")}
        try:
            made = [add_extras(workload, registered, defaults) for workload in terms]
        except Failure as failure:
            raise AnsibleError(failure.message) from failure
        return self._with_database_proxy(made, roles)

    def _with_database_proxy(self, workloads: list[Any], roles: Sequence[str]) -> list[Any]:
        """Add the proxy to Cloud SQL to what connects to the database, which the pod of a task does not."""
        if not self._value("airflow_cloud_sql_instance") or TASK_POD in roles:
            return workloads
        if not {*roles} & {*self._value("__airflow_cloud_sql_roles")}:
            return workloads
        return [add_sidecar(workload, self._value("__airflow_cloud_sql_container")) for workload in workloads]

    def _identities(self, roles: Sequence[str], group: Mapping[str, Any]) -> Iterator[Extras]:
        """Yield what containers have of their identities in a cloud."""
        made = self._value("__airflow_identities") if self._value("airflow_identity") else None
        if not made:
            return
        pods, groups = made["pods"], made["groups"]
        identity_of = self.get_option("identity_of")
        if identity_of:
            yield Extras(identity_of, {**pods, **groups}[identity_of], is_for_all=True)
        elif group:
            yield Extras(WORKERS, groups[group["name"]])
        else:
            yield from (Extras(role, pods[role]) for role in roles if role in pods)

    def _value(self, name: str) -> Any:
        """Return what a variable holds; most of these are empty, and cost nothing."""
        written = self.known.get(name)
        return self._templar.template(written) if written else written

    def _from_registry(self, extras: Extras) -> Extras:
        """Have every image that the additions name from the registry of all images."""
        registry = self._value("airflow_image_registry")
        if not registry:
            return extras
        fields = dict(extras.fields)
        for field in ("extra_containers", "extra_init_containers"):
            fields[field] = [
                {**container, "image": from_registry(container.get("image", ""), registry)}
                for container in extras.entries(field)
            ]
        if "image" in fields:
            fields["image"] = from_registry(fields["image"], registry)
        return Extras(extras.role, fields, extras.group)
