#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: custom_resource
short_description: Write the status of a custom resource Airflow
version_added: 0.1.0
description:
  - Says what a run of the operator has to do for a resource, and writes into its status how that ends. The operator's
    playbook C(operator/reconcile.yml) runs it before and after everything else.
  - Makes an Event where a version changes, a release becomes ready, or a run fails for another reason than before.
  - With a local connection it runs in Ansible's own process; otherwise it runs as a module on the target.
options:
  name:
    description: Name of the resource, and of its release.
    type: str
    required: true
  namespace:
    description: Namespace of both.
    type: str
    required: true
  step:
    description:
      - V(begin) returns the operation that is due, and notes that it begins.
      - V(end) notes that it has succeeded, V(fail) that it has failed for the reason in O(failure).
      - V(delete) notes that the release is destroyed.
    type: str
    choices: [begin, end, fail, delete]
    required: true
  version:
    description: Version of Airflow that the resource asks for, for O(step=begin).
    type: str
    default: ""
  operation:
    description: What the run does, as O(step=begin) has returned it.
    type: str
    choices: [deploy, upgrade, rollback]
    default: deploy
  generation:
    description: Generation of the resource that the run is for, which may have changed again since.
    type: int
    required: true
  failure:
    description: Why the run has failed.
    type: str
    default: ""
  address:
    description: Address of Airflow's user interface. Without it, it is looked up from the Service in O(health).
    type: str
    default: ""
extends_documentation_fragment:
  - airflow.kubernetes.awaited_options
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_none
  - airflow.kubernetes.health_options
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
seealso:
  - module: airflow.kubernetes.status
"""

EXAMPLES = r"""
- name: Find out what is due
  airflow.kubernetes.custom_resource:
    name: production
    namespace: airflow
    generation: 3
    step: begin
    version: 3.3.2
  register: run
"""

RETURN = r"""
operation:
  description: What is due - V(deploy), V(upgrade) or V(rollback).
  returned: success
  type: str
  sample: deploy
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.custom_resource.run import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
