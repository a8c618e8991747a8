# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answer on a cluster as an OpenShift's router and the External Secrets operator do, and do nothing else of their work.

Writes into the status of Routes whether their host is free, and makes Secrets of what a file has. Ends when it is
stopped, or after a while.

    python -m tests.openshift.stand_ins --context kind-airflow --namespace NAME --namespace OTHER --store FILE
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Manifest = Mapping[str, Any]
#: What a store has: by key, a text, or texts by property.
Store = Mapping[str, Any]

#: Seconds between two looks, and until a stand-in that nobody has stopped ends by itself.
LOOK, LIFE = 0.5, 1800.0
ROUTER = "default"


@dataclass(frozen=True)
class Condition:
    """What is said of an object."""

    type: str
    ok: bool
    reason: str
    message: str = ""

    def written(self, before: Iterable[Manifest], now: str) -> dict[str, str]:
        """Return it as an object's status has it; since when is kept where nothing has changed."""
        condition = {
            "type": self.type,
            "status": str(self.ok),
            "reason": self.reason,
            "message": self.message,
        }
        same = (
            each for each in before if {**each, "lastTransitionTime": None} == {**condition, "lastTransitionTime": None}
        )
        return {**condition, "lastTransitionTime": next((each["lastTransitionTime"] for each in same), now)}


def admissions(routes: Sequence[Manifest]) -> list[Condition]:
    """Return what the router says of each Route: the oldest one has the host, in its namespace.

    Another one of that namespace may have another path of it.
    """

    def age(route: Manifest) -> tuple[str, str]:
        return route["metadata"]["creationTimestamp"], route["metadata"]["uid"]

    said = []
    for route in routes:
        host, path = route["spec"].get("host"), route["spec"].get("path", "")
        older = [other for other in routes if other["spec"].get("host") == host and age(other) < age(route)]
        taken = [
            other
            for other in older
            if other["metadata"]["namespace"] != route["metadata"]["namespace"] or other["spec"].get("path", "") == path
        ]
        if taken:
            message = f"route {taken[0]['metadata']['name']} already exposes {host} and is older"
            said.append(Condition("Admitted", False, "HostAlreadyClaimed", message))
        else:
            said.append(Condition("Admitted", True, ""))
    return said


def values(external: Manifest, store: Store) -> dict[str, str]:
    """Return what the Secret of an ExternalSecret holds.

    :raises KeyError: the store has no such key or property; its argument is the operator's message.
    """
    found: dict[str, str] = {}
    for number, entry in enumerate(external["spec"].get("data") or ()):
        remote = entry["remoteRef"]
        value = store.get(remote["key"])
        if "property" in remote:
            value = value.get(remote["property"]) if isinstance(value, Mapping) else None
        if not isinstance(value, str):
            raise KeyError(f"error processing spec.data[{number}] (key: {remote['key']}), err: Secret does not exist")
        found[entry["secretKey"]] = value
    for number, source in enumerate(external["spec"].get("dataFrom") or ()):
        value = store.get(source["extract"]["key"])
        if not isinstance(value, Mapping):
            raise KeyError(
                f"error processing spec.dataFrom[{number}].extract (key: {source['extract']['key']}), "
                "err: Secret does not exist"
            )
        found |= value
    return found


def secret_of(external: Manifest, held: Mapping[str, str]) -> dict[str, Any]:
    """Return the Secret, which belongs to the ExternalSecret."""
    target, metadata = external["spec"]["target"], external["metadata"]
    owner = {
        "apiVersion": external["apiVersion"],
        "kind": "ExternalSecret",
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    labels = target["template"]["metadata"]["labels"] if "template" in target else metadata["labels"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": target["name"], "labels": labels, "ownerReferences": [owner]},
        "stringData": dict(held),
    }


class Api:
    """The objects of the cluster that count."""

    def __init__(self, context: str) -> None:
        from kubernetes import config, dynamic  # noqa: PLC0415

        self._client = dynamic.DynamicClient(config.new_client_from_config(context=context))

    def objects(self, path: str) -> list[Manifest]:
        answer = self._client.request("get", path, serialize=False)
        return list(json.loads(answer.data)["items"])

    def patch(self, path: str, body: Manifest, kind: str = "application/merge-patch+json", **params: Any) -> None:
        self._client.request("patch", path, body=body, content_type=kind, serialize=False, **params)


def route_admitting(api: Api, namespaces: Iterable[str], now: str) -> None:
    """Write what the router says of each Route."""
    api_path = "/apis/route.openshift.io/v1/namespaces/{}/routes"
    routes = [route for name in namespaces for route in api.objects(api_path.format(name))]
    for route, condition in zip(routes, admissions(routes), strict=True):
        entries = (route.get("status") or {}).get("ingress") or []
        before = [each for entry in entries for each in entry.get("conditions") or ()]
        entry = {
            "host": route["spec"].get("host", ""),
            "routerName": ROUTER,
            "wildcardPolicy": "None",
            "conditions": [condition.written(before, now)],
        }
        if entries != [entry]:
            metadata = route["metadata"]
            path = f"{api_path.format(metadata['namespace'])}/{metadata['name']}/status"
            api.patch(path, {"status": {"ingress": [entry]}})


def secret_making(api: Api, namespaces: Iterable[str], store: Store, now: str) -> None:
    """Make the Secret of each ExternalSecret, and write whether that could be done."""
    for name in namespaces:
        path = f"/apis/external-secrets.io/v1/namespaces/{name}/externalsecrets"
        for external in api.objects(path):
            before = (external.get("status") or {}).get("conditions") or []
            synced = (external.get("status") or {}).get("syncedResourceVersion")
            try:
                secret = secret_of(external, values(external, store))
                condition = Condition("Ready", True, "SecretSynced", "secret synced")
                synced = f"{external['metadata']['generation']}-{abs(hash(str(secret['stringData'])))}"
                api.patch(
                    f"/api/v1/namespaces/{name}/secrets/{secret['metadata']['name']}",
                    secret,
                    "application/apply-patch+yaml",
                    field_manager="external-secrets",
                    force=True,
                )
            except KeyError as missing:
                condition = Condition("Ready", False, "SecretSyncedError", str(missing.args[0]))
            status = {"conditions": [condition.written(before, now)], "syncedResourceVersion": synced}
            if {
                "conditions": before,
                "syncedResourceVersion": (external.get("status") or {}).get("syncedResourceVersion"),
            } != status:
                api.patch(f"{path}/{external['metadata']['name']}/status", {"status": status})


def run(api: Api, namespaces: Sequence[str], store: Path, stop: threading.Event) -> None:
    """Answer until it is stopped, or its time is over."""
    end = time.monotonic() + LIFE
    while not stop.wait(LOOK) and time.monotonic() < end:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            route_admitting(api, namespaces, now)
            secret_making(api, namespaces, json.loads(store.read_text()), now)
        except Exception as error:  # noqa: BLE001
            # An API server may be away for a moment, and an object may have gone.
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)


def main() -> int:
    """Read the command line, answer, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--context", default="kind-airflow")
    parser.add_argument("--namespace", action="append", required=True)
    parser.add_argument("--store", type=Path, required=True)
    options = parser.parse_args()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_received: stop.set())
    run(Api(options.context), options.namespace, options.store, stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
