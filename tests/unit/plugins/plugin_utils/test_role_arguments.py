# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wrong types are found in the variables of all roles before the first role has done anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleUndefinedVariable

from ansible_collections.airflow.kubernetes.plugins.plugin_utils._role_arguments import (
    Argument,
    arguments_of,
    digest_of,
    problems_of,
)
from tools.common.paths import ROLES


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def problems(**variables: Any) -> list[str]:
    return list(problems_of(arguments_of(ROLES, variables, load, lambda value: value)))


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
    assert list(arguments_of(ROLES, defaults, load, evaluated.append)) == []
    assert evaluated == []


def test_what_cannot_be_evaluated_yet_is_left_to_its_role() -> None:
    def template(_value: Any) -> Any:
        raise AnsibleUndefinedVariable("later")

    arguments = list(arguments_of(ROLES, {"flower_replicas": "{{ later }}"}, load, template))
    assert [argument.value for argument in arguments] == ["{{ later }}"]
    assert list(problems_of(arguments)) == []


class TestDigest:
    """Two runs with one digest make the same objects."""

    @staticmethod
    def digest(collection: Path = ROLES.parent, roles: tuple[str, ...] = ("scheduler",), **variables: Any) -> str:
        def template(value: Any) -> Any:
            return f"evaluated {value}" if value == "{{ mine }}" else value

        return digest_of(collection, arguments_of(ROLES, variables, load, template), roles)

    def test_is_the_same_for_the_same_input(self) -> None:
        given = {"airflow_config": {"core__parallelism": 2}, "airflow_labels": {"a": "b"}}
        assert self.digest(**given) == self.digest(**dict(reversed(given.items())))

    def test_differs_where_a_value_or_a_role_does(self) -> None:
        digests = {
            self.digest(),
            self.digest(roles=("scheduler", "workers")),
            self.digest(scheduler_replicas=2),
            self.digest(scheduler_replicas=3),
            self.digest(workers_concurrency=3),
        }
        assert len(digests) == 5

    def test_counts_what_a_variable_of_the_users_holds(self) -> None:
        option = {"type": "str"}
        one, other = (
            digest_of(ROLES.parent, [Argument("airflow_image", option, value, is_known=True)]) for value in ("a", "b")
        )
        assert one != other

    def test_says_nothing_of_secrets(self) -> None:
        assert self.digest(airflow_admin_password="hunter2") == self.digest(airflow_admin_password="other")
        assert self.digest(airflow_admin_password="hunter2") == self.digest()

    def test_differs_where_the_collection_does(self, tmp_path: Path) -> None:
        variables = tmp_path / "roles" / "scheduler" / "vars" / "main.yml"
        variables.parent.mkdir(parents=True)
        variables.write_text("a: 1")
        before = self.digest(tmp_path)
        variables.write_text("a: 2")
        assert self.digest(tmp_path) != before
