# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asking again and again, where nothing can be watched."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def poll(
    ask: Callable[[], T],
    wanted: Callable[[T], bool],
    timeout: float,
    pause: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Ask, at least once, until the answer is a wanted one or the time is over; return the last answer.

    :param timeout: seconds after which it is not asked again.
    :param pause: seconds between two questions.
    """
    deadline = clock() + timeout
    while True:
        answer = ask()
        if wanted(answer) or clock() >= deadline:
            return answer
        sleep(pause)
