# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long pods are waited for, as options of modules (doc fragment ``wait_options``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .case import Limits

WAIT_OPTIONS: dict[str, Any] = {
    "timeout": {"type": "int", "default": 600},
    "unschedulable_grace": {"type": "int"},
    "retry_grace": {"type": "int", "default": int(Limits.transient)},
    "restart_grace": {"type": "int", "default": int(Limits.restarts)},
}


def limits_of(params: Mapping[str, Any]) -> Limits:
    """Read the options; what the user says of pods without a node holds whether nodes are added or not."""
    grace = params["unschedulable_grace"]
    chosen = {} if grace is None else {"unschedulable": grace, "unscalable": grace}
    return Limits(transient=params["retry_grace"], restarts=params["restart_grace"], **chosen)
