"""A run of a playbook that can be killed at a line of its output, as a machine that loses its power would end it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..common.errors import ToolError
from ..common.paths import CHECKOUT
from ..environment.variables import WITHOUT_COLOR, venv_variables
from ..harness.command import INVENTORY, TAIL_LINES

DEPLOY_SECONDS = 700.0
#: A task begins, or what is waited for changes.
_POINT = re.compile(r"(?P<task>TASK \[(?!.*Validating arguments))|  \[\w+\] +\S")
#: A task begins, whatever it waits for.
TASKS_ONLY = re.compile(r"(?P<task>TASK \[(?!.*Validating arguments))")
_TASK = re.compile(r"TASK \[(?:airflow\.kubernetes\.)?(.*?)\]")
#: Seconds from a line to the kill, by turns: a task's requests come after the line that announces it.
PAUSES = (0.0, 0.2, 0.5, 0.1, 0.35)

#: Small, and without the node's ports, which belong to another release.
SMALL = {
    "airflow_name": "airflow",
    "api_server_service_type": "ClusterIP",
    "api_server_node_port": "",
    "flower_enabled": False,
}


@dataclass
class Run:
    """A run as it was seen from outside.

    :param points: for each line at which it might have been killed, whether it began a task.
    :param task: the last that it began.
    :param code: its exit code; negative, if it was killed.
    """

    points: list[bool] = field(default_factory=list)
    task: str = "start"
    seconds: float = 0.0
    code: int = 0
    lines: list[str] = field(default_factory=list)

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL

    def printed(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def changed_tasks(self) -> list[str]:
        """Return the names of the tasks that reported a change."""
        task, changed = "", []
        for line in self.lines:
            if found := _TASK.match(line):
                task = found[1]
            elif line.startswith("changed: ["):
                changed.append(task)
        return changed

    def expect_success(self) -> Run:
        """Return the run itself.

        :raises ToolError: if it failed.
        """
        if self.code != 0:
            end = "\n".join("  | " + line for line in self.lines[-TAIL_LINES:])
            raise ToolError(f"a deploy ended with {self.code} in '{self.task}'\n{end}")
        return self


def deploy(folder: Path, namespace: str, kill_at: int | None = None, **variables: Any) -> Run:
    """Deploy the small release, and kill it when it has written so many lines, if it does."""
    return play("deploy.yml", folder, namespace, kill_at, **variables)


def play(
    playbook: str,
    folder: Path,
    namespace: str,
    kill_at: int | None = None,
    points: re.Pattern[str] = _POINT,
    options: Sequence[str] = (),
    seconds: float = DEPLOY_SECONDS,
    inventory: Path = INVENTORY,
    **variables: Any,
) -> Run:
    """Run a playbook on the small release, and kill it when it has written so many lines, if it does.

    :param folder: for its file of variables.
    :param points: the lines that count.
    :param options: further ones of ansible-playbook.
    :param seconds: after which it is killed anyway.
    """
    file = folder / f"{namespace}.json"
    file.write_text(json.dumps({**SMALL, "airflow_namespace": namespace, **variables}))
    run = Run()
    start = time.monotonic()
    with subprocess.Popen(
        ["ansible-playbook", "-i", str(inventory), "-e", f"@{file}", *options, playbook],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**venv_variables(""), **WITHOUT_COLOR},
        cwd=CHECKOUT,
        text=True,
        start_new_session=True,
    ) as process:
        killer = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
        killer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                run.lines.append(line.rstrip())
                if task := _TASK.match(line):
                    run.task = task[1]
                if point := points.match(line):
                    run.points.append(bool(point["task"]))
                if kill_at is not None and len(run.points) >= kill_at:
                    time.sleep(PAUSES[kill_at % len(PAUSES)])
                    break
        finally:
            killer.cancel()
            if kill_at is not None or process.poll() is None:
                _kill(process, wait=kill_at is None)
        run.code = process.wait()
    run.seconds = time.monotonic() - start
    return run


def _kill(process: subprocess.Popen[str], wait: bool) -> None:
    """Kill a run and its process group; one that has written all its lines may end by itself."""
    if wait:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        else:
            return
    os.killpg(process.pid, signal.SIGKILL)
