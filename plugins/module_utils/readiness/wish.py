# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is waited for, and where it is looked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ..core.objects import Obj
from .cache import Change
from .case import Limits
from .health_probe import HealthQuestion
from .verdict import Key, LogSource
from .watcher import News


class Source(Protocol):
    """What a wait asks for; :class:`Probe` is the real one."""

    where: str

    def now(self) -> datetime: ...
    def objects(self, kinds: Iterable[str]) -> Iterable[Change]: ...
    def watch(self) -> None: ...
    def news(self, timeout: float, gather: float) -> Iterable[News]: ...
    def ask_health(self) -> None: ...
    def log(self, source: LogSource) -> list[str]: ...
    def room(self, pod: Obj) -> str: ...
    def adds_nodes(self) -> bool | None: ...
    def namespace_state(self) -> str: ...
    def retry(self, key: Key) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Wish:
    """What is waited for.

    :param timeout: seconds, besides those in which pods end within the grace that they were given.
    :param only: ``Kind/name`` of the objects to wait for; empty: all.
    :param restart_stuck: give what was stuck before another try.
    """

    namespace: str
    release: str
    timeout: float = 600
    limits: Limits = field(default_factory=Limits)
    health: HealthQuestion | None = None
    restart_stuck: bool = False
    only: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"Release {self.release} in namespace {self.namespace}"
