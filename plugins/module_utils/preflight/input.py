# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Input that is wrong whatever the cluster."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from ..airflow.bundles import check_dag_bundles
from ..airflow.environment import environment
from ..core.errors import Failure
from . import share
from .rules import (
    check_architecture,
    check_computed_variables,
    check_executors,
    check_hosts,
    check_object_names,
    check_owned_options,
    check_secret_options,
)
from .share import Share

#: The oldest Airflow that the roles deploy.
OLDEST_VERSION = (3, 1, 0)

_DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
#: A tag of an image that begins with a version of Airflow; with 0 and 1, or a year, begin numbers of other origin.
_TAG_VERSION = re.compile(r"v?([2-9]\.\d+\.\d+)(?!\d)")
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)([-.+]?[A-Za-z0-9.-]*)")

#: Longest name of a release: the longest name made from it is a pod's, and that is also its host name.
LONGEST_NAME = 40


def check_input(params: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Check what can be checked without a cluster; return problems and warnings."""
    problems = [
        *check_architecture(params["groups"]),
        *check_hosts(params["release"], params["namespace"], params["same_release"]),
        *check_computed_variables(params["set_variables"], params["computed_variables"]),
        *params["contradictions"],
        *check_name("airflow_name", params["release"], LONGEST_NAME),
        *check_name("airflow_namespace", params["namespace"], 63),
        *(check_version(params["version"]) or check_image(params["image"], params["version"])),
        *check_worker_groups(params["worker_groups"]),
        *share.check_retention(params["log_retention"], params["release"]),
        *check_dag_bundles(params["dag_bundles"]),
        *check_executors(params["executors"]),
    ]
    if not problems:
        groups = [str(group["name"]) for group in params["worker_groups"]]
        problems += check_object_names(params["release"], params["version"], groups)
    try:
        options = environment(params["config"])
        problems += [*check_owned_options(options), *check_secret_options(options, params["config"])]
    except Failure as failure:
        problems.append(failure.message)
    misspelt, warnings = check_variables(params["variables"], params["known_variables"])
    warnings += params["remarks"]
    problems += misspelt
    for given in params["volumes"]:
        wrong, idle = share.check_share(Share(**given))
        problems += wrong
        warnings += idle
    return problems, warnings


def check_name(variable: str, name: Any, longest: int) -> list[str]:
    """A name has to be a DNS label (RFC 1035): it becomes part of host names."""
    if not isinstance(name, str):
        return [f"{variable} is {name!r}, a {type(name).__name__}. Quote it where it is set."]
    if not _DNS_LABEL.fullmatch(name) or len(name) > longest:
        return [
            f"{variable} is {name!r}, which is no DNS label of at most {longest} characters: "
            "lower-case letters, digits and hyphens, starting with a letter and ending with a letter or digit."
        ]
    return []


def check_version(version: Any) -> list[str]:
    """A version is text with three numbers, because 3.10 as a number is 3.1; and 3.1.0 is the oldest."""
    if not isinstance(version, str):
        return [
            f"airflow_version is {version!r}, a {type(version).__name__}, so 3.10 could not be told from 3.1. "
            'Write it in full and quoted: airflow_version: "3.1.8".'
        ]
    if not _VERSION.fullmatch(version):
        return [f'airflow_version is {version!r}. Write it in full, with three numbers: airflow_version: "3.1.8".']
    if parts(version) < OLDEST_VERSION:
        return [f"airflow_version is {version}; the oldest that is supported is {'.'.join(map(str, OLDEST_VERSION))}."]
    return []


def check_image(image: str, version: str) -> list[str]:
    """Refuse a tag that begins with another version; what the image really has is known only to its migration Job."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    match = _TAG_VERSION.match(tag)
    if not match or parts(match[1]) == parts(version):
        return []
    return [
        f'airflow_image is {image}, but airflow_version is {version}. Set airflow_version: "{match[1]}" if that is the '
        f"Airflow in the image, or name an image of {version}. If {match[1]} is a number of your own, let the tag "
        "begin with the version of Airflow or with a word."
    ]


def check_worker_groups(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every group needs a name of its own, since its pods are named after it."""
    if not groups:
        return []
    names = [group.get("name") for group in groups]
    problems = [
        f"workers_groups has more than one group named {name}. Give each group a name of its own."
        for name in sorted({str(name) for name in names if names.count(name) > 1})
    ]
    for name in names:
        problems += check_name("The name of a group in workers_groups", name, LONGEST_NAME)
    return problems


def check_results(urls: Mapping[str, str]) -> Iterator[str]:
    """Refuse a result backend whose login is that of Airflow's database, which workers shall not have.

    :param urls: by option; none is in the message.
    """
    results = urls.get("AIRFLOW__CELERY__RESULT_BACKEND", "")
    databases = ("DIRECT_SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
    if any(_login(results) == _login(urls[key]) for key in databases if key in urls):
        yield (
            "workers_database_access is false, but the URL in the Secret that airflow_result_backend_secret names logs "
            "in as Airflow does to its own database. Give the results a user of their own, who has no right to that "
            "database, or a Redis."
        )


def _login(url: str) -> tuple[str, str]:
    """Return the host and the user of a URL."""
    place = url.partition("://")[2].partition("/")[0]
    login, _at, address = place.rpartition("@")
    host = address.rpartition(":")[0] or address
    return host.lower(), unquote(login.partition(":")[0])


def check_variables(names: Iterable[str], known: Sequence[str]) -> tuple[list[str], list[str]]:
    """Find variables that look like a role's but are none; return the misspelt ones and the merely strange ones."""
    misspelt, strange = [], []
    for name in sorted(set(names) - set(known)):
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if close:
            misspelt.append(f"There is no variable {name}. Did you mean {close[0]}?")
        else:
            strange.append(f"No role of this collection reads the variable {name}.")
    return misspelt, strange


def parts(version: str) -> tuple[int, ...]:
    match = _VERSION.fullmatch(version)
    return tuple(int(part) for part in match.groups()[:3]) if match else ()
