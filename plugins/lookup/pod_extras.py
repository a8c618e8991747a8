# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lookup ``pod_extras``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pod_extras
short_description: Add to a workload what users want in its pods
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Returns the workload with the volumes, mounts, containers, environment, host aliases, annotations and labels of the
    variables C(airflow_*) and C(<role>_*) in its pods, such as C(scheduler_extra_volumes).
  - A lookup and not a filter, because it reads these variables by their names.
options:
  _terms:
    description:
      - The workload or pod, as an object of the Kubernetes API.
    required: true
  roles:
    description: The roles whose containers its pods hold.
    type: list
    elements: str
    default: []
  group:
    description: The worker group, whose additions come on top.
    type: dict
    default: {}
"""

EXAMPLES = r"""
objects:
  - "{{ lookup('airflow.kubernetes.pod_extras', scheduler_deployment, roles=['scheduler']) }}"
"""

RETURN = r"""
_raw:
  description: The workload.
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.airflow.kubernetes.plugins.module_utils._errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils._pod_extras import FIELDS, MASTER, Extras, add_extras
from ansible_collections.airflow.kubernetes.plugins.filter.from_registry import from_registry


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        known = variables or {}
        roles, group = self.get_option("roles"), self.get_option("group")
        levels = [[self._of_role("airflow", known)]]
        levels += [[self._of_role(MASTER, known)]] if MASTER in roles else []
        levels += [[self._of_role(role, known) for role in roles if role != MASTER]]
        levels += [[self._of_group(group, known)]] if group else []
        try:
            return [add_extras(workload, levels, self._container_defaults(known)) for workload in terms]
        except Failure as failure:
            raise AnsibleError(failure.message) from failure

    def _of_role(self, role: str, variables: Mapping[str, Any]) -> Extras:
        named = {field: variables.get(f"{role}_{field}") for field in FIELDS}
        # The image of all components is in their containers already.
        fields = {field: self._templar.template(value) for field, value in named.items() if value and field != "image"}
        return self._registered(Extras(role, fields), variables)

    def _of_group(self, group: Mapping[str, Any], variables: Mapping[str, Any]) -> Extras:
        fields = {field: group[field] for field in FIELDS if group.get(field)}
        return self._registered(Extras("workers", fields, group["name"]), variables)

    def _registered(self, extras: Extras, variables: Mapping[str, Any]) -> Extras:
        """Have every image that the additions name from the registry of all images."""
        registry = self._templar.template(variables.get("airflow_image_registry", ""))
        if not registry:
            return extras
        fields = dict(extras.fields)
        for field in ("extra_containers", "extra_init_containers"):
            if field in fields:
                fields[field] = [{**each, "image": from_registry(each["image"], registry)} for each in fields[field]]
        if "image" in fields:
            fields["image"] = from_registry(fields["image"], registry)
        return Extras(extras.role, fields, extras.group)

    def _container_defaults(self, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        context = self._templar.template(variables.get("airflow_container_security_context", {}))
        return {"securityContext": context} if context else {}
