# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of Secrets that the External Secrets operator is to make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .conditions import twice
from .rule import Fields, Given, Rule

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def _names(given: Given) -> list[str]:
    return [str(external.get("name")) for external in given["external_secrets"]]


def _is_place(place: str) -> bool:
    """Tell whether a text is ``<key of the store>`` or ``<key of the store>#<property>``."""
    key, mark, last = place.rpartition("#")
    return bool(last and (key or not mark))


def _no_places(given: Given) -> Iterator[Fields]:
    for external in given["external_secrets"]:
        for key, place in (external.get("data") or {}).items():
            if not (isinstance(place, str) and _is_place(place)):
                yield {"name": external.get("name"), "key": key}


def _empty(given: Given) -> Iterable[Fields]:
    return [
        {"name": external.get("name")}
        for external in given["external_secrets"]
        if not (external.get("data") or external.get("extract"))
    ]


EXTERNAL_SECRET_RULES: tuple[Rule, ...] = (
    Rule(
        "airflow_external_secrets",
        "a name is none of a Secret",
        "airflow_external_secrets has {name!r}, which is no name of a Secret: lower-case letters, digits, hyphens and "
        "dots, starting and ending with a letter or digit.",
        find=lambda given: ({"name": name} for name in _names(given) if not _NAME.fullmatch(name)),
    ),
    Rule(
        "airflow_external_secrets",
        "two have one name",
        "airflow_external_secrets has {name} more than once. Write one entry with the keys of both.",
        find=lambda given: ({"name": name} for name in twice(_names(given))),
    ),
    Rule(
        "airflow_external_secrets",
        "one has the name of a Secret of the release",
        "airflow_external_secrets has {name}, a Secret that the collection makes itself. Give it another name, and "
        "name it in the variable of what it holds, such as airflow_database_secret.",
        find=lambda given: ({"name": name} for name in sorted({*_names(given)} & {*given["own_secrets"]})),
    ),
    Rule(
        "airflow_external_secrets",
        "one has no keys",
        "airflow_external_secrets has {name} without data and without extract, so that its Secret would be empty. Set "
        "one of them.",
        find=_empty,
    ),
    Rule(
        "airflow_external_secrets",
        "the place of a key is none",
        "airflow_external_secrets has {name} with the key {key}, whose place in the store is no text. Write "
        "<key of the store>, or <key of the store>#<property>.",
        find=_no_places,
    ),
)
