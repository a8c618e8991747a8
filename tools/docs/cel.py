"""Rules of input in CEL, the language in which the API server checks a custom resource."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAME = re.compile(r"\{(\w+)\}")


def expression(rule: str, options: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a rule as the API server takes it.

    :param rule: what has to hold. ``{name}`` stands for "the variable is set", ``self.name`` for its value, which is
        there if it is set or has a default.
    :param options: the variables' specifications, by name.
    :raises KeyError: the rule names a variable that a resource cannot set.
    """
    return _NAME.sub(lambda match: _is_set(match[1], options[match[1]]["type"]), rule)


def _is_set(name: str, kind: str) -> str:
    value = f"self.{name}"
    if kind in ("list", "dict"):
        return f"(has({value}) && size({value}) > 0)"
    if kind == "bool":
        return f"(has({value}) && {value})"
    if kind in ("int", "float"):
        return f"(has({value}) && {value} != 0)"
    return f"(has({value}) && {value} != '')"
