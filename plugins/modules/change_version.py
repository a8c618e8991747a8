#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: change_version
short_description: Take a release to another version of Airflow
version_added: 0.1.0
description:
  - Does one step of an upgrade or a rollback. The roles of a deploy apply the objects between the steps;
    C(playbooks/upgrade.yml) and C(playbooks/rollback.yml) do all of it.
  - What is under way is kept in the ConfigMap C(<release>-upgrade). A phase that is over is not done again, so a run
    that was interrupted is taken up by the next one.
options:
  operation:
    description: Where to.
    type: str
    required: true
    choices: [upgrade, rollback]
  step:
    description:
      - V(check) looks at the image, the DAGs and the database, and changes nothing.
      - V(stop) stops what cannot run while the schema changes, and waits for tasks where that is wanted or needed.
      - V(downgrade) waits for the Job that brings the schema back, V(migrate) for the migration.
      - V(retire) stops the pod of a master that has an older API server. V(exchange) waits until API servers of the
        version answer, and no others.
      - V(end) ends the record.
    type: str
    required: true
    choices: [check, stop, downgrade, migrate, retire, exchange, workers, end]
  version:
    description: The version that is wanted.
    type: str
    required: true
  image:
    description: The image that has it.
    type: str
    default: ""
  pod:
    description: The pod with that image in which to check, but for its name. Its container is C(check).
    type: dict
    default: {}
  server:
    description: The database server in the cluster, on whose volume the free space is looked at.
    type: str
    choices: [postgresql, mysql, ""]
    default: ""
  dag_errors:
    description: What to do where files with DAGs cannot be imported with the new image that can be now.
    type: str
    choices: [stop, warn]
    default: stop
  drain:
    description: Wait until no task is queued or running, also where tasks would outlast the upgrade.
    type: bool
    default: false
  drain_timeout:
    description: Seconds to wait for tasks, before the upgrade is called off.
    type: int
    default: 3600
  confirm:
    description: The releases that may be rolled back though something is lost, each as C(namespace/name).
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
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
  - module: airflow.kubernetes.preflight
  - module: airflow.kubernetes.wait
"""

EXAMPLES = r"""
- name: Stop what cannot run while the schema changes
  airflow.kubernetes.change_version:
    release: airflow
    namespace: airflow
    operation: upgrade
    step: stop
    version: "3.3.2"
"""

RETURN = r"""
due:
  description: Whether the step was due.
  returned: always
  type: bool
downgrade:
  description: Whether the schema has yet to be brought back.
  returned: always
  type: bool
source:
  description: The version before.
  returned: when the version is being changed, or was
  type: str
  sample: "3.1.0"
target:
  description: The version after.
  returned: when the version is being changed, or was
  type: str
  sample: "3.3.2"
source_image:
  description: The image before.
  returned: when the version is being changed, or was
  type: str
  sample: docker.io/apache/airflow:3.1.0
heads:
  description: The revisions of the schema that the image wants, by the table that holds the present one.
  returned: when the version is being changed, or was
  type: dict
  sample: {alembic_version: d2f4e1b3c5a7, alembic_version_fab: 02ca36b0235b}
fab:
  description: The version of the FAB provider in the image.
  returned: when the version is being changed, or was
  type: str
  sample: 3.9.0
began:
  description: When it began.
  returned: when the version is being changed, or was
  type: str
  sample: "2026-01-01T12:00:00+00:00"
warnings:
  description: What is wrong and was let pass.
  returned: by the step C(check) of an upgrade
  type: list
  elements: str
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.change_version.change_version import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
