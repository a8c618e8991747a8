# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks a cluster for a release's objects, and listens for what changes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias
from urllib.parse import quote

from ..core.errors import ApiFailure, Failure
from ..core.labels import RELEASE_LABEL
from ..core.objects import Obj
from ..kube.client import Client
from ..redaction.masking import masked
from .cache import CLAIM, EVIDENCE_KINDS, LISTED, Change, slim
from .context import Event
from .health import HealthResponse
from .health_probe import HealthProbe, HealthQuestion
from .node_capacity import NodeCapacity
from .node_scaling import adds_nodes
from .verdict import Key, LogSource

API_VERSIONS: Mapping[str, str] = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    CLAIM: "v1",
    "Pod": "v1",
    "Event": "v1",
}
#: Events that say only that all goes well, and would be most of them.
ROUTINE_EVENTS = (
    "Scheduled",
    "Pulled",
    "Created",
    "Started",
    "Killing",
    "SuccessfulCreate",
    "SuccessfulDelete",
    "Completed",
    "ScalingReplicaSet",
)
#: A client is sent no more than so many objects at once.
PAGE = 500
#: Seconds after which a watch is opened anew, so that one that has silently died is noticed.
WATCH_TIME = 120
#: Seconds between two tries to reach a cluster that does not answer.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
#: Annotation that is written to let a controller try again.
RETRIED = "airflow.kubernetes/retried-at"
#: Lines of a log that are shown.
TAIL = 20

_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_METADATA_ONLY_WATCH = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"


@dataclass(frozen=True)
class WatchError:
    """A watch that broke.

    :param message: what happened; empty when the cluster answers again.
    :param permanent: it will not pass by itself.
    """

    message: str
    permanent: bool = False


WatchEvent: TypeAlias = "Change | HealthResponse | WatchError"


class Probe:
    """The requests of one wait.

    :param keep: what to keep of an object, from its kind and the object.
    :param awaited: API versions of further kinds that are listed and watched, by kind.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        release: str,
        health: HealthQuestion | None = None,
        keep: Callable[[str, Obj], Obj] = slim,
        awaited: Mapping[str, str] | None = None,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._release = release
        self._health = HealthProbe(namespace, health) if health else None
        self._keep = keep
        self._awaited = awaited or {}
        self._api_versions = {**API_VERSIONS, **self._awaited}
        self._closed = False
        self._events: SimpleQueue[WatchEvent] = SimpleQueue()
        self._versions: dict[str, str] = {}
        self.where = self._client.where

    def now(self) -> datetime:
        """Return the time by the cluster's clock."""
        return self._client.now()

    def objects(self, kinds: Iterable[str]) -> list[Change]:
        """Return all objects of these kinds, asked for at once.

        :raises Failure: the cluster does not answer, or forbids to list what has to be evaluated.
        """
        kinds = tuple(kinds)
        with ThreadPoolExecutor(len(kinds)) as pool:
            return list(pool.map(self._list, kinds))

    def watch(self) -> None:
        """Begin to listen to all kinds, from where they were listed."""
        for kind in list(self._versions):
            threading.Thread(target=self._follow, args=(kind,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._closed = True

    def receive(self, timeout: float, gather: float) -> list[WatchEvent]:
        """Return what is heard: wait ``timeout`` seconds for the first of it, then ``gather`` seconds for more."""
        events: list[WatchEvent] = []
        try:
            events.append(self._events.get(timeout=max(timeout, 0.001)))
            time.sleep(gather)
            while True:
                events.append(self._events.get_nowait())
        except Empty:
            return events

    def ask_health(self) -> None:
        """Ask Airflow for its health; the answer comes with the events."""
        threading.Thread(target=lambda: self._events.put(self.health()), daemon=True).start()

    def health(self) -> HealthResponse:
        """Ask Airflow for its health, and wait for the answer."""
        return self._health.ask(self._client) if self._health else HealthResponse()

    def log(self, source: LogSource) -> list[str]:
        """Return the last lines of a container's log, masked; empty where it cannot be read."""
        for previous in dict.fromkeys((source.previous, False)):
            try:
                lines = self._log(source, previous)
            except Failure:
                continue
            if lines:
                return lines
        return []

    def events_about(self, obj: Obj) -> dict[str, list[Event]]:
        """Return the events about one object, by its uid; none where they may not be read."""
        uid = obj["metadata"].get("uid", "")
        path = f"/api/v1/namespaces/{quote(self._namespace)}/events"
        try:
            found = self._client.request("get", path, field_selector=f"involvedObject.uid={uid}")
        except ApiFailure:
            return {}
        return {uid: [Event.of(event) for event in found.get("items") or ()]}

    def shortage(self, pod: Obj) -> str:
        """Return what is short on the nodes for a pod; empty where that may not be asked."""
        running = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"
        try:
            capacity = NodeCapacity(pod, (node for page in self._pages("/api/v1/nodes") for node in page))
            for pods in self._pages("/api/v1/pods", field_selector=running):
                capacity.count(pods)
        except Failure:
            return ""
        return capacity.shortage()

    def adds_nodes(self) -> bool | None:
        """Tell whether the cluster adds nodes on demand; ``None`` where that may not be asked."""
        return adds_nodes(self._client)

    def _pages(self, path: str, **params: Any) -> Iterator[list[Obj]]:
        following: str | None = ""
        while following is not None:
            page = self._client.request("get", path, limit=PAGE, _continue=following or None, **params)
            yield page.get("items") or []
            following = page["metadata"].get("continue") or None

    def namespace_state(self) -> str:
        """Return ``missing``, ``Terminating``, ``Active``, or ``""`` where that may not be asked."""
        try:
            namespace = self._client.request("get", f"/api/v1/namespaces/{quote(self._namespace)}")
        except ApiFailure as failure:
            return "missing" if failure.status == 404 else ""
        return str((namespace.get("status") or {}).get("phase") or "")

    def retry(self, key: Key) -> None:
        """Let the cluster try again at once what it would only try later: a pod is deleted, its owner touched."""
        path = f"{self._path(key.kind)}/{quote(key.name)}"
        if key.kind == "Pod":
            self._client.request("delete", path)
            return
        touched = {"metadata": {"annotations": {RETRIED: self.now().isoformat(timespec="seconds")}}}
        self._client.request(
            "patch",
            path,
            body=touched,
            content_type="application/merge-patch+json",
            field_manager="airflow.kubernetes.wait",
        )

    def _path(self, kind: str) -> str:
        version = self._api_versions[kind]
        root = "/api/v1" if version == "v1" else f"/apis/{version}"
        return f"{root}/namespaces/{quote(self._namespace)}/{kind.lower()}s"

    def _selectors(self, kind: str) -> dict[str, str]:
        if kind == "Event":
            return {"field_selector": ",".join(f"reason!={reason}" for reason in ROUTINE_EVENTS)}
        # A claim that the release's pods mount concerns it, whoever made it.
        return {} if kind == CLAIM else {"label_selector": f"{RELEASE_LABEL}={self._release}"}

    def _list(self, kind: str, patience: float | None = None) -> Change:
        """List one kind page by page, and remember where a watch goes on."""
        objects: list[Obj] = []
        following: str | None = None
        headers = {"Accept": _METADATA_ONLY} if kind == "ReplicaSet" else {}
        while True:
            try:
                page = self._client.request(
                    "get",
                    self._path(kind),
                    limit=PAGE,
                    _continue=following,
                    header_params=dict(headers),
                    patience=patience,
                    **self._selectors(kind),
                )
            except ApiFailure as failure:
                if failure.status == 410 and following:
                    objects, following = [], None
                    continue
                if failure.status == 403 and kind in EVIDENCE_KINDS:
                    return Change(kind, LISTED, ())
                if failure.status == 404 and kind in self._awaited:
                    # What defines the kind is gone, and all objects of it are.
                    return Change(kind, LISTED, ())
                if failure.status == 403:
                    raise _refused(failure) from failure
                raise
            objects += [self._keep(kind, obj) for obj in page.get("items") or ()]
            following = page["metadata"].get("continue") or None
            if following is None:
                self._versions[kind] = page["metadata"]["resourceVersion"]
                return Change(kind, LISTED, objects)

    def _follow(self, kind: str) -> None:
        """Pass on what changes, until closed; after a break list again."""
        pause = FIRST_PAUSE
        while not self._closed:
            began = time.monotonic()
            try:
                self._listen(kind)
                if time.monotonic() - began > FIRST_PAUSE:
                    pause = FIRST_PAUSE
                    continue
            except Failure as failure:
                self._broken(failure)
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            try:
                # It is told here that the cluster does not answer, and tried again.
                self._events.put(self._list(kind, patience=0))
                self._events.put(WatchError(""))
            except Failure as failure:
                # The connection has read its credentials anew before it says this.
                self._broken(failure, permanent=isinstance(failure, ApiFailure) and failure.status == 401)

    def _listen(self, kind: str) -> None:
        more: dict[str, Any] = dict(self._selectors(kind))
        if kind == "ReplicaSet":
            more["header_params"] = {"Accept": _METADATA_ONLY_WATCH}
        for change, obj in self._client.watch(
            self._api_versions[kind], kind, self._namespace, self._versions[kind], timeout=WATCH_TIME, **more
        ):
            if self._closed:
                return
            self._versions[kind] = obj["metadata"]["resourceVersion"]
            if change != "BOOKMARK":
                self._events.put(Change(kind, change, (self._keep(kind, obj),)))

    def _broken(self, failure: Failure, permanent: bool = False) -> None:
        if isinstance(failure, ApiFailure) and failure.status == 410:
            return
        self._events.put(WatchError(failure.message, permanent))

    def _log(self, source: LogSource, previous: bool) -> list[str]:
        wanted = [("container", source.container), ("tailLines", str(TAIL)), ("previous", str(previous).lower())]
        if source.since:
            wanted.append(("sinceTime", source.since.strftime("%Y-%m-%dT%H:%M:%SZ")))
        path = f"{self._path('Pod')}/{quote(source.pod)}/log"
        # A node that is away is asked once: what is to be told is told without its log.
        text = self._client.request("get", path, patience=0, query_params=wanted)
        if not isinstance(text, str):
            text = json.dumps(text)
        return [masked(line)[:500].rstrip() for line in text.splitlines()[-TAIL:]]


def _refused(failure: ApiFailure) -> Failure:
    return Failure(
        f"{failure.message}. Who waits needs list and watch on deployments, statefulsets, replicasets, jobs, "
        "persistentvolumeclaims, pods and events of the namespace, and get on pods/log and services/proxy."
    )
