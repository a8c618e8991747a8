"""Run other programs: quietly, with a time limit, and with their output kept in a log."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .errors import ToolError
from .lock import locked
from .mask import masked
from .paths import cache
from .step import reporting

TAIL_LINES = 25


class CommandError(ToolError):
    """A program failed or ran out of time."""


def log_file() -> Path:
    """Return the log that this process writes its programs' output to."""
    return cache("logs") / f"{os.getpid()}.log"


def start_log() -> None:
    """Remove old logs, so that the folder holds the newest few."""
    with locked("logs"):
        logs = sorted(cache("logs").glob("*.log"), key=lambda path: path.stat().st_mtime)
        for old in logs[:-9]:
            old.unlink(missing_ok=True)
        log_file().write_text("")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment, with the commands of the system and our own, and the system's certificates."""
    # uv trusts a list of its own unless told otherwise; behind a proxy that inspects TLS, only the system's knows it.
    env = dict(os.environ, LC_ALL="C.UTF-8", UV_SYSTEM_CERTS="true")
    path = [str(cache("bin")), env.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    env["PATH"] = os.pathsep.join(part for part in path if part)
    # kind would write another cluster into the file of the one that a shell uses (`tools.cluster env`).
    if Path(env.get("KUBECONFIG", "")).parent == cache():
        del env["KUBECONFIG"]
    env.update(extra or {})
    return env


def run(
    command: Sequence[str | Path],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log_stdout: bool = True,
    stdin: str = "",
    progress: Callable[[str], str] | None = None,
) -> str:
    """Run a program to its end and return what it printed.

    :param timeout: seconds after which it and its children are killed.
    :param env: variables added to the environment.
    :param log_stdout: whether its standard output goes to the log; its standard error always does.
    :param stdin: what it reads from its standard input.
    :param progress: returns how far it is from what it has printed so far; else the last line of that is shown.
    :raises CommandError: if it cannot be started, fails or takes too long.
    """
    words = [str(word) for word in command]
    shown = masked(shlex.join(words))
    with log_file().open("ab") as log:
        log.write(f"$ {shown}\n".encode())
        log.flush()
        offset = log.tell()
        try:
            with subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=log if log_stdout else subprocess.PIPE,
                stderr=log,
                env=environment(env),
                cwd=cwd,
                start_new_session=True,
            ) as process:
                try:
                    with reporting(lambda: (progress or last_line)(_printed(offset))):
                        output, _ = process.communicate(stdin.encode(), timeout=timeout)
                except BaseException:
                    os.killpg(process.pid, signal.SIGKILL)
                    raise
        except OSError as error:
            raise CommandError(f"{shown}: {error}") from error
        except subprocess.TimeoutExpired as error:
            raise CommandError(f"{shown}\nstill running after {timeout:.0f} s\n{tail()}") from error
    if process.returncode != 0:
        raise CommandError(f"{shown}\nended with {process.returncode}\n{tail()}")
    return _printed(offset) if log_stdout else output.decode(errors="replace")


def last_line(text: str) -> str:
    """Return the last line of a program's output that says something; of a line that is rewritten, its last state."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _printed(offset: int) -> str:
    """Return what the log has from an offset on."""
    with log_file().open("rb") as log:
        log.seek(offset)
        return log.read().decode(errors="replace")


def pipe(source: Sequence[str | Path], sink: Sequence[str | Path], *, timeout: float) -> None:
    """Run two programs, the standard output of the first being the standard input of the second.

    :raises CommandError: if either fails or they take too long.
    """
    script = f"set -o pipefail; {shlex.join(map(str, source))} | {shlex.join(map(str, sink))}"
    run(["bash", "-c", script], timeout=timeout)


def succeeds(command: Sequence[str | Path], *, timeout: float = 30) -> bool:
    """Tell whether a program ends well."""
    try:
        run(command, timeout=timeout)
    except CommandError:
        return False
    return True


def tail() -> str:
    """Return the end of the log, and where all of it is."""
    lines = log_file().read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join(["  | " + line for line in lines] + [f"All of it: {log_file()}"])
