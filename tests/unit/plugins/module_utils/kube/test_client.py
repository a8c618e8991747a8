# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is asked of a cluster, and what a user is told when it does not answer."""

from __future__ import annotations

import http.server
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import kubernetes.client
import pytest
from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as library

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure, NoAnswer
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube import client as kube_client
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube import retries
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.client import Client, connections_for

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
        self.failures: list[Callable[[Handler], None]] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: ApiServer

    def answer(self) -> None:
        path = self.path.split("?")[0]
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, self.headers.get("Content-Type", ""), body))
        missing = {"kind": "Status", "message": f"{path} not found", "reason": "NotFound", "code": 404}
        if self.server.failures:
            self.server.failures.pop(0)(self)
            return
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
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    # What the libraries know of another server, which had the same port: connections, and in files its resources.
    monkeypatch.setattr(library, "_pool", {})
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with ApiServer() as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def client(server: ApiServer, connection: dict[str, Any]) -> Client:
    return Client({**connection, "host": f"http://127.0.0.1:{server.server_port}", "api_key": "token"})


def asked(server: ApiServer) -> tuple[str, str, str, Any]:
    """Return the last request that was not for discovery: method, path, content type and body."""
    for method, path, content_type, body in reversed(server.asked):
        if (method, path.split("?")[0]) not in DISCOVERY:
            return method, unquote(path), content_type, body
    raise AssertionError("nothing was asked")


MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config", "namespace": "data"}}
PATH = "/api/v1/namespaces/data/configmaps/config"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


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


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_creation_that_is_only_tried_is_as_strict_as_an_apply(
    server: ApiServer, client: Client, dry_run: bool
) -> None:
    server.answers["POST", "/api/v1/namespaces/data/configmaps"] = (201, MAP)
    server.failures = []
    assert client.create(MAP, "manager", dry_run=dry_run) == MAP
    assert client.create(MAP, "manager", dry_run=dry_run) == MAP
    path = asked(server)[1]
    assert path.count("dryRun=All") == path.count("fieldValidation=Strict") == int(dry_run)


def test_tells_which_kinds_live_in_a_namespace(client: Client) -> None:
    assert client.is_namespaced("v1", "ConfigMap")
    assert not client.is_namespaced("v1", "Namespace")
    with pytest.raises(Failure, match=r"has no kind Bucket in example.com/v1"):
        client.is_namespaced("example.com/v1", "Bucket")


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


def test_a_kind_is_known_for_as_long_as_it_is_defined(server: ApiServer, client: Client) -> None:
    group = "gateway.networking.k8s.io/v1"
    server.answers["GET", f"/apis/{group}"] = (200, {"resources": [{"kind": "Gateway"}, {"kind": "HTTPRoute"}]})
    assert client.has_kind(group, "HTTPRoute")
    assert not client.has_kind(group, "Route")
    del server.answers["GET", f"/apis/{group}"]
    assert not client.has_kind(group, "HTTPRoute")


@pytest.mark.parametrize(("reads", "connections"), [(0, 1), (1, 1), (5, 1), (6, 2), (20, 4), (1000, 8)])
def test_few_reads_share_a_connection(reads: int, connections: int) -> None:
    assert connections_for(reads) == connections


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


def refuse(status: int, message: str = "", reason: str = "", **headers: str) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        body = json.dumps({"kind": "Status", "message": message, "reason": reason}).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hang_up(handler: Handler) -> None:
    handler.close_connection = True


class TestPatience:
    """An API server that starts anew, behind whatever stands in front of it."""

    @pytest.fixture(autouse=True)
    def _quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kube_client, "FIRST_PAUSE", 0.01)
        monkeypatch.setattr(kube_client, "LONGEST_PAUSE", 0.02)

    @pytest.fixture
    def said(self, client: Client) -> list[str]:
        lines: list[str] = []
        client._patience = 5
        client._say = lines.append
        return lines

    @pytest.mark.parametrize(
        "failure",
        [
            hang_up,
            refuse(429, "too many requests", "TooManyRequests", Retry_After="1"),
            refuse(502, "Bad Gateway"),
            refuse(503, "the server is currently unable to handle the request", "ServiceUnavailable"),
            refuse(504, "request timed out", "Timeout"),
            refuse(500, "etcdserver: leader changed", "InternalError"),
            refuse(500, "the server cannot complete the operation", "ServerTimeout"),
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "PATCH", "POST", "DELETE"])
    def test_what_passes_is_sent_again(
        self, server: ApiServer, client: Client, said: list[str], failure: Any, method: str
    ) -> None:
        server.answers[method, PATH] = (200, MAP)
        client.request("get", "/version")
        server.failures = [failure, failure]
        assert client.request(method.lower(), PATH, body=MAP if method in ("PATCH", "POST") else None) == MAP

    @pytest.mark.parametrize(
        "failure",
        [
            refuse(404, "not found", "NotFound"),
            refuse(409, "modified", "Conflict"),
            refuse(422, "invalid", "Invalid"),
            refuse(500, "failed calling webhook", "InternalError"),
        ],
    )
    def test_an_answer_is_an_answer(self, server: ApiServer, client: Client, said: list[str], failure: Any) -> None:
        server.failures = [failure]
        with pytest.raises(ApiFailure):
            client.request("get", PATH)
        assert server.failures == []

    def test_the_first_contact_is_made_again(self, server: ApiServer, connection: dict[str, Any]) -> None:
        address = {**connection, "host": f"http://127.0.0.1:{server.server_port}", "api_key": "token"}
        server.answers["GET", PATH] = (200, MAP)
        server.failures = [refuse(503, "starting", "ServiceUnavailable")] * 2
        with pytest.raises(ApiFailure, match="starting"):
            Client(address)
        assert Client(address, patience=5).request("get", PATH) == MAP
        assert server.failures == []

    def test_what_is_forbidden_while_the_server_starts_is_asked_for_again(
        self, server: ApiServer, client: Client
    ) -> None:
        server.answers |= {("GET", "/readyz"): (200, "ok"), ("GET", PATH): (200, MAP)}
        server.asked.clear()
        server.failures = [refuse(403, "forbidden", "Forbidden")] + [hang_up] * 2
        assert client.request("get", PATH) == MAP
        assert [path for _method, path, *_rest in server.asked] == [PATH, "/readyz", "/readyz", "/readyz", PATH]

    def test_what_a_ready_server_forbids_is_forbidden(self, server: ApiServer, client: Client) -> None:
        forbidden = {"kind": "Status", "message": "forbidden", "reason": "Forbidden"}
        server.answers |= {("GET", "/readyz"): (200, "ok"), ("GET", PATH): (403, forbidden)}
        server.asked.clear()
        with pytest.raises(ApiFailure, match="forbidden"):
            client.request("get", PATH)
        assert [path for _method, path, *_rest in server.asked] == [PATH, "/readyz", PATH]

    def test_where_readiness_is_secret_a_review_of_rights_tells_that_the_server_is_ready(
        self, server: ApiServer, client: Client
    ) -> None:
        forbidden = {"kind": "Status", "message": "forbidden", "reason": "Forbidden"}
        server.answers |= {
            ("GET", "/readyz"): (403, forbidden),
            ("GET", PATH): (403, forbidden),
            ("POST", REVIEWS): (201, {"status": {"allowed": False}}),
        }
        began = time.monotonic()
        for _request in range(3):
            server.asked.clear()
            with pytest.raises(ApiFailure, match="forbidden"):
                client.request("get", PATH)
            assert [path for _method, path, *_rest in server.asked] == [PATH, "/readyz", REVIEWS, PATH]
        assert time.monotonic() - began < retries.READY_PATIENCE / 3

    def test_where_nothing_tells_that_it_is_ready_it_takes_a_while_once(
        self, server: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kube_client, "READY_PATIENCE", 0.4)
        server.failures = [refuse(403, "forbidden", "Forbidden")] * 1000
        with pytest.raises(ApiFailure, match="forbidden"):
            client.request("get", PATH)
        assert 800 < len(server.failures) < 996
        server.asked.clear()
        with pytest.raises(ApiFailure, match="forbidden"):
            client.request("get", PATH)
        assert [path for _method, path, *_rest in server.asked] == [PATH, "/readyz", REVIEWS, PATH]

    def test_a_server_that_starts_forbids_the_review_too(self, server: ApiServer, client: Client) -> None:
        server.answers |= {("GET", "/readyz"): (200, "ok"), ("GET", PATH): (200, MAP)}
        server.asked.clear()
        server.failures = [refuse(403, "forbidden", "Forbidden")] * 3
        assert client.request("get", PATH) == MAP
        assert [path for _method, path, *_rest in server.asked] == [PATH, "/readyz", REVIEWS, "/readyz", PATH]

    def test_patience_has_an_end(self, server: ApiServer, client: Client, said: list[str]) -> None:
        server.failures = [refuse(503, "starting", "ServiceUnavailable")] * 1000
        with pytest.raises(ApiFailure, match="starting"):
            client.request("get", PATH, patience=0.1)
        assert 900 < len(server.failures) < 1000

    def test_without_patience_nothing_is_sent_again(self, server: ApiServer, client: Client) -> None:
        server.failures = [refuse(503, "no endpoints available for service", "ServiceUnavailable")] * 2
        with pytest.raises(ApiFailure, match="no endpoints"):
            client.request("get", PATH)
        assert len(server.failures) == 1

    def test_a_long_silence_and_its_end_are_told_once(
        self, server: ApiServer, client: Client, said: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kube_client, "TELL_AFTER", 0.03)
        server.answers["GET", PATH] = (200, MAP)
        server.failures = [refuse(503, "starting", "ServiceUnavailable")] * 8
        client.request("get", PATH)
        client.request("get", PATH)
        silence, end = said
        assert re.fullmatch(r"the cluster does not answer \(starting\); trying again for \d s", silence)
        assert re.fullmatch(r"the cluster answers again, after \d s", end)

    def test_a_certificate_that_is_not_trusted_will_not_be(self) -> None:
        assert not retries.may_pass(NoAnswer("", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"))
        assert retries.may_pass(NoAnswer("", "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred"))


class TestCredentials:
    @pytest.fixture
    def renewing(
        self, server: ApiServer, connection: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> tuple[Client, Path]:
        """A connection whose token is in a kubeconfig, which the library keeps as its default for all others."""
        monkeypatch.setattr(kubernetes.client.Configuration, "_default", None)
        kubeconfig = tmp_path / "config"
        self.write(kubeconfig, server, "old")
        return Client({**connection, "kubeconfig": str(kubeconfig)}), kubeconfig

    def write(self, path: Path, server: ApiServer, token: str) -> None:
        clusters = [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}]
        users = [{"name": "u", "user": {"token": token}}]
        contexts = [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
        config = {"clusters": clusters, "users": users, "contexts": contexts, "current-context": "x"}
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **config}))

    @pytest.fixture(autouse=True)
    def _picky(self, server: ApiServer) -> None:
        """The server accepts only the new token."""
        server.answers["GET", PATH] = (200, MAP)

        def check(handler: Handler) -> None:
            if handler.path == PATH and handler.headers["Authorization"] != "Bearer new":
                refuse(401, "Unauthorized", "Unauthorized")(handler)
            else:
                server.failures = []
                handler.answer()
                server.failures = [check] * 100

        server.failures = [check] * 100

    def test_an_expired_token_is_read_anew(self, server: ApiServer, renewing: tuple[Client, Path]) -> None:
        client, kubeconfig = renewing
        self.write(kubeconfig, server, "new")
        assert client.request("get", PATH) == MAP

    def test_one_that_stays_rejected_is_told(self, renewing: tuple[Client, Path]) -> None:
        with pytest.raises(
            ApiFailure, match=r"401 Unauthorized: the credentials were rejected .Unauthorized.*log in again"
        ):
            renewing[0].request("get", PATH)


class TestGuard:
    def test_is_asked_before_every_write(self, server: ApiServer, client: Client) -> None:
        asked_for: list[str] = []
        client.guard = asked_for.append
        for method in ("PATCH", "DELETE", "GET"):
            server.answers[method, PATH] = (200, MAP)
        server.answers["POST", PATH.rpartition("/")[0]] = (201, MAP)
        client.get("v1", "ConfigMap", "config", "data")
        client.apply(MAP, "manager", dry_run=True)
        client.delete("v1", "ConfigMap", "config", "data", dry_run=True)
        assert asked_for == []
        client.apply(MAP, "manager")
        client.delete("v1", "ConfigMap", "config", "data")
        client.create(MAP, "manager")
        assert asked_for == [PATH, PATH, PATH.rpartition("/")[0]]

    def test_prevents_it(self, server: ApiServer, client: Client) -> None:
        def refuse_all(path: str) -> None:
            raise Failure("lost")

        client.guard = refuse_all
        with pytest.raises(Failure, match="lost"):
            client.apply(MAP, "manager")
        assert all(method == "GET" for method, *_rest in server.asked)
