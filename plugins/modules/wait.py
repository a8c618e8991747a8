#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: wait
short_description: Wait until a release is healthy, or report why it cannot become healthy
version_added: 0.1.0
description:
  - Watches the Deployments, StatefulSets, Jobs and claims of a release, and asks Airflow for its own health, until all
    are done.
  - Fails within seconds after a failure is permanent, with the reason, the place, the end of the log and the next step.
    Root causes are reported first.
  - Fails for an image that cannot be pulled, a container that crashes again and again, never gets ready, or cannot use
    its broker, a Job that has failed, a claim that no volume can be made for, a pod that no node takes or whose node
    does not answer, and a pod that quota, Pod Security, a LimitRange or an admission webhook refuses.
  - Where the user may list nodes and all pods, the message about an unschedulable pod says how much is
    short, and on which node.
  - Slow progress, such as an image pull, is waited for, and reported with its current step. So is a container that
    crashed because a database or broker of the release was not ready, until it is started after that is ready.
  - What Kubernetes retries by itself is waited for until it has retried, as O(retry_grace), O(restart_grace) and
    O(unschedulable_grace) say.
  - With O(awaited), a Route counts too, from when a router has admitted it. One that a router refuses is a failure; one
    of which no router says anything within 30 s is reported, and waited for no longer.
    An ExternalSecret counts from when its Secret has been made.
  - Where all is ready already, it costs four lists and one question for Airflow's health, and nothing is watched.
  - With a local connection it runs in Ansible's own process and prints a line whenever an object changes its state;
    otherwise it runs as a module on the target and only returns the lines.
options:
  restart_stuck:
    description:
      - Gives what was stuck before this run another try at once, instead of after a back-off of minutes, or never.
      - Deletes pods that were already waiting in C(CrashLoopBackOff) or C(ImagePullBackOff), and broken pods of an
        earlier revision of a StatefulSet, for which Kubernetes waits forever; touches the owners of pods whose creation
        was refused.
      - With it, the wait holds the release, as every task that changes something does.
      - Each of them once. Running containers are never touched.
    type: bool
    default: false
  unlock:
    description:
      - When all is ready, let the next run have the release. For the last task of a run that changes it.
      - Without it, a run holds the release until it ends.
    type: bool
    default: false
  only:
    description: Waits for these objects only, each as C(Kind/name). They have to exist.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - airflow.kubernetes.awaited_options
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.release_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.lock_options
  - airflow.kubernetes.attributes.diff_mode_none
  - airflow.kubernetes.health_options
  - airflow.kubernetes.wait_options
attributes:
  check_mode:
    description: Can run in check mode and predict changes without making them.
    support: full
    details: Waits for nothing and does not fail for what is not ready, but returns the verdicts as they are.
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
seealso:
  - module: airflow.kubernetes.apply
  - module: airflow.kubernetes.status
"""

EXAMPLES = r"""
- name: Wait until the release is healthy
  airflow.kubernetes.wait:
    release: airflow
    namespace: airflow
    health:
      service: airflow-api-server

- name: Wait for the database alone
  airflow.kubernetes.wait:
    release: airflow
    namespace: airflow
    only:
      - StatefulSet/airflow-postgresql
    timeout: 120
"""

RETURN = r"""
objects:
  description: The verdict on each object, and on each part of Airflow's health (kind V(Health)).
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
    verdict:
      description: V(ready), V(pending) or V(failed).
      type: str
    reason:
      description: What was seen; for V(pending), what the object does now.
      type: str
    seconds:
      description: Seconds from the start until the object came to this verdict.
      type: float
    place:
      description: Pod and container of the failure. Only with V(failed).
      type: str
    advice:
      description: The next step. Only with V(failed).
      type: str
    log:
      description: The last lines of the log that tells more, with passwords masked. Only with V(failed).
      type: list
      elements: str
  sample:
    - kind: Deployment
      name: airflow-scheduler
      verdict: ready
      reason: ""
      seconds: 21.4
health:
  description: What Airflow last said of itself, by part (metadatabase, scheduler, dag_processor, triggerer).
  returned: always
  type: dict
  sample:
    metadatabase:
      status: healthy
    scheduler:
      status: healthy
      latest_scheduler_heartbeat: "2026-01-01T00:00:00+00:00"
restarted:
  description: What got another try because of O(restart_stuck), each as V(Kind/name).
  returned: always
  type: list
  elements: str
seconds:
  description: Seconds that were waited.
  returned: always
  type: float
log:
  description: The lines that were printed while waiting.
  returned: always
  type: list
  elements: str
  sample:
    - "  12.4 s  Deployment/airflow-scheduler  pending: init container wait-for-schema runs"
    - "  21.0 s  StatefulSet/airflow-worker  ready"
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.wait import OPTIONS, run


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
