# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What failed probes of a container mean."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ..core.objects import Obj, name
from .container_facts import container_place, kubectl, probe_words
from .context import Context, Event
from .log_patterns import match_log
from .variables import variable
from .verdict import LogSource, Verdict, failed

_NOBODY_LISTENS = re.compile(r"connection refused", re.IGNORECASE)
_TIMED_OUT = re.compile(r"timed? ?out|context deadline exceeded|Client\.Timeout", re.IGNORECASE)


def failing_liveness(pod: Obj, context: Context) -> Event | None:
    """Return the failure of a liveness probe that a ready pod may be about to be killed for."""
    for event in context.about(pod, "Unhealthy"):
        if event.message.startswith("Liveness") and context.now < event.last + timedelta(
            seconds=context.limits.retried
        ):
            return event
    return None


def permanent_failure(
    pod: Obj, container_status: Obj, title: str, probe: Event, context: Context, began: datetime | None
) -> Verdict | None:
    """Evaluate a running container whose probe says what no other try can help."""
    pattern = match_log([probe.message])
    if not pattern or not pattern.permanent:
        return None
    alike = [e.first for e in context.about(pod, "Unhealthy") if pattern.regex.search(e.message)]
    verdict = failed(
        f"{title} runs, but {pattern.meaning}",
        detail=f"its {probe_words(probe)}",
        place=container_place(pod, str(container_status.get("name"))),
        advice=pattern.advice,
    )
    first = min(alike, default=probe.first)
    return context.after_grace(max(first, began) if began else first, context.limits.retried, verdict)


def not_ready(
    pod: Obj, container_status: Obj, container: Obj, title: str, context: Context, began: datetime
) -> Verdict | None:
    """Evaluate a container that has started, as its startup probe says, but that its readiness probe refuses since.

    :returns: ``None`` before that has failed a second time, or as often as it may where it only took too long; where
        nobody listens yet, before it has failed for a while.
    """
    failures = [
        event
        for event in context.about(pod, "Unhealthy")
        if event.container == container_status.get("name")
        and event.message.startswith("Readiness")
        and event.first >= began
    ]
    if not failures:
        return None
    allowed = int(container["readinessProbe"].get("failureThreshold") or 3)
    needed = allowed if _TIMED_OUT.search(failures[0].message) else 2
    if sum(event.count for event in failures) < needed:
        return None
    first = min(event.first for event in failures)
    tried_for = (max(event.last for event in failures) - first).total_seconds()
    # The kubelet probes several times at once when a container has started, which may serve its port a little later.
    if _NOBODY_LISTENS.search(failures[0].message) and tried_for < context.limits.retried:
        return None
    container_name = str(container_status.get("name"))
    longer = variable(context.subject, "readiness_probe", "its readiness probe", container_name)
    logs = kubectl(pod, f"logs {name(pod)} -c {container_name}")
    verdict = failed(
        f"{title} has started, but never gets ready: its {probe_words(failures[0])}",
        place=container_place(pod, container_name),
        advice=f"Its log may say why; or correct {longer}. See: {logs}",
        log=LogSource(name(pod), container_name),
    )
    return context.after_grace(first, context.limits.retried, verdict)


def failed_probe(
    pod: Obj,
    container_status: Obj,
    context: Context,
    kinds: tuple[str, ...] = ("Liveness", "Startup", "Readiness"),
    after: datetime | None = None,
) -> Event | None:
    for event in context.about(pod, "Unhealthy", "ProbeWarning"):
        if event.container != container_status.get("name") or (after and event.last < after):
            continue
        if event.message.startswith(kinds):
            return event
    return None
