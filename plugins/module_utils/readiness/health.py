# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether Airflow says of itself that it is healthy.

The API server's ``/api/v2/monitor/health`` tells of the metadata database, and of the scheduler, the triggerer and
the DAG processor by the age of their last heartbeat in it (Airflow documentation, "Checking Airflow health status").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..core.objects import moment
from ..redaction.masking import shortened
from .verdict import Key, State, Verdict, failed, pending, ready

PATH = "/api/v2/monitor/health"
DATABASE = "metadatabase"
COMPONENTS = ("scheduler", "dag_processor", "triggerer")
#: Seconds without a heartbeat after which a component hangs. They come every 5 s, or late where the CPU is short;
#: Airflow itself calls the DAG processor of 3.1 unhealthy after 10 s, that of 3.2 and all others after 30 s.
SILENCE = 24
#: Seconds that the API server may owe an answer although its pods are ready: what leads to it may be what fails.
NO_ANSWER = 60


@dataclass(frozen=True)
class HealthResponse:
    """What came back when Airflow was asked for its health.

    :param problem: why there is no answer; empty if there is one.
    :param forbidden: that is so because we may not ask, and will not change.
    :param parts: by part (``metadatabase``, ``scheduler``...) its ``status`` and heartbeat, as Airflow names them.
    """

    problem: str = ""
    forbidden: bool = False
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def parse(body: Any) -> HealthResponse:
    """Read the body of Airflow's answer."""
    if not isinstance(body, Mapping) or not isinstance(body.get(DATABASE), Mapping):
        return HealthResponse(problem=f"it answers something else: {shortened(str(body), 160)}")
    return HealthResponse(
        parts={str(part): dict(reported) for part, reported in body.items() if isinstance(reported, Mapping)}
    )


def heartbeat(reported: Mapping[str, Any]) -> datetime | None:
    """Return when a part last gave a sign of life."""
    for key, value in reported.items():
        if key.startswith("latest_") and key.endswith("_heartbeat") and value:
            return moment(str(value))
    return None


def health_verdicts(
    answer: HealthResponse, components: Iterable[str], now: datetime, ready_since: datetime, grace: float
) -> dict[Key, Verdict]:
    """Tell which of Airflow's parts are healthy.

    :param components: the parts besides the database that have to be.
    :param ready_since: since when all pods of the release are ready.
    :param grace: seconds after which a part that is still not healthy, though its pods are ready, never will be; a
        heartbeat must have been missing for :data:`SILENCE` besides.
    """
    if answer.forbidden:
        return {Key("Health", "api_server"): failed(f"cannot be asked: {answer.problem}")}
    if answer.problem:
        verdict = pending(f"it does not answer: {answer.problem}")
        end = ready_since + timedelta(seconds=max(grace, NO_ANSWER))
        return {Key("Health", "api_server"): _after_grace("api_server", verdict, now, ready_since, end)}
    verdicts = {}
    for part in (DATABASE, *components):
        reported = answer.parts.get(part) or {}
        end = ready_since + timedelta(seconds=grace)
        if last := heartbeat(reported):
            end = max(end, last + timedelta(seconds=SILENCE))
        verdicts[Key("Health", part)] = _after_grace(part, _part(part, reported, now), now, ready_since, end)
    return verdicts


def _part(part: str, reported: Mapping[str, Any], now: datetime) -> Verdict:
    if reported.get("status") == "healthy":
        return ready("healthy")
    if part == DATABASE:
        return pending("the API server cannot use its database")
    last = heartbeat(reported)
    if last is None:
        return pending("it has given no heartbeat")
    age = int((now - last).total_seconds())
    return pending("its heartbeat is too old", since=last, place=f"last heartbeat {age} s ago")


def _after_grace(part: str, verdict: Verdict, now: datetime, ready_since: datetime, end: datetime) -> Verdict:
    if verdict.state == State.READY:
        return verdict
    if now < end:
        return verdict.hint(recheck_at=end)
    what = "database and of the API server" if part == DATABASE else part.replace("_", " ")
    return failed(
        f"all pods are ready, but {verdict.reason}",
        place=verdict.place,
        since=verdict.since or ready_since,
        advice=f"Read the log of the {what}.",
    )
