# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release is changed by one run at a time: the Lease ``<release>-deploy`` of its namespace says by which.

The run holds it from its first change to the end of its last wait, and renews it meanwhile. It stays when the run has
ended, with nobody in it. Every write is checked against it, so that a run which has lost it changes nothing more.

Nobody's clock is trusted but the cluster's: a holder writes when it renewed by the API server's clock, and whoever
waits compares with that same clock, or goes by how long it has itself seen no renewal.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from ..core.errors import ApiFailure, Failure
from ..core.labels import RELEASE_LABEL
from ..core.objects import moment
from .client import Client, Manifest
from .holder import Holder, is_dead, place, started, this_run
from .task import Task

LEASE_OPTIONS: dict[str, Any] = {
    "lock_timeout": {"type": "int", "default": 600},
    "lock_holder": {"type": "str", "default": ""},
}

#: Seconds without a renewal after which a run counts as ended; it renews when a third of them is over.
DURATION = 60
RENEWAL = DURATION / 3
#: Seconds by which the clocks of a cluster's API servers may differ.
TOLERANCE = 15
#: Seconds until a renewal that failed is tried again while nothing is written; and for which that may hold up a wait.
AGAIN = 5.0
QUICK = (2, 3)
#: Seconds between two looks at a Lease that somebody else holds (client-go's RetryPeriod).
PAUSE = 2.0

#: Annotation that names the last runs that lost the release while they may still have been at work.
LOST_BY = "airflow.kubernetes/lost-by"
REMEMBERED = 5

_MICRO_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class LeaseState(Enum):
    """Whose a release is."""

    FREE = "which nobody holds"
    OURS = "which is this run"
    DEAD = "which was killed"
    EXPIRED = "of which nothing has been heard since"
    OTHERS = "which is at work"
    LOST = "which has taken it over from this run"


class LostError(Failure):
    """This run may change the release no more."""


def lease_state(
    lease: Mapping[str, Any] | None, me: Holder, now: datetime, seen_for: float, dead: Callable[[Holder], bool]
) -> LeaseState:
    """Tell whose a release is.

    :param lease: a coordination.k8s.io/v1 Lease, or ``None`` if there is none.
    :param now: by the cluster's clock.
    :param seen_for: seconds for which this renewal has been the last one that we saw.
    :param dead: tells whether a run is known to have ended.
    """
    if lease is None:
        return LeaseState.FREE
    if me.identity in _lost_by(lease):
        return LeaseState.LOST
    spec = lease.get("spec") or {}
    identity = spec.get("holderIdentity")
    if not identity:
        return LeaseState.FREE
    if identity == me.identity:
        return LeaseState.OURS
    holder = Holder.parse(identity)
    if holder and dead(holder):
        return LeaseState.DEAD
    duration = float(spec.get("leaseDurationSeconds") or DURATION)
    renewed = moment(spec.get("renewTime"))
    if seen_for >= duration or (renewed and now - renewed > timedelta(seconds=duration + TOLERANCE)):
        return LeaseState.EXPIRED
    return LeaseState.OTHERS


def holder_name(lease: Mapping[str, Any]) -> str:
    """Return who holds a release and since when, for people; empty if nobody does."""
    spec = lease.get("spec") or {}
    identity = str(spec.get("holderIdentity") or "")
    since = moment(spec.get("acquireTime"))
    who = str(Holder.parse(identity) or identity)
    return f"{who}, since {since:%H:%M:%S} UTC" if who and since else who


def lease_path(namespace: str, release: str) -> str:
    """Return the path of a release's Lease in the API."""
    return f"{_leases(namespace)}/{release}-deploy"


def _leases(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


def _lost_by(lease: Mapping[str, Any]) -> list[str]:
    annotations = lease["metadata"].get("annotations") or {}
    return [line for line in str(annotations.get(LOST_BY) or "").splitlines() if line]


def _boot_clock() -> float:
    """Return seconds that go on while the machine sleeps, where it has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@contextlib.contextmanager
def held(client: Client, task: Task) -> Iterator[Lease]:
    """Hold the release while a task changes it; in check mode nobody needs to.

    It stays held for the run's next task. A task that fails gives it back, because it may have been the last.

    :raises Failure: another run holds it and does not end in time.
    """
    lease = lease_of(client, task)
    if not task.check_mode:
        lease.acquire()
        client.guard = lease.check
    with lease.returned_on_failure():
        yield lease


def lease_of(client: Client, task: Task) -> Lease:
    """Return the Lease of a task's release, which is not held yet."""
    params = task.params
    me = Holder.parse(params["lock_holder"]) or this_run(task.run_process or os.getpid())
    made = Lease(client, params["release"], params["namespace"], me, params["lock_timeout"], task.say)
    if task.run_process:
        made.ended = lambda: os.getppid() != task.run_process
    return made


class Lease:
    """The Lease of one release, as one task uses it.

    :param me: the run that the task belongs to.
    :param timeout: seconds to wait for another run to end.
    :param say: shows a line to the user.
    :param clock: seconds that only go forward, also while the machine sleeps.
    :ivar ended: tells whether the run itself has ended, though this task goes on.
    """

    def __init__(
        self,
        client: Client,
        release: str,
        namespace: str,
        me: Holder,
        timeout: float = 600,
        say: Callable[[str], None] = lambda _line: None,
        clock: Callable[[], float] = _boot_clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._release = release
        self._namespace = namespace
        self._me = me
        self._timeout = timeout
        self._say = say
        self.ended: Callable[[], bool] = lambda: False
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._version = ""
        self._due = 0.0
        self._told = ""

    @property
    def is_held(self) -> bool:
        return bool(self._version)

    def acquire(self) -> None:
        """Hold the release, after another run has ended if there is one; without a namespace there is nothing to hold.

        :raises Failure: the other run does not end in time, or has taken the release over from this one; or a
            namespace that is being deleted is not gone in time.
        """
        began = seen_since = self._clock()
        seen = None
        while True:
            lease = self._get()
            version = lease and lease["metadata"]["resourceVersion"]
            if version != seen:
                seen, seen_since = version, self._clock()
            found = lease_state(lease, self._me, self._client.now(), self._clock() - seen_since, self._is_dead)
            if found is LeaseState.LOST:
                raise self._lost(lease)
            left = began + self._timeout - self._clock()
            if lease and found is LeaseState.OTHERS:
                if left <= 0:
                    raise self._busy(lease)
                self._pause(f"{holder_name(lease)}, is at work on this release", left)
                continue
            try:
                if self._take(lease, found):
                    return
            except ApiFailure as failure:
                if left <= 0 or not failure.namespace_is_ending:
                    raise
                self._pause(f"The namespace {self._namespace} is being deleted", left)

    def join(self) -> None:
        """Hold the release if the run holds it already: a task that only looks keeps it from expiring."""
        lease = self._get()
        if lease and lease_state(lease, self._me, self._client.now(), 0, self._is_dead) is LeaseState.OURS:
            self._take(lease, LeaseState.OURS)

    def check(self, path: str = "", **params: Any) -> None:
        """Make sure that the release is still ours; has to be called before every write.

        :param path: what is about to be written, in the API; the namespace may be made by whoever has none yet.
        :param params: how to ask, as :meth:`Client.request` takes them.
        :raises LostError: it is no longer.
        """
        if path == f"/api/v1/namespaces/{self._namespace}" or path.startswith(_leases(self._namespace)):
            return
        with self._lock:
            if self.ended():
                raise LostError(
                    f"The run that this task belongs to ({self._me}) has ended, so it changes nothing more."
                )
            if not self.is_held:
                self.acquire()
            elif self._clock() >= self._due:
                self._renew(**params)
        if not self.is_held:
            raise Failure(
                f"The namespace {self._namespace} does not exist. "
                "The role airflow creates it unless airflow_namespace_create is false."
            )

    def keep(self) -> None:
        """Renew while nothing is written. A cluster that does not answer for a while is no loss."""
        if not self.is_held:
            return
        try:
            self.check(patience=0, _request_timeout=QUICK)
        except LostError:
            raise
        except Failure:
            self._due = self._clock() + AGAIN

    def give_back(self) -> None:
        """Let the next run have it. One that cannot be given back expires."""
        if self.is_held:
            version, self._version = self._version, ""
            with contextlib.suppress(Failure):
                self._patch(version, {"holderIdentity": None, "renewTime": None, "acquireTime": None}, patience=0)

    @contextlib.contextmanager
    def returned_on_failure(self) -> Iterator[None]:
        """Give it back when what is done meanwhile fails."""
        try:
            yield
        except LostError:
            raise
        except Failure:
            self.give_back()
            raise

    def remove(self) -> None:
        """Delete it with the release."""
        if self.is_held:
            body = {"preconditions": {"resourceVersion": self._version}}
            self._version = ""
            with contextlib.suppress(ApiFailure):
                self._client.request("delete", self._path, body=body)

    @property
    def _path(self) -> str:
        return lease_path(self._namespace, self._release)

    def _get(self) -> Manifest | None:
        try:
            found: Manifest = self._client.request("get", self._path)
        except ApiFailure as failure:
            if failure.status == 404:
                return None
            raise
        return found

    def _take(self, lease: Manifest | None, found: LeaseState) -> bool:
        """Write this run into the Lease; tell whether nobody was faster."""
        now = self._client.now()
        spec = (lease or {}).get("spec") or {}
        if lease and found is LeaseState.OURS:
            renewed = moment(spec.get("renewTime"))
            age = (now - renewed).total_seconds() if renewed else DURATION
            if 0 <= age < RENEWAL:
                self._version, self._due = lease["metadata"]["resourceVersion"], self._clock() + RENEWAL - age
                return True
        wanted: dict[str, Any] = {"leaseDurationSeconds": DURATION}
        if found is not LeaseState.OURS:
            wanted |= {
                "holderIdentity": self._me.identity,
                "acquireTime": now.strftime(_MICRO_TIME),
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + 1,
            }
        if lease and found in (LeaseState.DEAD, LeaseState.EXPIRED):
            self._say(f"takes this release over from {holder_name(lease)}, {found.value}")
        lost = [*_lost_by(lease), spec["holderIdentity"]] if lease and found is LeaseState.EXPIRED else []
        try:
            if lease is None:
                self._create(wanted)
            else:
                self._patch(lease["metadata"]["resourceVersion"], wanted, lost)
        except ApiFailure as failure:
            if failure.status == 409:
                return False
            if failure.status == 404 and lease is None:
                # There is no namespace yet.
                return True
            raise
        return True

    def _create(self, spec: Mapping[str, Any]) -> None:
        began = self._clock()
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": f"{self._release}-deploy",
                "namespace": self._namespace,
                "labels": {RELEASE_LABEL: self._release},
            },
            "spec": {**spec, "renewTime": self._client.now().strftime(_MICRO_TIME)},
        }
        self._accept(self._client.request("post", _leases(self._namespace), body=body), began)

    def _patch(self, version: str, spec: Mapping[str, Any], lost: Sequence[str] = (), **params: Any) -> None:
        """Change the Lease, if it is still of this version, and renew it."""
        began = self._clock()
        metadata: dict[str, Any] = {"resourceVersion": version}
        if lost:
            metadata["annotations"] = {LOST_BY: "\n".join(lost[-REMEMBERED:])}
        body = {"metadata": metadata, "spec": {"renewTime": self._client.now().strftime(_MICRO_TIME), **spec}}
        params["content_type"] = "application/merge-patch+json"
        self._accept(self._client.request("patch", self._path, body=body, **params), began)

    def _accept(self, answer: Mapping[str, Any], began: float) -> None:
        if answer["spec"].get("holderIdentity") == self._me.identity:
            self._version, self._due = answer["metadata"]["resourceVersion"], began + RENEWAL

    def _renew(self, **params: Any) -> None:
        """Renew; a conflict may be of our own making, where an answer was lost on its way."""
        try:
            self._patch(self._version, {}, **params)
        except ApiFailure as failure:
            if failure.status not in (404, 409):
                raise
            lease = self._get()
            if lease_state(lease, self._me, self._client.now(), 0, self._is_dead) is not LeaseState.OURS:
                raise self._lost(lease) from failure
            self._take(lease, LeaseState.OURS)

    def _is_dead(self, holder: Holder) -> bool:
        return is_dead(holder, place(), started)

    def _pause(self, what: str, left: float) -> None:
        if what != self._told:
            self._told = what
            self._say(f"{what}; waiting for it to end, at most {left:.0f} s")
        self._sleep(min(PAUSE, left))

    def _busy(self, lease: Manifest) -> Failure:
        return Failure(
            f"Another run is at work on release {self._release} in namespace {self._namespace}: {holder_name(lease)}. "
            f"It has not ended within {self._timeout:.0f} s. Wait for it or stop it, then run again; "
            f"one that was killed counts as ended {DURATION} s after its last sign of life. "
            "Raise airflow_lock_timeout to wait longer. Only if you know that it has ended: "
            f"kubectl -n {self._namespace} delete lease {self._release}-deploy"
        )

    def _lost(self, lease: Manifest | None) -> LostError:
        self._version = ""
        now_with = holder_name(lease or {}) or "another run, which has ended"
        return LostError(
            f"This run has lost release {self._release} in namespace {self._namespace} to {now_with}, because nothing "
            f"was heard of it for more than {DURATION} s: its machine slept, or could not reach the cluster. "
            "It changes nothing more. Look at what the other run has deployed before you run this again."
        )
