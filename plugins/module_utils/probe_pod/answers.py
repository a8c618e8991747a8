# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the programs in probe pods have in common."""

from __future__ import annotations

#: Seconds for one connection.
CONNECT_SECONDS = 10


def in_one_line(error: BaseException) -> str:
    """Return what an error says, with what caused it where it says nothing itself."""
    message = " ".join(str(error).split())
    if not message and error.__cause__:
        return in_one_line(error.__cause__)
    return message or type(error).__name__
