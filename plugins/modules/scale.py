#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: scale
short_description: Set how many pods components of a release have until the next deploy
version_added: 0.1.0
description:
  - Sets the replicas of workloads, and waits until as many pods are ready. Workers that a smaller StatefulSet removes
    are drained before.
  - The next deploy sets the replicas of the inventory again, and says so.
options:
  replicas:
    description: The number of pods, by component or group of workers.
    type: dict
    required: true
  drain_timeout:
    description: Seconds that the tasks of a worker may take to end.
    type: int
    default: 3600
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.permissions_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.lock_options
  - airflow.kubernetes.release_options
  - airflow.kubernetes.wait_options
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_none
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
seealso:
  - module: airflow.kubernetes.drain
"""

EXAMPLES = r"""
- name: Have one worker and two API servers
  airflow.kubernetes.scale:
    release: airflow
    namespace: airflow
    replicas:
      worker: 1
      api-server: 2
"""

RETURN = r"""
workloads:
  description: What changed.
  returned: always
  type: list
  elements: dict
  contains:
    workload:
      description: The workload, as C(Kind/name).
      type: str
    before:
      description: Its replicas before.
      type: int
    after:
      description: Its replicas now.
      type: int
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

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.scale import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
