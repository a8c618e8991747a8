#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: status
short_description: Show the status of a release
version_added: 0.1.0
description:
  - Returns the components of a release with their pods, images, restarts and age, and the health that Airflow
    reports for them; the versions, the queues with the workers that consume them, and the address.
  - Changes nothing, and does not wait. Objects that are not ready are returned with their current step, or with the
    reason of a permanent failure.
  - With a local connection it runs in Ansible's own process and prints the status as a table; otherwise it runs as a
    module on the target and only returns it.
options:
  address:
    description: Address of Airflow's user interface. Without it, it is looked up from the Service in O(health).
    type: str
    default: ""
extends_documentation_fragment:
  - airflow.kubernetes.awaited_options
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.release_options
  - airflow.kubernetes.permissions_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_none
  - airflow.kubernetes.health_options
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
seealso:
  - module: airflow.kubernetes.wait
"""

EXAMPLES = r"""
- name: Show the status of the release
  airflow.kubernetes.status:
    release: airflow
    namespace: airflow
    health:
      service: airflow-api-server
  register: airflow_status

- name: Stop if it is not healthy
  ansible.builtin.assert:
    that: airflow_status.healthy
"""

RETURN = r"""
healthy:
  description: Whether all objects are ready, and Airflow says that it is healthy.
  returned: success
  type: bool
components:
  description: The workloads of the release.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(Deployment) or V(StatefulSet).
      type: str
    name:
      description: Its name.
      type: str
    components:
      description: The components that run in its pods.
      type: list
      elements: str
    ready:
      description: Number of pods that can be used.
      type: int
    wanted:
      description: Number of pods that there should be.
      type: int
    images:
      description: The images of its containers.
      type: list
      elements: str
    restarts:
      description: How often its containers were started again.
      type: int
    age:
      description: Seconds since its oldest pod was created.
      type: float
    verdict:
      description: V(ready), V(pending) or V(failed).
      type: str
    reason:
      description: Why it is not ready.
      type: str
    health:
      description: What Airflow says of the components in it, by component.
      type: dict
      contains:
        status:
          description: V(healthy), or what else Airflow says.
          type: str
        heartbeat:
          description: Time of the last heartbeat.
          type: str
        heartbeat_age:
          description: Seconds since then.
          type: float
queues:
  description: The queues, with the number of workers that take tasks from them and how many there should be.
  returned: success
  type: list
  elements: dict
  contains:
    queue:
      description: Name of the queue.
      type: str
    workers:
      description: Number of workers that are ready, which they are only if they are subscribed.
      type: int
    wanted:
      description: Number of workers that there should be.
      type: int
versions:
  description: The versions of Airflow and Kubernetes.
  returned: success
  type: dict
  sample:
    airflow: 3.3.2
    kubernetes: 1.34.4
address:
  description: Where the user interface is, or the command that makes it reachable.
  returned: success
  type: str
flower_address:
  description: Where Flower is, likewise. Empty if the release has none.
  returned: success
  type: str
holder:
  description: Which run is at work on the release and since when, or was when it was killed. Empty if none is.
  returned: success
  type: str
  sample: root@laptop, process 4711, since 12:03:22 UTC
stopped:
  description: Whether C(playbooks/stop.yml) has stopped all of it.
  returned: success
  type: bool
drained:
  description: Pods of workers that take no more tasks until they are replaced.
  returned: success
  type: list
  elements: str
  sample: [airflow-worker-2]
text:
  description: The status as lines for a terminal.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.status import OPTIONS, run


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
