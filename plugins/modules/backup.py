#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup
short_description: Make or list backups of a release's metadata database
version_added: 0.1.0
description:
  - Runs a Job in the namespace of the release, in which the database's own client dumps the database at one moment.
    The dump gets a manifest with its checksum, the schema, the versions and the names of Secrets.
  - The Job is deleted when it has ended. The release is held meanwhile, so that no deploy changes the schema.
options:
  action:
    description: What to do.
    type: str
    required: true
    choices: [create, list]
  job:
    description: The Job, without a name. Its container C(backup) prints the answer.
    type: dict
    required: true
  timeout:
    description: Seconds that the Job may take.
    type: int
    default: 3600
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
  - module: airflow.kubernetes.restore
"""

EXAMPLES = r"""
- name: List the backups
  airflow.kubernetes.backup:
    release: airflow
    namespace: airflow
    action: list
    job: "{{ my_listing_job }}"
"""

RETURN = r"""
backups:
  description: The manifests of the backups, the newest first; of C(create) the one that was made.
  returned: success
  type: list
  elements: dict
deleted:
  description: Names of the backups that were deleted by count or age.
  returned: success
  type: list
  elements: str
summary:
  description: The backups in lines, with age, size, versions and whether their Fernet key is that of the release.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.backups.backup import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
