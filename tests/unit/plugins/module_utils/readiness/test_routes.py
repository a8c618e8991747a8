# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a Route is served, by what routers write into its status."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.cache import LISTED, Change, ObjectCache
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.context import Context
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.routes import route_verdict
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.settle import History, Instant, settle
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.status import build, is_healthy, text
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.verdict import (
    Key,
    State,
    Verdict,
    pending,
    ready,
)

CREATED = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
HOST = "airflow.apps.example.com"


def entry(
    admitted: str, reason: str = "", host: str = HOST, router: str = "default", at: float = 1, message: str = ""
) -> dict[str, Any]:
    """Return what one router says of a Route, ``at`` seconds after its creation."""
    condition = {
        "type": "Admitted",
        "status": admitted,
        "lastTransitionTime": (CREATED + timedelta(seconds=at)).isoformat(),
        "reason": reason,
        "message": message,
    }
    return {"host": host, "routerName": router, "wildcardPolicy": "None", "conditions": [condition]}


def route(*entries: dict[str, Any], host: str | None = HOST) -> dict[str, Any]:
    return {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {"name": "airflow-api-server", "namespace": "airflow", "creationTimestamp": CREATED.isoformat()},
        "spec": {"host": host} if host else {},
        "status": {"ingress": list(entries)},
    }


def judge(*entries: dict[str, Any], after: float, started: float | None = 0, host: str | None = HOST) -> Verdict:
    """Return the verdict ``after`` seconds, of a wait that began ``started`` seconds after the creation."""
    began = None if started is None else CREATED + timedelta(seconds=started)
    return route_verdict(Context(route(*entries, host=host), CREATED + timedelta(seconds=after), began))


CLAIMED = entry("False", "HostAlreadyClaimed", message="route other already exposes airflow.apps.example.com")


@pytest.mark.parametrize(
    "entries",
    [
        [entry("True")],
        # Each router serves some Routes only.
        [entry("False", "RouteNotAdmitted", router="internal"), entry("True")],
        [entry("False", "HostAlreadyClaimed", host="old.example.com"), entry("True")],
    ],
)
def test_a_route_that_a_router_serves_is_ready(entries: list[dict[str, Any]]) -> None:
    assert judge(*entries, after=1).state == State.READY


def test_a_route_without_a_host_has_the_one_that_the_router_gives_it() -> None:
    assert judge(entry("True", host="airflow-data.apps.example.com"), after=1, host=None).state == State.READY


def test_a_refused_route_fails_within_seconds_with_the_reason_of_the_router() -> None:
    assert judge(CLAIMED, after=2).state == State.PENDING
    verdict = judge(CLAIMED, after=7)
    assert verdict.state == State.FAILED
    assert verdict.reason == (
        "router default refuses it: HostAlreadyClaimed: route other already exposes airflow.apps.example.com"
    )
    assert "get routes --all-namespaces" in verdict.advice


def test_a_refusal_without_known_reason_says_how_to_look() -> None:
    verdict = judge(entry("False", "RouteNotAdmitted"), after=7)
    assert "kubectl -n airflow describe route airflow-api-server" in verdict.advice


def test_a_refusal_of_before_this_run_may_just_have_been_corrected() -> None:
    """The router looks again, and changes its word within seconds."""
    verdict = judge(CLAIMED, after=1002, started=1000)
    assert verdict.state == State.PENDING
    assert verdict.hints.recheck_at == CREATED + timedelta(seconds=1005)
    assert judge(CLAIMED, after=1006, started=1000).state == State.FAILED


@pytest.mark.parametrize("entries", [[], [{"host": HOST, "routerName": "default"}]])
def test_a_route_without_a_router_holds_up_nothing_for_long(entries: list[dict[str, Any]]) -> None:
    verdict = judge(*entries, after=5)
    assert verdict.is_waiting
    assert verdict.hints.recheck_at == CREATED + timedelta(seconds=30)
    verdict = judge(*entries, after=31)
    assert (verdict.state, verdict.holds_up) == (State.PENDING, False)
    assert verdict.reason == "no router has said anything of it"
    # A later deploy does not wait again.
    assert not judge(*entries, after=5000, started=4999).holds_up


def test_what_is_said_of_another_host_is_of_before_the_change() -> None:
    verdict = judge(entry("True", host="old.example.com"), after=1002, started=1000)
    assert verdict.is_waiting
    assert not judge(entry("True", host="old.example.com"), after=1031, started=1000).holds_up


def test_nothing_waits_for_a_route() -> None:
    """What waits for others fails as soon without its Route as with it."""
    waits = pending("waits").hint(awaits_dependencies=True)
    verdicts = {Key("Route", "a"): pending("no router"), Key("Deployment", "b"): waits}
    assert settle(verdicts, History(), Instant(CREATED)).history.others_ready == CREATED
    verdicts = {Key("Job", "a"): pending("runs"), Key("Deployment", "b"): waits}
    assert settle(verdicts, History(), Instant(CREATED)).history.others_ready is None
    assert settle({Key("Route", "a"): ready()}, History(), Instant(CREATED)).all_done


@pytest.mark.parametrize("slimmed", [False, True])
def test_the_status_tells_a_route_that_nobody_serves(slimmed: bool) -> None:
    cache = ObjectCache("airflow")
    changes = [Change("Route", LISTED, [route()])]
    now = CREATED + timedelta(hours=1)
    if slimmed:
        cache.take(changes[0])
        (key,) = cache.to_evaluate()
        assert route_verdict(cache.context(key, now)) == judge(after=3600, started=None)
        return
    found = build("Release airflow", cache, changes, now, None, "1.34.4", "https://airflow.apps.example.com")
    assert not is_healthy(found)
    assert "Route/airflow-api-server  pending: no router has said anything of it" in text(found)
    served = [Change("Route", LISTED, [route(entry("True"))])]
    found = build("Release airflow", ObjectCache("airflow"), served, now, None, "1.34.4", "")
    assert is_healthy(found)
