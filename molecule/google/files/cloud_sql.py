# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stands in for Cloud SQL, as far as its auth proxy asks: the Admin API, and the instance's port 3307.

It checks what Google checks: the bearer token, the name of the instance, and that who connects has a certificate that it
has signed. What comes through goes to a PostgreSQL that listens on the pod's loopback alone.

    cloud_sql.py PROJECT:REGION:NAME TOKEN ADDRESS
"""

from __future__ import annotations

import contextlib
import datetime
import http.server
import json
import socket
import ssl
import sys
import tempfile
import threading
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

ADMIN_PORT, INSTANCE_PORT, DATABASE_PORT = 8080, 3307, 5432
HOUR = datetime.timedelta(hours=1)


class Authority:
    """The instance's own CA."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.name = _name("Google Cloud SQL Server CA")
        self.certificate = self.sign(self.name, self.key.public_key(), is_authority=True)

    def sign(self, subject: x509.Name, key: Any, is_authority: bool = False) -> str:
        """Return a certificate for an hour, as PEM."""
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - HOUR)
            .not_valid_after(now + HOUR)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class AdminApi(http.server.BaseHTTPRequestHandler):
    """Answers connectSettings and generateEphemeralCert. https://cloud.google.com/sql/docs/postgres/admin-api/rest."""

    authority: Authority
    project, region, instance = "", "", ""
    token, address = "", ""

    def do_GET(self) -> None:  # noqa: N802 the name is the library's
        if self._is_allowed("connectSettings"):
            self._answer(
                200,
                {
                    "kind": "sql#connectSettings",
                    "backendType": "SECOND_GEN",
                    "region": self.region,
                    "databaseVersion": "POSTGRES_15",
                    "ipAddresses": [{"type": "PRIVATE", "ipAddress": self.address}],
                    "serverCaCert": {"cert": self.authority.certificate},
                },
            )

    def do_POST(self) -> None:  # noqa: N802 the name is the library's
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._is_allowed(":generateEphemeralCert"):
            key = serialization.load_pem_public_key(asked["public_key"].encode())
            ends = datetime.datetime.now(datetime.timezone.utc) + HOUR
            made = {
                "cert": self.authority.sign(_name("client"), key),
                "expirationTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            self._answer(200, {"ephemeralCert": made})

    def _is_allowed(self, what: str) -> bool:
        if self.headers["Authorization"] != f"Bearer {self.token}":
            self._answer(401, {"error": {"code": 401, "message": "Request had invalid authentication credentials."}})
        elif f"/projects/{self.project}/instances/{self.instance}" not in self.path or what not in self.path:
            self._answer(404, {"error": {"code": 404, "message": "The Cloud SQL instance does not exist."}})
        else:
            return True
        return False

    def _answer(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve_instance(authority: Authority, project: str, instance: str) -> None:
    """Take connections of those who have a certificate of the CA, and lead them to the database."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=authority.certificate)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(authority.sign(_name(f"{project}:{instance}"), key.public_key()))
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode()
        )
        file.flush()
        context.load_cert_chain(file.name)
    listener = socket.create_server(("", INSTANCE_PORT))
    while True:
        connection, _peer = listener.accept()
        threading.Thread(target=_lead, args=(context, connection), daemon=True).start()


def _lead(context: ssl.SSLContext, connection: socket.socket) -> None:
    try:
        client = context.wrap_socket(connection, server_side=True)
        database = socket.create_connection(("127.0.0.1", DATABASE_PORT))
    except OSError as error:
        print(f"refused: {error}", flush=True)
        connection.close()
        return
    print("connected", flush=True)
    threading.Thread(target=_copy, args=(client, database), daemon=True).start()
    _copy(database, client)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def main() -> None:
    authority = Authority()
    AdminApi.authority = authority
    AdminApi.project, AdminApi.region, AdminApi.instance = sys.argv[1].split(":")
    AdminApi.token, AdminApi.address = sys.argv[2:]
    server = http.server.ThreadingHTTPServer(("", ADMIN_PORT), AdminApi)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    serve_instance(authority, AdminApi.project, AdminApi.instance)


if __name__ == "__main__":
    main()
