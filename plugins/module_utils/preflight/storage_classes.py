# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which storage classes make volumes that only one node can mount, and what to set then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..core.errors import ApiFailure
from ..core.objects import labels, name
from ..kube.client import Client, Manifest
from .shared_volume import MANY, SharedVolume

#: Provisioners of disks that one node at a time can mount: a claim with ReadWriteMany is never bound, or not mounted.
ONE_NODE_DISKS = frozenset(
    {
        "block.csi.vultr.com",
        "blockvolume.csi.oraclecloud.com",
        "cinder.csi.openstack.org",
        "csi.hetzner.cloud",
        "csi.scaleway.com",
        "disk.csi.azure.com",
        "diskplugin.csi.alibabacloud.com",
        "dobs.csi.digitalocean.com",
        "ebs.csi.aws.com",
        "ebs.csi.eks.amazonaws.com",
        "kubernetes.io/aws-ebs",
        "kubernetes.io/azure-disk",
        "kubernetes.io/cinder",
        "kubernetes.io/gce-pd",
        "linodebs.csi.linode.com",
        "local.csi.openebs.io",
        "openebs.io/local",
        "pd.csi.storage.gke.io",
        "topolvm.io",
        "vpc.block.csi.ibm.io",
    }
)

#: Provisioners of folders of a node, who bind a claim whatever its access mode: with one node, all pods can mount it.
NODE_FOLDERS = frozenset(
    {
        "docker.io/hostpath",
        "hostpath.csi.k8s.io",
        "k8s.io/minikube-hostpath",
        "microk8s.io/hostpath",
    }
)

#: Of kind, k3s and others: folders of a node, which are bound with ReadWriteMany only where it was set up to share.
LOCAL_PATH = "rancher.io/local-path"
#: Where its configuration lies: upstream and in kind, in k3s.
LOCAL_PATH_NAMESPACES = ("local-path-storage", "kube-system")
LOCAL_PATH_CONFIG = "local-path-config"

#: Annotation of the class that a claim gets which names none.
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_SHARING = "a class that can share (NFS, EFS, Filestore, Azure Files, CephFS)"


def check_classes(
    volumes: Iterable[SharedVolume],
    classes: Sequence[Manifest],
    nodes: Callable[[], Sequence[Manifest] | None],
    is_shared: Callable[[str], bool],
) -> list[str]:
    """Refuse to share claims that are yet to be made by what makes volumes of one node; a message for each class.

    :param nodes: returns those that may take pods, two are enough to know; ``None`` where they may not be listed.
    :param is_shared: tells whether a class of the local path provisioner shares, or may.
    """
    refused: dict[str, list[SharedVolume]] = {}
    for volume in volumes:
        chosen = next((item for item in classes if _is_chosen(item, volume.storage_class)), None)
        if volume.access_mode in MANY and chosen and _is_of_one_node(chosen, nodes, is_shared):
            refused.setdefault(name(chosen), []).append(volume)
    by_name = {name(item): item for item in classes}
    return [_message(by_name[called], group, nodes()) for called, group in refused.items()]


def _is_chosen(storage_class: Manifest, wanted: str) -> bool:
    if wanted:
        return name(storage_class) == wanted
    return (storage_class["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"


def _is_of_one_node(
    storage_class: Manifest, nodes: Callable[[], Sequence[Manifest] | None], is_shared: Callable[[str], bool]
) -> bool:
    provisioner = storage_class.get("provisioner")
    if provisioner == LOCAL_PATH:
        return not is_shared(name(storage_class))
    if provisioner in NODE_FOLDERS:
        return len(nodes() or ()) > 1
    return provisioner in ONE_NODE_DISKS


def _message(storage_class: Manifest, volumes: Sequence[SharedVolume], nodes: Sequence[Manifest] | None) -> str:
    modes = " and ".join(f"{volume.variable}_access_mode" for volume in volumes)
    classes = " and ".join(f"{volume.variable}_storage_class" for volume in volumes)
    default = "" if volumes[0].storage_class else "default "
    once = [f"{volume.variable}_access_mode: ReadWriteOnce" for volume in volumes]
    if nodes is not None and len(nodes) == 1:
        ways = f"All pods run on one node here, so this will do: {', '.join(once)}. Or set {classes} to {_SHARING}."
    else:
        host = labels(nodes[0]).get("kubernetes.io/hostname") or name(nodes[0]) if nodes else "<node>"
        once.append(f'airflow_node_selector: {{"kubernetes.io/hostname": "{host}"}}')
        ways = f"Set {classes} to {_SHARING}. Or keep all pods on one node: {', '.join(once)}."
    return (
        f"{modes} {'are' if len(volumes) > 1 else 'is'} {volumes[0].access_mode}, but the {default}class "
        f"{name(storage_class)} makes volumes that only one node can mount ({storage_class['provisioner']}). {ways}"
    )


class LocalPath:
    """What the local path provisioner of a cluster is set up for.

    :ivar warnings: what could not be found out.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.warnings: list[str] = []

    def may_share(self, storage_class: str) -> bool:
        """Tell whether a class of it shares its volumes; also where that cannot be read, which is a warning then."""
        for namespace in LOCAL_PATH_NAMESPACES:
            try:
                found = self._client.get("v1", "ConfigMap", LOCAL_PATH_CONFIG, namespace)
            except ApiFailure as failure:
                if failure.status != 403:
                    raise
                continue
            if found:
                return is_shared(found, storage_class)
        warning = (
            f"Whether the class {storage_class} ({LOCAL_PATH}) can share volumes could not be read in the ConfigMap "
            f"{LOCAL_PATH_CONFIG}. If a claim is never bound, set its access mode to ReadWriteOnce."
        )
        if warning not in self.warnings:
            self.warnings.append(warning)
        return True


def is_shared(config_map: Manifest, storage_class: str) -> bool:
    """Tell whether a class has a file system that nodes share.

    https://github.com/rancher/local-path-provisioner: ``sharedFileSystemPath``, for all classes or in
    ``storageClassConfigs`` for one. What cannot be read counts as shared.
    """
    try:
        config: dict[str, Any] = json.loads(config_map["data"]["config.json"])
        of_class = (config.get("storageClassConfigs") or {}).get(storage_class) or config
        return bool(of_class.get("sharedFileSystemPath"))
    except (AttributeError, KeyError, TypeError, ValueError):
        return True
