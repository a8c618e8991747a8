"""Find the Pythons of this machine that the collection supports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..common.apt import which
from ..common.run import CommandError, run

OLDEST = (3, 11)
NEWEST = (3, 13)


@dataclass(frozen=True, order=True)
class Python:
    """An interpreter, ordered by its version."""

    version: tuple[int, int]
    path: Path

    def __str__(self) -> str:
        return ".".join(map(str, self.version))


def supported_pythons() -> list[Python]:
    """Return the machine's interpreters of the supported versions, one of each version, oldest first."""
    minors = range(OLDEST[1], NEWEST[1] + 1)
    commands = ["python3", *(f"python3.{minor}" for minor in minors)]
    candidates = [found for found in map(which, commands) if found]
    # Those of pyenv are on PATH only where its settings say so.
    candidates += [str(path) for path in sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python3"))]
    found: dict[tuple[int, int], Python] = {}
    for candidate in candidates:
        python = _ask(candidate)
        if python and OLDEST <= python.version <= NEWEST:
            found.setdefault(python.version, python)
    return sorted(found.values())


def _ask(command: str) -> Python | None:
    """Return what a command is, or None if it does not run: pyenv puts commands on PATH that only complain."""
    program = "import sys; print(*sys.version_info[:2], sys.executable)"
    try:
        answer = run([command, "-c", program], timeout=30, log_stdout=False)
    except CommandError:
        return None
    match = re.fullmatch(r"(\d+) (\d+) (.+)", answer.strip())
    return Python((int(match[1]), int(match[2])), Path(match[3])) if match else None
