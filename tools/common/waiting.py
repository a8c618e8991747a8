"""Wait until something holds, by asking again and again."""

from __future__ import annotations

import time
from collections.abc import Callable

from .errors import ToolError


def holds_within(seconds: float, condition: Callable[[], bool], pause: float) -> bool:
    """Ask until a condition holds, at least once; tell whether it did in time.

    :param pause: seconds between two questions.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def until(
    condition: Callable[[], bool],
    seconds: float,
    problem: str,
    pause: float = 2.0,
    details: Callable[[], str] = lambda: "",
) -> None:
    """Ask until a condition holds.

    :param problem: what is the case while it does not, as the error's message begins.
    :param pause: seconds between two questions.
    :param details: returns how the message goes on, behind the time.
    :raises ToolError: if it takes longer.
    """
    if not holds_within(seconds, condition, pause):
        raise ToolError(f"{problem} after {seconds:.0f} s{details()}")
