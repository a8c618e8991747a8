#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: destroy
short_description: Remove a release from its cluster
version_added: 0.1.0
description:
  - Deletes the objects of every apply set of the release and waits until its pods have ended.
  - Claims and Secrets stay unless O(data) asks for them. The namespace always stays, since others may use it.
options:
  data:
    description: Delete the claims and Secrets of the release too. What they hold is lost.
    type: bool
    default: false
  confirm:
    description:
      - The releases whose data may be deleted, each as C(namespace/name). With O(data) this release has to be among
        them.
      - Where nothing is given and Ansible runs in a terminal, it asks.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds that pods may take to end beyond the grace that they have for it, in which workers finish their tasks.
    type: int
    default: 60
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.release_options
  - airflow.kubernetes.permissions_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.lock_options
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_none
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
"""

EXAMPLES = r"""
- name: Destroy the release, keep its data
  airflow.kubernetes.destroy:
    release: airflow
    namespace: airflow

- name: Remove another one with its data
  airflow.kubernetes.destroy:
    release: airflow
    namespace: staging
    data: true
    confirm: [staging/airflow]
"""

RETURN = r"""
objects:
  description: What was deleted.
  returned: always
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the object.
      type: str
    name:
      description: Name of the object.
      type: str
    result:
      description: Always V(deleted).
      type: str
kept:
  description: Claims and Secrets of the release that are still there, as C(Kind/name).
  returned: always
  type: list
  elements: str
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.destroy import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
