"""The state of a release as one run should leave it like another: all its objects without what differs by chance."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from ..common.errors import ToolError
from ..common.waiting import holds_within
from ..harness.connection import Cluster

#: Made by the cluster from the objects that are compared, or telling how they came to be.
IGNORED = {"events", "endpoints", "endpointslices", "controllerrevisions", "replicasets", "podmetrics"}
_METADATA = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "generateName", "finalizers")
_LABELS = ("pod-template-hash", "controller-revision-hash", "controller-uid", "batch.kubernetes.io/controller-uid")
_ANNOTATIONS = (
    "deployment.kubernetes.io/revision",
    "airflow.kubernetes/retried-at",
    "airflow.kubernetes/lost-by",
    "pv.kubernetes.io/bind-completed",
)
_SPEC = ("clusterIP", "clusterIPs", "volumeName", "nodeName", "acquireTime", "renewTime", "leaseTransitions")
_DRY_RUN = "airflow.kubernetes/dry-run"
#: Passwords are random, and so is what is made of them.
_CHECKSUM = re.compile(
    r'("airflow\.kubernetes/(?:admin|api-secret|broker|fernet|jwt|login|password|secrets)-checksum": )"\w+"'
)
_HASH = re.compile(r"(-migrations-[0-9-]+)-[0-9a-f]{10}(-\w{5})?")

SETTLE_SECONDS = 90.0
PAUSE = 5.0

State = dict[str, Any]


def state(cluster: Cluster, namespace: str) -> State:
    """Return all objects of a namespace by kind and name, without what differs by chance."""
    found: State = {}
    for root, resource in _resources(cluster):
        for item in cluster.items(f"{root}/namespaces/{namespace}/{resource['name']}"):
            item["kind"] = resource["kind"]
            if is_compared(item):
                name = _name(item)
                while name in found:
                    name += "+"
                found[name] = substance(item, namespace)
    return found


def settled(cluster: Cluster, namespace: str, wanted: State | None = None) -> State:
    """Return the state when it is as wanted, or has stopped changing: pods that are replaced take a while to go."""
    states = [state(cluster, namespace)]
    time.sleep(PAUSE)

    def is_settled() -> bool:
        states.append(state(cluster, namespace))
        return states[-1] == (states[-2] if wanted is None else wanted)

    holds_within(SETTLE_SECONDS, is_settled, PAUSE)
    return states[-1]


def _resources(cluster: Cluster) -> list[tuple[str, dict[str, Any]]]:
    groups = (cluster.get("/apis") or {}).get("groups") or []
    roots = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
    return [
        (root, resource)
        for root in roots
        for resource in (cluster.get(root) or {}).get("resources") or []
        if resource["namespaced"] and "list" in resource["verbs"] and resource["name"] not in IGNORED
    ]


def is_compared(item: Mapping[str, Any]) -> bool:
    """Tell whether an object is there to stay: no pod that has done its work or is about to go, no record of times."""
    phase = item.get("status", {}).get("phase")
    if item["kind"] == "ConfigMap" and item["metadata"]["name"].endswith("-upgrade"):
        return False
    return not (item["kind"] == "Pod" and (phase != "Running" or "deletionTimestamp" in item["metadata"]))


def _name(item: Mapping[str, Any]) -> str:
    name = item["metadata"]["name"]
    if item["kind"] == "Pod":
        # The hash of a template has a character for each digit of a number below 2 ** 32.
        name = re.sub(r"-[0-9a-z]{5,10}-\w{5}$", "", name)
    return _HASH.sub(r"\1", f"{item['kind']}/{name}")


def substance(item: Mapping[str, Any], namespace: str) -> Any:
    """Return an object without what differs from one release to another that was deployed in the same way."""
    metadata = {key: value for key, value in item["metadata"].items() if key not in _METADATA}
    metadata["name"] = _name(item)
    metadata["labels"] = {key: value for key, value in metadata.get("labels", {}).items() if key not in _LABELS}
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key not in _ANNOTATIONS}
    metadata["annotations"] = annotations
    metadata.pop("ownerReferences", None)
    rest = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    if "spec" in rest:
        rest["spec"] = {key: value for key, value in rest["spec"].items() if key not in _SPEC}
        if item["kind"] == "Job":
            rest["spec"].pop("selector", None)
            rest["spec"]["template"]["metadata"].pop("labels", None)
        for port in (rest["spec"].get("ports") or []) if item["kind"] == "Service" else []:
            port.pop("nodePort", None)
    if item["kind"] == "Secret":
        rest["data"] = sorted(rest.get("data") or {})
    if _DRY_RUN in annotations:
        # Of the release's variables, its namespace among them.
        annotations[_DRY_RUN] = "?"
    text = _CHECKSUM.sub(r'\1"?"', json.dumps({**rest, "metadata": metadata}))
    return json.loads(_HASH.sub(r"\1", text).replace(namespace, "NAMESPACE"))


def secrets(cluster: Cluster, namespace: str) -> dict[str, str]:
    """Return a checksum of what each Secret of a namespace holds, by its name; none where there is no namespace."""
    try:
        found = cluster.items(f"/api/v1/namespaces/{namespace}/secrets")
    except ToolError:
        return {}
    return {
        item["metadata"]["name"]: hashlib.sha256(json.dumps(item.get("data"), sort_keys=True).encode()).hexdigest()
        for item in found
    }


def differences(wanted: Any, found: Any, path: str = "") -> list[str]:
    """Return where two states differ, as lines; what a Secret holds is in neither of them."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        lines = []
        for key in sorted(wanted.keys() | found.keys()):
            where = f"{path}.{key}" if path else str(key)
            if key not in found:
                lines.append(f"{where} is missing")
            elif key not in wanted:
                lines.append(f"{where} should not be there")
            else:
                lines += differences(wanted[key], found[key], where)
        return lines
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [line for number, (one, two) in pairs for line in differences(one, two, f"{path}[{number}]")]
    return [] if wanted == found else [f"{path} is {found!r} instead of {wanted!r}"]
