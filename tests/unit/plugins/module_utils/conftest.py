# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster in memory, for what applies, reads and deletes objects."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure

Manifest = dict[str, Any]

NO_NAMESPACE = {"ClusterRole", "Namespace", "Node", "PersistentVolume", "StorageClass"}


class Cluster:
    """Stands in for ``_client.Client``, with server-side apply as far as the tests need it.

    :ivar log: what was asked, but for reads: ``apply ConfigMap/name``, with a ``?`` behind a dry run.
    :ivar refusals: what an apply of ``Kind/name`` raises.
    :ivar leases: what holds releases, by path; asking for it is not noted.
    :ivar cluster_kinds: kinds whose objects live in no namespace.
    :ivar rights: whether a verb on a resource is allowed, for the reviews.
    """

    where = "context test"

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Manifest] = {}
        self.log: list[str] = []
        self.leases: dict[str, Manifest] = {}
        self.guard: Callable[[str], None] = lambda path: None
        self.refusals: dict[str, ApiFailure] = {}
        self.rights: Callable[[str, str], bool] = lambda verb, resource: True
        self.review_fails = False
        self.unknown_kinds: set[str] = {"SecurityContextConstraints"}
        self.cluster_kinds: set[str] = set(NO_NAMESPACE)
        self.time = datetime(2026, 1, 1, 12, tzinfo=UTC)
        self.version = 0
        #: Of Kubernetes.
        self.kubernetes = "v1.34.0"
        self._applied: dict[tuple[str, str, str, str], Manifest] = {}
        self._lock = threading.RLock()

    def has_kind(self, api_version: str, kind: str) -> bool:
        return kind not in self.unknown_kinds

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        if kind in self.unknown_kinds:
            raise Failure(f"The cluster has no kind {kind} in {api_version}.")
        return kind not in self.cluster_kinds

    def add(self, kind: str, name: str, namespace: str | None = "airflow", **rest: Any) -> Manifest:
        """Put an object there that nobody here has applied; returned as it is stored."""
        metadata = {"name": name, **rest.pop("metadata", {})}
        if kind in NO_NAMESPACE:
            namespace = None
        if namespace:
            metadata["namespace"] = namespace
        stored = {"apiVersion": "v1", "kind": kind, "metadata": {**metadata, "resourceVersion": "1"}, **rest}
        self.objects[kind, namespace or "", name] = stored
        return stored

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        with self._lock:
            self._refuse(f"get {kind}/{name}")
            return copy.deepcopy(self.objects.get((kind, namespace or "", name)))

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> Manifest:
        self._refuse(f"list {kind}")
        wanted = dict(pair.split("=", 1) for pair in (label_selector or "").split(",") if pair)
        items = [
            copy.deepcopy(stored)
            for (its_kind, its_namespace, _name), stored in sorted(self.objects.items())
            if its_kind == kind
            and its_namespace == (namespace or "")
            and wanted.items() <= stored["metadata"].get("labels", {}).items()
        ]
        return {"items": items, "metadata": {"resourceVersion": "1"}}

    def apply(self, manifest: Manifest, field_manager: str, dry_run: bool = False, force: bool = False) -> Manifest:
        self._ask_guard(manifest, dry_run)
        with self._lock:
            self._note("apply", manifest, dry_run)
            key = self._key(manifest)
            self._need_namespace(key)
            stored = copy.deepcopy(self.objects.get(key) or {"metadata": {}})
            before = copy.deepcopy(stored)
            _merge(stored, self._applied.get((*key, field_manager), {}), copy.deepcopy(manifest))
            if stored != before:
                version = int(before["metadata"].get("resourceVersion", "0")) + 1
                stored["metadata"]["resourceVersion"] = str(version)
            if not dry_run:
                self.objects[key] = stored
                self._applied[*key, field_manager] = copy.deepcopy(manifest)
            return copy.deepcopy(stored)

    def apply_and_tell(
        self, manifest: Manifest, field_manager: str, dry_run: bool = False, force: bool = False
    ) -> tuple[Manifest, bool]:
        with self._lock:
            is_new = self._key(manifest) not in self.objects
            return self.apply(manifest, field_manager, dry_run, force), is_new

    def create(self, manifest: Manifest, field_manager: str, dry_run: bool = False) -> Manifest:
        self._ask_guard(manifest, dry_run)
        with self._lock:
            self._note("create", manifest, dry_run)
            key = self._key(manifest)
            self._need_namespace(key)
            if key in self.objects:
                raise ApiFailure("already exists", 409, "AlreadyExists")
            stored = copy.deepcopy(manifest)
            stored["metadata"]["resourceVersion"] = "1"
            if not dry_run:
                self.objects[key] = stored
            return copy.deepcopy(stored)

    def delete(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, dry_run: bool = False
    ) -> Manifest | None:
        metadata = {"name": name, "namespace": namespace or ""}
        self._ask_guard({"apiVersion": api_version, "kind": kind, "metadata": metadata}, dry_run)
        with self._lock:
            self.log.append(f"delete {kind}/{name}" + ("?" if dry_run else ""))
            self._refuse(f"delete {kind}/{name}")
            key = (kind, namespace or "", name)
            return self.objects.get(key) if dry_run else self.objects.pop(key, None)

    def request(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """Answer the reviews of rights, and what is asked of Leases."""
        if path == "/version":
            return {"gitVersion": self.kubernetes}
        if "/leases" in path:
            return self._lease(method, path, body)
        if "/secrets/" in path:
            return self._patch_secret(path, body)
        if path == "/api/v1/nodes":
            return self.list("v1", "Node", label_selector=params["label_selector"])
        if path.endswith("selfsubjectrulesreviews"):
            rules = [
                {"verbs": [verb], "apiGroups": ["*"], "resources": [resource]}
                for verb in ("create", "delete", "get", "list", "patch", "watch")
                for resource in ("configmaps", "deployments", "persistentvolumes", "pods", "pods/log", "secrets")
                if self.rights(verb, resource) and not self.review_fails
            ]
            return {"status": {"resourceRules": rules, "incomplete": self.review_fails}}
        wanted = body["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, [wanted["resource"], wanted["subresource"]]))
        scope = "" if wanted["namespace"] else " (cluster)"
        name = f" {wanted['name']}" if wanted["name"] else ""
        return {"status": {"allowed": self.rights(wanted["verb"], resource + name + scope)}}

    def _patch_secret(self, path: str, body: Any) -> Any:
        self.guard(path)
        with self._lock:
            namespace, name = path.split("/")[4], path.split("/")[6]
            self.log.append(f"patch Secret/{name}")
            self._refuse(f"patch Secret/{name}")
            stored = self.objects["Secret", namespace, name]
            merge_patch(stored, body)
            self.version += 1
            stored["metadata"]["resourceVersion"] = str(self.version)
            return copy.deepcopy(stored)

    def _lease(self, method: str, path: str, body: Any) -> Any:
        with self._lock:
            if method == "post":
                path = f"{path}/{body['metadata']['name']}"
                if ("Namespace", "", body["metadata"]["namespace"]) not in self.objects:
                    raise ApiFailure("namespace not found", 404, "NotFound")
                if path in self.leases:
                    raise ApiFailure("already exists", 409, "AlreadyExists")
                self.leases[path] = copy.deepcopy(body)
            elif path not in self.leases:
                raise ApiFailure("not found", 404, "NotFound")
            elif method == "delete":
                return self.leases.pop(path)
            elif method == "patch":
                if body["metadata"]["resourceVersion"] != self.leases[path]["metadata"]["resourceVersion"]:
                    raise ApiFailure("the object has been modified", 409, "Conflict")
                merge_patch(self.leases[path], body)
            if method != "get":
                self.version += 1
                self.leases[path]["metadata"]["resourceVersion"] = str(self.version)
            return copy.deepcopy(self.leases[path])

    def now(self) -> datetime:
        return self.time

    def names(self, kind: str) -> list[str]:
        return sorted(name for its_kind, _namespace, name in self.objects if its_kind == kind)

    @property
    def writes(self) -> list[str]:
        """What was asked and not only tried."""
        return [line for line in self.log if not line.endswith("?")]

    def _note(self, verb: str, manifest: Manifest, dry_run: bool) -> None:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        self.log.append(f"{verb} {name}" + ("?" if dry_run else ""))
        self._refuse(f"{verb} {name}")

    def _ask_guard(self, manifest: Manifest, dry_run: bool) -> None:
        kind, namespace, name = self._key(manifest)
        if not dry_run:
            where = f"/namespaces/{namespace}" if namespace else ""
            self.guard(f"/api/v1{where}/{kind.lower()}s/{name}")

    def _refuse(self, request: str) -> None:
        if request in self.refusals:
            raise self.refusals[request]

    def _need_namespace(self, key: tuple[str, str, str]) -> None:
        namespace = key[1]
        if namespace and ("Namespace", "", namespace) not in self.objects:
            details = {"kind": "namespaces", "name": namespace}
            raise ApiFailure(f'namespaces "{namespace}" not found', 404, "NotFound", details)

    @staticmethod
    def _key(manifest: Manifest) -> tuple[str, str, str]:
        metadata = manifest["metadata"]
        return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def _merge(live: Manifest, old: Manifest, new: Manifest) -> None:
    """Give an object what a manager wants now, and take what it wanted before and no longer does."""
    for key in old.keys() - new.keys():
        live.pop(key, None)
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(live.get(key, {}), dict):
            _merge(live.setdefault(key, {}), old.get(key, {}), value)
        else:
            live[key] = value


def merge_patch(live: Manifest, patch: Manifest) -> None:
    """Change an object as a JSON merge patch says (RFC 7386)."""
    for key, value in patch.items():
        if value is None:
            live.pop(key, None)
        elif isinstance(value, dict):
            merge_patch(live.setdefault(key, {}), value)
        else:
            live[key] = value


@pytest.fixture
def cluster() -> Cluster:
    """A cluster with the namespace ``airflow`` and nothing in it."""
    made = Cluster()
    made.add("Namespace", "airflow", status={"phase": "Active"})
    return made


@pytest.fixture
def connection() -> dict[str, Any]:
    """The options of a task that says nothing of the connection, waits for no other run, and needs no permission."""
    return {**dict.fromkeys(AUTH_ARG_SPEC), "lock_timeout": 0, "lock_holder": "", "permissions": []}
