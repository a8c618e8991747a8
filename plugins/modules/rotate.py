#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rotate
short_description: Replace the passwords and keys of a release
version_added: 0.1.0
description:
  - Does one phase of a rotation of generated values. After each phase the release has to be deployed, which replaces
    the pods that read what has changed; C(playbooks/rotate_secrets.yml) does all of it.
  - In the phase V(accept) new values are made, and accepted beside the old ones where that can be. In the phase V(use)
    all use the new ones. Then, in the phase V(drop), connections and Variables are re-encrypted, the tasks that were
    queued with a token of the old JWT secret are waited for, and the old values are dropped. V(end) forgets them.
  - What is under way is kept in the Secret C(<release>-rotation). A phase that is over is not done again, so a rotation
    that was interrupted continues where it stopped, with the same new values.
  - No value is returned or shown.
options:
  phase:
    description: What to do.
    type: str
    required: true
    choices: [accept, use, drop, end]
  only:
    description:
      - The kinds to rotate. One that is not generated is refused.
      - Empty means all that are generated. A rotation that is under way is finished first, whatever it is of.
    type: list
    elements: str
    default: []
  task_timeout:
    description: Seconds to wait, in the phase V(drop), for tasks that use an old key to end.
    type: int
    default: 3600
  values:
    description: What can be rotated.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description: What it is.
        type: str
        required: true
        choices: [fernet, jwt, api, database, redis, admin, flower]
      secret:
        description: Name of the Secret that holds it.
        type: str
        required: true
      key:
        description: Its key there.
        type: str
        required: true
      other:
        description: Key of that Secret under which a second value is accepted.
        type: str
        default: ""
      length:
        description: Characters of a password.
        type: int
        default: 32
      server:
        description: The database server in the cluster whose password it is.
        type: str
        choices: [postgresql, mysql, ""]
        default: ""
      user_key:
        description: Key of that Secret that holds the user of the database.
        type: str
        default: ""
      given_by:
        description: The inventory variable that gives the value, which then cannot be rotated.
        type: str
        default: ""
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
  - module: airflow.kubernetes.secret
"""

EXAMPLES = r"""
- name: Have the JWT secret's successor accepted beside it
  airflow.kubernetes.rotate:
    release: airflow
    namespace: airflow
    phase: accept
    only: [jwt]
    values:
      - kind: jwt
        secret: airflow-jwt
        key: AIRFLOW__API_AUTH__JWT_SECRET
        other: OTHER_JWT_SECRET
        length: 64
"""

RETURN = r"""
phase:
  description: The phase that was asked for.
  returned: always
  type: str
kinds:
  description: What is being rotated.
  returned: always
  type: list
  elements: str
  sample: [fernet, jwt]
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module
from ansible_collections.airflow.kubernetes.plugins.module_utils.secrets.rotate import OPTIONS, run


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
