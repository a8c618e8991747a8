# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When rules of input apply, where that takes more than a line: each finds the fields of its rule's message."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..airflow.environment import environment
from ..core.errors import Failure
from ..core.names import RESERVED_GROUPS
from .owned_options import OWNED
from .rule import Fields, Given

#: The inventory groups of releases.
ARCHITECTURES = ("separated_services", "master_worker")
#: The oldest Airflow that the roles deploy.
OLDEST = "3.1.0"
#: Longest name of a release: the longest name made from it is a pod's, and that is also its host name.
LONGEST_NAME = 40
#: Characters that the controller of StatefulSets adds to their names for a label of pods, ``controller-revision-hash``,
#: and that of CronJobs for its Jobs; and the longest label and name of a Job.
REVISION, CRON_JOB, LONGEST = 11, 11, 63
#: What airflow_executors may have; the first of it is always there.
EXECUTORS = ("celery", "kubernetes")
#: Characters of the checksum in the name of the migration's Job.
CHECKSUM = 10

_DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
#: A tag of an image that begins with a version of Airflow; with 0 and 1, or a year, begin numbers of other origin.
_TAG_VERSION = re.compile(r"v?([2-9]\.\d+\.\d+)(?!\d)")
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)([-.+]?[A-Za-z0-9.-]*)")
_ADDRESS = re.compile(r"([A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]):[0-9]+")
#: https://cloud.google.com/sql/docs/postgres/instance-settings; the project may begin with the domain of its owner.
_CLOUD_SQL_INSTANCE = re.compile(r"([a-z0-9][a-z0-9.-]*:)?[a-z][a-z0-9-]*:[a-z]+-[a-z]+[0-9]+:[a-z][a-z0-9-]*")
_BASE_URL = re.compile(r"https?://[^/?#@ ]+(/[A-Za-z0-9_.~-]+)*/?")
#: What the key of an option says whose value is a secret (``sensitive: true`` in Airflow's config.yml, and providers');
#: not of those that only tell where it is: ``_cmd`` runs a command, ``_secret`` asks a secrets backend.
_SECRET_KEY = re.compile(r"(PASSWORD|PASSWD|SECRET|SECRET_KEY|ACCESS_KEY|TOKEN|API_KEY|FERNET_KEY|_DSN|BASIC_AUTH)$")
_REFERENCE = re.compile(r"_(CMD|SECRET)$")


def parts(version: Any) -> tuple[int, ...]:
    """Return the three numbers of a version, none of what is none."""
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    return tuple(int(part) for part in match.groups()[:3]) if match else ()


def twice(names: Iterable[Any]) -> list[str]:
    """Return what is more than once among names."""
    every = list(names)
    return sorted({str(name) for name in every if every.count(name) > 1})


def leaves_folder(path: str) -> bool:
    """Tell whether a path leads out of the folder that it shall be in."""
    return path.startswith("/") or ".." in path.split("/")


def is_cloud_sql_instance(name: str) -> bool:
    """Tell whether a text is an instance's connection name, or empty."""
    return not name or bool(_CLOUD_SQL_INSTANCE.fullmatch(name))


def hosts_beside_cloud_sql(given: Given) -> Iterator[Fields]:
    """Find what says in another way where the database is."""
    if given["airflow_cloud_sql_instance"]:
        for variable in ("airflow_database_host", "airflow_database_url_key"):
            if given[variable]:
                yield {"other": variable}


def is_address(text: str) -> bool:
    """Tell whether this is host and port, with or without a host; empty text is none that is wrong."""
    return not text or bool(_ADDRESS.fullmatch(text))


def is_base_url(text: str) -> bool:
    return not text or bool(_BASE_URL.fullmatch(text))


def computed_variables(given: Given) -> Iterator[Fields]:
    """Find what an inventory sets that the roles compute, which Ansible would pass over without a word."""
    return ({"name": name} for name in sorted({*given["set_variables"]} & {*given["computed_variables"]}))


def unknown_variables(given: Given) -> Iterator[Fields]:
    """Find variables that look like a role's but are none, and for each the ``close`` name of one."""
    known = given["known_variables"]
    for name in sorted({*given["variables"]} - {*known}):
        yield {"name": name, "close": next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.85)), "")}


def names(given: Given) -> Iterator[Fields]:
    """Return all names that have to be DNS labels (RFC 1035), since they become part of host names."""
    of_group = "The name of a group in workers_groups"
    for variable, name, longest in (
        ("airflow_name", given["release"], LONGEST_NAME),
        ("airflow_namespace", given["namespace"], 63),
        *((of_group, group.get("name"), LONGEST_NAME) for group in given["worker_groups"]),
    ):
        yield {"variable": variable, "name": name, "longest": longest, "type": _type(name)}


def is_label(fields: Fields) -> bool:
    name = fields["name"]
    return fields["type"] == "str" and bool(_DNS_LABEL.fullmatch(name)) and len(name) <= fields["longest"]


def are_names_right(given: Given) -> bool:
    """Tell whether names of objects can be made of what is given."""
    return all(map(is_label, names(given))) and bool(parts(given["version"]))


def wrong_version_type(given: Given) -> Iterator[Fields]:
    """A version is text, because 3.10 as a number is 3.1."""
    if not isinstance(given["version"], str):
        yield {"type": _type(given["version"])}


def other_version_in_tag(given: Given) -> Iterator[Fields]:
    """Find a tag that begins with another version; what the image really has is known only to its migration Job."""
    tag = given["image"].partition("@")[0].rpartition("/")[2].partition(":")[2]
    match = _TAG_VERSION.match(tag)
    if match and parts(given["version"]) and parts(match[1]) != parts(given["version"]):
        yield {"tagged": match[1]}


def long_object_names(given: Given) -> Iterator[Fields]:
    if not are_names_right(given):
        return
    release, version = given["release"], re.sub("[^a-z0-9]", "-", given["version"].lower())
    for what, name, longest in (
        ("the Job", f"{release}-migrations-{version}-", LONGEST - CHECKSUM),
        ("the CronJob", f"{release}-log-retention", LONGEST - CRON_JOB),
        ("the StatefulSet", f"{release}-postgresql", LONGEST - REVISION),
    ):
        if (over := len(name) - longest) > 0:
            yield {"what": what, "object": name, "over": over, "longest": len(release) - over}
            return


def retention(value: Any) -> int | None:
    """Return a limit of the log retention, ``None`` if it is no number; empty text is zero, which is none."""
    text = str(value if value is not None else "").strip() or "0"
    return int(text) if re.fullmatch(r"\d+", text) and not isinstance(value, bool) else None


def groups_with_reserved_names(given: Given) -> Iterator[Fields]:
    return ({"name": group["name"]} for group in given["worker_groups"] if group.get("name") in RESERVED_GROUPS)


def groups_with_long_names(given: Given) -> Iterator[Fields]:
    if not are_names_right(given):
        return
    for name in (group["name"] for group in given["worker_groups"]):
        over = len(f"{given['release']}-{name}") - (LONGEST - REVISION)
        if over > 0 and name not in RESERVED_GROUPS:
            yield {"name": name, "over": over, "longest": len(name) - over}


def unknown_executors(given: Given) -> Iterator[Fields]:
    if unknown := sorted({*map(str, given["executors"])} - {*EXECUTORS}):
        yield {"unknown": ", ".join(unknown)}


def executors_without_celery(given: Given) -> Iterator[Fields]:
    """Celery is always there, since its workers and broker are."""
    if {*given["executors"]} <= {*EXECUTORS} and EXECUTORS[0] not in given["executors"]:
        yield {"executors": ", ".join(given["executors"])}


def executors_in_config(given: Given) -> Iterator[Fields]:
    if "kubernetes" in given["executors"]:
        for option in _written(given, "core__executor"):
            yield {"executors": ", ".join(given["executors"]), "option": option}


def has_triggerer_queues(given: Given) -> bool:
    """Tell whether Airflow is told that triggers belong to queues."""
    return _options(given).get("AIRFLOW__TRIGGERER__QUEUES_ENABLED", "").lower() in ("true", "t", "1")


def base_url_in_config(given: Given) -> Iterator[Fields]:
    if not given["airflow_base_url"]:
        yield from ({"option": option} for option in _written(given, "api__base_url"))


def wrong_options(given: Given) -> Iterator[Fields]:
    try:
        environment(given["config"])
    except Failure as failure:
        yield {"problem": failure.message}


def owned_options(given: Given) -> Iterator[Fields]:
    """Find options that the collection sets itself, for which other things go by what it sets."""
    for variable, value in _options(given).items():
        owned = OWNED.get(variable) or OWNED.get(_REFERENCE.sub("", variable))
        if owned and not (owned.allowed and value.lower() == owned.allowed.lower()):
            yield {"option": option_name(variable), "instead": owned.instead}


def secret_options(given: Given) -> Iterator[Fields]:
    """Find secrets; numbers and booleans are none."""
    texts = {_plain(name) for name, value in given["config"].items() if isinstance(value, str) and value}
    for variable in _options(given):
        is_secret = _SECRET_KEY.search(variable) and not _REFERENCE.search(variable)
        if is_secret and variable not in OWNED and _plain(variable) in texts:
            yield {"option": option_name(variable), "variable": variable}


def option_name(variable: str) -> str:
    """Return how an option is written in airflow_config: ``core__executor`` for ``AIRFLOW__CORE__EXECUTOR``."""
    return variable.removeprefix("AIRFLOW__").lower()


def secrets_given_twice(given: Given) -> Iterator[Fields]:
    return ({"variable": of["variable"]} for of in given["secret_origins"] if of["given"] and of["secret"])


def unknown_components(given: Given) -> Iterator[Fields]:
    known = given["network_components"]
    if unknown := [name for name in given["network_rules_of"] if name not in known]:
        yield {"unknown": ", ".join(unknown), "known": ", ".join(known)}


def _type(value: Any) -> str:
    """Return the name of a value's type; Ansible's texts and numbers have types of their own."""
    return next((kind.__name__ for kind in (str, bool, int, float, dict, list) if isinstance(value, kind)), "NoneType")


def _options(given: Given) -> dict[str, str]:
    """Return ``airflow_config`` by environment variable."""
    try:
        return environment(given["config"])
    except Failure:
        return {}


def _written(given: Given, option: str) -> Iterator[str]:
    """Return how an option is written in ``airflow_config``, if it is there."""
    return (name for name in given["config"] if _plain(name) == option.upper())


def _plain(name: str) -> str:
    return str(name).upper().removeprefix("AIRFLOW__")
