# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is asked of a cluster, and what happens when it breaks off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness import health, watcher
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.cache import LISTED, Change
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.health import HealthResponse
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.health_probe import (
    HealthProbe,
    HealthQuestion,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.verdict import Key, LogSource
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.watcher import Probe, WatchError


def named(name: str, version: str = "7") -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": name, "resourceVersion": version}}


def page(names: list[str], following: str = "", version: str = "5") -> dict[str, Any]:
    return {"items": [named(name) for name in names], "metadata": {"continue": following, "resourceVersion": version}}


class FakeClient:
    """Answers each request with the next of what it was given for it.

    :param answers: by the end of a request's path; exceptions are raised.
    :param streams: what each watch yields, one after the other; after the last one a watch stays silent.
    """

    where = "context test"

    def __init__(self, answers: dict[str, list[Any]], streams: list[list[Any]] | None = None) -> None:
        self.answers = answers
        self.streams = streams or []
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.watched: list[tuple[str, str]] = []

    def request(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        self.asked.append((method, path, params))
        answers = next(found for end, found in self.answers.items() if path.endswith(end))
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def watch(
        self, api_version: str, kind: str, namespace: str, resource_version: str, **params: Any
    ) -> Iterator[tuple[str, Any]]:
        self.watched.append((kind, resource_version))
        while not self.streams:
            time.sleep(3600)
        for item in self.streams.pop(0):
            if isinstance(item, Exception):
                raise item
            yield item


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(watcher, "LONGEST_PAUSE", 0.01)


def probe(client: Any) -> Probe:
    return Probe(client, "airflow", "airflow")


def heard(probe: Probe, number: int) -> list[Any]:
    news: list[Any] = []
    while len(news) < number:
        more = probe.receive(5, 0)
        assert more, news
        news += more
    return news


def test_long_lists_come_in_pages() -> None:
    client = FakeClient({"/pods": [page(["a"], "next"), page(["b"])]})
    [change] = probe(client).objects(["Pod"])
    assert (change.kind, change.type) == ("Pod", LISTED)
    assert [pod["metadata"]["name"] for pod in change.objects] == ["a", "b"]
    assert [params["_continue"] for _method, _path, params in client.asked] == [None, "next"]
    assert client.asked[0][2]["label_selector"] == "airflow.kubernetes/release=airflow"


def test_a_list_that_expired_between_pages_begins_anew() -> None:
    client = FakeClient({"/pods": [page(["a"], "next"), ApiFailure("expired", 410), page(["a"]), page(["a"])]})
    [change] = probe(client).objects(["Pod"])
    assert len(change.objects) == 1


def test_events_that_may_not_be_listed_are_done_without() -> None:
    client = FakeClient({"/events": [ApiFailure("forbidden", 403)], "/pods": [page(["a"])]})
    pods, events = probe(client).objects(["Pod", "Event"])
    assert len(pods.objects) == 1
    assert not events.objects


def test_workloads_that_may_not_be_listed_are_an_error() -> None:
    client = FakeClient({"/deployments": [ApiFailure('User "x" cannot list resource "deployments"', 403)]})
    with pytest.raises(Failure, match="needs list and watch"):
        probe(client).objects(["Deployment"])


def test_a_watch_goes_on_where_the_last_one_ended() -> None:
    streams = [[("ADDED", named("a", "8")), ("BOOKMARK", named("", "9"))], [("MODIFIED", named("a", "10"))]]
    client = FakeClient({"/pods": [page([])]}, streams)
    watching = probe(client)
    watching.objects(["Pod"])
    watching.watch()
    # Each ended at once, and is thought broken: there is a list after it.
    news = [item for item in heard(watching, 6) if isinstance(item, Change)]
    assert [change.type for change in news] == ["ADDED", LISTED, "MODIFIED", LISTED]
    assert client.watched[0] == ("Pod", "5")


def test_a_watch_that_is_too_old_begins_with_a_list() -> None:
    client = FakeClient({"/pods": [page([]), page(["a"], version="20")]}, [[ApiFailure("too old", 410)]])
    watching = probe(client)
    watching.objects(["Pod"])
    watching.watch()
    listed, end = heard(watching, 2)
    assert isinstance(listed, Change)
    assert listed.type == LISTED
    assert end == WatchError("")


def test_a_cluster_that_is_gone_is_told_and_tried_again() -> None:
    client = FakeClient({"/pods": [page([]), Failure("refused"), page(["a"])]}, [[Failure("broken")]])
    watching = probe(client)
    watching.objects(["Pod"])
    watching.watch()
    assert [item.message for item in heard(watching, 2) if isinstance(item, WatchError)] == ["broken", "refused"]


def test_credentials_that_stay_rejected_will_not_pass_by_themselves() -> None:
    rejected = ApiFailure("Unauthorized", 401)
    watching = probe(FakeClient({"/pods": [page([]), rejected]}, [[rejected]]))
    watching.objects(["Pod"])
    watching.watch()
    assert [item.permanent for item in heard(watching, 2) if isinstance(item, WatchError)][:2] == [False, True]


def test_a_log_is_masked_and_the_present_one_stands_in_for_the_previous() -> None:
    text = "connecting to postgresql://airflow:s3cret@db/airflow\nit broke"
    client = FakeClient({"/log": [ApiFailure("previous terminated container not found", 400), text]})
    lines = probe(client).log(LogSource("pod", "main", previous=True))
    assert lines == ["connecting to postgresql://airflow:********@db/airflow", "it broke"]


def test_a_log_can_be_read_from_a_moment_on() -> None:
    client = FakeClient({"/log": ["no answer"]})
    assert probe(client).log(LogSource("pod", "main", since=datetime(2026, 1, 1, 12, 0, 5, tzinfo=UTC))) == [
        "no answer"
    ]
    assert ("sinceTime", "2026-01-01T12:00:05Z") in client.asked[0][2]["query_params"]


def test_a_log_that_is_gone_is_empty() -> None:
    client = FakeClient({"/log": [ApiFailure("not found", 404)]})
    assert probe(client).log(LogSource("pod", "main")) == []


def test_the_room_on_nodes_is_asked_for_once_and_page_by_page() -> None:
    asking = {"spec": {"containers": [{"resources": {"requests": {"cpu": "2"}}}]}}
    node = {"metadata": {"name": "one"}, "status": {"allocatable": {"cpu": "2"}}}

    def running(following: str) -> dict[str, Any]:
        pod = {"spec": {"nodeName": "one", **asking["spec"]}}
        return {"items": [pod], "metadata": {"continue": following}}

    client = FakeClient({"/nodes": [{"items": [node], "metadata": {}}], "/pods": [running("next"), running("")]})
    assert probe(client).shortage(asking) == "node one: 4 cpu short (-2 of 2 free)"
    assert [path for _method, path, _params in client.asked] == ["/api/v1/nodes", "/api/v1/pods", "/api/v1/pods"]


def test_who_may_not_see_nodes_is_not_told_of_room() -> None:
    client = FakeClient({"/nodes": [ApiFailure("forbidden", 403)]})
    assert probe(client).shortage({"spec": {}}) == ""


def test_pods_are_deleted_and_their_owners_touched() -> None:
    client = FakeClient({"pods/a": [{}], "replicasets/b": [{}]})
    retrying = probe(client)
    retrying.retry(Key("Pod", "a"))
    retrying.retry(Key("ReplicaSet", "b"))
    assert [(method, path.rpartition("/namespaces/airflow/")[2]) for method, path, _params in client.asked] == [
        ("delete", "pods/a"),
        ("patch", "replicasets/b"),
    ]


HEALTHY = {"metadatabase": {"status": "healthy"}}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (HEALTHY, ""),
        ("<html>", "it answers something else"),
        (ApiFailure('no endpoints available for service "x"', 503), "no endpoints"),
        (Failure("timed out"), "no answer within"),
    ],
)
def test_health_is_asked_through_the_service(answer: Any, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HealthProbe, "_ask_in_pod", lambda *_: HealthResponse(problem="not allowed", forbidden=True))
    client: Any = FakeClient({"/api/v2/monitor/health": [answer]})
    told = HealthProbe("airflow", HealthQuestion(service="airflow-api-server")).ask(client)
    assert told.problem.startswith(problem)
    assert bool(told.problem) == bool(problem)
    assert "/services/http:airflow-api-server:8080/proxy/api/v2/monitor/health" in client.asked[0][1]


@pytest.mark.parametrize(
    "barred",
    [Failure("timed out"), ApiFailure("error trying to reach service: dial tcp 10.0.0.1:8080: i/o timeout", 503)],
)
def test_health_is_asked_in_the_pod_where_the_way_to_it_is_barred(
    barred: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HealthProbe, "_ask_in_pod", lambda *_: health.parse(HEALTHY))
    client: Any = FakeClient({"/api/v2/monitor/health": [barred]})
    asked = HealthProbe("airflow", HealthQuestion(service="airflow-api-server"))
    assert [asked.ask(client).problem for _ in range(2)] == ["", ""]
    assert len(client.asked) == 1


def test_health_is_not_asked_in_a_pod_that_is_not_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HealthProbe, "_ask_in_pod", lambda *_: pytest.fail("asked in the pod"))
    client: Any = FakeClient({"/api/v2/monitor/health": [ApiFailure('no endpoints available for service "x"', 503)]})
    assert HealthProbe("airflow", HealthQuestion(service="x")).ask(client).problem.startswith("no endpoints")
