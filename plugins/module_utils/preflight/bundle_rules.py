# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of DAG bundles, which no component could fetch otherwise.

An address that may hold a password is in no message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .conditions import leaves_folder, twice
from .rule import Fields, Given, Rule

#: Airflow's own: the DAGs volume and the examples.
RESERVED = ("dags-folder", "example_dags")

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_PATH = r"[\w.~%+@/-]+"
_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\])"
_HTTPS = re.compile(rf"https://(?P<login>[^/]*@)?{_HOST}(:\d+)?/{_PATH}")
_SSH = re.compile(rf"ssh://(?P<login>[^/@]+@)?{_HOST}(:\d+)?/{_PATH}|\w[\w.+-]*@{_HOST}:{_PATH}")

Bundle = Mapping[str, Any]
_WHAT = "The bundle {name} in airflow_dag_bundles "


def _bundle(when: str, message: str, applies: Callable[[Bundle], Any]) -> Rule:
    """Return a rule of a single bundle; the message has its ``name`` and ``subdir``."""

    def find(given: Given) -> Iterable[Fields]:
        for bundle in given["dag_bundles"]:
            if applies(bundle):
                yield {"name": bundle.get("name"), "subdir": bundle.get("subdir")}

    return Rule("airflow_dag_bundles", when, message, find=find)


def _https(bundle: Bundle) -> re.Match[str] | None:
    return _HTTPS.fullmatch(str(bundle.get("repository") or ""))


def _ssh(bundle: Bundle) -> re.Match[str] | None:
    return _SSH.fullmatch(str(bundle.get("repository") or ""))


def _has_ssh_password(bundle: Bundle) -> bool:
    ssh = _ssh(bundle)
    return bool(ssh and ":" in (ssh["login"] or ""))


def _has_https_login(bundle: Bundle) -> bool:
    https = _https(bundle)
    return bool(https and https["login"])


BUNDLE_RULES: tuple[Rule, ...] = (
    Rule(
        "airflow_dag_bundles",
        "two bundles have one name",
        "airflow_dag_bundles has more than one bundle named {name}. Give each bundle a name of its own.",
        find=lambda given: ({"name": name} for name in twice(bundle.get("name") for bundle in given["dag_bundles"])),
    ),
    _bundle(
        "a bundle has the name of one of Airflow's own",
        "airflow_dag_bundles has a bundle named {name}, which is a bundle of Airflow's own. Name it otherwise.",
        lambda bundle: bundle.get("name") in RESERVED,
    ),
    _bundle(
        "the name of a bundle cannot be a part of names",
        "airflow_dag_bundles has a bundle named {name!r}. Name it with at most 40 lower-case letters, digits and "
        "hyphens, starting with a letter and ending with a letter or digit.",
        lambda bundle: bundle.get("name") not in RESERVED and not _NAME.fullmatch(str(bundle.get("name") or "")),
    ),
    _bundle(
        "a repository is neither https nor ssh",
        _WHAT + "has a repository that is neither https nor ssh. Write https://host/path, git@host:path or "
        "ssh://git@host:port/path.",
        lambda bundle: not _https(bundle) and not _ssh(bundle),
    ),
    _bundle(
        "the address of a repository has a login",
        _WHAT + "has a login in the address of its repository. Put user name and password into a Secret, under "
        "username and password, name it by secret, and leave them out of the address.",
        _has_https_login,
    ),
    _bundle(
        "the address of a repository has a password for ssh",
        _WHAT + "has a password in the address of its repository. Leave it out: ssh logs in with a key.",
        _has_ssh_password,
    ),
    _bundle(
        "a repository is fetched by ssh without a Secret",
        _WHAT + "is fetched by ssh, but names no secret. Name the Secret that holds the private key, under "
        "ssh-privatekey, and the server's public keys, under known_hosts.",
        lambda bundle: _ssh(bundle) and not _has_ssh_password(bundle) and not bundle.get("secret"),
    ),
    _bundle(
        "there is a user name without a Secret",
        _WHAT + "has a username, but names no secret with the password.",
        lambda bundle: (
            _https(bundle) and not _has_https_login(bundle) and bundle.get("username") and not bundle.get("secret")
        ),
    ),
    _bundle(
        "a user name has braces or line breaks",
        _WHAT + "has a username with braces or line breaks. Put it into the Secret, under username.",
        lambda bundle: any(character in str(bundle.get("username") or "") for character in "{}\n"),
    ),
    _bundle(
        "the folder is not in the repository",
        _WHAT + "has the subdir {subdir}. Write a folder of the repository, such as dags.",
        lambda bundle: leaves_folder(str(bundle.get("subdir") or "")),
    ),
)
