"""Read what the API server says under a path; the login comes by the standard input, as a Secret holds it."""

import base64
import json
import sys
import urllib.request

SERVER = "http://127.0.0.1:8080"


def ask(path: str, headers: dict[str, str], data: bytes | None = None) -> str:
    request = urllib.request.Request(SERVER + path, data, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


login = {key: base64.b64decode(value).decode() for key, value in json.load(sys.stdin).items()}
token = json.loads(ask("/auth/token", {"Content-Type": "application/json"}, json.dumps(login).encode()))
print(ask(f"/api/v2/{sys.argv[1]}", {"Authorization": f"Bearer {token['access_token']}"}))
