# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of Airflow's versions: the schema of each, which may follow another, and who understands whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)([-.+]?[A-Za-z0-9.-]*)")

#: The FAB provider's migrations before its version 3.5, and from that on (``_REVISION_HEADS_MAP`` of its ``db.py``).
FAB_BEFORE_3_5, FAB_3_5 = "6709f7a774b9", "02ca36b0235b"


@dataclass(frozen=True)
class Line:
    """Releases of one minor version that have the same schema.

    :param first: the oldest of them.
    :param last: the newest that is known.
    :param core: revision of Airflow's schema (``airflow.utils.db._REVISION_HEADS_MAP``).
    :param fab: revision of the FAB provider's schema that these came with.
    :param postgresql: the oldest major version of PostgreSQL that they support.
    """

    first: str
    last: str
    core: str
    fab: str
    postgresql: int

    def has(self, version: str) -> bool:
        return parts(self.first) <= parts(version) <= parts(self.last)


LINES: tuple[Line, ...] = (
    Line("3.1.0", "3.1.7", "cc92b33c6709", FAB_BEFORE_3_5, 13),
    Line("3.1.8", "3.1.8", "509b94a1042d", FAB_BEFORE_3_5, 13),
    Line("3.2.0", "3.2.2", "1d6611b6ab7c", FAB_3_5, 14),
    Line("3.3.0", "3.3.2", "d2f4e1b3c5a7", FAB_3_5, 14),
)

#: Workers of these, and newer ones, tell the API server the type of what they send it. Older ones are understood by
#: API servers before 3.2, and by newer ones that have the collection's plugin (apache/airflow#63209).
FIRST_WITH_CONTENT_TYPE = "3.1.6"


def parts(version: Any) -> tuple[int, ...]:
    """Return the three numbers of a version, none of what is none."""
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    return tuple(int(part) for part in match.groups()[:3]) if match else ()


def line_of(version: str) -> Line | None:
    """Return what is known of a version, ``None`` where it is newer than this table."""
    return next((line for line in LINES if line.has(version)), None)


def may_roll(running: str, wanted: str) -> bool:
    """Tell whether a release may go to a version pod by pod, old ones beside new ones.

    So it is within a line: the schema is the same, and workers and API servers speak the same version of the Execution
    API. What this table does not know is another line.
    """
    line = line_of(running)
    return parts(running) <= parts(wanted) and line is not None and line.has(wanted)


def old_workers_are_served(worker: str, api_server: str) -> bool:
    """Tell whether workers of an older version may go on with their tasks beside a newer API server.

    Measured of every pair of lines in this table; of others nothing is known.
    """
    return line_of(worker) is not None and line_of(api_server) is not None and parts(worker) <= parts(api_server)


def oldest_postgresql(version: str) -> int:
    """Return the oldest major version of PostgreSQL that a version supports, of an unknown one the newest known."""
    return (line_of(version) or LINES[-1]).postgresql


def encodes_kwargs_anew(version: str) -> bool:
    """Tell whether a version writes what a deferred task waits with in a format that 3.1 does not read."""
    return parts(version) >= parts("3.2.0")
