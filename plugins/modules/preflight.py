#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: preflight
short_description: Refuse bad input before anything is touched
version_added: 0.1.0
description:
  - Checks names, versions, options and misspelt variables, then that the cluster answers, allows what a deploy does,
    has the wanted storage classes, does not run a newer release, and that the user's own Secrets hold the wanted keys.
  - Every problem that is found is told, each with the variable it comes from and what to write instead.
options:
  release:
    description: Name of the release.
    type: raw
    required: true
  namespace:
    description: Namespace of the release.
    type: raw
    required: true
  create_namespace:
    description: Whether the deploy creates the namespace.
    type: bool
    default: true
  version:
    description: Version of Airflow to deploy, as text.
    type: raw
    required: true
  config:
    description: Airflow's options, as in the variable C(airflow_config).
    type: dict
    default: {}
  worker_groups:
    description: The worker groups, as in the variable C(workers_groups).
    type: list
    elements: dict
    default: []
  dag_bundles:
    description: The git repositories that hold DAGs, as in the variable C(airflow_dag_bundles).
    type: list
    elements: dict
    default: []
  storage_classes:
    description: Wanted storage classes, by the variable that names each. Empty ones are left out.
    type: dict
    default: {}
  permissions:
    description: What the deploy has to be allowed to do in the namespace.
    type: list
    elements: dict
    default: []
    suboptions:
      group:
        description: API group; empty for the core group.
        type: str
        default: ""
      resources:
        description: Resources of the group, such as V(pods) or V(pods/log).
        type: list
        elements: str
        required: true
      verbs:
        description: Verbs.
        type: list
        elements: str
        required: true
  secrets:
    description: The Secrets of the release, as for M(airflow.kubernetes.secret). They are only read.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Secret.
        type: str
        required: true
      labels:
        description: Further labels for it.
        type: dict
        default: {}
      keys:
        description: The keys it needs.
        type: list
        elements: dict
        required: true
        suboptions:
          key:
            description: Name of the key.
            type: str
            required: true
          value:
            description: The value, if the user gives one.
            type: str
          generate:
            description: What to generate where no value is given or exists.
            type: str
            choices: [fernet, password]
          length:
            description: Characters of a generated password.
            type: int
            default: 32
          derive:
            description: A template of the values of other keys.
            type: str
          quote:
            description: Percent-encode the values in O(secrets[].keys[].derive), as a URL needs them.
            type: bool
            default: true
          variable:
            description: The variable that the value comes from.
            type: str
          keep:
            description: Refuse a given value that differs from the existing one.
            type: bool
            default: false
  variables:
    description: Names of the variables that are set and start with a role's name. The action plugin fills it.
    type: list
    elements: str
    default: []
  known_variables:
    description: Names of the variables that the roles know. The action plugin fills it.
    type: list
    elements: str
    default: []
  wrong_arguments:
    description:
      - What is wrong with the types of variables that are set, a sentence for each.
      - The action looks for it by itself.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_none
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
"""

EXAMPLES = r"""
- name: Refuse bad input
  airflow.kubernetes.preflight:
    release: airflow
    namespace: airflow
    version: "3.1.0"
    storage_classes:
      airflow_dags_storage_class: efs
"""

RETURN = r"""
version:
  description: The version of Airflow that the release runs; none before its first deploy.
  returned: success
  type: str
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils._preflight import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils._task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
