# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the Kubernetes API serves over a websocket: a program run in a pod's container, a connection to a pod's port.

The client library's own ``stream`` hides why a handshake was refused, forgets impersonation, and differs between
releases; what is used here is its configuration and the websocket library that it depends on.
"""

from __future__ import annotations

import contextlib
import io
import json
import ssl
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ..core.errors import ApiFailure, Failure
from .client import Client

# The library kubernetes brings it; _client tells when that is missing.
with contextlib.suppress(ImportError):
    import websocket

#: Seconds without a byte, either way, after which the other side counts as gone.
SILENCE = 60

#: Bytes in one message: well below what any API server or proxy takes.
MESSAGE_SIZE = 128 * 1024

#: The first is understood by every Kubernetes; the API server picks.
PROTOCOLS = ("v4.channel.k8s.io", "v5.channel.k8s.io")

#: The channels of an exec, the first byte of each message.
STDIN, STDOUT, STDERR, STATUS = 0, 1, 2, 3

#: How a program ends that `python -c` runs in a pod, its answer being in the variable ``answer``. The length comes
#: first, since a stream does not tell where the answer is complete. Programs that are sent as a whole file
#: (`services_program.py`, `facts_program.py`) cannot import this in the pod, and write the same themselves.
WRITE_ANSWER = "sys.stdout.buffer.write(b'%08d' % len(answer) + answer)"
_LENGTH_DIGITS = 8

#: The channels of a forwarded port.
DATA, ERROR = 0, 1


class _Channels:
    """Numbered channels over one websocket."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        pod: str,
        subresource: str,
        query: Sequence[tuple[str, Any]],
        silence: float = SILENCE,
    ) -> None:
        self._silence = silence
        self.what = f"{subresource} in pod {pod} of namespace {namespace}"
        path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/{subresource}"
        self._socket = _connect(client, f"{path}?{urlencode(query)}", self.what, silence)

    def send(self, channel: int, data: bytes) -> None:
        """Send bytes of any length; waits while the other side is slow.

        :raises OSError: the other side has gone.
        """
        view = memoryview(data)
        for start in range(0, len(view), MESSAGE_SIZE):
            message = bytes([channel]) + view[start : start + MESSAGE_SIZE]
            try:
                self._socket.send_binary(message)
            except websocket.WebSocketException as error:
                raise ConnectionError(str(error)) from error

    def receive(self) -> tuple[int, bytes] | None:
        """Return the next message's channel and data, or ``None`` when the other side has closed.

        :raises TimeoutError: nothing came for too long.
        """
        while True:
            try:
                opcode, data = self._socket.recv_data()
            except websocket.WebSocketTimeoutException as error:
                raise TimeoutError(f"no answer for {self._silence:.0f} s") from error
            except (websocket.WebSocketException, ConnectionError):
                return None
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return None
            # An empty message, and in v5 one on channel 255, says nothing that the program's own end does not say.
            if len(data) > 1 and data[0] != 255:
                return data[0], data[1:]

    def close(self) -> None:
        """Leave without waiting for the other side to say goodbye."""
        self._socket.close(timeout=0)


class Exec:
    """A program that runs in a container, fed and read as streams of bytes.

    :param command: the program and its arguments. They are visible to others: no secrets.
    :param silence: seconds without a byte after which it counts as gone.
    :raises ApiFailure: the API server refuses.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        pod: str,
        container: str,
        command: Sequence[str],
        silence: float = SILENCE,
    ) -> None:
        self.where = f"container {container} of pod {pod} in namespace {namespace}"
        query = [("container", container), *(("command", part) for part in command)]
        query += [("stdin", "true"), ("stdout", "true"), ("stderr", "true"), ("tty", "false")]
        self._channels = _Channels(client, namespace, pod, "exec", query, silence)
        self._out = bytearray()
        self._said = bytearray()
        self._status = bytearray()

    def __enter__(self) -> Exec:
        return self

    def __exit__(self, *_error: object) -> None:
        self._channels.close()

    def write(self, data: bytes) -> None:
        """Send bytes to the program's standard input.

        :raises OSError: the program or the connection has ended.
        """
        self._channels.send(STDIN, data)

    def read(self, size: int) -> bytes:
        """Return exactly ``size`` bytes of the program's standard output.

        :raises Failure: the program ended before; says how, with the end of its standard error.
        """
        while len(self._out) < size:
            try:
                received = self._channels.receive()
            except TimeoutError as error:
                raise Failure(f"The program in {self.where} does not answer: {error}.") from error
            if received is None:
                raise Failure(self._ended())
            channel, data = received
            buffers = {STDOUT: self._out, STDERR: self._said, STATUS: self._status}
            buffers.get(channel, self._said).extend(data)
        taken = bytes(self._out[:size])
        del self._out[:size]
        return taken

    def lines(self) -> Iterator[str]:
        """Yield the lines of the program's standard output until it ends.

        :raises Failure: it failed; says how, with the end of its standard error.
        """
        while True:
            try:
                received = self._channels.receive()
            except TimeoutError as error:
                raise Failure(f"The program in {self.where} does not answer: {error}.") from error
            if received is None:
                break
            channel, data = received
            {STDOUT: self._out, STATUS: self._status}.get(channel, self._said).extend(data)
            *whole, rest = self._out.split(b"\n")
            self._out = bytearray(rest)
            yield from (line.decode("utf-8", "replace") for line in whole)
        if not self._succeeded():
            raise Failure(self._ended())

    def _succeeded(self) -> bool:
        try:
            return bool(json.loads(self._status)["status"] == "Success")
        except (ValueError, KeyError, TypeError):
            return False

    def _ended(self) -> str:
        said = self._said.decode("utf-8", "replace").strip().splitlines()[-5:]
        try:
            reason = json.loads(self._status)["message"]
        except (ValueError, KeyError, TypeError):
            reason = "the connection closed"
        return f"The program in {self.where} ended early: {reason}." + ("".join(f"\n  {line}" for line in said))


def reader_of(program: bytes, title: str) -> str:
    """Return what `python -c` runs in a pod to have a whole program from its standard input, where that comes first.

    The program itself would be too long for a command line.

    :param title: how tracebacks call it.
    """
    return f"import sys; exec(compile(sys.stdin.buffer.read({len(program)}), {title!r}, 'exec'))"


def read_answer(program: Exec) -> bytes:
    """Return the answer of a program that ends as `WRITE_ANSWER` does.

    :raises Failure: the program ended before.
    :raises ValueError: it printed something else.
    """
    return program.read(int(program.read(_LENGTH_DIGITS)))


class PodPort:
    """A connection to a port of a pod, as much of a socket as ``http.client`` uses.

    :raises ApiFailure: the API server refuses.
    """

    def __init__(self, client: Client, namespace: str, pod: str, port: int) -> None:
        self._channels = _Channels(client, namespace, pod, "portforward", [("ports", port)])
        self._received = b""
        self._announced: set[int] = set()

    def sendall(self, data: bytes) -> None:
        """Send all of the data."""
        self._channels.send(DATA, bytes(data))

    def recv(self, size: int) -> bytes:
        """Return at most ``size`` bytes, none at all when the port has closed.

        :raises ConnectionError: nothing listens there.
        """
        while not self._received:
            received = self._channels.receive()
            if received is None:
                return b""
            channel, data = received
            if channel not in self._announced:
                # Each channel begins with the port's number.
                self._announced.add(channel)
                data = data[2:]
            if channel == ERROR and data:
                raise ConnectionError(data.decode("utf-8", "replace").strip())
            self._received = data
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a buffered reader of what the port answers; closing it leaves the connection open."""
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """End the connection."""
        self._channels.close()


class _Reader(io.RawIOBase):
    def __init__(self, port: PodPort) -> None:
        super().__init__()
        self._port = port

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._port.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _connect(client: Client, path: str, what: str, silence: float) -> Any:
    connection = client.connection
    configuration = connection.configuration
    url = "ws" + configuration.host.removeprefix("http") + path
    try:
        return websocket.create_connection(
            url,
            timeout=silence,
            header=_headers(connection),
            subprotocols=list(PROTOCOLS),
            sslopt=_tls(configuration),
            enable_multithread=False,
            **_proxy(configuration),
        )
    except websocket.WebSocketBadStatusException as error:
        raise _refusal(error, what) from error
    except (websocket.WebSocketException, OSError) as error:
        raise Failure(f"No websocket to the cluster ({client.where}) for {what}: {error}.") from error


def _headers(connection: Any) -> list[str]:
    headers = [f"{name}: {value}" for name, value in connection.default_headers.items()]
    headers += [
        f"{setting['key']}: {setting['value']}"
        for setting in connection.configuration.auth_settings().values()
        if setting["in"] == "header" and setting["value"]
    ]
    return headers


def _tls(configuration: Any) -> dict[str, Any]:
    if not configuration.verify_ssl:
        options: dict[str, Any] = {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    else:
        options = {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": configuration.ssl_ca_cert}
        if configuration.assert_hostname is not None:
            options["check_hostname"] = bool(configuration.assert_hostname)
    options["certfile"] = configuration.cert_file
    options["keyfile"] = configuration.key_file
    options["server_hostname"] = getattr(configuration, "tls_server_name", None)
    return {name: value for name, value in options.items() if value is not None}


def _proxy(configuration: Any) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if configuration.proxy:
        address = urlsplit(configuration.proxy)
        options.update(http_proxy_host=address.hostname, http_proxy_port=address.port, proxy_type="http")
        if address.username:
            options["http_proxy_auth"] = (address.username, address.password or "")
    if configuration.no_proxy:
        options["http_no_proxy"] = configuration.no_proxy.split(",")
    return options


def _refusal(error: Any, what: str) -> ApiFailure:
    body = error.resp_body.decode("utf-8", "replace") if error.resp_body else ""
    try:
        status = json.loads(body)
        message, reason, details = status["message"], status.get("reason", ""), status.get("details")
    except (ValueError, KeyError, TypeError):
        message, reason, details = body.strip() or str(error), "", None
    return ApiFailure(f"The cluster refuses {what}: {message}.", int(error.status_code), reason, details)
