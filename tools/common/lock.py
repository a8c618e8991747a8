"""Keep two runs from doing the same work at the same time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from .paths import cache
from .step import step
from .waiting import until

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
        if not _taken(file):
            with step(f"Wait for another run that works on the same ({what})"):
                until(lambda: _taken(file), LOCK_SECONDS, f"another run still holds {path}", POLL_SECONDS)
        yield


def _taken(file: IO[str]) -> bool:
    """Take the lock, if nobody has it; tell whether that was done."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
