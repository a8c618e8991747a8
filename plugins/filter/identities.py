# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``identities``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: identities
short_description: Return what pods and service accounts have of identities in a cloud
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Returns for the pods of each role and each worker group a projected token, the environment by which the SDKs of a
    cloud find it, and a service account, and the annotations of these service accounts.
options:
  _input:
    description:
      - The roles in the cloud, by the roles of this collection whose containers have an identity.
    type: dict
    required: true
  release:
    description: Name of the release, and of the service account that pods have which need none of their own.
    type: str
    required: true
  shared:
    description: The role in the cloud of that service account.
    type: str
    required: true
  groups:
    description: The worker groups.
    type: list
    elements: dict
    required: true
  accounts:
    description: The service accounts that pods have for another reason, by the roles that make these pods.
    type: dict
    default: {}
  kind:
    description: Kind of the identity.
    type: str
    choices: [irsa, eks_pod_identity, gke, azure]
    required: true
  region:
    description: Region of AWS.
    type: str
    default: ""
  tenant:
    description: Tenant of Azure.
    type: str
    default: ""
  audience:
    description: Audience of the tokens, if it is not the cloud's own.
    type: str
    default: ""
  expiration:
    description: Lifetime of a token, in seconds.
    type: int
    default: 3600
  annotate:
    description: Whether service accounts get the annotations that a cloud's webhook reads.
    type: bool
    default: false
"""

EXAMPLES = r"""
made: "{{ {'api_server': '', 'workers': ''} | airflow.kubernetes.identities('airflow', '', workers_groups,
  kind='gke') }}"
"""

RETURN = r"""
_value:
  description:
    - C(pods) and C(groups), whose values are additions to pods as the lookup P(airflow.kubernetes.pod_extras#lookup)
      makes them; C(accounts), the annotations of each service account; and C(components) that have an identity.
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.identity import Identity
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.identity import identities as _identities


def identities(
    roles: Mapping[str, str],
    release: str,
    shared: str,
    groups: Sequence[Mapping[str, Any]],
    accounts: Mapping[str, str] | None = None,
    **options: Any,
) -> dict[str, Any]:
    # What is no text is Ansible's mark of a value that is left out.
    named = {role: name for role, name in roles.items() if isinstance(name, str)}
    return _identities(Identity(**options), release, named, groups, shared, accounts or {})


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"identities": identities}
