#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dry_run
short_description: Have the API server try all objects of a release
version_added: 0.1.0
description:
  - Sends every object of all apply sets of a release to the API server as a dry run, and fails with everything that it
    refuses, so that nothing is refused when half of them have been applied. Nothing is changed.
  - An object that is there as it should be is only read.
  - In a namespace that does not exist yet, the API server tries nothing. There an object is tried as a new one of the
    namespace C(default), where the account may do that; what is refused for reasons of that namespace is no failure.
  - Refused is also an object that two sets have, that has no kind or name, or whose kind the cluster does not know.
options:
  release:
    description: Name of the release.
    type: str
    required: true
  namespace:
    description: Namespace of the release, and of every object that lives in one and does not name another.
    type: str
    required: true
  sets:
    description: The objects of each apply set, by the name of the set.
    type: dict
    required: true
  secrets:
    description: Names of the Secrets that the release makes beside its sets, which no set may have.
    type: list
    elements: str
    default: []
  variables:
    description: The variable that gives the objects of a set, by the name of the set; messages start with it.
    type: dict
    default: {}
  force_conflicts:
    description: Fields that somebody else manages are no reason to fail, because they will be taken over.
    type: bool
    default: false
  render:
    description: The directory that objects are written to instead of being applied. No cluster is asked then.
    type: path
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_none
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
seealso:
  - module: airflow.kubernetes.apply
"""

EXAMPLES = r"""
- name: Try a Service that is no part of the release yet
  airflow.kubernetes.dry_run:
    release: airflow
    namespace: airflow
    sets:
      extras:
        - apiVersion: v1
          kind: Service
          metadata:
            name: airflow-extras
          spec:
            ports:
              - port: 80
"""

RETURN = r"""
objects:
  description: The objects of which none is refused.
  returned: success
  type: list
  elements: dict
  contains:
    set:
      description: Set of the object.
      type: str
    kind:
      description: Kind of the object.
      type: str
    name:
      description: Name of the object.
      type: str
  sample:
    - set: extras
      kind: Service
      name: airflow-extras
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.dry_run import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
