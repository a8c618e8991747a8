# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``pod_template_file``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pod_template_file
short_description: Write a pod as the template file from which Airflow creates task pods
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Returns a pod as text in YAML, with text where the Kubernetes API wants text, and each environment variable once.
  - Where a container has a proxy, nothing of the release is reached through it, as in all pods of the release.
options:
  _input:
    description: The pod, as an object of the Kubernetes API.
    type: dict
    required: true
  release:
    description: Name of the release.
    type: str
    required: true
  namespace:
    description: Namespace of the release.
    type: str
    required: true
"""

EXAMPLES = r"""
data:
  pod_template.yaml: "{{ my_pod | airflow.kubernetes.pod_template_file('airflow', 'airflow') }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

from typing import Any

from ansible.module_utils.common.yaml import yaml_dump

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.proxy_exemption import exempt_in_pod
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.text_fields import text_fields


def pod_template_file(pod: dict[str, Any], release: str, namespace: str) -> str:
    # It makes a copy. To copy what Ansible evaluates lazily would copy all variables with it.
    manifest = text_fields(pod)
    exempt_in_pod(manifest["spec"], release, namespace)
    return str(yaml_dump(manifest, sort_keys=False, width=120))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"pod_template_file": pod_template_file}
