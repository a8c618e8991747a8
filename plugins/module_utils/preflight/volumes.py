# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the volumes for DAGs and logs can be what is wanted of them, before anything is touched.

The rules are pure functions of what was set and of objects of the cluster; :class:`Storage` asks for those, each kind
once, and only where a rule needs it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..core.errors import ApiFailure
from ..core.names import FIELD_MANAGER
from ..core.objects import is_true, labels, name, spec, status
from ..kube.client import Client, Manifest
from ..readiness.node_capacity import may_take
from .shared_volume import MANY, SHARING, SharedVolume, mounted_by_one, quantity
from .storage_classes import LocalPath, check_classes

OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "type": {
        "type": "str",
        "choices": ["claim", "existing_claim", "nfs", "host_path", "none"],
        "default": "claim",
    },
    "size": {"type": "str", "default": "1Gi"},
    "storage_class": {"type": "str", "default": ""},
    "access_mode": {"type": "str", "default": "ReadWriteMany"},
    "existing_claim": {"type": "str", "default": ""},
    "sub_path": {"type": "str", "default": ""},
    "nfs_server": {"type": "str", "default": ""},
    "nfs_path": {"type": "str", "default": ""},
    "nfs_mount_options": {"type": "list", "elements": "str", "default": []},
    "host_path": {"type": "str", "default": ""},
}

#: Nodes asked for at once; more than one that may take a pod is enough to know.
PAGE = 100


def check_bound(volume: SharedVolume, claim: Manifest, classes: Callable[[], list[Manifest] | None]) -> list[str]:
    """Compare the volume's own claim, as it is in the cluster, with what is wanted of it.

    A claim that was never bound has no problem: it is made anew.

    :param classes: returns the storage classes of the cluster, ``None`` where they may not be listed.
    """
    if not spec(claim).get("volumeName") or status(claim).get("phase") == "Pending":
        return []
    problems = [*_class_change(volume, claim), *_mode_change(volume, claim)]
    return problems or _size_change(volume, claim, classes)


def _class_change(volume: SharedVolume, claim: Manifest) -> list[str]:
    live = str(spec(claim).get("storageClassName") or "")
    if volume.is_static:
        return [
            f"{volume.kind}, but its claim {name(claim)} was made by the class {live}, and what a claim is bound to "
            f"cannot be changed. Set {volume.variable}_volume to claim again. To move what it holds: "
            f"{_move(volume, claim)}"
        ] * bool(live)
    if _asked_for(claim, "volumeName"):
        return [
            f"{volume.kind}, but its claim {name(claim)} was made for a folder that was there already, and what a "
            f"claim is bound to cannot be changed. Set {volume.variable}_volume to nfs or host_path again. To move "
            f"what it holds: {_move(volume, claim)}"
        ]
    # What the cluster has chosen is no part of what was asked for.
    if volume.storage_class == live or (not volume.storage_class and not _asked_for(claim, "storageClassName")):
        return []
    wanted = volume.storage_class or "empty, which is the default class"
    return [
        f"{volume.variable}_storage_class is {wanted}, but the claim {name(claim)} is of the class {live or 'none'}, "
        f"and the class of a claim cannot be changed. Set {volume.variable}_storage_class to {live} again. "
        f"To move what it holds: {_move(volume, claim)}"
    ]


def _mode_change(volume: SharedVolume, claim: Manifest) -> list[str]:
    live = list(spec(claim).get("accessModes") or ())
    wanted = "ReadWriteMany" if volume.is_static else volume.access_mode
    if live == [wanted]:
        return []
    return [
        f"{volume.variable}_access_mode is {wanted}, but the claim {name(claim)} has {', '.join(live)}, "
        f"and the access mode of a claim cannot be changed. Set {volume.variable}_access_mode to {', '.join(live)} "
        f"again. To move what it holds: {_move(volume, claim)}"
    ]


def _size_change(volume: SharedVolume, claim: Manifest, classes: Callable[[], list[Manifest] | None]) -> list[str]:
    asked = str(((spec(claim).get("resources") or {}).get("requests") or {}).get("storage") or "0")
    wanted, before = quantity(volume.size), quantity(asked)
    if wanted is None or before is None or wanted == before:
        return []
    where = f"{volume.variable}_size is {volume.size}, but the claim {name(claim)} has {asked}"
    if volume.is_static:
        return [
            f"{where}, and the size of a folder that was there already means nothing and cannot be changed. "
            f"Set {volume.variable}_size to {asked} again."
        ]
    if wanted < before:
        # A growth that is not done may be corrected, to more than the volume has.
        capacity = quantity(str((status(claim).get("capacity") or {}).get("storage") or asked))
        if capacity is not None and wanted > capacity:
            return []
        return [
            f"{where}, and a claim cannot shrink. Set {volume.variable}_size to {asked} again. "
            f"To move what it holds to a smaller one: {_move(volume, claim)}"
        ]
    live = str(spec(claim).get("storageClassName") or "")
    found = [item for item in classes() or () if name(item) == live]
    if found and not found[0].get("allowVolumeExpansion"):
        return [
            f"{where}, and its class {live} does not let a claim grow. Set {volume.variable}_size to {asked} again, or "
            f"have the class allow it: kubectl patch storageclass {live} -p '{{\"allowVolumeExpansion\": true}}', if "
            f"its provisioner {found[0].get('provisioner')} can. To move what it holds to a larger one: "
            f"{_move(volume, claim)}"
        ]
    return []


def _move(volume: SharedVolume, claim: Manifest) -> str:
    return (
        f"make a claim of another name than {name(claim)}, copy the files, and set {volume.variable}_volume to "
        f"existing_claim and {volume.variable}_existing_claim to its name."
    )


def _asked_for(claim: Manifest, field: str) -> bool:
    """Tell whether a field of a claim's spec is one that a deploy has set."""
    return any(
        entry.get("manager") == FIELD_MANAGER and f"f:{field}" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
        for entry in claim["metadata"].get("managedFields") or ()
    )


def check_nodes(volume: SharedVolume, reason: str, nodes: Sequence[Manifest]) -> list[str]:
    """Refuse what one node can mount where pods may run on more than one.

    :param reason: what :func:`mounted_by_one` has said.
    :param nodes: those that may take the release's pods; two are enough to know.
    """
    if reason.endswith("one pod can mount"):
        return [f"{reason}, and a release has several. Name one of {SHARING}."]
    if len(nodes) < 2:
        return []
    one = labels(nodes[0]).get("kubernetes.io/hostname") or name(nodes[0])
    instead = {
        "claim": f"Set {volume.variable}_access_mode to {SHARING}",
        "existing_claim": f"Name a claim that is {SHARING}",
    }.get(volume.type, f"Set {volume.variable}_volume to nfs, or to claim or existing_claim with {SHARING}")
    return [
        f"{reason}, but pods may run on several nodes ({', '.join(name(node) for node in nodes)}"
        f"{'...' if len(nodes) > 1 else ''}). {instead}; or keep all pods on one node: "
        f'airflow_node_selector: {{"kubernetes.io/hostname": "{one}"}}.'
    ]


class Storage:
    """Asks the cluster for what the rules need.

    :param placing: ``node_selector``, ``tolerations`` and ``affinity`` of the release's pods.
    :ivar warnings: what could not be checked.
    """

    def __init__(self, client: Client, namespace: str, release: str, placing: Mapping[str, Any]) -> None:
        self._client = client
        self._namespace = namespace
        self._release = release
        self._placing = placing
        self._lock = threading.Lock()
        self._classes: list[Manifest] | None = None
        self._classes_asked = False
        self._nodes: list[Manifest] | None = None
        self._nodes_asked = False
        self.warnings: list[str] = []

    def classes(self) -> list[Manifest] | None:
        """Return the storage classes, ``None`` where they may not be listed."""
        with self._lock:
            if not self._classes_asked:
                self._classes = self._allowed(
                    lambda: self._client.list("storage.k8s.io/v1", "StorageClass")["items"],
                    "Storage classes could not be checked: no permission to list storageclasses.",
                )
                self._classes_asked = True
            return self._classes

    def nodes(self) -> list[Manifest] | None:
        """Return two nodes that may take the release's pods, fewer if there are, ``None`` where nobody may list."""
        with self._lock:
            if not self._nodes_asked:
                self._nodes = self._allowed(
                    self._find_nodes,
                    "How many nodes mount the volumes could not be checked: no permission to list nodes.",
                )
                self._nodes_asked = True
            return self._nodes

    def _find_nodes(self) -> list[Manifest]:
        pod = {"spec": {"tolerations": self._placing["tolerations"]}}
        selector = ",".join(f"{key}={value}" for key, value in self._placing["node_selector"].items())
        found: list[Manifest] = []
        following: str | None = ""
        while following is not None and len(found) < 2:
            page = self._client.request(
                "get", "/api/v1/nodes", label_selector=selector or None, limit=PAGE, _continue=following or None
            )
            found += [node for node in page["items"] if is_true(node, "Ready") and may_take(node, pod)]
            following = page["metadata"].get("continue") or None
        return found[:2]

    def _allowed(self, ask: Callable[[], list[Manifest]], fallback: str) -> list[Manifest] | None:
        try:
            return ask()
        except ApiFailure as failure:
            if failure.status != 403:
                raise
            self.warnings.append(fallback)
            return None

    def check(self, volumes: Iterable[SharedVolume]) -> list[str]:
        """Return the problems of all volumes."""
        problems, unbound = [], []
        for volume in volumes:
            claim = self._claim(volume.claim(self._release))
            problems += self._check(volume, claim)
            if volume.type == "claim" and (claim is None or not spec(claim).get("volumeName")):
                unbound.append(volume)
        if any(volume.access_mode in MANY for volume in unbound):
            local_path = LocalPath(self._client)
            problems += check_classes(unbound, self.classes() or [], self.nodes, local_path.may_share)
            self.warnings += local_path.warnings
        return problems

    def _check(self, volume: SharedVolume, claim: Manifest | None) -> list[str]:
        if volume.type == "existing_claim":
            if claim is None:
                return [
                    f"{volume.variable}_existing_claim is {volume.existing_claim}, but the namespace {self._namespace} "
                    f"has no such claim. Create it, or correct the name: kubectl -n {self._namespace} get pvc"
                ]
        elif claim and (problems := check_bound(volume, claim, self.classes)):
            return problems
        return self._check_nodes(volume, claim)

    def _check_nodes(self, volume: SharedVolume, claim: Manifest | None) -> list[str]:
        reason = mounted_by_one(volume, claim)
        problems = check_nodes(volume, reason, self.nodes() or []) if reason else []
        if problems and self._placing["affinity"]:
            # It may well keep all pods on one node.
            self.warnings += problems
            return []
        return problems

    def _claim(self, claim: str) -> Manifest | None:
        if not claim:
            return None
        try:
            return self._client.get("v1", "PersistentVolumeClaim", claim, self._namespace)
        except ApiFailure as failure:
            if failure.status == 403:
                return {"metadata": {"name": claim}}
            raise
