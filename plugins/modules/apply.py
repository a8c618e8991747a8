#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: apply
short_description: Apply a set of Kubernetes objects, whole
version_added: 0.1.0
description:
  - Server-side applies all the objects of an apply set in one task, concurrently where order does not matter and
    in waves where it does (namespace; then accounts, configuration, secrets, claims, policies; then workloads).
  - An object that the API server says this collection has applied as it is, and that nobody has changed, is only read.
  - What has left the set since the last run is deleted, except what holds data or secrets (namespaces, volumes, claims,
    Secrets, custom resource definitions), which is kept and reported.
  - Holds the release from its first change on, so that two runs never change it at once.
  - A Job that has failed is deleted and created again, because Kubernetes never runs it again.
  - With a local connection it runs in Ansible's own process, otherwise as a module on the target.
options:
  release:
    description: Name of the release; becomes the label C(airflow.kubernetes/release) of every object.
    type: str
    required: true
  set:
    description:
      - Name of the apply set within the release, normally a role's name; becomes the label C(airflow.kubernetes/set).
    type: str
    required: true
  replaces:
    description: Sets whose place this one takes. They are deleted after it was applied, as with O(state=absent).
    type: list
    elements: str
    default: []
  namespace:
    description: Namespace of the release, and of every object that lives in one and does not name another.
    type: str
    required: true
  objects:
    description: The objects, as the Kubernetes API reference describes them. Empty ones are left out.
    type: list
    elements: dict
    required: true
  state:
    description:
      - V(present) applies the objects and deletes what has left the set.
      - V(absent) deletes the set, except what holds data or secrets.
    type: str
    choices: [present, absent]
    default: present
  force_conflicts:
    description: Take over fields that somebody else manages, instead of failing with their name.
    type: bool
    default: false
  render:
    description:
      - A directory to write the objects to, as YAML files in a folder named after the set, instead of applying them.
      - No cluster is asked.
    type: path
  render_ordering:
    description:
      - The GitOps tool for which O(render) writes the objects, so that it applies them in the order of a deploy.
      - V(argocd) adds sync waves, and sync options to what holds data.
      - V(flux) writes a folder for each wave, and in the folder C(flux) a Kustomization for each, which depends on the
        one before.
      - V(none) is for kubectl, which needs no order.
    type: str
    choices: [none, argocd, flux]
    default: none
    version_added: 0.1.0
  render_flux:
    description: What Flux's Kustomizations are to say, with O(render_ordering=flux).
    type: dict
    version_added: 0.1.0
    suboptions:
      path:
        description:
          - Path of the release's folder in the source. If not set, it is the last two parts of O(render).
        type: str
      source_kind:
        description: Kind of the source.
        type: str
        choices: [GitRepository, OCIRepository, Bucket]
        default: GitRepository
      source_name:
        description: Name of the source, which is in the namespace of the Kustomizations.
        type: str
        default: flux-system
      namespace:
        description: Namespace of the Kustomizations.
        type: str
        default: flux-system
      interval:
        description: How often Flux compares the cluster with the source.
        type: str
        default: 10m
      timeout:
        description: How long a wave may take to become healthy, the migration of the database included.
        type: str
        default: 15m
  dry_run_digest:
    description: A checksum of the input for which M(airflow.kubernetes.dry_run) has refused nothing, to be remembered.
    type: str
    default: ""
  checksums_of:
    description:
      - Values by name, of which RV(checksums) has checksums too, for pods that read a part of a ConfigMap.
    type: dict
    default: {}
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.lock_options
  - airflow.kubernetes.attributes.check_mode_dry_run
  - airflow.kubernetes.attributes.diff_mode_full
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
seealso:
  - module: airflow.kubernetes.wait
"""

EXAMPLES = r"""
- name: Apply a ConfigMap and what reads it
  airflow.kubernetes.apply:
    release: airflow
    set: extras
    namespace: airflow
    objects:
      - apiVersion: v1
        kind: ConfigMap
        metadata:
          name: airflow-extras
        data:
          greeting: hello

- name: Delete the set again
  airflow.kubernetes.apply:
    release: airflow
    set: extras
    namespace: airflow
    objects: []
    state: absent
"""

RETURN = r"""
checksums:
  description:
    - A checksum of the content of each ConfigMap, by its name, and of each value in O(checksums_of). A pod template
      that holds it changes when the content does.
  returned: always
  type: dict
  sample:
    airflow-config: 1f2e3d4c5b
files:
  description: The files that were written.
  returned: when O(render) is set
  type: list
  elements: str
objects:
  description: What became of each object.
  returned: always
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the object.
      type: str
    name:
      description: Name of the object.
      type: str
    result:
      description: >-
        V(created), V(configured), V(replaced), V(unchanged), V(deleted), or V(kept) for what has left the set but
        holds data.
      type: str
  sample:
    - kind: ConfigMap
      name: airflow-extras
      result: created
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.apply import OPTIONS, run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
