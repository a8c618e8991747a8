# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuse DAG bundles that no component could fetch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Airflow's own: the DAGs volume and the examples.
RESERVED = ("dags-folder", "example_dags")

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_PATH = r"[\w.~%+@/-]+"
_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\])"
_HTTPS = re.compile(rf"https://(?P<login>[^/]*@)?{_HOST}(:\d+)?/{_PATH}")
_SSH = re.compile(rf"ssh://(?P<login>[^/@]+@)?{_HOST}(:\d+)?/{_PATH}|\w[\w.+-]*@{_HOST}:{_PATH}")


def check_dag_bundles(bundles: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each thing that is wrong with ``airflow_dag_bundles``, without asking a cluster."""
    names = [str(bundle.get("name")) for bundle in bundles]
    problems = [
        f"airflow_dag_bundles has more than one bundle named {name}. Give each bundle a name of its own."
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    for bundle in bundles:
        problems += _check_name(bundle.get("name"))
        problems += _check_repository(f"The bundle {bundle.get('name')} in airflow_dag_bundles", bundle)
    return problems


def _check_name(name: Any) -> Iterator[str]:
    if name in RESERVED:
        yield f"airflow_dag_bundles has a bundle named {name}, which is a bundle of Airflow's own. Name it otherwise."
    elif not isinstance(name, str) or not _NAME.fullmatch(name):
        yield (
            f"airflow_dag_bundles has a bundle named {name!r}. Name it with at most 40 lower-case letters, digits and "
            "hyphens, starting with a letter and ending with a letter or digit."
        )


def _check_repository(what: str, bundle: Mapping[str, Any]) -> Iterator[str]:
    """Check where a repository is and whether the login fits; an address that may hold a password is not repeated."""
    repository = str(bundle.get("repository") or "")
    https, ssh = _HTTPS.fullmatch(repository), _SSH.fullmatch(repository)
    if not https and not ssh:
        yield (
            f"{what} has a repository that is neither https nor ssh. Write https://host/path, git@host:path or "
            "ssh://git@host:port/path."
        )
    elif https and https["login"]:
        yield (
            f"{what} has a login in the address of its repository. Put user name and password into a Secret, under "
            "username and password, name it by secret, and leave them out of the address."
        )
    elif ssh and ":" in (ssh["login"] or ""):
        yield f"{what} has a password in the address of its repository. Leave it out: ssh logs in with a key."
    elif ssh and not bundle.get("secret"):
        yield (
            f"{what} is fetched by ssh, but names no secret. Name the Secret that holds the private key, under "
            "ssh-privatekey, and the server's public keys, under known_hosts."
        )
    elif https and bundle.get("username") and not bundle.get("secret"):
        yield f"{what} has a username, but names no secret with the password."
    if any(character in str(bundle.get("username") or "") for character in "{}\n"):
        yield f"{what} has a username with braces or line breaks. Put it into the Secret, under username."
    subdir = str(bundle.get("subdir") or "")
    if subdir.startswith("/") or ".." in subdir.split("/"):
        yield f"{what} has the subdir {subdir}. Write a folder of the repository, such as dags."
