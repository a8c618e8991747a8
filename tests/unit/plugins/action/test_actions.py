# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every module has an action of its name over the same work, and is in the action group."""

from __future__ import annotations

import importlib
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml
from ansible._internal._templating._engine import TemplateEngine
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.airflow.kubernetes.plugins.plugin_utils._role_variables import role_files
from tools.common.paths import ROLES

PLUGINS = ROLES.parent / "plugins"
PACKAGE = "ansible_collections.airflow.kubernetes.plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
every_module = pytest.mark.parametrize("name", MODULES)


def test_there_is_an_action_for_every_module_and_no_other() -> None:
    assert sorted(path.stem for path in (PLUGINS / "action").glob("*.py")) == MODULES


def test_the_action_group_holds_every_module() -> None:
    runtime = yaml.safe_load((ROLES.parent / "meta" / "runtime.yml").read_text())
    assert runtime["action_groups"]["airflow"] == MODULES


@every_module
def test_both_do_the_same_work_with_the_same_options(name: str) -> None:
    action = importlib.import_module(f"{PACKAGE}.action.{name}").ActionModule
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    assert action.module == f"airflow.kubernetes.{name}"
    assert action.work is module.run
    assert action.options is module.OPTIONS


class TestPreflight:
    @pytest.fixture
    def seen(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Run the action with some variables set, and return the options that its work gets."""
        preflight = importlib.import_module(f"{PACKAGE}.action.preflight")
        tasks: list[Any] = []
        monkeypatch.setattr(preflight.ActionModule, "work", staticmethod(lambda task: tasks.append(task) or {}))
        args = {"release": "airflow", "namespace": "airflow", "version": "3.1.0"}
        task = MagicMock(args=args, async_val=0, become=False, check_mode=False, diff=False, environment=[])
        connection = MagicMock(transport="local", become=None)
        action = preflight.ActionModule(task, connection, MagicMock(), DataLoader(), MagicMock(), MagicMock())

        def run(**variables: Any) -> dict[str, Any]:
            action.run(None, variables)
            return dict(tasks[0].params)

        return run

    def test_knows_every_variable_of_every_role(self, seen: Any) -> None:
        params = seen()
        known = set(params["known_variables"])
        assert {"airflow_version", "scheduler_replicas", "workers_groups"} <= known
        assert "__scheduler_container" in set(params["computed_variables"]) - known
        for file in (file for role in ROLES.iterdir() for file in role_files(role, "defaults")):
            assert yaml.safe_load(file.read_text()).keys() <= known

    def test_looks_at_the_variables_that_start_with_a_roles_name(self, seen: Any) -> None:
        params = seen(scheduler_replica=2, airflow_version="3.1.0", my_scheduler=1, ansible_host="x", schedulerx=1)
        assert sorted(params["variables"]) == ["airflow_version", "scheduler_replica"]


class TestWrongArguments:
    """What is of the wrong type is told, before a template fails of it."""

    @pytest.fixture
    def action(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        action = importlib.import_module(f"{PACKAGE}.action.preflight").ActionModule
        monkeypatch.setattr(action, "wrong_arguments", None)
        monkeypatch.setattr(action, "arguments", [])
        return action

    @staticmethod
    def evaluate(action: Any, **variables: Any) -> Any:
        engine = TemplateEngine(DataLoader(), variables=variables)
        argument = trust_as_template("{{ workers_groups | map(attribute='name') | list }}")
        with action.get_finalize_task_args_context() as context:
            return action.finalize_task_arg("worker_groups", argument, engine, context)

    @staticmethod
    def run(action: Any, **variables: Any) -> Any:
        task = MagicMock(args={}, async_val=0, become=False, check_mode=False, diff=False, environment=[])
        templar = Templar(DataLoader(), variables=variables)
        connection = MagicMock(transport="local", become=None)
        return action(task, connection, MagicMock(), DataLoader(), templar, MagicMock()).run(None, variables)

    def test_no_argument_is_evaluated_then(self, action: Any) -> None:
        assert self.evaluate(action, workers_groups=[{"name": "a"}]) == ["a"]
        action.wrong_arguments = None
        assert self.evaluate(action, workers_groups=[3]) is None
        result = self.run(action)
        assert result["failed"]
        assert "The variable workers_groups is not what its role wants" in result["msg"]

    def test_additions_to_pods_that_work_in_none_are_among_them(self, action: Any) -> None:
        result = self.run(
            action,
            scheduler_extra_volumes=[{"name": "dags", "emptyDir": {}}],
            workers_groups=[{"name": "big", "labels": {"airflow.kubernetes/release": "x"}}],
        )
        assert result["failed"]
        assert {line.partition(" has ")[0] for line in result["msg"].splitlines()} == {
            "scheduler_extra_volumes",
            "labels of worker group big",
        }

    def test_they_are_found_where_ansible_does_not_ask_before_it_evaluates(self, action: Any) -> None:
        result = self.run(action, workers_groups=[3], scheduler_replicas="many")
        assert {line.split()[2] for line in result["msg"].splitlines()} == {"scheduler_replicas", "workers_groups"}
