# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a module's work in the controller's own process where that is the same machine.

A release is an inventory host with a local connection, so a new Python process for each task would only pay
the imports of the Kubernetes client again. Where that is not so, the module of the same name runs on the target.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
from collections.abc import Iterator
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube import client as kube_client
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.holder import this_run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task, Work
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._survey_answers import date_as_text, read_answers
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._templating import remember

# What is loaded by now is for good, and a garbage collection in the fork of a task need not look at it: that would copy
# the memory that the fork shares with its parent. Without it a deploy that changes nothing takes 11 % longer.
gc.freeze()


class InProcessAction(ActionBase):
    """An action plugin over the work that its module does.

    Subclasses set ``module`` (fully qualified), ``options`` (the argument spec) and ``work``.
    """

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = True

    module: ClassVar[str]
    options: ClassVar[dict[str, Any]]
    work: ClassVar[Work]

    @classmethod
    @contextlib.contextmanager
    def get_finalize_task_args_context(cls) -> Iterator[dict[str, Any]]:
        """Yield what the arguments of one task have in common: the templar, once there is one."""
        yield {}

    @classmethod
    def finalize_task_arg(cls, _name: str, value: Any, templar: Any, context: dict[str, Any]) -> Any:
        """Evaluate an argument; its variables are evaluated once for all arguments."""
        if "templar" not in context:
            context["templar"] = templar.extend()
            remember(context["templar"], templar.available_variables)
        return context["templar"].template(value)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        self._refuse_another_cluster(task_vars)
        self._task.args = read_answers(self._task.args, self.options)
        if not self._same_process():
            if "lock_holder" in self.options:
                # Whose run it is can be told only here.
                self._task.args["lock_holder"] = this_run(os.getppid()).identity
            answer: dict[str, Any] = self._execute_module(
                module_name=self.module, task_vars=task_vars, wrap_async=bool(self._task.async_val)
            )
            return answer
        self._take_environment()
        # Through JSON, as a module gets them: plain types, not the templating engine's, which are slow to copy.
        arguments = json.loads(json.dumps(self._task.args, default=date_as_text))
        # Its own method of this name would turn nested None values into errors; the module's validator is the contract.
        validation = ArgumentSpecValidator(self.options).validate(arguments)
        if validation.error_messages:
            raise AnsibleActionFail(validation.errors.msg)
        task = Task(
            params=validation.validated_parameters,
            check_mode=bool(self._task.check_mode),
            diff_mode=bool(self._task.diff),
            say=self._say(task_vars),
            run_process=os.getppid(),
        )
        try:
            result = type(self).work(task)
        except Failure as failure:
            return {"failed": True, "msg": failure.message, **failure.result}
        result.setdefault("changed", False)
        return result

    def _refuse_another_cluster(self, task_vars: dict[str, Any]) -> None:
        """Refuse a play of a user's own that leaves out the cluster which the inventory names."""
        for option in ("kubeconfig", "context"):
            variable = f"airflow_{option}"
            is_left_out = option in self.options and option not in self._task.args
            value = task_vars.get(variable)
            if is_left_out and value and self._templar.template(value):
                raise AnsibleActionFail(
                    f"{variable} is set, but this play does not pass it to the modules of airflow.kubernetes, which "
                    "would use another cluster. Set module_defaults as in playbooks/separated_services.yml."
                )

    def _same_process(self) -> bool:
        return (
            self._connection.transport in ("local", "ansible.builtin.local")
            and not kube_client.IMPORT_ERROR
            and not self._task.async_val
            and not (self._connection.become or self._task.become)
        )

    def _take_environment(self) -> None:
        """Honour the task's ``environment``: this process is a fork made for the one task."""
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        os.environ.update({name: str(value) for name, value in environment.items()})

    def _say(self, task_vars: dict[str, Any]) -> Any:
        host = task_vars.get("inventory_hostname", "")
        return lambda line: self._display.display(f"  [{host}] {line}")
