# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The browser.

Environment: ``CHROMIUM`` for another one than Debian's, ``AIRFLOW_HOSTS`` for host names that nobody else knows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.pages import PATIENCE

CHROMIUM = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
#: As Chromium's --host-resolver-rules has them: ``MAP airflow.example.com:443 192.0.2.1:30443, ...``
HOSTS = os.environ.get("AIRFLOW_HOSTS", "")

#: What keeps a browser without a desktop, and without the internet, from waiting for either.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=CHROMIUM,
            args=[*FLAGS, f"--host-resolver-rules={HOSTS}"] if HOSTS else FLAGS,
            # A scenario's certificates are those of a CA made for it.
            ignore_https_errors=bool(HOSTS),
            viewport={"width": 1440, "height": 900},
            locale="en-US",
        )
        browser.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield browser.pages[0]
        browser.close()
