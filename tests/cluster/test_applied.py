# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask an API server, about many changes of every kind of object of a release, whether applying would do nothing.

Nothing runs: the objects of rendered releases are applied to a namespace of their own without replicas. Environment:
``KUBECONFIG``, and ``AIRFLOW_CONTEXT`` for another of its contexts than the one of this repository's cluster.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.applied import is_applied
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.diff import is_changed
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.reference import Reference
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.kinds import CLUSTER_KINDS
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.names import FIELD_MANAGER
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.client import CONCURRENCY, Client
from tools.checks.rendered import RENDERED

CONTEXT = os.environ.get("AIRFLOW_CONTEXT") or "kind-airflow"
NAMESPACE = "applied"
#: Releases that have every kind of object between them.
RELEASES = ("everything", "mysql", "ingress")
#: Where a manifest says which object it is.
IDENTITY = {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace")}
#: Seconds for the namespace of an earlier run to be gone.
GONE_SECONDS = 60

Manifest = dict[str, Any]
Place = tuple[Any, ...]


def manifests(release: str) -> Iterator[Manifest]:
    """Yield the objects of a release, as ones that run nothing."""
    for file in sorted((RENDERED / release).glob("*/*.yaml")):
        manifest: Manifest = yaml.safe_load(file.read_text())
        if manifest["kind"] in CLUSTER_KINDS or "gateway" in manifest["apiVersion"]:
            continue
        manifest["metadata"]["namespace"] = NAMESPACE
        if manifest["kind"] in ("Deployment", "StatefulSet"):
            manifest["spec"]["replicas"] = 0
        if manifest["kind"] in ("Job", "CronJob"):
            manifest["spec"]["suspend"] = True
        if manifest["kind"] == "Service":
            manifest["spec"].pop("type", None)
            for port in manifest["spec"]["ports"]:
                port.pop("nodePort", None)
        yield manifest


def changes(manifest: Manifest) -> Iterator[tuple[Place, Manifest]]:
    """Yield the manifest with one thing changed, for everything in it and in every way."""
    for path, value in _walk((), manifest):
        if path not in IDENTITY:
            yield path, _with(manifest, path, None, delete=True)
            for other in _others(value):
                yield path, _with(manifest, path, other)


def _walk(path: Place, value: Any) -> Iterator[tuple[Place, Any]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key), child
        yield from _walk((*path, key), child)


def _others(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1]
    if isinstance(value, str):
        return [value + "x"]
    if isinstance(value, list):
        return [[], *([value[::-1]] if len(value) > 1 else []), *([[*value, value[0]]] if value else [])]
    return [{}, {**value, "more": "x"}]


def _with(manifest: Manifest, path: Place, value: Any, *, delete: bool = False) -> Manifest:
    changed = copy.deepcopy(manifest)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    if delete:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    found = Client({"context": CONTEXT}, print)
    deadline = time.monotonic() + GONE_SECONDS
    while found.get("v1", "Namespace", NAMESPACE):
        assert time.monotonic() < deadline, f"the namespace {NAMESPACE} of an earlier run is still there"
        found.delete("v1", "Namespace", NAMESPACE)
        time.sleep(1)
    found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, FIELD_MANAGER)
    yield found
    found.delete("v1", "Namespace", NAMESPACE)


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_said_to_be_applied_is(client: Client, release: str) -> None:
    """The server is asked about each change that is said to be none; a sample of the rest shows that it can say no."""
    objects = list(manifests(release))
    refused, untold = 0, []
    for manifest in objects:
        reference = Reference.of(manifest)
        client.apply(manifest, FIELD_MANAGER, force=True)
        live = client.get(reference.api_version, reference.kind, reference.name, NAMESPACE)
        assert live is not None
        if not is_applied(manifest, live, FIELD_MANAGER):
            untold.append(str(reference))

        def is_changed_by(changed: Manifest, live: Manifest = live) -> bool:
            try:
                return is_changed(live, client.apply(changed, FIELD_MANAGER, dry_run=True, force=True))
            except ApiFailure:
                return True

        many = list(changes(manifest))
        said = [(path, changed) for path, changed in many if is_applied(changed, live, FIELD_MANAGER)]
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            truth = list(pool.map(is_changed_by, [changed for _, changed in said]))
            refused += sum(pool.map(is_changed_by, [changed for _, changed in many[:: len(many) // 5 + 1]]))
        assert not any(truth), (str(reference), [path for (path, _), wrong in zip(said, truth, strict=True) if wrong])
        assert len(said) < len(many) / 10
    assert refused > len(objects)
    # What the API server completes within what is owned as a whole: templates of claims, a port without a protocol.
    assert len(untold) <= len(objects) / 8, untold


def test_what_somebody_else_has_changed_is_applied_again(client: Client) -> None:
    manifest = next(each for each in manifests("everything") if each["kind"] == "Deployment")
    client.apply(manifest, FIELD_MANAGER, force=True)
    reference = Reference.of(manifest)

    def live() -> Manifest:
        found = client.get(reference.api_version, reference.kind, reference.name, NAMESPACE)
        assert found is not None
        return found

    assert is_applied(manifest, live(), FIELD_MANAGER)
    theirs = {
        **{key: manifest[key] for key in ("apiVersion", "kind")},
        "metadata": {"name": reference.name, "namespace": NAMESPACE},
        "spec": {"replicas": 3},
    }
    client.apply(theirs, "somebody-else", force=True)
    assert not is_applied(manifest, live(), FIELD_MANAGER)
    client.apply(manifest, FIELD_MANAGER, force=True)
    assert is_applied(manifest, live(), FIELD_MANAGER)
