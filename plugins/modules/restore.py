#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: restore
short_description: Restore the metadata database of a release from a backup
version_added: 0.1.0
description:
  - Does one phase of a restore; C(playbooks/restore.yml) does all of it.
  - In the phase V(check) the backup is read whole, and its checksum, schema, server version and Fernet key are checked.
    A release that is there has to be confirmed. Only then its components are removed.
  - In the phase V(database) the database's own client restores the dump, in one transaction where the database can.
options:
  phase:
    description: What to do.
    type: str
    required: true
    choices: [check, database]
  backup:
    description: Name of the backup.
    type: str
    required: true
  confirm:
    description: The releases whose database may be replaced, each as C(namespace/name).
    type: list
    elements: str
    default: []
  job:
    description: The Job of the phase, without a name. Its container C(backup) prints the answer.
    type: dict
    required: true
  timeout:
    description: Seconds that the Job may take.
    type: int
    default: 3600
  fernet_key:
    description: The Fernet keys that the release will have, if they are given.
    type: str
    default: ""
  age_identity:
    description: File with an identity of age, by which the Fernet key in the backup is decrypted.
    type: path
    default: ""
  fernet_secrets:
    description: Otherwise the Secrets that hold them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Secret.
        type: str
        required: true
      key:
        description: Its key there.
        type: str
        required: true
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
  - module: airflow.kubernetes.backup
"""

EXAMPLES = r"""
- name: Check a backup, and remove the components that use the database
  airflow.kubernetes.restore:
    release: airflow
    namespace: airflow
    phase: check
    backup: airflow-20260101T120000Z
    confirm: [airflow/airflow]
    job: "{{ my_verifying_job }}"
"""

RETURN = r"""
backup:
  description: The manifest of the backup; empty in the phase V(database).
  returned: success
  type: dict
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.backups.restore import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
