# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of the volumes for DAGs and logs, and of how long logs are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .conditions import leaves_folder, retention
from .rule import Fields, Given, Rule
from .shared_volume import ACCESS_MODES, SharedVolume, quantity

#: The types of volume for which a variable counts, by how the variable ends.
_OF_TYPE = {
    "existing_claim": ("existing_claim",),
    "nfs_server": ("nfs",),
    "host_path": ("host_path",),
    "sub_path": ("claim", "existing_claim", "nfs", "host_path"),
}


def _volume(end: str, when: str, message: str, applies: Callable[[SharedVolume], Any]) -> Rule:
    """Return a rule of one volume; the message has its ``variable``, its ``kind`` and the ``value``.

    :param end: how the variable ends that it is about.
    """

    def find(given: Given) -> Iterable[Fields]:
        for volume in (SharedVolume(**volume) for volume in given["volumes"]):
            if applies(volume):
                value = getattr(volume, end)
                yield {"variable": f"{volume.variable}_{end}", "volume": volume.kind, "value": value}

    return Rule(" ".join(f"airflow_{name}_{end}" for name in ("dags", "logs")), when, message, find=find)


def _is_full_path(path: str) -> bool:
    return path.startswith("/") and ".." not in path.split("/")


def _wrong_retention(given: Given) -> Iterable[Fields]:
    for variable, value in given["log_retention"].items():
        highest = 99 if variable.endswith("_percent") else 36500
        limit = retention(value)
        if limit is None or limit > highest:
            yield {"variable": variable, "value": value, "highest": highest}


def _without_effect(given: Given) -> Iterable[Fields]:
    for volume in (SharedVolume(**volume) for volume in given["volumes"]):
        for end, types in _OF_TYPE.items():
            if getattr(volume, end) and volume.type not in types:
                yield {"variable": f"{volume.variable}_{end}", "volume": volume.kind, "types": " or ".join(types)}


VOLUME_RULES: tuple[Rule, ...] = (
    _volume(
        "existing_claim",
        "the type of the volume is existing_claim without it",
        "{volume}, but no claim is named. Set {variable} to its name.",
        lambda volume: volume.type == "existing_claim" and not volume.existing_claim,
    ),
    _volume(
        "nfs_server",
        "the type of the volume is nfs without it",
        "{volume}, but no server is named. Set {variable} to its host name or address.",
        lambda volume: volume.type == "nfs" and not volume.nfs_server,
    ),
    _volume(
        "nfs_path",
        "it is no full path",
        "{volume}, but {variable} is {value!r}. Set it to the full path of the exported folder.",
        lambda volume: volume.type == "nfs" and not volume.nfs_path.startswith("/"),
    ),
    _volume(
        "host_path",
        "it is no full path",
        "{volume}, but {variable} is {value!r}. Set it to the full path of a folder of the node.",
        lambda volume: volume.type == "host_path" and not _is_full_path(volume.host_path),
    ),
    _volume(
        "sub_path",
        "it is not within the volume",
        "{variable} is {value!r}. Write a folder of the volume, relative and without '..'.",
        lambda volume: leaves_folder(volume.sub_path),
    ),
    _volume(
        "access_mode",
        "several pods cannot use the volume",
        "{variable} is {value!r}, which several pods cannot use. "
        f"Write {ACCESS_MODES[0]}, or {ACCESS_MODES[1]} where all pods run on one node.",
        lambda volume: volume.type == "claim" and volume.access_mode not in ACCESS_MODES,
    ),
    _volume(
        "size",
        "it is no size",
        "{variable} is {value!r}, which is no size. Write it as in 10Gi.",
        lambda volume: volume.type != "existing_claim" and quantity(volume.size) is None,
    ),
    Rule(
        "airflow_dags_volume airflow_logs_volume",
        "a variable of another type of volume is set",
        "{variable} is set, and without effect: {volume}. Set that to {types}.",
        find=_without_effect,
        is_warning=True,
    ),
    Rule(
        "airflow_logs_retention_days airflow_logs_retention_percent",
        "it is no whole number or too high",
        "{variable} is {value!r}. Write a whole number up to {highest}; 0 keeps all logs.",
        find=_wrong_retention,
    ),
)
