# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``network_policy_specs``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: network_policy_specs
short_description: Create NetworkPolicies from a table of allowed connections
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Returns for each component of a release the rules of its NetworkPolicy, in both directions, so that exactly the
    connections of a table are allowed.
options:
  _input:
    description:
      - Rows that allow connections from each of C(from) to each of C(to) at the TCP ports C(ports).
      - Names are components, which are selected by the label C(airflow.kubernetes/<name>), or parties.
    type: list
    elements: dict
    required: true
  selector:
    description: The labels of all pods of the release.
    type: dict
    required: true
  components:
    description: The components of the release. Others are left out of each row.
    type: list
    elements: str
    required: true
  parties:
    description:
      - The peers outside of the release, by their names in the table.
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
    description: Rows whose connections are denied, even if the table has them.
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
