"""Keep two runs from doing the same work at the same time."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tools._errors import ToolError
from tools._paths import cache
from tools._step import say

#: Seconds to wait for another run to end.
LOCK_SECONDS = 3600
POLL_SECONDS = 0.5


@contextmanager
def locked(what: str) -> Iterator[None]:
    """Hold the cache's lock on something. Who needs several takes "cluster" or "images" before any other.

    :raises ToolError: if another run holds it for too long.
    """
    path = cache("locks") / what
    with path.open("w") as file:
        deadline = time.monotonic() + LOCK_SECONDS
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ToolError(f"another run has held {path} for {LOCK_SECONDS} s") from None
                if not waiting:
                    say(f"Waiting for another run that works on the same ({what})")
                    waiting = True
                time.sleep(POLL_SECONDS)
        yield
