# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A custom resource in the cluster: its status, its annotations, and Events about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..core.errors import ApiFailure
from ..kube.client import Client
from .inputs import Input

API_VERSION = "airflow.kubernetes/v1alpha1"
KIND = "Airflow"
#: Annotation by whose change the operator starts a run: the last input that has changed.
CHANGED_INPUT = "airflow.kubernetes/changed-input"
_MERGE = "application/merge-patch+json"
_METADATA_ALONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

Resource = Mapping[str, Any]


def path(namespace: str, name: str = "") -> str:
    """Return the path of a resource, or of all those of a namespace."""
    return f"/apis/{API_VERSION}/namespaces/{namespace}/airflows" + (f"/{name}" if name else "")


def timestamp(moment: datetime) -> str:
    """Return a time as the API has it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def write_status(client: Client, resource: Resource, status: Mapping[str, Any], unless_changed: bool = False) -> bool:
    """Merge fields into the status of a resource; tell whether that was done.

    :param unless_changed: leave it alone if somebody has changed the resource since it was read.
    """
    metadata = resource["metadata"]
    body: dict[str, Any] = {"status": dict(status)}
    if unless_changed:
        body["metadata"] = {"resourceVersion": metadata["resourceVersion"]}
    try:
        client.request("patch", f"{path(metadata['namespace'], metadata['name'])}/status", body, content_type=_MERGE)
    except ApiFailure as failure:
        if failure.status in (404, 409):
            return False
        raise
    return True


def note_changed_input(client: Client, resource: Resource, changed: Input, version: str) -> None:
    """Annotate a resource with the input that has changed."""
    metadata = resource["metadata"]
    body = {"metadata": {"annotations": {CHANGED_INPUT: f"{changed.kind}/{changed.name} {version}"}}}
    client.request("patch", path(metadata["namespace"], metadata["name"]), body, content_type=_MERGE)


def input_version(client: Client, namespace: str, wanted: Input) -> str:
    """Return the resource version of a Secret or a ConfigMap, of which nothing else is read; "" if there is none."""
    plural = f"{wanted.kind.lower()}s"
    try:
        found = client.request(
            "get",
            f"/api/v1/namespaces/{namespace}/{plural}/{wanted.name}",
            header_params={"Accept": _METADATA_ALONE},
        )
    except ApiFailure as failure:
        if failure.status == 404:
            return ""
        raise
    return str(found["metadata"]["resourceVersion"])


def tell(client: Client, resource: Resource, reason: str, message: str, is_warning: bool = False) -> None:
    """Make an Event about a resource."""
    metadata = resource["metadata"]
    now = timestamp(client.now())
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{metadata['name']}.", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata.get("uid", ""),
        },
        "reason": reason,
        "message": message or reason,
        "type": "Warning" if is_warning else "Normal",
        "source": {"component": "airflow-operator"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    client.request("post", f"/api/v1/namespaces/{metadata['namespace']}/events", body)
