#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: diagnose
short_description: Collect a support bundle of a release
version_added: 0.1.0
description:
  - Writes a folder or an archive with the objects of a release, their events, the logs of their present and previous
    containers, versions, packages and options of Airflow, facts of the cluster, and the verdicts on each object.
  - No secret is in it. The values of Secrets are replaced wherever they occur (also encoded for a URL or in base64),
    and so are those of options and variables whose name says that they are secret, and what looks like a password or
    token in a text.
  - Changes nothing in the cluster. What it may not read, or what does not answer, is named in C(problems.md) and left
    out; only a cluster that does not answer at all, and a directory that cannot be written to, are failures.
  - The facts of Airflow come from a program that runs for a moment in one of its containers, which takes the permission
    to V(get) and V(create) C(pods/exec). It does not import Airflow.
  - Of each log the last 1000 lines are read, at most 512 KiB, and fewer of each where there are more than 20 logs. No
    more than 150 are read, those of pods that are not ready first.
  - In check mode nothing is written.
  - With a local connection it runs in Ansible's own process, otherwise as a module on the target, and writes there.
options:
  directory:
    description:
      - Where to write. It is made, for the user alone, if it does not exist.
      - A relative path counts from where Ansible was started.
    type: path
    default: diagnosis
  name:
    description: The name of the folder or archive starts with it, and ends with the time. Its default is O(release).
    type: str
  archive:
    description: Write a C(.tar.gz) instead of a folder.
    type: bool
    default: false
  failure:
    description:
      - Message of the failure that is diagnosed. It is written down too, and RV(summary) leaves out what is in a
        message of M(airflow.kubernetes.wait).
    type: str
    default: ""
extends_documentation_fragment:
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
  - module: airflow.kubernetes.status
  - module: airflow.kubernetes.wait
"""

EXAMPLES = r"""
- name: Write an archive to send
  airflow.kubernetes.diagnose:
    release: airflow
    namespace: airflow
    health:
      service: airflow-api-server
    archive: true
  register: airflow_diagnosis

- name: Show the summary
  ansible.builtin.debug:
    msg: "{{ airflow_diagnosis.summary }}"
"""

RETURN = r"""
path:
  description: The folder or archive; empty in check mode.
  returned: success
  type: str
  sample: /home/me/diagnosis/production-20260214T093012Z
healthy:
  description: Whether all objects are ready, and Airflow says that it is healthy.
  returned: success
  type: bool
verdicts:
  description: What is said of each workload, Job and claim, causes first.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the object.
      type: str
    name:
      description: Its name.
      type: str
    verdict:
      description: V(ready), V(pending) or V(failed).
      type: str
    reason:
      description: What was seen.
      type: str
    place:
      description: The pod and container it was seen at, if it is narrower than the object.
      type: str
    advice:
      description: The next step.
      type: str
summary:
  description: The verdicts on what is not ready, the ends of the logs that tell why, the last warnings, the versions.
  returned: success
  type: list
  elements: str
problems:
  description: What could not be found out, and why.
  returned: success
  type: list
  elements: str
seconds:
  description: How long it took.
  returned: success
  type: float
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.diagnosis.diagnose import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
