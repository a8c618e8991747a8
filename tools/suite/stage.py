"""One stage of the test suite: a command, how long it took, and what it counted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from ..common.mask import masked
from ..common.paths import CHECKOUT, OUTPUT
from ..environment.variables import venv_variables

TAIL_LINES = 40
ESSENCE_LINES = 15
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# What the telling of a failure begins with: the last of Ansible, since earlier ones may have been wanted.
FATAL = "fatal: "
ERROR = re.compile(r"^E  |\bFAILED\b|Error:|\berror:|\bfailed:", re.IGNORECASE)
#: What tells how far Ansible and pytest are, in the end of a log.
POSITION_LINES = 200
POSITIONS = (re.compile(r"(?:TASK|PLAY) \[([^\]]+)\]"), re.compile(r"\[ *(\d+%)\]$", re.MULTILINE))
#: What a third of the others' share of the processor is to the scheduler.
NICE = 5


@dataclass(frozen=True)
class Stage:
    """A command of the suite.

    :param command: relative to the checkout, as is where it runs.
    :param timeout: seconds after which it is killed.
    :param suffix: which of the environments it runs in: "" or "-newest".
    :param needs: names of stages without whose success it makes no sense.
    :param junit: whether the command is pytest, which counts its tests.
    :param source: an address of what it has to download; where nobody answers it is not run.
    :param background: whether it gives way to what runs beside it.
    """

    name: str
    command: tuple[str, ...]
    timeout: float = 600
    suffix: str = ""
    needs: tuple[str, ...] = ()
    junit: bool = False
    source: str = ""
    background: bool = False

    @property
    def log(self) -> Path:
        return OUTPUT / f"{self.name}.log"

    @property
    def report(self) -> Path:
        return OUTPUT / f"{self.name}.xml"


@dataclass(frozen=True)
class Result:
    """How a stage ended.

    :param seconds: how long it took.
    :param note: why it did not run, or how it failed.
    """

    stage: Stage
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.failed:
            return "failed"
        return "passed" if self.passed else "skipped"


@dataclass(frozen=True)
class _Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0


def run_stage(stage: Stage) -> Result:
    """Run a stage's command to its end, its output in the stage's log, and count what it tested."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    stage.report.unlink(missing_ok=True)
    command = list(stage.command)
    if stage.junit:
        command.append(f"--junitxml={stage.report}")
    start = time.monotonic()
    note = _run(command, stage)
    seconds = time.monotonic() - start
    if not stage.junit:
        return Result(stage, passed=int(not note), failed=int(bool(note)), seconds=seconds, note=note)
    count = _read_report(stage.report)
    # pytest fails without a failed test when it cannot collect, finds nothing, or dies.
    failed = max(count.failed, int(bool(note) or not count.passed))
    return Result(stage, count.passed, failed, count.skipped, seconds, note)


def _run(command: list[str], stage: Stage) -> str:
    """Return "" if the command ends well, else what happened."""
    with stage.log.open("wb") as log:
        try:
            with subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=CHECKOUT,
                env=venv_variables(stage.suffix),
                start_new_session=True,
            ) as process:
                if stage.background:
                    _give_way(process.pid)
                try:
                    code = process.wait(stage.timeout)
                except BaseException:
                    os.killpg(process.pid, signal.SIGKILL)
                    raise
        except subprocess.TimeoutExpired:
            return f"still running after {stage.timeout:.0f} s"
        except OSError as error:
            return str(error)
    return f"exit code {code}" if code else ""


def _give_way(pid: int) -> None:
    """Let a process that leads a session, and what it starts, give way to others."""
    try:
        os.setpriority(os.PRIO_PROCESS, pid, max(NICE, os.nice(0)))
        # Where sessions share the processor as groups, only a group's own number counts between them.
        group = Path(f"/proc/{pid}/autogroup")
        if group.exists():
            group.write_text(str(NICE))
    except OSError:
        # It has ended already, or may not: then it is as it was.
        return


def _read_report(report: Path) -> _Count:
    """Count the tests in a JUnit report; none, if there is no report."""
    try:
        # Written by our own pytest a moment ago.
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314
    except (OSError, ElementTree.ParseError):
        return _Count()
    total, failures, errors, skipped = (
        sum(int(suite.get(name, 0)) for suite in suites) for name in ("tests", "failures", "errors", "skipped")
    )
    return _Count(total - failures - errors - skipped, failures + errors, skipped)


def position(stage: Stage) -> str:
    """Return how far a running stage is by its log, in one line without passwords; "" if that does not say."""
    try:
        lines = _lines(stage)[-POSITION_LINES:]
    except OSError:
        return ""
    for pattern in POSITIONS:
        found = pattern.findall("\n".join(lines))
        if found:
            return masked(" ".join(found[-1].split()))
    return masked(" ".join(lines[-1].split())) if lines else ""


def tail(stage: Stage) -> str:
    """Return the end of a stage's log."""
    return _quote(_lines(stage)[-TAIL_LINES:])


def summary(stage: Stage) -> str:
    """Return the few lines of a stage's log that begin where it tells why it failed; else its last ones."""
    lines = _lines(stage)
    fatal = [number for number, line in enumerate(lines) if FATAL in line]
    errors = [number for number, line in enumerate(lines) if ERROR.search(line)]
    first = (fatal[-1:] or errors[:1] or [max(len(lines) - ESSENCE_LINES, 0)])[0]
    return _quote(lines[first:][:ESSENCE_LINES])


def _lines(stage: Stage) -> list[str]:
    text = stage.log.read_text(errors="replace") if stage.log.exists() else ""
    return [line for line in COLOURS.sub("", text).splitlines() if line.strip(" │")]


def _quote(lines: Iterable[str]) -> str:
    return "\n".join("  | " + line.removeprefix("  │ ") for line in lines)
