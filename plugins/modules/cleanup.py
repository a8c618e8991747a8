#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cleanup
short_description: List what a release no longer uses, and remove what is named
version_added: 0.1.0
description:
  - Lists finished Jobs that no deploy needs, claims that neither a pod nor a workload mounts, the tables in which
    C(airflow db clean) has archived rows, and the largest tables of the metadata database.
  - Removes nothing that O(remove) does not name. Where something that it names is in use, nothing is removed.
options:
  remove:
    description: What to remove, each as it is listed, such as V(Job/airflow-migrations-3-1-0-0123456789). The data of
      a claim or a table is lost.
    type: list
    elements: str
    default: []
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
  - module: airflow.kubernetes.destroy
  - module: airflow.kubernetes.status
"""

EXAMPLES = r"""
- name: List what is unused
  airflow.kubernetes.cleanup:
    release: airflow
    namespace: airflow

- name: Remove a claim, and the data on its volume
  airflow.kubernetes.cleanup:
    release: airflow
    namespace: airflow
    remove: [PersistentVolumeClaim/airflow-logs]
"""

RETURN = r"""
unused:
  description: What is unused and was not removed, as C(Kind/name).
  returned: always
  type: list
  elements: str
  sample: [Table/_airflow_deleted__log__20260101000000]
removed:
  description: What was removed, as C(Kind/name).
  returned: always
  type: list
  elements: str
  sample: [Job/airflow-migrations-3-1-0-0123456789]
tables:
  description: The tables of the metadata database; empty where it could not be asked.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the table.
      type: str
    bytes:
      description: Its size with indexes.
      type: int
    rows:
      description: Number of its rows, as the database estimates it.
      type: int
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.cleanup import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
