# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read a task's arguments as surveys of AWX send them: text for whatever has no type of its own there.

A question without an answer arrives as an empty text, a list as names with commas or line breaks between them, a
dictionary as YAML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

#: The texts that are YAML's lists.
_YAML_LIST = re.compile(r"\[|-\s")


def read_answers(arguments: Mapping[str, Any], options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a task's arguments with values of the options' types where texts stand for them.

    What is empty is left out, so that the option's default counts; of a required one the empty list or dictionary
    stays. A text that stands for no value of the type stays, and is refused by the validation.

    :param options: the argument specification.
    """
    read = {}
    for name, value in arguments.items():
        option = options.get(name, {})
        kind = option.get("type", "str")
        is_text = kind in ("str", "path", "raw", "json") and not option.get("choices")
        if not isinstance(value, str) or is_text:
            read[name] = value
        elif value.strip():
            read[name] = _value(value, kind, option.get("elements", "str"))
        elif option.get("required"):
            read[name] = {"list": [], "dict": {}}.get(kind, value)
    return read


def _value(text: str, kind: str, elements: str) -> Any:
    if kind == "list" and not _YAML_LIST.match(text):
        return [entry.strip() for entry in re.split(r"[,\n]", text) if entry.strip()]
    if kind not in ("list", "dict"):
        return text
    try:
        # Names that look like numbers stay as they are written: 3.10 is not 3.1.
        value = yaml.load(text, Loader=yaml.BaseLoader if kind == "list" and elements == "str" else yaml.SafeLoader)
    except yaml.YAMLError:
        return text
    return value if isinstance(value, {"list": list, "dict": dict}[kind]) else text
