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
def locked(what: str, timeout: float = 3600) -> Iterator[None]:
    """Hold the cache's lock on something. Who needs several takes "cluster" or "images" before any other.

    :param timeout: seconds to wait for another run to end.
    :raises ToolError: if the other run takes longer.
    """
    path = cache("locks") / what
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
                    say(f"Waiting for another run that works on the same ({what})")
                    waiting = True
                time.sleep(POLL_SECONDS)
        yield
