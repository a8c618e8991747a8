# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wrong types are found in the variables of all roles before the first role has done anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleUndefinedVariable

from ansible_collections.airflow.kubernetes.plugins.plugin_utils._role_arguments import problems_of
from tools.role_readmes import ROLES


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def problems(**variables: Any) -> list[str]:
    return list(problems_of(ROLES, variables, load, lambda value: value))


def test_a_wrong_type_is_told_with_its_variable() -> None:
    (problem,) = problems(flower_replicas="two")
    assert problem.startswith("The variable flower_replicas is not what its role wants: ")
    assert "int" in problem


def test_all_of_them_are_told_at_once_within_lists_too() -> None:
    found = problems(redis_settings=[1], workers_groups=[{"name": "a", "replicas": "many"}])
    assert len(found) == 2
    assert "replicas" in found[1]


def test_what_can_be_converted_is_right() -> None:
    assert problems(flower_replicas="2", workers_concurrency=4.0, other="x") == []


def test_a_default_is_not_even_evaluated() -> None:
    evaluated: list[Any] = []
    defaults = load(ROLES / "scheduler" / "defaults" / "main.yml")
    assert list(problems_of(ROLES, defaults, load, evaluated.append)) == []
    assert evaluated == []


def test_what_cannot_be_evaluated_yet_is_left_to_its_role() -> None:
    def template(_value: Any) -> Any:
        raise AnsibleUndefinedVariable("later")

    assert list(problems_of(ROLES, {"flower_replicas": "{{ later }}"}, load, template)) == []
