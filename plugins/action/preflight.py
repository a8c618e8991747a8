# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module preflight, in Ansible's own process; only here the names of all variables are known."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.pod_extras import (
    TASK_POD,
    extras_of_group,
    extras_of_role,
    problems_of_extras,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight import preflight as preflight_preflight
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.conditions import ARCHITECTURES
from ansible_collections.airflow.kubernetes.plugins.plugin_utils import _role_arguments
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._in_process import InProcessAction
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._role_arguments import Argument
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._role_variables import load_all, role_files

# As Ansible found it, links and all: its loader keeps files by their paths.
_ROLES = Path(__file__).parents[2] / "roles"
#: Where roles define what users may set, and what follows from it.
#: What two hosts agree in that are the same release. Where objects are written as files, the folder is the cluster.
_IDENTITY = (
    "airflow_kubeconfig",
    "airflow_context",
    "airflow_render_directory",
    "airflow_namespace",
    "airflow_name",
)
#: What an earlier job of AWX's workflow found out of releases, which this one gets as a variable.
_HANDED_ON = "airflow_results"
_TOP_LEVEL_NAME = re.compile(r"^(\w+):", re.MULTILINE)


class ActionModule(InProcessAction):
    module = "airflow.kubernetes.preflight"
    options = preflight_preflight.OPTIONS
    work = staticmethod(preflight_preflight.run)

    #: The roles' arguments that were set, once they have been looked for, and what is wrong with them.
    arguments: ClassVar[list[Argument]] = []
    wrong_arguments: ClassVar[list[str] | None] = None

    @classmethod
    def finalize_task_arg(cls, name: str, value: Any, templar: Any, context: dict[str, Any]) -> Any:
        """Evaluate an argument; none, where a variable has the wrong type: its template would only fail."""
        if cls.wrong_arguments is None:
            loader = getattr(templar, "_loader", None) or DataLoader()
            cls._look_at_arguments(templar.available_variables, templar, loader)
        return None if cls.wrong_arguments else super().finalize_task_arg(name, value, templar, context)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        if self.wrong_arguments is None:
            self._look_at_arguments(task_vars or {}, self._templar, self._loader)
        if self.wrong_arguments:
            return {"failed": True, "msg": "\n".join(self.wrong_arguments)}
        prefixes = tuple(f"{path.name}_" for path in _ROLES.iterdir())
        self._task.args["known_variables"] = sorted(_names_in("defaults"))
        self._task.args["computed_variables"] = sorted(_names_in("vars"))
        self._task.args["variables"] = [
            name for name in task_vars or {} if name.startswith(prefixes) and name != _HANDED_ON
        ]
        self._task.args["set_variables"] = [name for name in _set_by_user(task_vars or {}) if name.startswith("__")]
        # Set where a run has the plays of both architectures, and a host in both groups would be deployed by each.
        is_in_each = (task_vars or {}).get("__airflow_both_architectures", False)
        self._task.args["groups"] = list((task_vars or {}).get("group_names", [])) if is_in_each else []
        self._task.args["same_release"] = list(self._hosts_of_the_release(task_vars or {}))
        roles = sorted((task_vars or {}).get("ansible_play_role_names", []))
        self._task.args["digest"] = _role_arguments.digest_of(_ROLES.parent, self.arguments, roles)
        return super().run(tmp, task_vars)

    def _hosts_of_the_release(self, task_vars: Mapping[str, Any]) -> Iterator[str]:
        """Yield the inventory's other hosts that name the same release of the same cluster, whether they run or not."""
        groups, hostvars = task_vars.get("groups") or {}, task_vars.get("hostvars") or {}
        hosts = sorted({host for name in ARCHITECTURES for host in groups.get(name, ())})
        others = [host for host in hosts if host != task_vars.get("inventory_hostname")]
        if not others:
            return
        defaults = load_all(role_files(_ROLES / "airflow", "defaults"), self._loader)
        own = [self._templar.template(task_vars.get(name, defaults[name])) for name in _IDENTITY]
        for other in others:
            # What refers to what the host does not know yet is no name of this release.
            with contextlib.suppress(AnsibleError):
                if own == [hostvars[other].get(name, defaults[name]) for name in _IDENTITY]:
                    yield other

    @classmethod
    def _look_at_arguments(cls, variables: Mapping[str, Any], templar: Any, loader: DataLoader) -> None:
        def load(path: Path) -> Any:
            # Ansible has read most of these files already, and its loader keeps them.
            return loader.load_from_file(str(path), unsafe=True, trusted_as_template=True)

        cls.arguments = list(_role_arguments.arguments_of(_ROLES, variables, load, templar.template))
        problems = list(_role_arguments.problems_of(cls.arguments))
        cls.wrong_arguments = problems or list(_wrong_extras(variables, templar))


def _wrong_extras(variables: Mapping[str, Any], templar: Any) -> Iterator[str]:
    """Tell what users add to pods that cannot work in any."""

    def read(name: str) -> Any:
        try:
            return templar.template(variables[name]) if variables.get(name) else None
        except AnsibleError:
            # It may refer to what only a later task knows.
            return None

    levels = [extras_of_role(path.name, read) for path in sorted(_ROLES.iterdir())]
    levels.append(extras_of_role(TASK_POD, read))
    levels += [extras_of_group(group) for group in read("workers_groups") or []]
    return problems_of_extras(levels)


def _names_in(kind: str) -> set[str]:
    """Return the names of the variables that the roles' ``defaults`` or ``vars`` define."""
    files = [file for role in _ROLES.iterdir() for file in role_files(role, kind)]
    return {name for file in files for name in _TOP_LEVEL_NAME.findall(file.read_text(encoding="utf-8"))}


def _set_by_user(task_vars: Mapping[str, Any]) -> list[str]:
    """Return the names of what the inventory and ``--extra-vars`` set for the host; no role's are among them."""
    hostvars, host = task_vars.get("hostvars"), task_vars.get("inventory_hostname")
    return list(hostvars.raw_get(host)) if hostvars is not None and host else []
