#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: restart
short_description: Replace the pods of components one after the other
version_added: 0.1.0
description:
  - Replaces the pods of each component and waits until the new ones are ready, before it goes on with the next. The
    pods of workers come last, one at a time, each drained before.
  - The release stays held for the run's next task, such as M(airflow.kubernetes.wait).
options:
  components:
    description:
      - Components and groups of workers; V(worker) means all groups, unless one is called so.
      - Empty means all but the database, PgBouncer and Redis, which everything depends on at every moment.
    type: list
    elements: str
    default: []
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
  - module: airflow.kubernetes.wait
"""

EXAMPLES = r"""
- name: Restart the API server and the workers
  airflow.kubernetes.restart:
    release: airflow
    namespace: airflow
    components: [api-server, worker]
"""

RETURN = r"""
restarted:
  description: What was restarted, in order, as C(Kind/name).
  returned: always
  type: list
  elements: str
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
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.restart import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
