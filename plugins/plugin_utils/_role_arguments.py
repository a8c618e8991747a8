# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the variables of all roles at once.

Ansible validates a role's arguments when it comes to that role, and by then the roles before it have been applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.yaml import yaml_load

#: Returns what a YAML file holds.
Load = Callable[[Path], Any]


def problems_of(roles: Path, variables: Mapping[str, Any], load: Load, template: Callable[[Any], Any]) -> Iterator[str]:
    """Tell which variables are not of the type that their role wants.

    Only what was set is looked at, which is what differs from the role's own default: the rest is known to be right.

    :param roles: the folder of the collection's roles.
    :param variables: all variables of the host, as they were written.
    :param load: reads a role's defaults as Ansible does, so that what was not set is equal.
    :param template: evaluates what a variable holds.
    """
    for role in sorted(path.name for path in roles.iterdir()):
        defaults = load(roles / role / "defaults" / "main.yml") or {}
        specs = (roles / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
        options = yaml_load(specs)["argument_specs"]["main"]["options"]
        for name, option in options.items():
            if name in variables and variables[name] != defaults.get(name):
                yield from _problem(name, option, variables[name], template)


def _problem(name: str, option: Mapping[str, Any], written: Any, template: Callable[[Any], Any]) -> Iterator[str]:
    try:
        value = template(written)
    except AnsibleError:
        # It may refer to what only a later task knows.
        return
    for message in ArgumentSpecValidator({name: dict(option)}).validate({name: value}).error_messages:
        yield f"The variable {name} is not what its role wants: {message}"
