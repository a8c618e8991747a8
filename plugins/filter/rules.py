# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``rules``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rules
short_description: Turn permissions into the rules of a Role
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Turns permissions, as the modules of this collection take them, into the fewest rules of a Role or ClusterRole that
    give them.
options:
  _input:
    description: The permissions; the same may be among them more than once.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
# => [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
rules: "{{ [{'resources': ['pods'], 'verbs': ['list', 'get']}] | airflow.kubernetes.rules }}"
"""

RETURN = r"""
_value:
  description: The rules.
  type: list
  elements: dict
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.permissions import rules_of


class FilterModule:
    def filters(self) -> dict[str, object]:
        return {"rules": rules_of}
