"""Run a command and take its time: on the wall, and of the processors."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..cluster.kind_config import CLUSTER
from ..common.errors import ToolError
from ..common.paths import CHECKOUT
from ..environment.variables import WITHOUT_COLOR, venv_variables

CONTEXT = f"kind-{CLUSTER}"
INVENTORY = CHECKOUT / "inventories" / "kind"
TAIL_LINES = 30


@dataclass(frozen=True)
class Timed:
    """A command that has ended.

    :param seconds: from its start to its end.
    :param cpu: seconds of processor time, user and system, of the command and all the processes it started.
    :param output: what it wrote, errors included.
    """

    seconds: float
    cpu: float
    output: str
    code: int = 0


def timed(command: Sequence[str | Path], *, timeout: float, check: bool = True) -> Timed:
    """Run a command to its end, in the checkout, and take its time.

    :param timeout: seconds after which it and what it started are killed.
    :param check: it is an error if the command fails.
    :raises ToolError: if it fails or takes too long.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as output:
        start = time.monotonic()
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**venv_variables(""), **WITHOUT_COLOR},
            cwd=CHECKOUT,
            start_new_session=True,
        )
        killer = threading.Timer(timeout, os.killpg, (process.pid, signal.SIGKILL))
        killer.start()
        try:
            # The usage of a process that was waited for includes that of all the ones it has waited for itself.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            killer.cancel()
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if check and process.returncode != 0:
        end = "\n".join("  | " + line for line in text.splitlines()[-TAIL_LINES:])
        raise ToolError(f"{shlex.join(words)}\nended with {process.returncode} after {seconds:.0f} s\n{end}")
    return Timed(seconds, usage.ru_utime + usage.ru_stime, text, process.returncode)


def play(playbook: str | Path, variables: Path, *, timeout: float) -> Timed:
    """Run a playbook on the one host of the kind inventory.

    :param variables: file of extra variables.
    """
    return timed(["ansible-playbook", "-i", INVENTORY, "-e", f"@{variables}", playbook], timeout=timeout)


def kubectl_command(*arguments: str | Path) -> Sequence[str | Path]:
    """Return the command that runs kubectl on the cluster."""
    return ["kubectl", "--context", CONTEXT, *arguments]


def kubectl(*arguments: str | Path, timeout: float = 60) -> str:
    """Run kubectl on the cluster and return what it printed."""
    return timed(kubectl_command(*arguments), timeout=timeout).output
