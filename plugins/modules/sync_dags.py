#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: sync_dags
short_description: Mirror a folder to the shared DAGs volume
version_added: 0.1.0
description:
  - Makes the shared DAGs volume of a release equal to a local folder. Only what differs is sent, compressed, over one
    connection to the DAG processor, the only component that may write to the volume.
  - Airflow never sees a half-written file. All files are written under names that it ignores, and renamed into
    place when all of them are there. A run that is stopped leaves only such files, which the next run removes.
  - Files are compared by content and by whether their owner may execute them; of other bits nothing is carried. On a
    file system that does not keep that bit (SMB, many of FUSE) it is left out, but check mode cannot know that.
  - Two runs for the same volume wait for each other.
  - Compiled Python (C(__pycache__), C(*.pyc)) and C(lost+found) are always left alone, on both sides.
  - Needs the permission to list pods and to V(get) and V(create) C(pods/exec) in the namespace.
  - With a local connection it runs in Ansible's own process, otherwise as a module on the target.
options:
  src:
    description:
      - The folder to mirror, on the machine where the task runs (with a local connection, the controller).
      - With a local connection, a relative path counts from the playbook's folder, or else from where Ansible was
        started.
      - Symbolic links are followed as long as they stay within the folder.
    type: path
    required: true
  path:
    description: Where the DAGs volume is mounted in the DAG processor's container. Empty means that there is none,
      which is refused.
    type: str
    default: /opt/airflow/dags
  subdir:
    description:
      - A folder below O(path) to mirror to, made if it is missing. What is outside of it stays as it is.
      - This way several teams or repositories share a volume, each with a folder.
    type: str
    default: ""
  exclude:
    description:
      - Patterns of what is not sent, and not deleted where it is.
      - A pattern without a slash is compared with the name of each file and folder, another one with the path
        relative to O(src). C(*) matches anything, slashes too.
    type: list
    elements: str
    default: [.git, __pycache__, "*.pyc", .*.sync]
  delete:
    description: Deletes from the volume what is not in O(src), and folders without files.
    type: bool
    default: true
  allow_empty:
    description: An O(src) without files deletes everything. Without this option it is an error.
    type: bool
    default: false
  timeout:
    description: Seconds to wait for a running DAG processor.
    type: int
    default: 60
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.release_options
  - airflow.kubernetes.permissions_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_full
requirements:
  - kubernetes >= 31.0
  - Python 3.9 or later in the DAG processor's container
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
seealso:
  - module: airflow.kubernetes.run_dag
"""

EXAMPLES = r"""
- name: Mirror the DAGs of this project
  airflow.kubernetes.sync_dags:
    namespace: airflow
    release: airflow
    src: dags

- name: Mirror one team's DAGs, without their tests
  airflow.kubernetes.sync_dags:
    namespace: airflow
    release: airflow
    src: ../team-a/dags
    subdir: team_a
    exclude: [.git, tests, "*.md"]
"""

RETURN = r"""
created:
  description: Paths of new files, at most 200.
  returned: success
  type: list
  elements: str
  sample: [example_parallel.py]
updated:
  description: Paths of files that had another content, at most 200.
  returned: success
  type: list
  elements: str
  sample: []
deleted:
  description: Paths of files that were only on the volume, at most 200.
  returned: success
  type: list
  elements: str
  sample: []
counts:
  description: How many files were created, updated, deleted and unchanged.
  returned: success
  type: dict
  sample: {created: 1, updated: 0, deleted: 0, unchanged: 12}
bytes:
  description: Size of the files that were sent (in check mode, that would be), before compression.
  returned: success
  type: int
  sample: 1832
seconds:
  description: How long it took.
  returned: success
  type: float
  sample: 0.41
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.sync_dags import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
