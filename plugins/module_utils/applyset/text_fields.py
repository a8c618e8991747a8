# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make text of what Kubernetes wants as text, and let each environment variable stand once.

The Kubernetes API reference types labels, annotations, node selectors, the data of a ConfigMap and the values of
environment variables as text; YAML reads ``9102`` and ``true`` as a number and a boolean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

#: Fields that map names to text, wherever they are in an object of Kubernetes' own kinds.
TEXT_MAPS = frozenset({"annotations", "labels", "matchLabels", "nodeSelector"})


def text_fields(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return an object with text where its kind wants text, and with each environment variable once.

    Of variables of one name the last counts, as it does for the kubelet: a component's after all components', and a
    user's after the collection's.

    Of a kind that Kubernetes does not define, only the metadata are known.
    """
    group = str(manifest.get("apiVersion") or "").rpartition("/")[0]
    if "." in group and not group.endswith(".k8s.io"):
        return {key: _walk(value) if key == "metadata" else value for key, value in manifest.items()}
    changed: dict[str, Any] = _walk(manifest)
    if manifest.get("kind") == "ConfigMap" and isinstance(changed.get("data"), Mapping):
        changed["data"] = _text_map(changed["data"])
    return changed


def _walk(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _FIELDS.get(str(key), _walk)(item) for key, item in value.items()}
    return [_walk(item) for item in value] if isinstance(value, list) else value


def _text_map(value: Any) -> Any:
    return {str(key): _text(item) for key, item in value.items()} if isinstance(value, Mapping) else _walk(value)


def _environment(value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(item, Mapping) and item.get("name") for item in value):
        return _walk(value)
    last = {item["name"]: index for index, item in enumerate(value)}
    return [
        {**item, "value": _text(item["value"])} if "value" in item else dict(item)
        for index, item in enumerate(value)
        if last[item["name"]] == index
    ]


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


_FIELDS: Mapping[str, Callable[[Any], Any]] = dict.fromkeys(TEXT_MAPS, _text_map) | {"env": _environment}
