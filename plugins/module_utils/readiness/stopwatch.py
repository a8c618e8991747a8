# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long a wait has taken."""

from __future__ import annotations

from collections.abc import Callable


class Stopwatch:
    """The seconds since a wait began, and those of them that count towards its timeout.

    :param clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.counted = 0.0
        self._clock = clock
        self._began = self._counted_until = clock()

    def seconds(self) -> float:
        """Return the seconds since the wait began."""
        return self._clock() - self._began

    def lap(self, counts: bool) -> None:
        """Count the time since the last lap, or leave it out."""
        clock = self._clock()
        if counts:
            self.counted += clock - self._counted_until
        self._counted_until = clock
