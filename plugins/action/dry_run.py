# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module dry_run, in Ansible's own process; only here the variables of roles that a play includes can be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import dry_run as applyset_dry_run
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._in_process import InProcessAction
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._role_variables import with_roles
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._templating import remember

# As Ansible found it, links and all: its loader keeps files by their paths.
_ROLES = Path(__file__).parents[2] / "roles"


class ActionModule(InProcessAction):
    module = "airflow.kubernetes.dry_run"
    options = applyset_dry_run.OPTIONS
    work = staticmethod(applyset_dry_run.run)

    @classmethod
    def finalize_task_arg(cls, name: str, value: Any, templar: Any, context: dict[str, Any]) -> Any:
        """Evaluate an argument with the variables of the components that share another role's pod."""
        if "templar" not in context:
            variables = templar.available_variables
            components = templar.template(variables.get("master_components", []))
            loader = getattr(templar, "_loader", None) or DataLoader()
            context["templar"] = templar.extend()
            remember(context["templar"], with_roles(variables, _ROLES, components, loader))
        return super().finalize_task_arg(name, value, templar, context)
