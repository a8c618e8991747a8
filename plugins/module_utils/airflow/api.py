# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Airflow's REST API, reached through the Kubernetes API: no Ingress or network policy has to let the caller in."""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ..core.errors import Failure
from ..kube.client import Client
from ..kube.component_pod import find_pod
from ..kube.pod_stream import PodPort

COMPONENT = "api-server"
PORT = 8080

#: Seconds to wait for an API server, and to go on asking when one goes away.
PATIENCE = 60

#: Seconds after which an idle connection is not used again: the API server closes it after five.
IDLE = 3


class AirflowApiFailure(Failure):
    """Airflow answered a request with an error.

    :param status: the HTTP status code.
    :param detail: what Airflow says of it.
    """

    def __init__(self, message: str, status: int, detail: str) -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail


@dataclass(frozen=True)
class Login:
    """Who asks; the password shows nowhere.

    :param source: where it comes from, for messages.
    """

    username: str
    password: str = field(repr=False)
    source: str = ""


class AirflowApi:
    """The REST API of one release; logs in when it is first asked.

    :param connect: opens a connection to an API server.
    :param login: tells who asks.
    :param base_path: what the API server's addresses start with (``[api] base_url``).
    """

    def __init__(
        self,
        connect: Callable[[], http.client.HTTPConnection],
        login: Callable[[], Login],
        base_path: str = "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connect = connect
        self._login = login
        self._base_path = base_path.rstrip("/")
        self._clock = clock
        self._sleep = sleep
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0
        self._token = ""

    @classmethod
    def of_release(cls, client: Client, namespace: str, release: str) -> AirflowApi:
        """Return the API of a release, as its administrator."""

        def connect() -> http.client.HTTPConnection:
            pod = find_pod(client, namespace, release, COMPONENT, PATIENCE, ready=True)
            return _Forwarded(PodPort(client, namespace, pod, PORT))

        return cls(connect, lambda: administrator(client, namespace, release), base_path(client, namespace, release))

    def __enter__(self) -> AirflowApi:
        return self

    def __exit__(self, *_error: object) -> None:
        self._disconnect()

    def get(self, path: str, **query: Any) -> Any:
        """Return the decoded answer to a GET, which is asked again while no API server answers.

        :param path: below the base path, its parts quoted (see :func:`address`).
        :raises AirflowApiFailure: Airflow answers with an error.
        """
        return self._ask("GET", path, query, None)

    def post(self, path: str, body: Any, **query: Any) -> Any:
        """Return the decoded answer to a POST."""
        return self._ask("POST", path, query, body)

    def patch(self, path: str, body: Any, **query: Any) -> Any:
        """Return the decoded answer to a PATCH."""
        return self._ask("PATCH", path, query, body)

    def _ask(self, method: str, path: str, query: dict[str, Any], body: Any) -> Any:
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        had_token = bool(self._token)
        if not had_token:
            self._token = self._log_in()
        status, answer = self._exchange(method, target, body, safe=method == "GET")
        if status == http.client.UNAUTHORIZED and had_token:
            self._token = self._log_in()
            status, answer = self._exchange(method, target, body, safe=method == "GET")
        if status >= http.client.BAD_REQUEST:
            detail = _detail(answer)
            raise AirflowApiFailure(f"Airflow refuses {method} {path}: {status} {detail}", status, detail)
        return _decoded(answer)

    def _log_in(self) -> str:
        """Return a token. Nothing of what is sent or answered here may be shown."""
        login = self._login()
        self._token = ""
        body = {"username": login.username, "password": login.password}
        status, answer = self._exchange("POST", "/auth/token", body, safe=True)
        decoded = _decoded(answer)
        token = decoded.get("access_token") if isinstance(decoded, dict) else None
        if status >= http.client.BAD_REQUEST or not token:
            hint = {
                int(
                    http.client.UNAUTHORIZED
                ): " The password may have been changed in Airflow; put the new one into the Secret.",
                int(http.client.NOT_FOUND): " This auth manager gives no tokens for a password.",
            }.get(status, "")
            raise AirflowApiFailure(
                f"Airflow does not let user {login.username} of {login.source} in: {status} at POST /auth/token.{hint}",
                status,
                "",
            )
        return str(token)

    def _exchange(self, method: str, target: str, body: Any, safe: bool) -> tuple[int, bytes]:
        """Send one request; a safe one is sent again while there is nobody to answer."""
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode("utf-8")
        until = self._clock() + PATIENCE
        while True:
            try:
                connection = self._connected()
                connection.request(method, self._base_path + target, data, headers)
                response = connection.getresponse()
                answer = response.read()
                self._used = self._clock()
                return response.status, answer
            except (OSError, http.client.HTTPException) as error:
                self._disconnect()
                if not safe or self._clock() >= until:
                    raise Failure(
                        f"Airflow's API server does not answer {method} {target.partition('?')[0]}: {error}."
                    ) from error
                self._sleep(1)

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is not None and self._clock() - self._used > IDLE:
            self._disconnect()
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class _Forwarded(http.client.HTTPConnection):
    """HTTP over a forwarded port, which is open already."""

    def __init__(self, port: PodPort) -> None:
        super().__init__("localhost", PORT)
        self.sock: Any = port

    def connect(self) -> None:
        raise ConnectionError("the connection has been closed")


def address(*parts: str) -> str:
    """Return a path of the REST API, version 2: ``address("dags", "my dag")`` is ``/api/v2/dags/my%20dag``."""
    return "/".join(["/api/v2", *(quote(part, safe="") for part in parts)])


def base_path(client: Client, namespace: str, release: str) -> str:
    """Return the path of ``[api] base_url`` in a release's configuration, empty if it has none."""
    config = client.get("v1", "ConfigMap", f"{release}-config", namespace) or {}
    return urlsplit(str((config.get("data") or {}).get("AIRFLOW__API__BASE_URL", ""))).path


def administrator(client: Client, namespace: str, release: str) -> Login:
    """Return the login of a release's administrator, from its Secret.

    :raises Failure: there is no such Secret, or it lacks a key.
    """
    name = f"{release}-admin"
    secret = client.get("v1", "Secret", name, namespace)
    if secret is None:
        raise Failure(
            f"There is no Secret {name} with the administrator's username and password in namespace {namespace} "
            f"({client.where}). Deploy the release first."
        )
    data = secret.get("data") or {}
    missing = [key for key in ("username", "password") if not data.get(key)]
    if missing:
        raise Failure(f"Secret {name} in namespace {namespace} has no key {' and no key '.join(missing)}.")
    username, password = (base64.b64decode(data[key]).decode("utf-8") for key in ("username", "password"))
    return Login(username, password, f"Secret {name}")


def _decoded(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return answer.decode("utf-8", "replace")


def _detail(answer: bytes) -> str:
    """Return what an error says, without what was sent."""
    decoded = _decoded(answer)
    detail = decoded.get("detail", "") if isinstance(decoded, dict) else decoded
    if isinstance(detail, list):
        detail = "; ".join(
            f"{'.'.join(map(str, each.get('loc', [])))}: {each.get('msg', '')}"
            for each in detail
            if isinstance(each, dict)
        )
    elif isinstance(detail, dict):
        detail = detail.get("reason") or detail.get("message") or json.dumps(detail)
    return str(detail).strip()[:500]
