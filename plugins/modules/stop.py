#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: stop
short_description: Stop a release and keep its data
version_added: 0.1.0
description:
  - Has all workloads of a release have no pods, in an order in which no task is lost. First the scheduler, so that no
    task is sent; then the workers, which are drained before; then the triggerer, the DAG processor, the API server and
    Flower; then PgBouncer, Redis and the database.
  - In the master-worker architecture the workers are drained before the master stops, whose API server they need.
  - Volumes, Secrets and all other objects stay. The next deploy starts the release, and says so.
  - Where tasks do not end in time, the module fails with their names. Workers and scheduler go on then.
options:
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
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_none
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
seealso:
  - module: airflow.kubernetes.drain
  - module: airflow.kubernetes.status
"""

EXAMPLES = r"""
- name: Stop the release
  airflow.kubernetes.stop:
    release: airflow
    namespace: airflow
"""

RETURN = r"""
stopped:
  description: What was stopped, in order, as C(Kind/name).
  returned: always
  type: list
  elements: str
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

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.stop import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
