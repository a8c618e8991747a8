"""Keep two runs from doing the same work at the same time."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tools._errors import ToolError
from tools._paths import cache
from tools._step import say

POLL_SECONDS = 0.5


@contextmanager
def locked(timeout: float) -> Iterator[None]:
    """Hold the cache's lock.

    :param timeout: seconds to wait for another run to end.
    :raises ToolError: if the other run takes longer.
    """
    path = cache() / "lock"
    with path.open("w") as file:
        deadline = time.monotonic() + timeout
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ToolError(f"another run has held {path} for {timeout:.0f} s") from None
                if not waiting:
                    say("Waiting for another run to end")
                    waiting = True
                time.sleep(POLL_SECONDS)
        yield
