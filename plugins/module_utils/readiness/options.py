# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is waited for and for how long, and the options of modules that say so (doc fragment ``wait_options``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .cache import EXTERNAL_SECRET, ROUTE
from .context import Limits
from .health_probe import HealthQuestion
from .settle import Rules

#: What is looked at besides workloads, Jobs and claims.
AWAITED_OPTIONS: dict[str, Any] = {
    "awaited": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "api_version": {"type": "str", "required": True},
            "kind": {"type": "str", "choices": [ROUTE, EXTERNAL_SECRET], "required": True},
        },
    },
}
WAIT_OPTIONS: dict[str, Any] = {
    "timeout": {"type": "int", "default": 600},
    "unschedulable_grace": {"type": "int"},
    "retry_grace": {"type": "int", "default": int(Limits.transient)},
    "restart_grace": {"type": "int", "default": int(Limits.restarts)},
}


@dataclass(frozen=True)
class WaitOptions:
    """What is waited for.

    :param timeout: seconds, besides those in which pods end within the grace that they were given.
    :param only: ``Kind/name`` of the objects to wait for; empty: all.
    :param awaited: further kinds to wait for, with their API versions.
    :param restart_stuck: give what was stuck before another try.
    """

    namespace: str
    release: str
    timeout: float = 600
    limits: Limits = field(default_factory=Limits)
    health: HealthQuestion | None = None
    restart_stuck: bool = False
    only: frozenset[str] = frozenset()
    awaited: Mapping[str, str] = field(default_factory=dict)

    @property
    def rules(self) -> Rules:
        """By which rules verdicts are settled."""
        return Rules(
            limits=self.limits,
            restart_stuck=self.restart_stuck,
            partial=bool(self.only),
            health_components=self.health.components if self.health else (),
            health_grace=self.health.grace if self.health else 0.0,
        )

    def __str__(self) -> str:
        return f"Release {self.release} in namespace {self.namespace}"


def limits_of(params: Mapping[str, Any]) -> Limits:
    """Read the options; what the user says of pods without a node holds whether nodes are added or not."""
    grace = params["unschedulable_grace"]
    chosen = {} if grace is None else {"unschedulable": grace, "unscalable": grace}
    return Limits(transient=params["retry_grace"], restarts=params["restart_grace"], **chosen)


def awaited_of(params: Mapping[str, Any]) -> dict[str, str]:
    """Read the option ``awaited``: API versions by kind."""
    return {given["kind"]: given["api_version"] for given in params["awaited"]}
