# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Airflow's configuration as environment variables.

https://airflow.apache.org/docs/apache-airflow/stable/howto/set-config.html: ``AIRFLOW__{SECTION}__{KEY}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..core.errors import Failure

_OPTION = re.compile(r"(?:AIRFLOW__)?(?P<section>[A-Z][A-Z0-9_.-]*?)__(?P<key>[A-Z][A-Z0-9_]*)")


def environment(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables of options, written ``section__key`` in any case, with or without ``AIRFLOW__``.

    :raises Failure: a name has no ``__`` between section and key, or two names mean the same option.
    """
    variables: dict[str, str] = {}
    for name, value in config.items():
        variable = variable_name(str(name))
        if variable in variables:
            raise Failure(f"airflow_config sets {variable} twice. Keep one of the spellings.")
        if value is not None:
            variables[variable] = text(value)
    return variables


def variable_name(option: str) -> str:
    """Return an option's environment variable, such as ``AIRFLOW__CORE__PARALLELISM`` for ``core__parallelism``."""
    match = _OPTION.fullmatch(option.upper())
    if not match:
        raise Failure(
            f"airflow_config has no option {option!r}: "
            "write the section, two underscores and the key, such as core__parallelism."
        )
    return f"AIRFLOW__{match['section']}__{match['key']}"


def text(value: Any) -> str:
    """Return a value as Airflow reads it from the environment: ``True`` and ``False``, JSON for lists and mappings."""
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return str(value)
