# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be said of an object: ready, pending or failed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from ..core.objects import Obj


class State(StrEnum):
    """The three things that a verdict can say."""

    READY = "ready"
    PENDING = "pending"
    FAILED = "failed"


class Key(NamedTuple):
    """An object within a release."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class LogSource:
    """The log that tells more about a failure.

    :param previous: the log of the container before its last restart.
    :param since: only what was said after that.
    """

    pod: str
    container: str
    previous: bool = False
    since: datetime | None = None


@dataclass(frozen=True)
class Hints:
    """What a verdict on one object leaves to be settled, since it depends on other objects or on the past.

    :param recheck_at: when to evaluate again though nothing has changed, because a grace ends then.
    :param awaits_dependencies: it is at a container that only waits for other objects (see :data:`WAIT_PREFIX`).
    :param progressing: slow or waiting for others, but nothing speaks against it.
    :param stuck: what gets no other try by itself, or only after minutes: pods to delete, owners of pods to touch.
    :param started: when the container was started that has failed: what it says of others may be over since.
    """

    recheck_at: datetime | None = None
    awaits_dependencies: bool = False
    progressing: bool = False
    stuck: tuple[Key, ...] = ()
    started: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """What is said of one object.

    :param reason: what was seen, in words that do not change with time; for *not yet* what it is doing now.
    :param detail: what else was seen, where that changes all the time (the last output of a probe).
    :param place: the pod and container it was seen at, if it is narrower than the object itself.
    :param since: when it began, by the cluster's clock.
    :param advice: the next step for the reader.
    :param log: where more is to be read.
    :param unplaced: a pod that no node has room for, to be compared with what the nodes have.
    :param blocks: false for an object that need not be done for the release to be.
    :param hints: for :func:`~.settle.settle`, which leaves none.
    """

    state: State
    reason: str = ""
    detail: str = ""
    place: str = ""
    since: datetime | None = None
    advice: str = ""
    log: LogSource | None = None
    unplaced: Obj | None = None
    blocks: bool = True
    hints: Hints = Hints()

    @property
    def is_waiting(self) -> bool:
        """Whether it holds up the release without being a failure."""
        return self.state == State.PENDING and self.blocks

    @property
    def holds_up(self) -> bool:
        """Whether the release is not done as long as this is said."""
        return self.state != State.READY and self.blocks

    def but(self, **changes: Any) -> Verdict:
        """Return this verdict with some fields changed."""
        return replace(self, **changes)

    def hint(self, **changes: Any) -> Verdict:
        """Return this verdict with some hints changed."""
        return replace(self, hints=replace(self.hints, **changes))


#: Of what is slow, or waits for others.
PROGRESSING = Hints(progressing=True)


def ready(reason: str = "") -> Verdict:
    """Return a verdict *ready*."""
    return Verdict(State.READY, reason)


def pending(reason: str, **more: Any) -> Verdict:
    """Return a verdict *pending*: ``reason`` is what the object does now or waits for."""
    return Verdict(State.PENDING, reason, **more)


def failed(reason: str, **more: Any) -> Verdict:
    """Return a verdict *failed*: nothing but a change from outside can help."""
    return Verdict(State.FAILED, reason, **more)
