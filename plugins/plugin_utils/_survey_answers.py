# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read a task's arguments as surveys of AWX send them: text for whatever has no type of its own there.

A list is names with commas or line breaks between them, a dictionary is YAML, and a question without an answer is an
empty text. AWX marks each text as unsafe, and from a text so marked ansible-core makes what it would be in YAML without
its quotes: nothing of an empty one, a number, a date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import yaml

#: The types whose options hold an empty text as it is.
_TEXTS = ("str", "path", "raw", "json")
#: The texts that are YAML's lists.
_YAML_LIST = re.compile(r"\[|-\s")


class _Loader(yaml.SafeLoader):
    """Reads YAML, and a date as text: JSON, as which parameters of DAGs are sent, has none."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_answers(arguments: Mapping[str, Any], options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a task's arguments with values of the options' types where texts stand for them.

    What is empty is left out, so that the option's default counts; a required one becomes an empty value of its type.
    A text that stands for no value of the type stays, and is refused by the validation.

    :param options: the argument specification.
    """
    read: dict[str, Any] = {}
    for name, value in arguments.items():
        option = options.get(name, {})
        kind = option.get("type", "str")
        holds_text = kind in _TEXTS and not option.get("choices")
        if value is None or (isinstance(value, str) and not value.strip() and not holds_text):
            if option.get("required"):
                read[name] = {"list": [], "dict": {}}.get(kind, "")
        elif isinstance(value, str) and kind in ("list", "dict"):
            read[name] = _value(value, kind, option.get("elements", "str"))
        else:
            read[name] = date_as_text(value) if isinstance(value, date) else value
    return read


def date_as_text(value: object) -> str:
    """Return a date, which may be anywhere in arguments, as the text that it was.

    :raises TypeError: it is something else that JSON has not.
    """
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} is no JSON")


def _value(text: str, kind: str, elements: str) -> Any:
    if kind == "list" and not _YAML_LIST.match(text):
        return [entry.strip() for entry in re.split(r"[,\n]", text) if entry.strip()]
    # Names that look like numbers stay as they are written: 3.10 is not 3.1. Either makes plain values alone.
    loader = yaml.BaseLoader if kind == "list" and elements == "str" else _Loader
    try:
        value = yaml.load(text, Loader=loader)  # noqa: S506
    except yaml.YAMLError:
        return text
    return value if isinstance(value, {"list": list, "dict": dict}[kind]) else text
