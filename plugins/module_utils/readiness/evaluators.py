# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which judge is asked of which kind, and what several verdicts mean together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ..core.objects import EPOCH
from .claims import claim_verdict
from .context import Context
from .jobs import job_verdict
from .verdict import Key, State, Verdict, never, not_yet
from .workloads import deployment_verdict, stateful_set_verdict

#: How each kind is judged.
EVALUATORS: Mapping[str, Callable[[Context], Verdict]] = {
    "Deployment": deployment_verdict,
    "StatefulSet": stateful_set_verdict,
    "Job": job_verdict,
    "PersistentVolumeClaim": claim_verdict,
}


def awaited(verdicts: Mapping[Key, Verdict]) -> bool:
    """Tell whether there is something not done that does not itself wait for others.

    Airflow's health follows from the objects, and none of those waits for it.
    """
    return any(
        v.state != State.DONE and v.blocks and not v.awaits_dependencies
        for key, v in verdicts.items()
        if key.kind != "Health"
    )


def settled(
    verdicts: Mapping[Key, Verdict], others_done: datetime | None, now: datetime = EPOCH, grace: float | None = None
) -> dict[Key, Verdict]:
    """Correct verdicts by what they mean for each other.

    A pod that fails where it waits for others (an init container ``wait-for-...``) has not failed for good before it
    does so once more after those others are done: until then it is *not yet*. One that goes on waiting when they have
    been done for a while waits for what will not come.

    :param others_done: since when nothing is :func:`awaited`, ``None`` while something is.
    :param grace: that while in seconds; ``None`` if what it waits for may be something that is not looked at.
    """

    def settle(verdict: Verdict) -> Verdict:
        if not verdict.awaits_dependencies:
            return verdict
        if verdict.state == State.NOT_YET:
            return _waits_in_vain(verdict)
        if others_done and verdict.since and verdict.since >= others_done:
            return verdict
        return not_yet(verdict.reason, place=verdict.place, since=verdict.since)

    def _waits_in_vain(verdict: Verdict) -> Verdict:
        if not others_done or grace is None:
            return verdict
        since = max(others_done, verdict.since or others_done)
        end = since + timedelta(seconds=grace)
        if now < end:
            return verdict.but(again=end)
        return never(
            f"{verdict.reason} still, though all that it could wait for is done",
            place=verdict.place,
            since=since,
            log=replace(verdict.log, since=since) if verdict.log else None,
            # A machine that is too busy may keep it from looking.
            suspected=True,
        )

    return {key: settle(verdict) for key, verdict in verdicts.items()}


def causes_first(keys: Iterable[Key], gated: Callable[[Key], bool]) -> list[Key]:
    """Sort objects that have failed: what others depend on comes first.

    Claims, then what waits for nothing (databases, brokers), then Jobs, then what waits for those, then the health.

    :param gated: whether an object's pods wait for others before they start.
    """
    order = {"Namespace": 0, "PersistentVolumeClaim": 1, "Job": 3, "Health": 5}
    return sorted(keys, key=lambda key: (order.get(key.kind, 4 if gated(key) else 2), key.name))
