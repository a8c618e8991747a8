# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a plugin's work gets from Ansible, whether it runs as a module or in the controller's process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..core.errors import Failure
from . import client


@dataclass(frozen=True)
class Task:
    """One run of a plugin.

    :param params: the validated options.
    :param check_mode: nothing may be changed.
    :param diff_mode: the result should hold ``diff``.
    :param say: shows a line to the user at once, where there is a way to.
    :param run_process: number of Ansible's own process, where this one is a fork of it.
    """

    params: Mapping[str, Any]
    check_mode: bool = False
    diff_mode: bool = False
    say: Callable[[str], None] = lambda _line: None
    run_process: int | None = None


#: The work of a plugin: returns the task's result, raises Failure.
Work = Callable[[Task], dict[str, Any]]


def run_as_module(work: Work, options: dict[str, Any]) -> None:
    """Run the work as an Ansible module: the whole of a module's ``main()``."""
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    if client.IMPORT_ERROR:
        module.fail_json(msg=MISSING_LIBRARY, exception=client.IMPORT_ERROR)
    try:
        result = work(Task(params=module.params, check_mode=module.check_mode, diff_mode=module._diff))
    except Failure as failure:
        module.fail_json(msg=failure.message, **failure.result)
    module.exit_json(**result)


MISSING_LIBRARY = (
    "The Python library kubernetes is missing where this task runs. "
    "Install it there (pip install kubernetes), or run the task with connection local from a controller that has it."
)
