# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A PostgreSQL 12 and a Redis 4, as far as somebody sees who only asks for the version."""

from __future__ import annotations

import struct
import threading
from socketserver import BaseRequestHandler, StreamRequestHandler, ThreadingTCPServer

#: The first messages of a client of PostgreSQL's protocol 3, which have no type.
SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


class Database(BaseRequestHandler):
    def handle(self) -> None:
        while True:
            length, code = struct.unpack("!II", self.request.recv(8))
            self.request.recv(length - 8)
            if code not in (SSL_REQUEST, GSS_REQUEST):
                break
            self.request.sendall(b"N")
        facts = {"server_version": "12.22", "client_encoding": "UTF8", "standard_conforming_strings": "on"}
        facts["DateStyle"] = "ISO, MDY"
        self.request.sendall(
            message(b"R", struct.pack("!I", 0))
            + b"".join(message(b"S", f"{key}\0{value}\0".encode()) for key, value in facts.items())
            + message(b"K", struct.pack("!II", 1, 1))
            + message(b"Z", b"I")
        )
        self.request.recv(1024)


class Broker(StreamRequestHandler):
    def handle(self) -> None:
        while head := self.rfile.readline():
            words = []
            for _word in range(int(head[1:])):
                words.append(self.rfile.read(int(self.rfile.readline()[1:]) + 2)[:-2].upper())
            info = b"redis_version:4.0.14\r\n"
            answers = {b"INFO": b"$%d\r\n%s\r\n" % (len(info), info), b"PING": b"+PONG\r\n"}
            self.wfile.write(answers.get(words[0], b"+OK\r\n"))


if __name__ == "__main__":
    threading.Thread(target=ThreadingTCPServer(("", 5432), Database).serve_forever).start()
    ThreadingTCPServer(("", 6379), Broker).serve_forever()
