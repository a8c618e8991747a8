"""Keep two runs from doing the same work at the same time."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from .errors import ToolError
from .paths import cache
from .step import step

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
        if not _taken(file):
            with step(f"Wait for another run that works on the same ({what})"):
                while not _taken(file):
                    if time.monotonic() > deadline:
                        raise ToolError(f"another run has held {path} for {LOCK_SECONDS} s")
                    time.sleep(POLL_SECONDS)
        yield


def _taken(file: IO[str]) -> bool:
    """Take the lock, if nobody has it; tell whether that was done."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
