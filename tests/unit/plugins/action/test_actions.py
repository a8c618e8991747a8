# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every module has an action of its name over the same work, and is in the action group."""

from __future__ import annotations

import importlib
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml

from tools.role_readmes import ROLES

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
        action = preflight.ActionModule(task, connection, MagicMock(), MagicMock(), MagicMock(), MagicMock())

        def run(**variables: Any) -> dict[str, Any]:
            action.run(None, variables)
            return dict(tasks[0].params)

        return run

    def test_knows_every_variable_of_every_role(self, seen: Any) -> None:
        known = set(seen()["known_variables"])
        assert {"airflow_version", "scheduler_replicas", "workers_groups", "scheduler_container"} <= known
        for role in ROLES.iterdir():
            assert yaml.safe_load((role / "defaults" / "main.yml").read_text()).keys() <= known

    def test_looks_at_the_variables_that_start_with_a_roles_name(self, seen: Any) -> None:
        params = seen(scheduler_replica=2, airflow_version="3.1.0", my_scheduler=1, ansible_host="x", schedulerx=1)
        assert sorted(params["variables"]) == ["airflow_version", "scheduler_replica"]
