# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``config_checksum``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: config_checksum
short_description: Return a checksum of the options that a component reads
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Returns a checksum of the options of Airflow that a component reads. In the annotations of its pods it rolls them
    when one of these options changes, and lets them run when an option changes that another component alone reads.
positional: _input, component
options:
  _input:
    description: Airflow's environment variables.
    type: dict
    required: true
  component:
    description: The component.
    type: str
    choices: [api-server, dag-processor, flower, scheduler, triggerer, worker]
    required: true
"""

EXAMPLES = r"""
# The same, whatever the value of AIRFLOW__TRIGGERER__CAPACITY.
annotation: "{{ {'AIRFLOW__TRIGGERER__CAPACITY': '500'} | airflow.kubernetes.config_checksum('scheduler') }}"
"""

RETURN = r"""
_value:
  description: Ten characters.
  type: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.airflow.kubernetes.plugins.module_utils import _option_readers
from ansible_collections.airflow.kubernetes.plugins.module_utils._checksum import checksum


def config_checksum(config: Mapping[str, str], component: str) -> str:
    if component not in _option_readers.READERS:
        raise AnsibleFilterError(f"no component {component}; there are {', '.join(sorted(_option_readers.READERS))}")
    # What is no text is Ansible's mark of a value that is left out.
    options = {variable: value for variable, value in config.items() if isinstance(value, str)}
    return checksum(_option_readers.read_by(component, options))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"config_checksum": config_checksum}
