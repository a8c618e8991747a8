"""The file that pins what development and the tests need."""

from __future__ import annotations

from pathlib import Path

from ..common.run import run
from ..common.step import step
from .pythons import OLDEST
from .uv import ensure_uv

LOCK_SECONDS = 900


def write_lock(lock: Path) -> None:
    """Resolve the requirements anew, for every supported Python at once."""
    with step(f"Resolve the packages for {lock.name}"):
        oldest = ".".join(map(str, OLDEST))
        command: list[str | Path] = [ensure_uv(), "pip", "compile", "--universal", "--upgrade"]
        command += ["--python-version", oldest]
        # Names without folders, so that the header is the same wherever it is made.
        run([*command, f"{lock.stem}.in", "--output-file", lock.name], timeout=LOCK_SECONDS, cwd=lock.parent)
