# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The REST API's client against a real HTTP server on this machine."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow import api as airflow_api
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.api import (
    AirflowApi,
    AirflowApiFailure,
    Login,
    address,
    administrator,
    base_path,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure

PASSWORD = "s3cret-word"


class Airflow:
    """What the server knows and has seen."""

    def __init__(self) -> None:
        self.tokens = ["token-1", "token-2"]
        self.valid = "token-1"
        self.requests: list[tuple[str, str, Any]] = []
        self.connections = 0
        self.answers: dict[str, tuple[int, Any]] = {}
        self.drop = 0


@pytest.fixture
def airflow() -> Airflow:
    return Airflow()


@pytest.fixture
def port(airflow: Airflow) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            airflow.connections += 1
            super().setup()

        def serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            airflow.requests.append((self.command, self.path, body))
            if airflow.drop:
                airflow.drop -= 1
                self.close_connection = True
                return
            if self.path.endswith("/auth/token"):
                right = body == {"username": "admin", "password": PASSWORD}
                answer = (201, {"access_token": airflow.tokens.pop(0)}) if right else (401, {"detail": str(body)})
            elif self.headers.get("Authorization") != f"Bearer {airflow.valid}":
                answer = (401, {"detail": "expired"})
            else:
                answer = airflow.answers.get(self.path, (200, {"path": self.path}))
            data = json.dumps(answer[1]).encode()
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = serve  # noqa: N815 (the server's names)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def api_of(port: int, password: str = PASSWORD, clock: Clock | None = None, base_path: str = "") -> AirflowApi:
    clock = clock or Clock()
    return AirflowApi(
        lambda: http.client.HTTPConnection("127.0.0.1", port),
        lambda: Login("admin", password, "Secret airflow-admin"),
        base_path,
        clock,
        clock.sleep,
    )


def test_it_logs_in_once_and_keeps_the_connection(airflow: Airflow, port: int) -> None:
    with api_of(port) as api:
        assert api.get("/api/v2/dags", limit=1) == {"path": "/api/v2/dags?limit=1"}
        api.post("/api/v2/x", {"a": 1})
        api.patch("/api/v2/x", {"b": 2}, update_mask="b")
    assert [request[:2] for request in airflow.requests] == [
        ("POST", "/auth/token"),
        ("GET", "/api/v2/dags?limit=1"),
        ("POST", "/api/v2/x"),
        ("PATCH", "/api/v2/x?update_mask=b"),
    ]
    assert airflow.requests[2][2] == {"a": 1}
    assert airflow.connections == 1


def test_an_idle_connection_is_not_trusted(airflow: Airflow, port: int) -> None:
    clock = Clock()
    with api_of(port, clock=clock) as api:
        api.get("/a")
        clock.now += 10
        api.get("/b")
    assert airflow.connections == 2


def test_a_base_path_comes_first(airflow: Airflow, port: int) -> None:
    with api_of(port, base_path="/airflow/") as api:
        assert api.get(address("dags", "a b/c")) == {"path": "/airflow/api/v2/dags/a%20b%2Fc"}


def test_an_expired_token_is_renewed(airflow: Airflow, port: int) -> None:
    with api_of(port) as api:
        api.get("/a")
        airflow.valid = "token-2"
        assert api.get("/b") == {"path": "/b"}


def test_a_get_is_asked_again_and_a_post_is_not(airflow: Airflow, port: int) -> None:
    with api_of(port) as api:
        api.get("/a")
        airflow.drop = 2
        assert api.get("/b") == {"path": "/b"}
        airflow.drop = 1
        with pytest.raises(Failure, match="does not answer POST /c"):
            api.post("/c", {})
    assert [request[1] for request in airflow.requests].count("/c") == 1


def test_nobody_there_is_told_after_a_while() -> None:
    clock = Clock()
    with api_of(1, clock=clock) as api, pytest.raises(Failure, match="does not answer POST /auth/token"):
        api.get("/a")
    assert clock.now >= airflow_api.PATIENCE


def test_a_wrong_password_shows_nowhere(airflow: Airflow, port: int) -> None:
    with api_of(port, password="wr0ng-word") as api, pytest.raises(AirflowApiFailure) as caught:
        api.get("/a")
    assert "does not let user admin of Secret airflow-admin in: 401" in caught.value.message
    assert "wr0ng-word" not in caught.value.message + caught.value.detail + repr(Login("admin", "wr0ng-word"))


def test_errors_tell_the_detail_without_what_was_sent(airflow: Airflow, port: int) -> None:
    wrong = {"detail": [{"loc": ["body", "conf"], "msg": "not a dictionary", "input": PASSWORD}]}
    airflow.answers = {"/a": (404, {"detail": "no such DAG"}), "/b": (422, wrong), "/c": (500, "Internal Server Error")}
    with api_of(port) as api:
        with pytest.raises(AirflowApiFailure, match="Airflow refuses GET /a: 404 no such DAG") as caught:
            api.get("/a")
        assert caught.value.status == 404
        with pytest.raises(AirflowApiFailure, match=r"422 body\.conf: not a dictionary") as caught:
            api.post("/b", {})
        assert PASSWORD not in caught.value.message
        with pytest.raises(AirflowApiFailure, match="500 Internal Server Error"):
            api.get("/c")


class FakeClient:
    where = "a cluster"

    def __init__(self, found: dict[str, Any] | None, name: str = "airflow-admin") -> None:
        self.found = found
        self.name = name

    def get(self, _api_version: str, _kind: str, name: str, _namespace: str) -> dict[str, Any] | None:
        assert name == self.name
        return self.found


def encoded(**data: str) -> dict[str, Any]:
    return {"data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}}


def test_the_administrator_comes_from_the_secret() -> None:
    login = administrator(FakeClient(encoded(username="admin", password="pä:ß")), "airflow", "airflow")  # type: ignore[arg-type]
    assert (login.username, login.password) == ("admin", "pä:ß")
    with pytest.raises(Failure, match="no Secret airflow-admin"):
        administrator(FakeClient(None), "airflow", "airflow")  # type: ignore[arg-type]
    with pytest.raises(Failure, match="has no key password"):
        administrator(FakeClient(encoded(username="admin", password="")), "airflow", "airflow")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"AIRFLOW__API__BASE_URL": "https://airflow.example.com/airflow/"}, "/airflow/"),
        ({"AIRFLOW__API__BASE_URL": "https://airflow.example.com"}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_the_base_path_comes_from_the_configuration(data: dict[str, str] | None, path: str) -> None:
    found = None if data is None else {"data": data}
    client = FakeClient(found, "airflow-config")
    assert base_path(client, "airflow", "airflow") == path  # type: ignore[arg-type]
