# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""playbooks/destroy.yml asks before it deletes data, where somebody is there to be asked."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tools.common.paths import CHECKOUT
from tools.environment.variables import WITHOUT_COLOR

#: There is no such file; whatever gets so far was not refused before.
KUBECONFIG = "/nowhere/kubeconfig"
IDLE_SECONDS = 0.5
REACHED = "The kubeconfig leads to no cluster"
REFUSED = "Nothing was deleted: the volumes and Secrets of"


@pytest.fixture
def command(tmp_path: Path) -> Sequence[str]:
    inventory = tmp_path / "hosts.json"
    hosts = {name: {"airflow_namespace": f"airflow-{name}"} for name in ("sales", "science")}
    inventory.write_text(json.dumps({"separated_services": {"hosts": hosts}}))
    ansible_playbook = Path(sys.executable).parent / "ansible-playbook"
    playbook = CHECKOUT / "playbooks" / "destroy.yml"
    return [str(word) for word in (ansible_playbook, "-i", inventory, playbook, "-e", "airflow_destroy_data=true")]


def environment(**further: str) -> Mapping[str, str]:
    return {**os.environ, **WITHOUT_COLOR, "COLUMNS": "500", "K8S_AUTH_KUBECONFIG": KUBECONFIG, **further}


def in_terminal(command: Sequence[str], answers: Mapping[str, str], **further: str) -> str:
    """Run a command in a terminal, answer the prompts that say something, and return what it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(CHECKOUT)
        os.execve(command[0], command, environment(**further))  # noqa: S606 - a shell is what is not wanted
    shown = ""
    with contextlib.suppress(OSError):
        while True:
            if select.select([terminal], [], [], IDLE_SECONDS)[0]:
                shown += os.read(terminal, 65536).decode(errors="replace")
            # What is typed before a prompt reads is flushed, so it is typed until something happens.
            elif asked := sorted((shown.rfind(prompt), prompt) for prompt in answers if prompt in shown):
                os.write(terminal, f"{answers[asked[-1][1]]}\r".encode())
    os.waitpid(pid, 0)
    os.close(terminal)
    return shown


def without_terminal(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment(), check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode != 0
    return done.stdout


def test_each_release_is_asked_for_in_a_terminal(command: Sequence[str]) -> None:
    answers = {
        "Type airflow-sales/airflow to confirm": "airflow-sales/airflow",
        "Type airflow-science/airflow to confirm": "yes",
    }
    shown = in_terminal(command, answers)
    assert f"{REFUSED} airflow-science/airflow would be lost, and airflow_destroy_confirm names yes" in shown
    assert f"{REFUSED} airflow-sales" not in shown
    assert REACHED in shown


def test_nobody_is_asked_in_awx(command: Sequence[str]) -> None:
    shown = in_terminal(command, {}, JOB_ID="1", INVENTORY_ID="1")
    assert "to confirm" not in shown
    assert f"{REFUSED} airflow-sales/airflow" in shown


def test_without_a_terminal_it_says_what_to_write(command: Sequence[str]) -> None:
    shown = without_terminal(command)
    for namespace in ("airflow-sales", "airflow-science"):
        assert f"-e airflow_destroy_data=true -e airflow_destroy_confirm={namespace}/airflow" in shown


def test_the_text_it_says_is_taken(command: Sequence[str]) -> None:
    shown = without_terminal([*command, "-e", "airflow_destroy_confirm=airflow-sales/airflow,airflow-science/airflow"])
    assert REFUSED not in shown
    assert REACHED in shown
