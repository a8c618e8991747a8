# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a task's work runs, and what it is given there."""

from __future__ import annotations

import os
from datetime import date
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube import client
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._in_process import InProcessAction


class Action(InProcessAction):
    """An action whose work notes the task that it is given."""

    module = "airflow.kubernetes.example"
    options = {  # noqa: RUF012
        "name": {"type": "str", "required": True},
        "count": {"type": "int", "default": 3},
        "objects": {"type": "list", "elements": "dict", "default": []},
    }
    tasks: list[Task] = []  # noqa: RUF012
    answer: dict[str, Any] | Failure = {}  # noqa: RUF012

    @staticmethod
    def work(task: Task) -> dict[str, Any]:
        Action.tasks.append(task)
        if isinstance(Action.answer, Failure):
            raise Action.answer
        return dict(Action.answer)


@pytest.fixture
def action(monkeypatch: pytest.MonkeyPatch) -> Action:
    monkeypatch.setattr(Action, "tasks", [])
    monkeypatch.setattr(Action, "answer", {})
    task = MagicMock(
        args={"name": "web"}, async_val=0, become=False, check_mode=False, diff=False, environment=[], delegate_to=None
    )
    connection = MagicMock(transport="local", become=None)
    made = Action(task, connection, MagicMock(), MagicMock(), MagicMock(), MagicMock())
    monkeypatch.setattr(made, "_execute_module", MagicMock(return_value={"changed": True, "ran": "as a module"}))
    monkeypatch.setattr(made, "_display", MagicMock())
    return made


def run(action: Action, **task_vars: Any) -> dict[str, Any]:
    return action.run(None, {"inventory_hostname": "release", **task_vars})


class TestTheCluster:
    """What the inventory says of it reaches a task by the play's module_defaults."""

    @pytest.fixture
    def action(self, action: Action, monkeypatch: pytest.MonkeyPatch) -> Action:
        monkeypatch.setattr(Action, "options", {**Action.options, "context": {"type": "str"}})
        action._templar.template = lambda value: value
        return action

    def test_is_refused_where_a_play_leaves_it_out(self, action: Action) -> None:
        with pytest.raises(AnsibleActionFail, match="airflow_context is set, but this play does not pass it"):
            run(action, airflow_context="production")
        assert action.tasks == []

    def test_is_taken_where_it_is_passed_or_not_named(self, action: Action) -> None:
        run(action, airflow_context="", airflow_kubeconfig="/elsewhere")
        action._task.args = {"name": "web", "context": "production"}
        run(action, airflow_context="production")
        assert [task.params["context"] for task in action.tasks] == [None, "production"]


class TestHere:
    @pytest.mark.parametrize("transport", ["local", "ansible.builtin.local"])
    def test_with_a_local_connection(self, action: Action, transport: str) -> None:
        action._connection.transport = transport
        run(action)
        assert len(action.tasks) == 1
        action._execute_module.assert_not_called()

    def test_options_are_validated_and_have_their_defaults(self, action: Action) -> None:
        action._task.args = {"name": "web", "count": "4"}
        run(action)
        assert action.tasks[0].params == {"name": "web", "count": 4, "objects": []}

    @pytest.mark.parametrize(
        ("args", "said"),
        [
            ({}, "missing required arguments: name"),
            ({"name": "web", "nmae": 1}, "nmae"),
            ({"name": "w", "count": "x"}, "count"),
        ],
    )
    def test_wrong_options_are_refused(self, action: Action, args: dict[str, Any], said: str) -> None:
        action._task.args = args
        with pytest.raises(AnsibleActionFail, match=said):
            run(action)
        assert action.tasks == []

    def test_null_inside_an_object_stays(self, action: Action) -> None:
        """An emptyDir may be written as ``emptyDir: null``."""
        action._task.args = {"name": "web", "objects": [{"spec": {"emptyDir": None}}]}
        run(action)
        assert action.tasks[0].params["objects"] == [{"spec": {"emptyDir": None}}]

    def test_what_is_given_is_of_plain_types(self, action: Action) -> None:
        class Tagged(str):
            __slots__ = ()

        action._task.args = {"name": Tagged("web"), "objects": [{"a": Tagged("b")}]}
        run(action)
        params = action.tasks[0].params
        assert {type(params["name"]), type(params["objects"][0]["a"])} == {str}

    @pytest.mark.parametrize(("check_mode", "diff"), [(True, False), (False, True)])
    def test_check_and_diff_mode_are_passed_on(self, action: Action, check_mode: bool, diff: bool) -> None:
        action._task.check_mode, action._task.diff = check_mode, diff
        run(action)
        assert (action.tasks[0].check_mode, action.tasks[0].diff_mode) == (check_mode, diff)

    def test_a_failure_becomes_the_result_with_what_it_carries(self, action: Action, monkeypatch: Any) -> None:
        monkeypatch.setattr(Action, "answer", Failure("It cannot be.", objects=["web"]))
        assert run(action) == {"failed": True, "msg": "It cannot be.", "objects": ["web"]}

    def test_what_says_nothing_of_a_change_made_none(self, action: Action, monkeypatch: Any) -> None:
        assert run(action) == {"changed": False}
        monkeypatch.setattr(Action, "answer", {"changed": True, "objects": []})
        assert run(action) == {"changed": True, "objects": []}

    def test_a_line_is_shown_at_once_with_its_host(self, action: Action) -> None:
        run(action)
        action.tasks[0].say("ready")
        action._display.display.assert_called_once_with("  [release] ready")

    def test_the_environment_of_the_task_holds(self, action: Action, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("K8S_AUTH_CONTEXT", raising=False)
        action._task.environment = [{"K8S_AUTH_CONTEXT": "test"}]
        action._templar.template = lambda value, **_rest: value
        run(action)
        assert os.environ["K8S_AUTH_CONTEXT"] == "test"
        monkeypatch.delenv("K8S_AUTH_CONTEXT")


class TestOnTheTarget:
    def check(self, action: Action, wrap_async: bool = False) -> None:
        assert run(action) == {"changed": True, "ran": "as a module"}
        assert action.tasks == []
        (call,) = action._execute_module.call_args_list
        assert call.kwargs["module_name"] == "airflow.kubernetes.example"
        assert call.kwargs["wrap_async"] is wrap_async
        assert call.kwargs["task_vars"]["inventory_hostname"] == "release"

    @pytest.mark.parametrize("transport", ["ssh", "community.docker.docker"])
    def test_with_another_connection(self, action: Action, transport: str) -> None:
        action._connection.transport = transport
        self.check(action)

    def test_as_another_user(self, action: Action) -> None:
        action._task.become = True
        self.check(action)

    def test_as_another_user_by_the_connection(self, action: Action) -> None:
        action._connection.become = MagicMock()
        self.check(action)

    def test_in_the_background(self, action: Action) -> None:
        action._task.async_val = 60
        self.check(action, wrap_async=True)

    def test_where_the_library_is_missing_here(self, action: Action, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client, "IMPORT_ERROR", "No module named 'kubernetes'")
        self.check(action)


def test_what_a_survey_leaves_empty_is_not_given(action: Action) -> None:
    action._task.args = {"name": "web", "count": "", "objects": ""}
    run(action)
    (task,) = Action.tasks
    assert (task.params["count"], task.params["objects"]) == (3, [])


def test_a_date_is_the_text_that_it_was(action: Action) -> None:
    action._task.args = {"name": date(2026, 1, 1), "objects": [{"day": date(2026, 1, 2)}]}
    run(action)
    (task,) = Action.tasks
    assert (task.params["name"], task.params["objects"]) == ("2026-01-01", [{"day": "2026-01-02"}])


def test_what_is_no_json_is_no_argument(action: Action) -> None:
    action._task.args = {"name": "web", "objects": [{"day": object()}]}
    with pytest.raises(TypeError, match="is no JSON"):
        run(action)


def test_a_module_on_a_target_gets_no_empty_answers_either(action: Action) -> None:
    action._task.args = {"name": "web", "count": ""}
    action._connection.transport = "ssh"
    run(action)
    assert action._task.args == {"name": "web"}
