#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: run_dag
short_description: Run a DAG and wait until it has ended
version_added: 0.1.0
description:
  - Waits until Airflow knows the DAG, unpauses it, triggers a run, and follows it to its end. With a local
    connection, a line is shown whenever one of its tasks changes its state.
  - Fails if the run does, with the names of the failed tasks, the end of their logs, and what the scheduler says of
    those that it ended itself.
  - Airflow's REST API is reached through a forwarded port of an API server's pod, as the administrator whose login
    is in the Secret C(<release>-admin). The login is never shown.
  - Needs the permission to read that Secret and the ConfigMap C(<release>-config), to list pods, and to V(get) and
    V(create) C(pods/portforward) in the namespace.
  - With a local connection it runs in Ansible's own process, otherwise as a module on the target.
options:
  dag_id:
    description: The DAG to run.
    type: str
    required: true
  conf:
    description: Parameters of the run.
    type: dict
    default: {}
  logical_date:
    description: The run's logical date, in ISO 8601 with a time zone. Without it the run has none.
    type: str
  wait_for_dag:
    description: Seconds to wait until the DAG processor has registered the DAG.
    type: int
    default: 120
  timeout:
    description: Seconds that the run may take.
    type: int
    default: 600
  logs:
    description: Returns the log of each task, too.
    type: bool
    default: false
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.release_options
  - airflow.kubernetes.permissions_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_none
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
notes:
  - Every run of this module runs the DAG, so it always reports a change. In check mode nothing is run and nothing
    asked.
seealso:
  - module: airflow.kubernetes.sync_dags
"""

EXAMPLES = r"""
- name: Run the example
  airflow.kubernetes.run_dag:
    namespace: airflow
    release: airflow
    dag_id: example_parallel

- name: Run a DAG with parameters and look for a line in a task's log
  airflow.kubernetes.run_dag:
    namespace: airflow
    release: airflow
    dag_id: example_parallel
    conf:
      numbers: [2, 3]
    timeout: 120
    logs: true
  register: run
  failed_when: "'sum of the squares is 13' not in (run.task_instances | map(attribute='log') | join)"
"""

RETURN = r"""
dag_id:
  description: The DAG.
  returned: always
  type: str
  sample: example_parallel
run_id:
  description: The run's id; empty in check mode.
  returned: always
  type: str
  sample: manual__2026-01-31T12:00:00.123456+00:00
state:
  description: The run's last state.
  returned: always
  type: str
  sample: success
seconds:
  description: How long everything took, the wait for the DAG to be registered included.
  returned: always
  type: float
  sample: 14.2
task_instances:
  description: The run's tasks in the order in which they started.
  returned: always
  type: list
  elements: dict
  contains:
    task_id:
      description: The task.
      type: str
    map_index:
      description: Number of the instance of a mapped task, V(-1) for another task.
      type: int
    state:
      description: Its last state.
      type: str
    states:
      description: All states that it was seen in, in order.
      type: list
      elements: str
    hostname:
      description: Where its last try ran, the worker's pod.
      type: str
    try_number:
      description: Number of its last try, from 1.
      type: int
    duration:
      description: Seconds that its last try took.
      type: float
    operator:
      description: The class of the task.
      type: str
    queue:
      description: The queue that it was sent to.
      type: str
    log:
      description: The log of its last try.
      type: str
      returned: with O(logs=true)
  sample:
    - task_id: square
      map_index: 0
      state: success
      states: [queued, running, success]
      hostname: airflow-worker-0
      try_number: 1
      duration: 0.3
      operator: _PythonDecoratedOperator
      queue: default
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.run_dag import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
