# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a run in which every host was refused."""

from __future__ import annotations

import re
from typing import Any


def refusals(output: str) -> dict[str, str]:
    """Return what a run said of each host that failed, in one line."""
    said = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", output).split()).partition(" PLAY RECAP ")[0]
    parts = re.split(r"fatal: \[([\w-]+)\]: FAILED! ", said)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        return {"refusals": refusals}
