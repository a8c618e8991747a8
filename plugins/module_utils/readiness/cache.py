# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of a release's objects, kept up to date from lists and watches.

Only what the evaluators look at is kept of an object, and of a pod that is ready next to nothing, so that memory does
not grow with the size of pods or with the time that is waited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..core.labels import RELEASE_LABEL, SET_LABEL
from ..core.objects import (
    EPOCH,
    Obj,
    condition,
    deleted,
    is_true,
    labels,
    moment,
    name,
    owner,
    ready_since,
    spec,
    status,
    uid,
)
from .context import Context, Event, Limits
from .verdict import Key
from .workloads import REVISION, has_dependencies, replicas

WORKLOADS = ("Deployment", "StatefulSet", "Job")
CLAIM = "PersistentVolumeClaim"
#: What is listed first: where all of these are done, nothing else need be asked.
PRIMARY_KINDS = (*WORKLOADS, CLAIM)
#: What other software defines, and is listed only where a release has it.
ROUTE, EXTERNAL_SECRET = "Route", "ExternalSecret"
#: What tells why something is not done.
EVIDENCE_KINDS = ("ReplicaSet", "Pod", "Event")

#: Type of a :class:`Change` that holds all objects of its kind.
LISTED = "LISTED"

# Tells which role has applied an object.
_ROLE_LABELS = (SET_LABEL,)
_METADATA = ("name", "namespace", "uid", "generation", "creationTimestamp", "deletionTimestamp", "ownerReferences")
_WORKLOAD_SPEC = (
    "backoffLimit",
    "paused",
    "podManagementPolicy",
    "progressDeadlineSeconds",
    "replicas",
    "suspend",
    "updateStrategy",
)
_CONTAINER = ("name", "image", "readinessProbe", "resources", "restartPolicy", "startupProbe")
_POD_LABELS = ("controller-revision-hash", "pod-template-hash")
# Events are matched by the beginning of a name; in a pod's name Kubernetes keeps 58 characters of its owner's.
_NAME_PART = 50


@dataclass(frozen=True)
class Change:
    """A change of objects of one kind.

    :param type: ``ADDED``, ``MODIFIED``, ``DELETED`` or :data:`LISTED`.
    """

    kind: str
    type: str
    objects: Sequence[Obj]


class ObjectCache:
    """The objects of one release.

    :param release: the value of the label that its objects carry.
    """

    def __init__(self, release: str, limits: Limits | None = None, started: datetime | None = None) -> None:
        self.release = release
        self.limits = limits or Limits()
        self.started = started
        #: Whether the cluster adds nodes on demand; ``None`` where that cannot be told.
        self.adds_nodes: bool | None = None
        #: The kinds that have been listed.
        self.listed: set[str] = set()
        self._subjects: dict[Key, Obj] = {}
        self._pods: dict[str, Obj] = {}
        self._pods_of: dict[Key, set[str]] = {}
        self._replica_sets: dict[str, Obj] = {}
        self._events: dict[str, dict[str, Event]] = {}

    def take(self, change: Change) -> set[Key]:
        """Take in a change; return the objects that have to be evaluated again."""
        if change.type == LISTED:
            self.listed.add(change.kind)
        if change.kind == "Event":
            return self._take_events(change)
        if change.kind == "Pod":
            return self._take_pods(change)
        if change.kind == "ReplicaSet":
            return self._take_replica_sets(change)
        return self._take_subjects(change)

    def to_evaluate(self) -> list[Key]:
        """Return the objects to evaluate: workloads, and the claims with the release's label or mounted by its pods."""
        mounted = self._mounted()
        return sorted(key for key, obj in self._subjects.items() if key.kind != CLAIM or self._is_ours(obj, mounted))

    def context(self, key: Key, now: datetime) -> Context:
        """Return all that is known about one object of :meth:`to_evaluate`."""
        subject = self._subjects[key]
        pods = [self._pods[pod] for pod in self._pods_of.get(key, ())]
        replica_sets = [r for r in self._replica_sets.values() if owner(r).get("uid") == uid(subject)]
        concerned = [uid(subject), *(uid(p) for p in pods), *(uid(r) for r in replica_sets)]
        return Context(
            subject=subject,
            now=now,
            started=self.started,
            pods=pods,
            replica_sets=replica_sets,
            events={u: tuple(self._events[u].values()) for u in concerned if u in self._events},
            claims=frozenset(claim.name for claim in self._subjects if claim.kind == CLAIM),
            pending_claims=self._pending_claims() if key.kind != CLAIM else frozenset(),
            used=key.kind == CLAIM and key.name in self._mounted(),
            adds_nodes=self.adds_nodes,
            limits=self.limits,
        )

    def dependents(self) -> frozenset[Key]:
        """Return the objects whose pods wait for others before they start."""
        return frozenset(key for key, obj in self._subjects.items() if has_dependencies(obj))

    def servers_ready(self) -> datetime | None:
        """Return since when the workloads that wait for nothing are ready, ``None`` while one is not.

        Those are what the others wait for: databases, brokers, poolers.
        """
        latest = EPOCH
        for key, workload in self._subjects.items():
            if key.kind not in ("Deployment", "StatefulSet") or has_dependencies(workload):
                continue
            pods = [self._pods[pod] for pod in self._pods_of.get(key, ())]
            ready = [since for pod in pods if not deleted(pod) and (since := ready_since(pod))]
            if len(ready) < replicas(workload):
                return None
            latest = max([latest, *ready])
        return latest

    def ends_in_time(self, now: datetime) -> bool:
        """Tell whether a pod is ending that may still take its time: the grace that it was given is not over.

        The ``deletionTimestamp`` of a pod is the end of that grace (Kubernetes API, ObjectMeta).
        """
        ends = (moment((pod.get("metadata") or {}).get("deletionTimestamp")) for pod in self._pods.values())
        return any(end and now < end for end in ends)

    def _take_subjects(self, change: Change) -> set[Key]:
        before = set(self._subjects)
        if change.type == LISTED:
            self._subjects = {key: obj for key, obj in self._subjects.items() if key.kind != change.kind}
        for obj in change.objects:
            key = Key(change.kind, name(obj))
            if change.type == "DELETED":
                self._subjects.pop(key, None)
            elif owner(obj).get("kind") != "CronJob":
                self._subjects[key] = slim(change.kind, obj)
        if change.kind == CLAIM or change.type in (LISTED, "DELETED"):
            return before | set(self._subjects)
        return {Key(change.kind, name(obj)) for obj in change.objects}

    def _take_pods(self, change: Change) -> set[Key]:
        touched: set[Key] = set()
        if change.type == LISTED:
            touched |= set(self._pods_of)
            present = {uid(obj) for obj in change.objects}
            for gone in [u for u in self._pods if u not in present]:
                self._forget_pod(gone)
        for obj in change.objects:
            key = self.owner_of(obj)
            if key is None:
                continue
            touched.add(key)
            touched |= {Key(CLAIM, claim) for claim in _claims_of(obj)}
            if change.type == "DELETED":
                self._forget_pod(uid(obj))
            else:
                self._pods[uid(obj)] = slim("Pod", obj)
                self._pods_of.setdefault(key, set()).add(uid(obj))
        return touched

    def _take_replica_sets(self, change: Change) -> set[Key]:
        if change.type == LISTED:
            self._replica_sets = {}
        for obj in change.objects:
            if change.type == "DELETED":
                self._replica_sets.pop(uid(obj), None)
            else:
                self._replica_sets[uid(obj)] = slim("ReplicaSet", obj)
        return {Key("Deployment", str(owner(obj).get("name"))) for obj in change.objects}

    def _take_events(self, change: Change) -> set[Key]:
        beginnings = tuple(key.name[:_NAME_PART] for key in self._subjects)
        touched: set[Key] = set()
        for obj in change.objects:
            about = obj.get("involvedObject") or {}
            if change.type == "DELETED" or not str(about.get("name") or "").startswith(beginnings):
                continue
            about_uid = str(about.get("uid") or "")
            self._events.setdefault(about_uid, {})[name(obj)] = Event.of(obj)
            key = self._key_of(str(about.get("kind")), str(about.get("name")), about_uid)
            if key:
                touched.add(key)
        return touched

    def _key_of(self, kind: str, about_name: str, about_uid: str) -> Key | None:
        """Return the object that something about ``kind/about_name`` has to be evaluated again for."""
        if kind == "Pod":
            pod = self._pods.get(about_uid)
            return self.owner_of(pod) if pod else None
        if kind == "ReplicaSet":
            return Key("Deployment", about_name.rpartition("-")[0])
        return Key(kind, about_name)

    def owner_of(self, pod: Obj) -> Key | None:
        """Return the workload that a pod belongs to, ``None`` if it is not one of the kinds that are evaluated."""
        reference = owner(pod)
        kind, owner_name = str(reference.get("kind")), str(reference.get("name"))
        if kind == "ReplicaSet":
            return Key("Deployment", owner_name.removesuffix("-" + labels(pod).get("pod-template-hash", "")))
        return Key(kind, owner_name) if kind in ("StatefulSet", "Job") else None

    def _forget_pod(self, pod_uid: str) -> None:
        pod = self._pods.pop(pod_uid, None)
        self._events.pop(pod_uid, None)
        key = self.owner_of(pod) if pod else None
        if key:
            self._pods_of[key].discard(pod_uid)

    def _mounted(self) -> frozenset[str]:
        return frozenset(claim for pod in self._pods.values() for claim in _claims_of(pod))

    def _pending_claims(self) -> frozenset[str]:
        return frozenset(
            key.name for key, obj in self._subjects.items() if key.kind == CLAIM and status(obj).get("phase") != "Bound"
        )

    def _is_ours(self, claim: Obj, mounted: frozenset[str]) -> bool:
        return labels(claim).get(RELEASE_LABEL) == self.release or name(claim) in mounted


def slim(kind: str, obj: Obj) -> Obj:
    """Return what is kept of an object; the slimmed object slimmed again is the same."""
    if kind in WORKLOADS:
        return _workload(obj, kind)
    if kind == "ReplicaSet":
        return {"metadata": _metadata(obj, (REVISION,))}
    return _SLIMMERS[kind](obj) if kind in _SLIMMERS else obj


def _claims_of(pod: Obj) -> list[str]:
    volumes = spec(pod).get("volumes") or ()
    return [v["persistentVolumeClaim"]["claimName"] for v in volumes if v.get("persistentVolumeClaim")]


def _some(source: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {key: source[key] for key in names if key in source}


def _metadata(obj: Obj, annotation_names: Iterable[str] = (), label_names: Iterable[str] = ()) -> dict[str, Any]:
    metadata = obj.get("metadata") or {}
    kept = _some(metadata, _METADATA)
    kept["annotations"] = _some(metadata.get("annotations") or {}, annotation_names)
    kept["labels"] = _some(metadata.get("labels") or {}, label_names)
    return kept


def _workload(obj: Obj, kind: str) -> Obj:
    template = (spec(obj).get("template") or {}).get("spec") or {}
    kept = _some(spec(obj), _WORKLOAD_SPEC)
    kept["template"] = {"spec": {"initContainers": _containers(template.get("initContainers"))}}
    metadata = _metadata(obj, (REVISION,), _ROLE_LABELS)
    return {"kind": kind, "metadata": metadata, "spec": kept, "status": status(obj)}


def _claim(obj: Obj) -> Obj:
    kept = _some(spec(obj), ("accessModes", "storageClassName", "volumeName"))
    return {
        "kind": CLAIM,
        "metadata": _metadata(obj, (), (RELEASE_LABEL, *_ROLE_LABELS)),
        "spec": kept,
        "status": status(obj),
    }


def _further(obj: Obj) -> Obj:
    return {"metadata": _metadata(obj), "spec": _some(spec(obj), ("host",)), "status": status(obj)}


def _pod(obj: Obj) -> Obj:
    metadata = _metadata(obj, (), _POD_LABELS)
    if is_true(obj, "Ready"):
        ready: dict[str, Any] = {
            "conditions": [_some(condition(obj, "Ready"), ("type", "status", "lastTransitionTime"))]
        }
        restarted = any(container.get("restartCount") for container in status(obj).get("containerStatuses") or ())
        unprobed = [
            c for c in spec(obj).get("containers") or () if not (c.get("readinessProbe") or c.get("startupProbe"))
        ]
        if restarted or unprobed:
            ready["containerStatuses"] = status(obj).get("containerStatuses") or []
        return {"metadata": metadata, "spec": {"containers": _containers(unprobed)}, "status": ready}
    kept = _some(spec(obj), ("nodeName", "nodeSelector", "overhead", "resources", "restartPolicy", "tolerations"))
    kept["initContainers"] = _containers(spec(obj).get("initContainers"))
    kept["containers"] = _containers(spec(obj).get("containers"))
    kept["volumes"] = [v for v in spec(obj).get("volumes") or () if v.get("persistentVolumeClaim")]
    state = _some(
        status(obj), ("phase", "reason", "message", "conditions", "initContainerStatuses", "containerStatuses")
    )
    return {"metadata": metadata, "spec": kept, "status": state}


def _containers(containers: Sequence[Obj] | None) -> list[dict[str, Any]]:
    return [_some(container, _CONTAINER) for container in containers or ()]


_SLIMMERS = {"Pod": _pod, CLAIM: _claim, ROUTE: _further, EXTERNAL_SECRET: _further}
