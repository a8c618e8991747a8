# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module sync_dags, in Ansible's own process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow import sync_dags as airflow_sync_dags
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    module = "airflow.kubernetes.sync_dags"
    options = airflow_sync_dags.OPTIONS
    work = staticmethod(airflow_sync_dags.run)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        src = self._task.args.get("src")
        if isinstance(src, str) and src and self._connection.transport in ("local", "ansible.builtin.local"):
            self._task.args["src"] = str(self._find(Path(os.path.expandvars(src)).expanduser()))
        return super().run(tmp, task_vars)

    def _find(self, src: Path) -> Path:
        """Return the full path of a folder named relative to the playbook, or else to where Ansible was started."""
        beside = Path(self._loader.get_basedir(), src)
        return beside if beside.is_dir() else src.absolute()
