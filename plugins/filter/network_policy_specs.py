# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``network_policy_specs``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: network_policy_specs
short_description: Make NetworkPolicies of a table of who may reach whom
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Returns for each component of a release what a NetworkPolicy has to let through, in both directions, so that
    exactly the flows of a table are possible.
options:
  _input:
    description:
      - Rows that let each of C(from) reach each of C(to) at the TCP ports C(ports).
      - Names are components, which are chosen by the label C(airflow.kubernetes/<name>), or parties.
    type: list
    elements: dict
    required: true
  selector:
    description: The labels of all pods of the release.
    type: dict
    required: true
  components:
    description: The components that there are. Others have no part in a row.
    type: list
    elements: str
    required: true
  parties:
    description:
      - What the name of somebody outside of the release stands for.
      - A list of rules of a NetworkPolicy, or of addresses, C(host:port) or the URL of a git repository. Where
        components differ in that, a dictionary of such lists by component.
    type: dict
    required: true
  ingress:
    description: Further rules by component.
    type: dict
    required: true
  egress:
    description: Further rules by component.
    type: dict
    required: true
  closed:
    description: Rows of which nothing is let through, whatever the table says.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
specs: >-
  {{ [{'from': ['worker'], 'to': ['redis'], 'ports': [6379]}] | airflow.kubernetes.network_policy_specs(
  {'airflow.kubernetes/release': 'airflow'}, ['worker', 'redis'], {}, {}, {}) }}
"""

RETURN = r"""
_value:
  description: The C(spec) of a NetworkPolicy for each component, by its name.
  type: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.network import flows as network_flows


def network_policy_specs(flows: list[dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    try:
        return network_flows.policy_specs(flows, *arguments)
    except Failure as failure:
        raise AnsibleFilterError(failure.message) from failure


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"network_policy_specs": network_policy_specs}
