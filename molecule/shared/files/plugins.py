# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run in an API server's container, with a login as JSON in its input: prints the plugins of the server that runs."""

from __future__ import annotations

import json
import sys
import urllib.request


def answer(path: str, body: bytes | None = None, **headers: str) -> dict:
    """Return what the API server answers, which is asked by POST if there is a body."""
    request = urllib.request.Request(f"http://localhost:8080{path}", body, headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


token = answer("/auth/token", sys.stdin.buffer.read(), **{"Content-Type": "application/json"})["access_token"]
plugins = answer("/api/v2/plugins", Authorization=f"Bearer {token}")["plugins"]
print(json.dumps(sorted(plugin["name"] for plugin in plugins)))
