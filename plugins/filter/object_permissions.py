# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``object_permissions``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: object_permissions
short_description: Tell which permissions objects take
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Returns the permissions to apply and delete objects, as the modules of this collection take them, one for each kind.
  - The name of a kind's resource is its English plural, as in Kubernetes itself.
options:
  _input:
    description: The objects, as the Kubernetes API reference describes them.
    type: list
    elements: dict
    required: true
  namespace:
    description: The namespace of the release, which a permission does not name.
    type: str
    required: true
  verbs:
    description: The verbs.
    type: list
    elements: str
    default: [get, create, patch, delete]
  data:
    description: Whether what holds data or secrets is deleted, too.
    type: bool
    default: false
"""

EXAMPLES = r"""
# => [{"group": "batch", "resources": ["cronjobs"], "verbs": ["get", "create", "patch", "delete"]}]
permissions: "{{ [{'apiVersion': 'batch/v1', 'kind': 'CronJob', 'metadata': {'name': 'report'}}]
  | airflow.kubernetes.object_permissions(namespace='airflow') }}"
"""

RETURN = r"""
_value:
  description: The permissions.
  type: list
  elements: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.permissions import permissions_for

_VERBS = ("get", "create", "patch", "delete")


def object_permissions(
    objects: Iterable[Mapping[str, Any]], namespace: str, verbs: Iterable[str] = _VERBS, data: bool = False
) -> list[dict[str, Any]]:
    return permissions_for(objects, namespace, list(verbs), data)


class FilterModule:
    def filters(self) -> dict[str, object]:
        return {"object_permissions": object_permissions}
