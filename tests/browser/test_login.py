# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A person's way through a deployed Airflow, in a real browser: log in, see a DAG's grid, read a task's log.

Environment: ``AIRFLOW_URL`` (nothing is tested without it), ``AIRFLOW_NAMESPACE`` and ``AIRFLOW_RELEASE`` (both default
to ``airflow``), ``KUBECONFIG`` for the Secret with the login, ``AIRFLOW_DAG_ID`` (default ``example_parallel``; it has
to be on the DAGs volume), ``AIRFLOW_SCREENSHOT`` for the picture.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import cell, expect_tooltip

URL = os.environ.get("AIRFLOW_URL", "").rstrip("/")
NAMESPACE = os.environ.get("AIRFLOW_NAMESPACE") or "airflow"
RELEASE = os.environ.get("AIRFLOW_RELEASE") or "airflow"
DAG = os.environ.get("AIRFLOW_DAG_ID") or "example_parallel"
SCREENSHOT = Path(
    os.environ.get("AIRFLOW_SCREENSHOT") or Path(__file__).parents[2] / "docs" / "images" / "grid_and_log.png"
)

pytestmark = pytest.mark.skipif(not URL, reason="AIRFLOW_URL names no deployed Airflow")


@pytest.fixture(scope="session")
def login() -> tuple[str, str]:
    """Return the administrator's username and password."""
    command = ["kubectl", "get", "secret", f"{RELEASE}-admin", "--namespace", NAMESPACE, "--output", "json"]
    secret = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    username, password = (base64.b64decode(secret["data"][key]).decode() for key in ("username", "password"))
    return username, password


@pytest.fixture(scope="session")
def run_id(login: tuple[str, str]) -> str:
    """Return the id of a run of the DAG that has succeeded; run it if there is none."""
    username, password = login
    token = ask("POST", "/auth/token", {"username": username, "password": password})["access_token"]
    runs = f"/api/v2/dags/{DAG}/dagRuns"
    succeeded = ask("GET", f"{runs}?state=success&order_by=-run_after&limit=1", None, token)["dag_runs"]
    if succeeded:
        return str(succeeded[0]["dag_run_id"])
    ask("PATCH", f"/api/v2/dags/{DAG}?update_mask=is_paused", {"is_paused": False}, token)
    run = ask("POST", runs, {"logical_date": None}, token)
    until = time.monotonic() + 120
    while run["state"] not in ("success", "failed") and time.monotonic() < until:
        time.sleep(1)
        run = ask("GET", f"{runs}/{run['dag_run_id']}", None, token)
    assert run["state"] == "success"
    return str(run["dag_run_id"])


def ask(method: str, path: str, body: Any = None, token: str = "") -> Any:
    """Return the answer to a request to the REST API."""
    request = urllib.request.Request(URL + path, method=method, headers={"Content-Type": "application/json"})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if body is not None:
        request.data = json.dumps(body).encode()
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def log_in(page: Page, username: str, password: str) -> None:
    page.goto(f"{URL}/auth/login/")
    page.locator("#username").fill(username)
    page.locator("#password").fill(password)
    page.locator("[type=submit]").first.click()


def test_a_wrong_password_leads_nowhere(page: Page, login: tuple[str, str]) -> None:
    log_in(page, login[0], "not-" + login[1])
    expect(page.get_by_text("Invalid login")).to_be_visible()
    page.goto(f"{URL}/dags/{DAG}")
    expect(page.locator("#password")).to_be_visible()


def test_login_grid_and_log(page: Page, login: tuple[str, str], run_id: str) -> None:
    log_in(page, *login)
    expect(page).not_to_have_url(f"{URL}/auth/login/")

    page.goto(f"{URL}/dags/{DAG}")
    for task in ("numbers", "nap", "square", "summary"):
        expect_tooltip(page, cell(page, run_id, task), "success")

    cell(page, run_id, "summary").click()
    expect(page.get_by_text("the sum of the squares is 30")).to_be_visible()
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    SCREENSHOT.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOT, animations="disabled")
