# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What running Jobs say of who blocks them, which no object tells.

A migration waits silently for a lock that another session of the database holds; its program tells which one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from .log_patterns import blocked
from .verdict import Key, LogSource, State, Verdict

#: Seconds that a Job has run before its log is read, and between two reads of it.
READ_AFTER, READ_EVERY = 8.0, 5.0
ADVICE = (
    "End that session in the database (SELECT pg_terminate_backend(<number>)), or have the migration do it: "
    "migrations_terminate_blockers: true"
)


class BlockedJobs:
    """Reads the logs of running Jobs from time to time.

    :param read: returns the last lines of a log.
    :param note: shows a line to the user.
    """

    def __init__(self, read: Callable[[LogSource], Iterable[str]], note: Callable[[str], None]) -> None:
        self._read = read
        self._note = note
        self._due: dict[Key, float] = {}
        self._told: dict[Key, str] = {}

    def look(self, verdicts: Mapping[Key, Verdict], seconds: float) -> None:
        """Read what is due, and tell who blocks a Job, once for each change of that.

        :param seconds: since the wait began.
        """
        running = {
            key: verdict.log
            for key, verdict in verdicts.items()
            if key.kind == "Job" and verdict.state == State.PENDING and verdict.log
        }
        self._due = {key: self._due.get(key, seconds + READ_AFTER) for key in running}
        self._told = {key: line for key, line in self._told.items() if key in running}
        for key, log in running.items():
            if seconds < self._due[key]:
                continue
            self._due[key] = seconds + READ_EVERY
            line = blocked(self._read(log))
            if line and line != self._told.get(key):
                self._note(f"{key}: {line}. {ADVICE}")
            self._told[key] = line

    def due_at(self) -> float | None:
        """Return when to look again, in seconds since the wait began; ``None``: when something has changed."""
        return min(self._due.values(), default=None)

    def explained(self, verdicts: Mapping[Key, Verdict]) -> dict[Key, Verdict]:
        """Return verdicts, of Jobs that are blocked with who blocks them."""
        return {
            key: verdict.but(detail=f"{line}. {ADVICE}") if (line := self._told.get(key)) else verdict
            for key, verdict in verdicts.items()
        }
