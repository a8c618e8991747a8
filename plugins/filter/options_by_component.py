# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``options_by_component``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: options_by_component
short_description: Return the options that each component reads
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Returns the options of Airflow that each component reads. A checksum of them in the annotations of its pods rolls
    these when one of them changes, and lets them run when an option changes that another component alone reads.
options:
  _input:
    description: Airflow's environment variables.
    type: dict
    required: true
"""

EXAMPLES = r"""
# Only triggerer has the option.
options: "{{ {'AIRFLOW__TRIGGERER__CAPACITY': '500'} | airflow.kubernetes.options_by_component }}"
"""

RETURN = r"""
_value:
  description: By component, its environment variables and their values.
  type: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.option_readers import READERS, read_by


def options_by_component(config: Mapping[str, str]) -> dict[str, dict[str, str]]:
    # What is no text is Ansible's mark of a value that is left out.
    options = {variable: value for variable, value in config.items() if isinstance(value, str)}
    return {component: read_by(component, options) for component in READERS}


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"options_by_component": options_by_component}
