# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is on Airflow's pages."""

from __future__ import annotations

import time

from playwright.sync_api import Locator, Page, expect

#: Milliseconds in which a page shows what is waited for, on a busy machine.
PATIENCE = 60_000


def cell(page: Page, run_id: str, task: str) -> Locator:
    """Return a task's cell in the grid."""
    return page.locator(f"a[href*='/runs/{run_id}/tasks/{task}']")


def expect_tooltip(page: Page, target: Locator, text: str) -> None:
    """Rest the mouse on an element until a text is told; whenever the grid is drawn anew, what was told is gone."""
    told = page.locator("[data-part=content][data-state=open]")
    deadline = time.monotonic() + PATIENCE / 1000
    while True:
        page.mouse.move(0, 0)
        target.hover()
        try:
            expect(told).to_contain_text(text, ignore_case=True, timeout=PATIENCE / 10)
            return
        except AssertionError:
            if time.monotonic() > deadline:
                raise
