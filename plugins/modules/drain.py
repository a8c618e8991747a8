#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drain
short_description: Have workers take no more tasks and finish those they have
version_added: 0.1.0
description:
  - Cancels the consumers of all queues of chosen Celery workers, by a program in their pods, and waits until the tasks
    that they have are over. What a worker has reserved and not started yet, it runs too.
  - A drained worker takes no task until its pod is replaced or its container restarts; the annotation
    C(airflow.kubernetes/drained) of its pod names the container.
  - Where tasks do not end in time, the module fails with their names, and the workers take tasks again.
  - All that is given has to fit a worker for it to be chosen; something has to be given.
options:
  groups:
    description: Groups of workers. Empty means any.
    type: list
    elements: str
    default: []
  node:
    description: The node that the workers run on. Empty means any.
    type: str
    default: ""
  pods:
    description: Pods of workers. Empty means any.
    type: list
    elements: str
    default: []
  replicas:
    description: How many pods are left of a StatefulSet, by its name; those that it would remove are chosen.
    type: dict
    default: {}
  state:
    description: V(resumed) has drained workers take tasks again.
    type: str
    choices: [drained, resumed]
    default: drained
  timeout:
    description: Seconds that the tasks may take to end.
    type: int
    default: 3600
  unlock:
    description: Give the release back, so that another run may work on it.
    type: bool
    default: false
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.permissions_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.lock_options
  - airflow.kubernetes.release_options
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_none
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
seealso:
  - module: airflow.kubernetes.restart
  - module: airflow.kubernetes.scale
"""

EXAMPLES = r"""
- name: Drain the workers of a node
  airflow.kubernetes.drain:
    release: airflow
    namespace: airflow
    node: node-3
    unlock: true
"""

RETURN = r"""
pods:
  description: The pods of workers that were drained.
  returned: always
  type: list
  elements: str
  sample: [airflow-worker-1]
tasks:
  description: The task instances that were waited for.
  returned: always
  type: list
  elements: dict
  contains:
    task:
      description: DAG and task, with the map index of a mapped one.
      type: str
    run:
      description: Run of the DAG.
      type: str
    worker:
      description: Pod of the worker that ran it.
      type: str
    since:
      description: When it was started, empty for one that the worker had not started yet.
      type: str
seconds:
  description: How long the tasks were waited for.
  returned: always
  type: float
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.drain import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
