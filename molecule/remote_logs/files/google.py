"""Answer as GKE's metadata server and as Google Cloud Storage do, as far as logs need it.

The metadata server asks the cluster which pod an address is of, and gives a token of the Google service account that
the pod's own service account names in its annotation, if that lets it. The storage takes such tokens alone, looks for
the permission of each request, and has an emulator keep the objects.

    google.py metadata ADDRESS | storage EMULATOR

The environment: KEY, by which one knows the tokens of the other; ROLES, JSON: by the e-mail address of a Google service
account, its permissions, and the Kubernetes service account that it lets act for it.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import http.server
import json
import os
import ssl
import sys
import urllib.parse
import urllib.request
from http import HTTPStatus
from typing import Any

KEY = os.environ["KEY"].encode()
ROLES: dict[str, Any] = json.loads(os.environ["ROLES"])
TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 a folder
ANNOTATION = "iam.gke.io/gcp-service-account"
ACCOUNTS = "/computeMetadata/v1/instance/service-accounts/"
# As GKE says it.
NO_BINDING = (
    "Unable to generate access token; IAM returned 403 Forbidden: Permission "
    "'iam.serviceAccounts.getAccessToken' denied"
)


def token_of(email: str) -> str:
    """Return a token by which the storage knows a service account."""
    return f"{email}/{hmac.new(KEY, email.encode(), hashlib.sha256).hexdigest()}"


def cluster(path: str) -> Any:
    """Return what the API server has at a path."""
    with open(f"{TOKEN_FOLDER}/token", encoding="utf-8") as file:
        headers = {"Authorization": f"Bearer {file.read()}"}
    context = ssl.create_default_context(cafile=f"{TOKEN_FOLDER}/ca.crt")
    # In the network of the node no name of a Service is known.
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    request = urllib.request.Request(f"https://{host}:{port}{path}", headers=headers)
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:
        return json.load(answer)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: str | bytes, kind: str = "application/json", **headers: str) -> None:
        content = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        """Say only what was given and refused."""


class Metadata(Handler):
    """See https://cloud.google.com/compute/docs/metadata/querying-metadata."""

    def do_GET(self) -> None:
        path = urllib.parse.urlsplit(self.path).path
        if path != "/" and self.headers.get("Metadata-Flavor") != "Google":
            self.answer(HTTPStatus.FORBIDDEN, "Missing Metadata-Flavor:Google header.", "text/html")
        elif path.startswith(ACCOUNTS):
            self._account(path.removeprefix(ACCOUNTS).rstrip("/").partition("/")[2])
        else:
            values = {"project/project-id": "production", "universe/universe-domain": "googleapis.com"}
            self._give(values.get(path.removeprefix("/computeMetadata/v1/"), ""), "application/text")

    def _account(self, what: str) -> None:
        namespace, account = self._caller()
        subject = f"system:serviceaccount:{namespace}:{account}"
        found = cluster(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}")
        email = found["metadata"].get("annotations", {}).get(ANNOTATION, "")
        if what == "token" and ROLES.get(email, {}).get("trusts") != subject:
            print(f"refused {email} to {subject}\n", end="", flush=True)
            self._give(NO_BINDING, "text/plain", HTTPStatus.FORBIDDEN)
        elif what == "token":
            print(f"gave {email} to {subject}\n", end="", flush=True)
            self._give(json.dumps({"access_token": token_of(email), "expires_in": 3600, "token_type": "Bearer"}))
        elif what == "email":
            self._give(email, "application/text")
        else:
            scopes = ["https://www.googleapis.com/auth/cloud-platform"]
            self._give(json.dumps({"aliases": ["default"], "email": email, "scopes": scopes}))

    def _caller(self) -> tuple[str, str]:
        pods = cluster(f"/api/v1/pods?fieldSelector=status.podIP%3D{self.client_address[0]}")["items"]
        running = [pod for pod in pods if pod["status"]["phase"] in ("Pending", "Running")]
        return running[-1]["metadata"]["namespace"], running[-1]["spec"]["serviceAccountName"]

    def _give(self, body: str, kind: str = "application/json", status: int = 200) -> None:
        self.answer(status, body, kind, Metadata_Flavor="Google")


class Storage(Handler):
    """See https://cloud.google.com/storage/docs/json_api and /docs/access-control/iam-json."""

    emulator = ""

    def do_GET(self) -> None:
        if self.path == "/":
            self.answer(HTTPStatus.OK, "{}")
            return
        parts = urllib.parse.urlsplit(self.path).path.split("/o/", 1)
        self._forward("storage.objects.get" if len(parts) > 1 else "storage.objects.list")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        bucket, name = self._target(body)
        there = self._send("GET", f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}")[0] == HTTPStatus.OK
        self._forward("storage.objects.create", *(["storage.objects.delete"] if there else []), body=body)

    def do_DELETE(self) -> None:
        self._forward("storage.objects.delete")

    def _target(self, body: bytes) -> tuple[str, str]:
        """Return the bucket and the name of the object that is uploaded, which stands first in what is sent."""
        split = urllib.parse.urlsplit(self.path)
        named = urllib.parse.parse_qs(split.query).get("name")
        metadata = body[body.find(b"{") : body.find(b"}") + 1]
        return split.path.split("/b/")[1].split("/")[0], named[0] if named else json.loads(metadata)["name"]

    def _forward(self, *permissions: str, body: bytes | None = None) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        email = token.partition("/")[0]
        if not hmac.compare_digest(token, token_of(email)):
            self._refuse(HTTPStatus.UNAUTHORIZED, "Invalid Credentials")
            return
        for permission in permissions:
            if permission not in ROLES[email]["actions"]:
                print(f"refused {permission} to {email}\n", end="", flush=True)
                self._refuse(
                    HTTPStatus.FORBIDDEN,
                    f"{email} does not have {permission} access to the Google Cloud Storage object.",
                )
                return
        status, kind, content = self._send(self.command, self.path, body)
        if status == HTTPStatus.NOT_FOUND and "/o/" in self.path:
            # In these words, by which Airflow knows that it may write: it does not replace a log that it cannot read.
            bucket, name = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path.split("/b/")[1]).split("/o/")
            self.answer(status, f"No such object: {bucket}/{name}", "text/html; charset=UTF-8")
            return
        # Descriptions of objects say where their content is.
        self.answer(status, content.replace(self.emulator.encode(), self.headers["Host"].encode()), kind)

    def _send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(self.emulator, timeout=10)
        headers = {name: self.headers[name] for name in ("Content-Type", "Range") if name in self.headers}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers.get("Content-Type", "application/json"), content

    def _refuse(self, status: int, message: str) -> None:
        self.answer(status, json.dumps({"error": {"code": int(status), "message": message}}))


if __name__ == "__main__":
    what, place = sys.argv[1:]
    if what == "storage":
        Storage.emulator = place
        http.server.ThreadingHTTPServer(("", 8080), Storage).serve_forever()
    http.server.ThreadingHTTPServer((place, 80), Metadata).serve_forever()
