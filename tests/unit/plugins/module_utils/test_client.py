# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is asked of a cluster, and what a user is told when it does not answer."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils._client import Client
from ansible_collections.airflow.kubernetes.plugins.module_utils._errors import ApiFailure, Failure

Answers = dict[tuple[str, str], tuple[int, Any]]

DISCOVERY: Answers = {
    ("GET", "/version"): (200, {"major": "1", "minor": "34"}),
    ("GET", "/api"): (200, {"kind": "APIVersions", "versions": ["v1"]}),
    ("GET", "/apis"): (200, {"kind": "APIGroupList", "groups": []}),
    ("GET", "/api/v1"): (
        200,
        {
            "kind": "APIResourceList",
            "resources": [
                {"name": "configmaps", "kind": "ConfigMap", "namespaced": True, "verbs": ["get"], "singularName": ""},
                {"name": "namespaces", "kind": "Namespace", "namespaced": False, "verbs": ["get"], "singularName": ""},
            ],
        },
    ),
}


class ApiServer(http.server.ThreadingHTTPServer):
    """Answers with what it was given, and notes what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: Answers = dict(DISCOVERY)
        self.asked: list[tuple[str, str, str, Any]] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: ApiServer

    def answer(self) -> None:
        path = self.path.split("?")[0]
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, self.headers.get("Content-Type", ""), body))
        missing = {"kind": "Status", "message": f"{path} not found", "reason": "NotFound", "code": 404}
        status, content = self.server.answers.get((self.command, path), (404, missing))
        raw = content.encode() if isinstance(content, str) else content
        encoded = raw if isinstance(raw, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(raw, bytes) else "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def client(server: ApiServer, connection: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    # Where the library keeps what it has discovered.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return Client({**connection, "host": f"http://127.0.0.1:{server.server_port}", "api_key": "token"})


def asked(server: ApiServer) -> tuple[str, str, str, Any]:
    """Return the last request that was not for discovery: method, path, content type and body."""
    for method, path, content_type, body in reversed(server.asked):
        if (method, path.split("?")[0]) not in DISCOVERY:
            return method, unquote(path), content_type, body
    raise AssertionError("nothing was asked")


MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config", "namespace": "data"}}
PATH = "/api/v1/namespaces/data/configmaps/config"


def test_gets_an_object(server: ApiServer, client: Client) -> None:
    server.answers["GET", PATH] = (200, MAP)
    assert client.get("v1", "ConfigMap", "config", "data") == MAP


def test_none_of_that_name_is_none(client: Client) -> None:
    assert client.get("v1", "ConfigMap", "config", "data") is None
    assert client.delete("v1", "ConfigMap", "config", "data") is None


def test_lists_by_label(server: ApiServer, client: Client) -> None:
    server.answers["GET", "/api/v1/namespaces/data/configmaps"] = (200, {"kind": "ConfigMapList", "items": [MAP]})
    assert client.list("v1", "ConfigMap", "data", "a=b")["items"] == [MAP]
    assert "labelSelector=a=b" in asked(server)[1]


@pytest.mark.parametrize(("dry_run", "force"), [(False, False), (True, False), (False, True)])
def test_applies_on_the_server(server: ApiServer, client: Client, dry_run: bool, force: bool) -> None:
    server.answers["PATCH", PATH] = (200, MAP)
    assert client.apply(MAP, "manager/set", dry_run=dry_run, force=force) == MAP
    _method, path, content_type, body = asked(server)
    assert content_type == "application/apply-patch+yaml"
    assert body == MAP
    assert "fieldManager=manager/set" in path
    assert ("dryRun=All" in path) is dry_run
    assert ("force=true" in path) is force


def test_deletes_with_what_depends_on_it(server: ApiServer, client: Client) -> None:
    server.answers["DELETE", PATH] = (200, MAP)
    client.delete("v1", "ConfigMap", "config", "data", dry_run=True)
    assert "propagationPolicy=Background" in asked(server)[1]
    assert "dryRun=All" in asked(server)[1]


def test_an_answer_that_is_no_json_is_its_text(server: ApiServer, client: Client) -> None:
    server.answers["GET", "/log"] = (200, "line one\n")
    assert client.request("get", "/log") == "line one\n"


@pytest.mark.parametrize(("logged", "text"), [(b"42\n", "42\n"), (b'{"a": 1}', '{"a": 1}'), (b"caf\xc3", "caf\ufffd")])
def test_a_log_is_text_whatever_is_in_it(server: ApiServer, client: Client, logged: bytes, text: str) -> None:
    server.answers["GET", "/log"] = (200, logged)
    assert client.text("get", "/log") == text


def test_a_refusal_carries_what_the_cluster_says(server: ApiServer, client: Client) -> None:
    details = {"causes": [{"field": "spec.x"}]}
    status = {"kind": "Status", "message": "it is immutable", "reason": "Invalid", "details": details}
    server.answers["PATCH", PATH] = (422, status)
    with pytest.raises(ApiFailure) as failure:
        client.apply(MAP, "manager")
    raised = failure.value
    assert (raised.message, raised.status, raised.reason, raised.details) == (
        "it is immutable",
        422,
        "Invalid",
        details,
    )


def test_a_refusal_that_is_no_status_is_told_as_it_is(server: ApiServer, client: Client) -> None:
    server.answers["PATCH", PATH] = (502, "Bad Gateway")
    with pytest.raises(ApiFailure, match="Bad Gateway") as failure:
        client.apply(MAP, "manager")
    assert failure.value.status == 502


def test_a_kind_that_the_cluster_does_not_know_says_what_to_do(client: Client) -> None:
    with pytest.raises(Failure, match=r"has no kind Route in route.openshift.io/v1\. Install what defines it"):
        client.get("route.openshift.io/v1", "Route", "web", "data")


def test_nobody_answers(connection: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(Failure, match=rf"No cluster answers \(host http://127.0.0.1:{port}\).*airflow_kubeconfig"):
        Client({**connection, "host": f"http://127.0.0.1:{port}", "api_key": "token"}).get("v1", "Namespace", "x")


def test_a_context_that_is_not_there(connection: dict[str, Any], tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text("apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n")
    with pytest.raises(
        Failure, match=r"The kubeconfig leads to no cluster \(kubeconfig .*, context other\).*airflow_context"
    ):
        Client({**connection, "kubeconfig": str(kubeconfig), "context": "other"})


def test_no_message_holds_a_credential(connection: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(Failure) as failure:
        Client({**connection, "host": f"http://127.0.0.1:{port}", "api_key": "hunter2"}).get("v1", "Namespace", "x")
    assert "hunter2" not in failure.value.message
