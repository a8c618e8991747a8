# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run in an API server's container: log in as a browser does, with the password on the standard input and another."""

from __future__ import annotations

import base64
import json
import re
import sys

import httpx

FORM = "/auth/login/"


def log_in(username: str, password: str) -> str:
    """Return whether the form of the UI lets a user in, or keeps it out."""
    with httpx.Client(base_url="http://127.0.0.1:8080", follow_redirects=True, timeout=30) as browser:
        page = browser.get(FORM).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        fields = {"username": username, "password": password, "csrf_token": token[1] if token else ""}
        browser.post(FORM, data=fields)
        return "in" if browser.get("/ui/auth/menus", headers=bearer(browser)).status_code == 200 else "out"


def bearer(browser: httpx.Client) -> dict[str, str]:
    """Return the header that the UI sends: it takes the token from a cookie."""
    token = next((cookie.value for cookie in browser.cookies.jar if cookie.name == "_token"), "")
    return {"Authorization": f"Bearer {token}"} if token else {}


user = {name: base64.b64decode(value).decode() for name, value in json.load(sys.stdin).items()}
print(log_in(user["username"], user["password"]), log_in(user["username"], "wrong"))
