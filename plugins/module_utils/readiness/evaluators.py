# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How each kind of object is evaluated, and the verdicts on all objects of a release, kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Set
from datetime import datetime

from .cache import EVIDENCE_KINDS, Change, ObjectCache
from .claims import claim_verdict
from .context import Context
from .external_secrets import external_secret_verdict
from .health import HealthResponse
from .jobs import job_verdict
from .routes import route_verdict
from .settle import Facts
from .verdict import Key, Verdict
from .workloads import deployment_verdict, stateful_set_verdict

#: How each kind is evaluated.
EVALUATORS: Mapping[str, Callable[[Context], Verdict]] = {
    "Deployment": deployment_verdict,
    "StatefulSet": stateful_set_verdict,
    "Job": job_verdict,
    "PersistentVolumeClaim": claim_verdict,
    "Route": route_verdict,
    "ExternalSecret": external_secret_verdict,
}


class Evaluation:
    """The verdicts on the objects of a release, each on what is known of that object alone.

    :param only: ``Kind/name`` of the objects to evaluate; empty: all.
    """

    def __init__(self, cache: ObjectCache, only: Container[str] = ()) -> None:
        self.verdicts: dict[Key, Verdict] = {}
        self._cache = cache
        self._only = only
        self._changed: set[Key] = set()

    def take(self, change: Change) -> None:
        """Take in a change of objects."""
        self._changed |= self._cache.take(change)

    def expire(self) -> None:
        """Have all objects evaluated anew."""
        self._changed |= set(self._cache.to_evaluate())

    def update(self, now: datetime, due: Set[Key] = frozenset()) -> None:
        """Evaluate what has changed, and what may have changed by time alone.

        :param due: what that is besides the objects whose verdict says so.
        """
        wanted = {key for key in self._cache.to_evaluate() if not self._only or str(key) in self._only}
        kept = {key: verdict for key, verdict in self.verdicts.items() if key in wanted}
        expired = {key for key, v in kept.items() if v.hints.recheck_at and v.hints.recheck_at <= now}
        for key in sorted(wanted & (self._changed | due | expired | (wanted - set(kept)))):
            kept[key] = EVALUATORS[key.kind](self._cache.context(key, now))
        self.verdicts = kept
        self._changed.clear()

    def facts(self, health: HealthResponse | None) -> Facts:
        """Return what is known besides the verdicts, with what Airflow has answered last."""
        return Facts(
            dependents=self._cache.dependents(),
            servers_ready=self._cache.servers_ready(),
            health=health,
            complete=self._cache.listed >= {*EVIDENCE_KINDS},
        )
