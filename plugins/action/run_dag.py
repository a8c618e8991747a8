# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module run_dag, in Ansible's own process."""

from __future__ import annotations

import re
from typing import Any

from ansible import constants

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow import run_dag as airflow_run_dag
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    module = "airflow.kubernetes.run_dag"
    options = airflow_run_dag.OPTIONS
    work = staticmethod(airflow_run_dag.run)

    def _say(self, task_vars: dict[str, Any]) -> Any:
        host = task_vars.get("inventory_hostname", "")
        return lambda line: self._display.display(f"  [{host}] {line}", color=color_of(line))


def color_of(line: str) -> str | None:
    """Return the colour of Ansible's that a line about a state is shown in, where the terminal has colours."""
    found = re.search(r": (success|failed|upstream_failed|up_for_retry)\b", line)
    if not found:
        return None
    color: str = constants.COLOR_OK if found[1] == "success" else constants.COLOR_ERROR
    return color
