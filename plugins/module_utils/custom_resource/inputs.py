# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Secrets and ConfigMaps a custom resource names, whose change starts a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Input(NamedTuple):
    """An object that a release reads and somebody else writes."""

    kind: str
    name: str


#: Fields of the Kubernetes API that hold the name of one, with the field of the name.
_REFERENCES = {
    "secretKeyRef": ("Secret", "name"),
    "secretRef": ("Secret", "name"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "configMapRef": ("ConfigMap", "name"),
    "configMap": ("ConfigMap", "name"),
}
#: Ends of the collection's variables whose value is the name of one.
_ENDINGS = {"_secret": "Secret", "_config_map": "ConfigMap"}


def inputs(spec: Mapping[str, Any]) -> list[Input]:
    """Return what a spec names, in alphabetical order.

    :param spec: variables of a release, with parts of pod specifications in them.
    """
    return sorted(set(_found("", spec)))


def _found(key: str, value: Any) -> Iterator[Input]:
    if isinstance(value, Mapping):
        if key in _REFERENCES:
            kind, field = _REFERENCES[key]
            if isinstance(value.get(field), str):
                yield Input(kind, value[field])
        elif key == "secret" and isinstance(value.get("secretName") or value.get("name"), str):
            # As a volume has it, and as a projected volume has it.
            yield Input("Secret", value.get("secretName") or value["name"])
        for inner, its in value.items():
            yield from _found(inner, its)
    elif isinstance(value, list):
        for item in value:
            yield from _found(key, item)
    elif isinstance(value, str) and value:
        kind = next((kind for ending, kind in _ENDINGS.items() if key.endswith(ending)), "")
        # A bundle of DAGs names the Secret of its login so.
        if kind or key == "secret":
            yield Input(kind or "Secret", value)
