# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``environment``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: environment
short_description: Turn Airflow options into environment variables
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Turns a dictionary of Airflow's options, written C(section__key) in any case, into the environment variables
    that Airflow reads them from, C(AIRFLOW__SECTION__KEY), with text as values.
options:
  _input:
    description: The options.
    type: dict
    required: true
"""

EXAMPLES = r"""
# => {"AIRFLOW__CORE__PARALLELISM": "64", "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
environment: "{{ {'core__parallelism': 64, 'core__load_examples': false} | airflow.kubernetes.environment }}"
"""

RETURN = r"""
_value:
  description: The environment variables and their values.
  type: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow import environment as airflow_environment
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure


def environment(config: Mapping[str, Any]) -> dict[str, str]:
    try:
        return airflow_environment.environment(config)
    except Failure as failure:
        raise AnsibleFilterError(failure.message) from failure


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"environment": environment}
