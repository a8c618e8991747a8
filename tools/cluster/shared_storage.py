"""The storage class of a cluster of several nodes whose volumes all of them can mount."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..common.paths import cache
from ..common.run import run
from .kind_config import SHARED_PATH

#: Its volumes are folders in a folder that all nodes share.
CLASS = "shared"
NAMESPACE = "local-path-storage"
PROVISIONER = "local-path-provisioner"
ROLLOUT_SECONDS = 60

_LOCAL = [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/var/local-path-provisioner"]}]
_CONFIG = {
    "nodePathMap": [],
    "storageClassConfigs": {
        "standard": {"nodePathMap": _LOCAL},
        CLASS: {"sharedFileSystemPath": SHARED_PATH},
    },
}
_OBJECT = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": CLASS},
    "provisioner": "rancher.io/local-path",
    # Any node will do, and a volume that waits for its first pod would keep all others on that one's node.
    "volumeBindingMode": "Immediate",
    "reclaimPolicy": "Delete",
}


def share_storage(kubectl: Sequence[str | Path]) -> None:
    """Add the class to a cluster whose nodes share a folder.

    :param kubectl: the command that runs kubectl on it.
    :raises CommandError: if the provisioner does not take it.
    """
    path = cache("build") / "storage-class.json"
    path.write_text(json.dumps(_OBJECT))
    run([*kubectl, "apply", "--filename", path], timeout=60)
    patch = json.dumps({"data": {"config.json": json.dumps(_CONFIG)}})
    run([*kubectl, "--namespace", NAMESPACE, "patch", "configmap", "local-path-config", "--patch", patch], timeout=60)
    deployment = [*kubectl, "--namespace", NAMESPACE, "rollout"]
    run([*deployment, "restart", f"deployment/{PROVISIONER}"], timeout=60)
    wait = f"--timeout={ROLLOUT_SECONDS}s"
    run([*deployment, "status", f"deployment/{PROVISIONER}", wait], timeout=ROLLOUT_SECONDS + 10)
