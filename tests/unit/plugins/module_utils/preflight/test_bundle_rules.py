# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A bundle that no component could fetch is refused, and what is right is let through."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.plugins.module_utils.preflight.given import check

HTTPS: dict[str, Any] = {"name": "team-a", "repository": "https://git.example.com/data/dags.git"}
SSH: dict[str, Any] = {"name": "team-b", "repository": "git@git.example.com:data/dags.git", "secret": "team-b"}


def only(bundle: dict[str, Any]) -> str:
    """Return what is wrong with a bundle, which has to be one thing."""
    (problem,) = check(dag_bundles=[bundle])[0]
    return problem


def test_nothing_is_wrong_without_bundles() -> None:
    assert check(dag_bundles=[])[0] == []


@pytest.mark.parametrize(
    "bundle",
    [
        HTTPS,
        HTTPS | {"secret": "login", "username": "oauth2", "subdir": "dags/daily", "ref": "v1"},
        HTTPS | {"repository": "https://git.example.com:8443/~data/my.dags"},
        HTTPS | {"repository": "https://[2001:db8::1]/dags"},
        SSH,
        SSH | {"repository": "ssh://git@git.example.com:2222/srv/git/dags.git"},
        SSH | {"repository": "ssh://git.example.com/dags.git"},
        SSH | {"repository": "org-123@git.example.com:data/dags.git"},
    ],
)
def test_what_can_be_fetched(bundle: dict[str, Any]) -> None:
    assert check(dag_bundles=[bundle])[0] == []


def test_two_of_one_name() -> None:
    (problem,) = check(dag_bundles=[HTTPS, HTTPS])[0]
    assert problem.startswith("airflow_dag_bundles has more than one bundle named team-a.")


@pytest.mark.parametrize("name", ["dags-folder", "example_dags"])
def test_a_name_of_airflows_own(name: str) -> None:
    assert "a bundle of Airflow's own" in only(HTTPS | {"name": name})


@pytest.mark.parametrize("name", ["Team", "team_a", "team/a", "-a", "a" * 41, "", None, 7, "a\n"])
def test_a_name_that_no_file_and_variable_could_have(name: Any) -> None:
    assert only(HTTPS | {"name": name}).startswith(f"airflow_dag_bundles has a bundle named {name!r}.")


@pytest.mark.parametrize(
    "repository",
    [
        "",
        "http://git.example.com/dags.git",
        "git://git.example.com/dags.git",
        "/srv/git/dags.git",
        "git.example.com/dags.git",
        "https://git.example.com",
        'https://git.example.com/dags"]\n[core]',
        "https://git.example.com/dags.git\n",
        "ssh://git@git.example.com:data/dags.git",
        "ext::sh -c true",
        "-oProxyCommand=true@git.example.com:dags",
    ],
)
def test_a_repository_that_is_neither_https_nor_ssh(repository: str) -> None:
    assert "neither https nor ssh" in only(SSH | {"repository": repository})


@pytest.mark.parametrize("login", ["data:hunter2", "hunter2", "data:hunter2:"])
def test_a_login_in_the_address_is_told_where_it_belongs_and_not_repeated(login: str) -> None:
    problem = only(HTTPS | {"repository": f"https://{login}@git.example.com/dags.git"})
    assert "Put user name and password into a Secret" in problem
    assert "hunter2" not in problem


def test_a_password_in_an_address_of_ssh() -> None:
    problem = only(SSH | {"repository": "ssh://git:hunter2@git.example.com/dags.git"})
    assert "ssh logs in with a key" in problem
    assert "hunter2" not in problem


def test_ssh_without_a_key() -> None:
    assert "names no secret" in only({**SSH, "secret": ""})


def test_a_user_without_a_password() -> None:
    assert "names no secret with the password" in only(HTTPS | {"username": "data"})


@pytest.mark.parametrize("username", ["{other/password}", "a\npath=b"])
def test_a_user_that_would_be_read_as_something_else(username: str) -> None:
    assert "braces or line breaks" in only(HTTPS | {"secret": "login", "username": username})


@pytest.mark.parametrize("subdir", ["/dags", "../other", "dags/../../other"])
def test_a_folder_outside_of_the_repository(subdir: str) -> None:
    assert "Write a folder of the repository" in only(HTTPS | {"subdir": subdir})
