"""Say what is being done, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print a title when a long step starts, and its seconds when it ends. Steps do not nest."""
    print(f"==> {title} ...", end=" ", flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print(f"failed after {time.monotonic() - start:.0f} s", flush=True)
        raise
    print(f"{time.monotonic() - start:.0f} s", flush=True)


def say(message: str) -> None:
    """Print what is so, in the form of the steps."""
    print(f"==> {message}", flush=True)
