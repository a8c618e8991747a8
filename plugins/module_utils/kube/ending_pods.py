# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting until pods have ended, which have the grace that they were given for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..core.errors import Failure
from ..core.objects import grace, name
from .client import Manifest


def wait_until_ended(
    left: Callable[[], Sequence[Manifest]],
    margin: float,
    keep: Callable[[], None],
    late: Callable[[float, str], str],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until there is no pod left.

    :param left: returns the pods that have not ended; asked every second.
    :param margin: seconds that they may take beyond their grace.
    :param keep: keeps the release ours meanwhile.
    :param late: returns the message of the failure, from the seconds that have passed and the names of the pods.
    :raises Failure: they have not ended in time.
    """
    began, longest = clock(), margin
    while pods := left():
        longest = max(longest, margin + max(map(grace, pods)))
        if clock() > began + longest:
            raise Failure(late(longest, ", ".join(map(name, pods))))
        keep()
        sleep(1)
