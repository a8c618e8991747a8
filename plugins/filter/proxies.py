# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``proxies``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: proxies
short_description: Find the proxies in the environment of components
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Reads E(HTTP_PROXY), E(HTTPS_PROXY) and E(ALL_PROXY), in upper or lower case, and returns the
    proxies that a network policy has to allow for each component.
options:
  _input:
    description:
      - For each component, by its name, a dictionary of lists like C(env) of a container, by the names of the variables
        of the inventory that they come from. Where two name the same, the later one counts.
    type: dict
    required: true
  opened:
    description: Names of components for which the user has added egress. They are not among what is C(unread).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
# => {"rules": {"worker": [{"ports": [{"port": 3128, "protocol": "TCP"}]}]}, "wrong": [], "unread": []}
proxies: "{{ {'worker': {'airflow_environment': [{'name': 'HTTP_PROXY', 'value': 'http://proxy.example.com:3128'}]}}
  | airflow.kubernetes.proxies }}"
"""

RETURN = r"""
_value:
  description:
    - C(rules) has egress rules of a NetworkPolicy by component. C(wrong) has the C(variable) of the inventory and the
      C(name) in its environment of what is no address, and C(unread) of what only the cluster knows, with the
      C(components) that have it. No value is in them, since it may hold a password.
  type: dict
"""

from collections.abc import Iterable
from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils.network.proxies import proxies_of


def proxies(environments: dict[str, dict[str, list[dict[str, Any]]]], opened: Iterable[str] = ()) -> dict[str, Any]:
    found = proxies_of(environments)
    return {
        "rules": found.rules,
        "wrong": [{"variable": variable, "name": name} for variable, name in found.wrong],
        "unread": [
            {"variable": variable, "name": name, "components": ", ".join(components)}
            for (variable, name), components in found.closed(opened).items()
        ],
    }


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"proxies": proxies}
