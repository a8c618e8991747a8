# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell without asking the cluster that applying an object would change nothing.

The API server keeps which fields each manager has applied (``metadata.managedFields``). Where those of ours are
exactly the fields of the manifest, and each has the manifest's value, there is nothing to do. Where this cannot be
told, because the API server writes a value in another way or adds a default to what is owned as a whole, it says no,
and the object is applied.
https://kubernetes.io/docs/reference/using-api/server-side-apply/, the format is FieldsV1 of
https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#fieldsv1-v1-meta.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Manifest = Mapping[str, Any]
#: Fields by ``f:<name>``, items of a list by ``k:<their key, as JSON>`` or ``v:<the item, as JSON>``, and ``.`` for
#: what holds them; each with what is owned below it, which is nothing where it is owned as a whole.
Fields = Mapping[str, Any]


def is_applied(manifest: Manifest, live: Manifest, manager: str) -> bool:
    """Tell whether the manager has applied exactly this manifest, and nobody has changed what it says.

    :param live: the object as the API server returns it.
    """
    fields = _fields_of(manager, live, manifest["apiVersion"])
    # What says which object it is is nobody's.
    wanted = _without(manifest, "apiVersion", "kind", "metadata")
    if metadata := _without(manifest["metadata"], "name", "namespace"):
        wanted["metadata"] = metadata
    return fields is not None and _is_owned(fields, wanted, live)


def applied_by(manager: str, live: Manifest) -> dict[str, Any] | None:
    """Return what a manager has applied of an object, which it may apply again with a change; ``None`` if nothing.

    :param live: the object as the API server returns it.
    """
    fields = _fields_of(manager, live, live["apiVersion"])
    if fields is None:
        return None
    taken: dict[str, Any] = _taken(fields, live)
    metadata = {name: live["metadata"][name] for name in ("name", "namespace") if name in live["metadata"]}
    return {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        **taken,
        "metadata": {**metadata, **taken.get("metadata", {})},
    }


def _taken(fields: Fields, live: Any) -> Any:
    """Return of a value what these fields name."""
    below = {key: value for key, value in fields.items() if key != "."}
    if not fields or not isinstance(live, Mapping | list):
        return live
    if isinstance(live, Mapping):
        return {key[2:]: _taken(value, live[key[2:]]) for key, value in below.items() if key[2:] in live}
    return [_taken(value, item) for item in live for key, value in below.items() if _names(key, item, may_lack=False)]


def _without(fields: Manifest, *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def _fields_of(manager: str, live: Manifest, api_version: str) -> Fields | None:
    entries = [
        entry
        for entry in live["metadata"].get("managedFields") or []
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
    ]
    if len(entries) != 1 or entries[0].get("apiVersion") != api_version or entries[0].get("fieldsType") != "FieldsV1":
        return None
    fields: Fields = entries[0]["fieldsV1"]
    return fields


def _is_owned(fields: Fields, wanted: Any, live: Any) -> bool:
    """Tell whether these are all the fields of what is wanted, each with its value."""
    below = {key: value for key, value in fields.items() if key != "."}
    if not below:
        return _as_json(wanted) == _as_json(live)
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        # An empty list is one that is not there, and the API server leaves it out.
        return below.keys() == {f"f:{name}" for name in wanted} and all(
            _is_owned(below[f"f:{name}"], value, live[name]) if name in live else value == []
            for name, value in wanted.items()
        )
    if isinstance(wanted, list) and isinstance(live, list):
        return _are_owned(below, wanted, live)
    return False


def _are_owned(fields: Fields, wanted: list[Any], live: list[Any]) -> bool:
    """Tell the same of a list, in which others may have items too; the order of ours counts."""
    if len(fields) != len(wanted):
        return False
    places = []
    for item in wanted:
        found = [
            (key, place)
            for key in fields
            for place, other in enumerate(live)
            if _names(key, item, may_lack=True) and _names(key, other, may_lack=False)
        ]
        if len(found) != 1 or not _is_owned(fields[found[0][0]], item, live[found[0][1]]):
            return False
        places.append(found[0][1])
    return places == sorted(set(places))


def _names(key: str, item: Any, *, may_lack: bool) -> bool:
    """Tell whether a key names an item.

    :param may_lack: whether the item may lack what is part of the key because the API server adds it.
    """
    kind, text = key.split(":", 1)
    value = json.loads(text)
    if kind == "k" and isinstance(item, Mapping):
        return all(_as_json(item[name]) == _as_json(part) if name in item else may_lack for name, part in value.items())
    return kind == "v" and _as_json(item) == _as_json(value)


def _as_json(value: Any) -> str:
    """Return what tells a value from every other one: for Python, 1 and true are the same."""
    return json.dumps(value, sort_keys=True)
