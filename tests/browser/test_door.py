# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A person's way through a proxy with a base path, logged in by a directory or a provider of OpenID Connect.

Environment: ``AIRFLOW_DOOR``, without which nothing is tested; JSON with ``url`` and ``flower_url``; ``login``
(``ldap``, or the name of a provider), ``user``, ``password``; the ``run_id`` of a run of ``example_parallel`` that has
succeeded; for Flower ``flower_login`` and the name of a ``worker``; for a directory ``stranger``, a user without role,
and ``plain_url``, another address of the same.
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest
from playwright.sync_api import Page, Response, expect

from tests.browser.pages import cell

DOOR: dict[str, Any] = json.loads(os.environ.get("AIRFLOW_DOOR") or "{}")

pytestmark = pytest.mark.skipif(not DOOR, reason="AIRFLOW_DOOR describes no deployed Airflow")
by_directory = pytest.mark.skipif(DOOR.get("login") != "ldap", reason="this login asks no directory")


@pytest.fixture(autouse=True)
def strays(page: Page) -> Any:
    """Fail if anything at all is asked for outside of the base paths and of the provider's host."""
    found: list[str] = []
    inside = (
        DOOR["url"] + "/",
        DOOR["flower_url"] + "/",
        DOOR.get("plain_url", DOOR["url"]) + "/",
        "https://identity/",
    )

    def look(response: Response) -> None:
        if not response.url.startswith((*inside, "data:", "blob:")):
            found.append(response.url)

    page.on("response", look)
    yield found
    assert found == []


def fill_in(page: Page, user: str, password: str) -> None:
    page.locator("#username").fill(user)
    page.locator("#password").fill(password)
    page.locator("[type=submit]").first.click()


def log_in(page: Page) -> None:
    """Begin where a user does, at the front page, which leads to the login and from there back."""
    page.goto(f"{DOOR['url']}/")
    if DOOR["login"] != "ldap":
        page.get_by_text(f"Sign In with {DOOR['login']}").click()
    fill_in(page, DOOR["user"], DOOR["password"])
    page.wait_for_url(f"{DOOR['url']}/**")
    expect(page.get_by_text("Active Dags")).to_be_visible()


def test_login_grid_log_and_role(page: Page) -> None:
    log_in(page)
    page.goto(f"{DOOR['url']}/dags/example_parallel")
    cell(page, DOOR["run_id"], "summary").click()
    expect(page.get_by_text("the sum of the squares is 30")).to_be_visible()
    # Only an administrator may see the users, and that is who is in the group.
    page.goto(f"{DOOR['url']}/auth/users/list/")
    expect(page.get_by_text(f"{DOOR['user']}@example.com")).to_be_visible()


@by_directory
def test_who_is_in_no_group_has_no_rights_and_a_wrong_password_leads_nowhere(page: Page) -> None:
    page.goto(f"{DOOR['url']}/")
    expect(page.locator("#username")).to_be_visible()
    asked = """async ([url, username, password]) => {
        const body = JSON.stringify({username, password}), headers = {"Content-Type": "application/json"}
        const answer = await fetch(`${url}/auth/token`, {method: "POST", headers, body})
        const {access_token} = await answer.json()
        const dags = await fetch(`${url}/api/v2/dags`, {headers: {Authorization: `Bearer ${access_token}`}})
        return [answer.status, dags.status]
    }"""
    assert page.evaluate(asked, [DOOR["url"], DOOR["stranger"], DOOR["password"]]) == [201, 403]
    fill_in(page, DOOR["user"], "not-" + DOOR["password"])
    expect(page.get_by_text("Invalid login")).to_be_visible()


@by_directory
def test_a_port_of_the_node_has_the_same_login(page: Page) -> None:
    page.goto(f"{DOOR['plain_url']}/auth/login/")
    expect(page.locator("#password")).to_be_visible()


def test_flower(page: Page) -> None:
    login = base64.b64encode(":".join(DOOR["flower_login"]).encode()).decode()
    page.set_extra_http_headers({"Authorization": f"Basic {login}"})
    page.goto(f"{DOOR['flower_url']}/")
    page.get_by_role("link", name=DOOR["worker"]).click()
    page.wait_for_url(f"{DOOR['flower_url']}/worker/**")
    expect(page.get_by_text(DOOR["worker"]).first).to_be_visible()
