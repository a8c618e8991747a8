# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """How Airflow is asked for its health."""

    DOCUMENTATION = r"""
options:
  health:
    description: How to ask Airflow for its health. Without it, only the objects in the cluster are looked at.
    type: dict
    suboptions:
      service:
        description: Service of Airflow's API server. It is asked through the cluster's service proxy.
        type: str
        required: true
      port:
        description: Port of the service, which is the containers' too.
        type: int
        default: 8080
      path:
        description: Path of the health page, with the base path of Airflow's URL if it has one.
        type: str
        default: /api/v2/monitor/health
      scheme:
        description: Whether the service speaks TLS.
        type: str
        choices: [http, https]
        default: http
      workload:
        description:
          - Deployment or StatefulSet whose pods serve it; Airflow is first asked when its pods are ready.
          - Its default is the name of the service.
        type: str
      components:
        description: The components that have to be healthy besides the database.
        type: list
        elements: str
        choices: [scheduler, dag_processor, triggerer]
        default: [scheduler, dag_processor, triggerer]
      grace:
        description:
          - Seconds that a component may be unhealthy although the pods of all components are ready.
          - A component that has given a heartbeat lately is waited for longer.
        type: int
        default: 30
      exec:
        description:
          - Where to ask if the user may not use the service's proxy; a command is then run in a pod.
        type: dict
        suboptions:
          label_selector:
            description: Labels of the pods. Its default is the selector of the service.
            type: str
          container:
            description: Container with Python in it. Its default is the pod's first.
            type: str
"""
