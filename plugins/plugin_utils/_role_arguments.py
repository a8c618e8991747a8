# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the variables of all roles at once.

Ansible validates a role's arguments when it comes to that role, and by then the roles before it have been applied.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.yaml import yaml_load

from ansible_collections.airflow.kubernetes.plugins.plugin_utils._role_variables import role_files

#: Returns what a YAML file holds.
Load = Callable[[Path], Any]


#: Folders of the collection whose files say what objects become of the arguments.
_SOURCES = ("roles", "plugins")

#: Lists that only a module reads, which takes names with commas between them, as surveys have them.
_LISTS_AS_TEXT = frozenset({"airflow_destroy_confirm", "airflow_rotate"})


@dataclass(frozen=True)
class Argument:
    """A variable of a role that was set.

    :param option: what the role's argument specification says of it.
    :param value: as it was written, if it refers to what only a later task knows.
    :param is_known: it does not.
    """

    name: str
    option: Mapping[str, Any]
    value: Any
    is_known: bool


def arguments_of(
    roles: Path, variables: Mapping[str, Any], load: Load, template: Callable[[Any], Any]
) -> Iterator[Argument]:
    """Yield the variables of all roles that were set.

    That is what differs from the role's own default: the rest is known to be right.

    :param roles: the folder of the collection's roles.
    :param variables: all variables of the host, as they were written.
    :param load: reads a role's defaults as Ansible does, so that what was not set is equal.
    :param template: evaluates what a variable holds.
    """
    for role in sorted(path.name for path in roles.iterdir()):
        defaults: dict[str, Any] = {}
        for file in role_files(roles / role, "defaults"):
            defaults |= load(file) or {}
        specs = (roles / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
        options = yaml_load(specs)["argument_specs"]["main"]["options"]
        for name, option in options.items():
            if name in variables and variables[name] != defaults.get(name):
                yield _argument(name, option, variables[name], template)


def _argument(name: str, option: Mapping[str, Any], written: Any, template: Callable[[Any], Any]) -> Argument:
    try:
        return Argument(name, option, template(written), is_known=True)
    except AnsibleError:
        return Argument(name, option, written, is_known=False)


def problems_of(arguments: Iterable[Argument]) -> Iterator[str]:
    """Tell which variables are not of the type that their role wants."""
    for argument in arguments:
        if argument.is_known:
            yield from _problem(argument.name, argument.option, argument.value)


def digest_of(collection: Path, arguments: Iterable[Argument], *others: Any) -> str:
    """Return what changes when the arguments do, or what the collection makes of them. No secret is in it.

    :param others: further values that objects depend on.
    """
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted((collection / folder).rglob("*")):
            if path.suffix in (".py", ".yml", ".j2", ".sh") and path.is_file():
                digest.update(path.read_bytes())
    values = {argument.name: argument.value for argument in arguments if not argument.option.get("no_log")}
    digest.update(json.dumps([values, *others], sort_keys=True, default=str).encode())
    return digest.hexdigest()[:20]


def _problem(name: str, option: Mapping[str, Any], value: Any) -> Iterator[str]:
    yield from _texts_for_lists(name, name, option, value)
    for message in ArgumentSpecValidator({name: dict(option)}).validate({name: value}).error_messages:
        yield f"The variable {name} is not what its role wants: {message}"


def _texts_for_lists(name: str, place: str, option: Mapping[str, Any], value: Any) -> Iterator[str]:
    """Tell where a text stands for a list of texts: Ansible would take it, and a template read each of its letters.

    :param place: how messages call what holds the value.
    """
    if option.get("type") == "list" and isinstance(value, str) and value and name not in _LISTS_AS_TEXT:
        items = ", ".join(item.strip() for item in value.split(","))
        yield f"{place} is the text {value!r}, but a list is wanted. Write {name}: [{items}]."
    nested = option.get("options") or {}
    entries = value if isinstance(value, list) else [value]
    for number, entry in enumerate(entries if nested else []):
        if isinstance(entry, Mapping):
            called = f"{place}[{number}]" if isinstance(value, list) else place
            for key in nested.keys() & entry.keys():
                yield from _texts_for_lists(key, f"{key} of {called}", nested[key], entry[key])
