#!/usr/bin/python
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: preflight
short_description: Refuse bad input before anything is changed
version_added: 0.1.0
description:
  - Checks names, versions, options and misspelt variables, then that the cluster answers, allows what a deploy does,
    has the wanted storage classes, does not run a newer release, and that the user's own Secrets hold the wanted keys.
  - Then a temporary probe pod connects to external databases and brokers.
  - Of the volumes for DAGs and logs it checks that what they need is set, that an existing claim is there, that every
    node that may run a pod can mount them, and that a claim which is there already can become what is wanted.
  - All problems are reported together, each with its variable and what to write instead.
options:
  release:
    description: Name of the release.
    type: raw
    required: true
  namespace:
    description: Namespace of the release.
    type: raw
    required: true
  create_namespace:
    description: Whether the deploy creates the namespace.
    type: bool
    default: true
  version:
    description: Version of Airflow to deploy, as text.
    type: raw
    required: true
  operation:
    description:
      - What changes the version. V(deploy) refuses another version than the running one, unless pods of both may run
        side by side. V(upgrade) takes a newer one, V(rollback) an older one, V(restore) any.
    type: str
    choices: [deploy, upgrade, rollback, restore]
    default: deploy
  image:
    description: The image of Airflow, whose tag must not begin with another version.
    type: str
    default: ""
  config:
    description: Airflow's options, as in the variable C(airflow_config).
    type: dict
    default: {}
  worker_groups:
    description: The worker groups, as in the variable C(workers_groups).
    type: list
    elements: dict
    default: []
  worker_replicas:
    description: Number of pods of groups that do not say it.
    type: raw
    default: 1
  worker_overrides:
    description: What is merged into the StatefulSets of all groups.
    type: dict
    default: {}
  dag_bundles:
    description: The git repositories that hold DAGs, as in the variable C(airflow_dag_bundles).
    type: list
    elements: dict
    default: []
  executors:
    description: What runs tasks, as in the variable C(airflow_executors).
    type: list
    elements: str
    default: [celery]
  packages:
    description:
      - Packages that the image has to have for what variables ask for. The image is looked into, from a pod in the
        cluster, when the release does not have that yet, or another version of Airflow; not in check mode.
    type: list
    elements: dict
    default: []
    suboptions:
      package:
        description: Name of the package of Python.
        type: str
        required: true
      variable:
        description: The variable for which it has to be there.
        type: str
        required: true
      option:
        description: The option of Airflow, as an environment variable, that takes the package.
        type: str
        required: true
      value:
        description: Its value.
        type: str
        required: true
  storage_classes:
    description: Wanted storage classes, by the variable that names each. Empty ones are left out.
    type: dict
    default: {}
  volumes:
    description: The volumes for DAGs and logs, as the variables C(airflow_dags_*) and C(airflow_logs_*) have them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: V(dags) or V(logs); the variables in messages start with C(airflow_) and this.
        type: str
        required: true
      type:
        description: Where they lie.
        type: str
        choices: [claim, existing_claim, nfs, host_path, none]
        default: claim
      size:
        description: Size of the volume.
        type: str
        default: 1Gi
      storage_class:
        description: Storage class of a new claim. Empty means the default class of the cluster.
        type: str
        default: ""
      access_mode:
        description: Access mode of a new claim.
        type: str
        default: ReadWriteMany
      existing_claim:
        description: Name of a claim that is there already.
        type: str
        default: ""
      sub_path:
        description: Folder of the volume.
        type: str
        default: ""
      nfs_server:
        description: Host name or address of an NFS server.
        type: str
        default: ""
      nfs_path:
        description: Folder that it exports.
        type: str
        default: ""
      nfs_mount_options:
        description: Mount options.
        type: list
        elements: str
        default: []
      host_path:
        description: Folder of a node.
        type: str
        default: ""
  log_retention:
    description: The limits of the log retention, by the variable that sets each.
    type: dict
    default: {}
  node_selector:
    description: Node selector of the release's pods, to count the nodes that may mount a volume.
    type: dict
    default: {}
  tolerations:
    description: Their tolerations.
    type: list
    elements: dict
    default: []
  affinity:
    description: Their affinity. With one, what depends on the number of nodes is only warned of.
    type: dict
    default: {}
  secrets:
    description: The Secrets of the release, as for M(airflow.kubernetes.secret). They are only read.
    type: list
    elements: dict
    default: []
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
            description: The value, if the user gives one.
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
            description: A template of the values of other keys.
            type: str
          quote:
            description:
              - How the values in O(secrets[].keys[].derive) are written, so that any password fits - percent-encoded
                for a URL, as a string of JSON with its quotes, or as they are.
            type: str
            choices: [json, none, url]
            default: url
          variable:
            description: The variable that the value comes from.
            type: str
          keep:
            description: Refuse a given value that differs from the existing one.
            type: bool
            default: false
          optional:
            description: Read the key where it is there, and never make it.
            type: bool
            default: false
          migrate_from:
            description: Name of the Secret that used to hold the key.
            type: str
          checksum:
            description: Return a checksum of this key alone, for pods that read no other of the Secret.
            type: bool
            default: false
  certificates:
    description: Secrets and ConfigMaps that hold certificates of CAs, which pods will mount.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: Kind of the object.
        type: str
        choices: [ConfigMap, Secret]
        required: true
      name:
        description: Name of the object.
        type: str
        required: true
      key:
        description: Key of the certificate.
        type: str
        required: true
      variable:
        description: The variable that names it.
        type: str
        required: true
      file:
        description: Name of the file that it becomes in the pods.
        type: str
  kinds:
    description: Kinds of objects that something else than Kubernetes defines.
    type: list
    elements: dict
    default: []
    suboptions:
      api_version:
        description: Group and version that define it.
        type: str
        required: true
      kind:
        description: The kind.
        type: str
        required: true
      variable:
        description: The variable that takes it.
        type: str
        required: true
  native_sidecars:
    description: Variables that are set and take native sidecars, which Kubernetes has from 1.29 on.
    type: list
    elements: str
    default: []
  services:
    description:
      - Databases, brokers and object stores of logs that are not the release's own. Each that is new to the release, or
        to its version of Airflow, is tried from a pod in the cluster; not in check mode.
    type: list
    elements: dict
    default: []
    suboptions:
      what:
        description: How messages call it.
        type: str
        required: true
      kind:
        description: What it is.
        type: str
        choices: [broker, database, logs, results]
        required: true
      secret:
        description: The one of O(secrets) that holds its URL, or Airflow's connection to the object store.
        type: str
        required: true
      key:
        description: Key of the URL.
        type: str
        required: true
      async_key:
        description: Key of the URL with an asynchronous driver, where there is one.
        type: str
      sentinel_key:
        description: Key of the JSON with the password of the Sentinels, where they want one.
        type: str
      settings_key:
        description: Key of what else it is to be tried again for, when it changes.
        type: str
      options:
        description:
          - Further options of the broker's transport. Of an object store its C(scheme), C(bucket) and C(prefix), and
            whether the pod C(writes) logs.
        type: dict
        default: {}
      pod:
        description: The pod in which it is tried, in place of O(probe_pod).
        type: dict
        default: {}
  probe_pod:
    description: The pod in which they are tried, but for its name. Its first container has Airflow's image.
    type: dict
    default: {}
  service_accounts:
    description: The service accounts of these pods, which are made for them if they are not there.
    type: list
    elements: dict
    default: []
  namespace_object:
    description: The namespace, which is made for the pod if it is not there, and whose labels OpenShift may set itself.
    type: dict
    default: {}
  run_as_user:
    description: The UID that pods are given; empty if they are given none. OpenShift takes none.
    type: str
    default: ""
  values:
    description:
      - What the rules of input look at beside the other options, by the name of a variable or of what several say
        together. docs/input-rules.md has the rules. What is not given is that of a release with its own database and
        Redis.
    type: dict
    default: {}
  separate_results:
    description: Refuse a result backend that logs in as Airflow's database does.
    type: bool
    default: false
  variables:
    description: Names of the variables that are set and start with a role's name. The action plugin fills it.
    type: list
    elements: str
    default: []
  known_variables:
    description: Names of the variables that the roles know. The action plugin fills it.
    type: list
    elements: str
    default: []
  computed_variables:
    description: Names of the variables that the roles compute. The action plugin fills it.
    type: list
    elements: str
    default: []
  set_variables:
    description: Names of the variables that the user has set. The action plugin fills it.
    type: list
    elements: str
    default: []
  groups:
    description: The inventory groups of the host. The action plugin fills it.
    type: list
    elements: str
    default: []
  same_release:
    description: Other hosts of the inventory that name the same release. The action plugin fills it.
    type: list
    elements: str
    default: []
  digest:
    description: A checksum of what the objects of the release depend on. The action plugin fills it.
    type: str
    default: ""
  render:
    description:
      - The directory that objects are written to instead of being applied. Only the input is checked then.
      - No cluster is asked.
    type: path
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - airflow.kubernetes.permissions_options
  - airflow.kubernetes.attributes
  - airflow.kubernetes.wait_options
  - airflow.kubernetes.attributes.check_mode_full
  - airflow.kubernetes.attributes.diff_mode_none
requirements:
  - kubernetes >= 31.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
"""

EXAMPLES = r"""
- name: Refuse bad input
  airflow.kubernetes.preflight:
    release: airflow
    namespace: airflow
    version: "3.3.2"
    storage_classes:
      airflow_dags_storage_class: efs
"""

RETURN = r"""
digest:
  description: The checksum that was given.
  returned: success
  type: str
dry_run_due:
  description: Whether the API server has not yet tried the objects of the release for this checksum.
  returned: success
  type: bool
certificates:
  description:
    - Checksums of the certificates in O(certificates) that become files, by the name of the file. Empty for one that
      may not be read.
  returned: success
  type: dict
fewer_workers:
  description: StatefulSets of workers that get fewer pods, or none, and how many these are.
  returned: success
  type: dict
sets:
  description: Names of the apply sets of the release that hold objects.
  returned: success
  type: list
  elements: str
version:
  description: The version of Airflow that the release runs; none before its first deploy.
  returned: success
  type: str
"""

from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import run_as_module
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.preflight import OPTIONS, run


def main() -> None:
    run_as_module(run, OPTIONS)


if __name__ == "__main__":
    main()
