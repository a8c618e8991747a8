#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: verify_network_policies
short_description: Check whether the network policies of a release are enforced
version_added: 0.1.0
description:
  - Creates a temporary probe pod, which tries to connect to addresses that only pods of the release may reach. It must
    be refused there, and must reach the cluster's DNS.
  - Then the pod gets the label of the release, so that the release's policies apply to it, and must not reach DNS
    either.
  - Fails if a connection is allowed, as it is if the cluster's network plugin does not enforce policies.
  - Needs the permissions to list pods, to V(create), V(patch) and V(delete) them, and to V(create) and V(get)
    C(pods/exec) in the namespace.
  - With a local connection it runs in Ansible's own process, otherwise as a module on the target.
options:
  pod:
    description: The pod to try it in, but for its name. Its first container has Python and waits.
    type: dict
    required: true
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.release_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.wait_options
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_none
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
notes:
  - Nothing stays of the pod, so the module never reports a change. In check mode nothing is tried.
seealso:
  - module: airflow.kubernetes.wait
"""

EXAMPLES = r"""
- name: Prove that policies are enforced
  airflow.kubernetes.verify_network_policies:
    namespace: airflow
    release: airflow
    pod:
      apiVersion: v1
      kind: Pod
      metadata:
        namespace: airflow
      spec:
        containers:
          - name: probe
            image: docker.io/apache/airflow:3.3.2
            args: [sleep, "600"]
"""

RETURN = r"""
refused:
  description: The ports that a pod that is not of the release was kept from; empty in check mode.
  returned: success
  type: list
  elements: str
  sample: ["airflow-redis-0:6379", "airflow-worker-0:8793"]
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module
from ansible_collections.airflow.kubernetes.plugins.module_utils.network.verify import OPTIONS, run


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
