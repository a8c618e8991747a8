# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A company's proxy, which notes each request, and what is outside: two servers that nobody but the proxy can reach.

It knows files.example.com alone, at the ports of the two. Usage: proxy.py FOLDER, which has tls.crt and tls.key
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

NAME = "files.example.com"
PORT, HTTP, HTTPS = 3128, 8000, 8443


class Outside(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"greetings from outside")

    def log_message(self, *_arguments: object) -> None:
        """The log is the proxy's."""


class Proxy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if (url.hostname, url.port) != (NAME, HTTP):
            self.send_error(403)
            return
        connection = http.client.HTTPConnection("127.0.0.1", HTTP, timeout=10)
        connection.request("GET", url.path)
        answer = connection.getresponse()
        self.send_response(answer.status)
        self.end_headers()
        self.wfile.write(answer.read())

    def do_CONNECT(self) -> None:
        if self.path != f"{NAME}:{HTTPS}":
            self.send_error(403)
            return
        with socket.create_connection(("127.0.0.1", HTTPS), timeout=10) as outside:
            self.send_response(200)
            self.end_headers()
            other = {self.connection: outside, outside: self.connection}
            while True:
                for end in select.select(list(other), [], [], 30)[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    other[end].sendall(data)


def serve(server: ThreadingHTTPServer) -> None:
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    folder = Path(sys.argv[1])
    serve(ThreadingHTTPServer(("127.0.0.1", HTTP), Outside))
    secure = ThreadingHTTPServer(("127.0.0.1", HTTPS), Outside)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    serve(secure)
    ThreadingHTTPServer(("", PORT), Proxy).serve_forever()


if __name__ == "__main__":
    main()
