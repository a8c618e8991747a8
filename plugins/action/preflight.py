# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module preflight, in Ansible's own process; only here the names of all variables are known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils import _preflight
from ansible_collections.airflow.kubernetes.plugins.plugin_utils import _role_arguments
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._in_process import InProcessAction

_ROLES = Path(__file__).resolve().parents[2] / "roles"
_TOP_LEVEL_NAME = re.compile(r"^(\w+):", re.MULTILINE)


class ActionModule(InProcessAction):
    module = "airflow.kubernetes.preflight"
    options = _preflight.OPTIONS
    work = staticmethod(_preflight.run)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        known = role_variables()
        prefixes = tuple(f"{path.name}_" for path in _ROLES.iterdir())
        self._task.args["known_variables"] = known
        self._task.args["variables"] = [name for name in task_vars or {} if name.startswith(prefixes)]
        self._task.args["wrong_arguments"] = list(
            _role_arguments.problems_of(_ROLES, task_vars or {}, self._load, self._templar.template)
        )
        return super().run(tmp, task_vars)

    def _load(self, path: Path) -> Any:
        # Ansible has read these files already, and keeps them.
        return self._loader.load_from_file(str(path), unsafe=True, trusted_as_template=True)


def role_variables() -> list[str]:
    """Return the names of all variables that the roles define: public in defaults, internal in vars, facts of these."""
    patterns = ("*/defaults/main.yml", "*/vars/main.yml", "*/vars/main/*.yml")
    files = [file for pattern in patterns for file in _ROLES.glob(pattern)]
    names = {name for file in files for name in _TOP_LEVEL_NAME.findall(file.read_text(encoding="utf-8"))}
    return sorted(names | {name.removeprefix("__") for name in names})
