#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: secret
short_description: Make sure that keys of Secrets exist
version_added: 0.1.0
description:
  - Generates what is missing, derives what is composed of others (connection URLs, quoted), and keeps what exists.
  - A Secret without the release's label is the user's own. It is read, checked for the wanted keys, and never written.
  - No value is ever returned or shown, only a checksum that changes when a value does.
  - With a local connection it runs in Ansible's own process, otherwise as a module on the target.
options:
  release:
    description:
      - Name of the release; the label C(airflow.kubernetes/release) with this value marks the Secrets made here.
    type: str
    required: true
  namespace:
    description: Namespace of the release.
    type: str
    required: true
  render:
    description:
      - A directory to write a text for each Secret to, in its folder C(secrets), instead of making the Secrets. The
        text tells the keys, and where each gets its value from.
      - No cluster is asked, and no value is written.
    type: path
  secrets:
    description: The Secrets.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the Secret.
        type: str
        required: true
      labels:
        description: Further labels for it.
        type: dict
        default: {}
      keys:
        description: The keys it needs.
        type: list
        elements: dict
        required: true
        suboptions:
          key:
            description: Name of the key.
            type: str
            required: true
          value:
            description: The value, if the user gives one. Empty means not given.
            type: str
          generate:
            description: What to generate where no value is given or exists.
            type: str
            choices: [fernet, password]
          length:
            description: Characters of a generated password.
            type: int
            default: 32
          derive:
            description:
              - A template with C({KEY}) for the value of another key, or C({secret-name/KEY}) for a key of another
                Secret, of this task or of somebody else's in the namespace, which is only read.
            type: str
          quote:
            description:
              - How the values in O(secrets[].keys[].derive) are written, so that any password fits - percent-encoded
                for a URL, as a string of JSON with its quotes, or as they are.
            type: str
            choices: [json, none, url]
            default: url
          variable:
            description:
              - The variable that O(secrets[].keys[].value), or the Secret in O(secrets[].keys[].derive), comes from,
                for messages.
            type: str
          keep:
            description:
              - Refuse a given value that differs from the existing one, because what was set up with the old value
                keeps it.
            type: bool
            default: false
          optional:
            description:
              - Read the key where it is there, and never make it.
            type: bool
            default: false
          migrate_from:
            description:
              - Name of the Secret of this task that used to hold the key. Its value is taken over from there, and the
                key removed.
            type: str
          checksum:
            description: Return a checksum of this key alone, for pods that read no other of the Secret.
            type: bool
            default: false
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.lock_options
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_none
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
"""

EXAMPLES = r"""
- name: Ensure a password, and a URL that holds it
  airflow.kubernetes.secret:
    release: airflow
    namespace: airflow
    secrets:
      - name: airflow-redis-password
        keys:
          - key: REDIS_PASSWORD
            generate: password
          - key: BROKER_URL
            derive: "redis://:{REDIS_PASSWORD}@airflow-redis:6379/0"
"""

RETURN = r"""
secrets:
  description: What is known of each Secret, by its name.
  returned: always
  type: dict
  contains:
    checksum:
      description: Changes when one of the values does.
      type: str
    checksums:
      description: Those of single keys, by key, where O(secrets[].keys[].checksum) asks for them.
      type: dict
    changed:
      description: Whether it was written.
      type: bool
    generated:
      description: The keys whose values were generated in this run.
      type: list
      elements: str
    managed:
      description: Whether it is the collection's; V(false) for the user's own.
      type: bool
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module
from ansible_collections.airflow.kubernetes.plugins.module_utils.secrets.secret import OPTIONS, run


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
