"""The installer uv, which makes a virtual environment in seconds."""

from __future__ import annotations

from pathlib import Path

from ..common.apt import which
from ..common.paths import cache
from ..common.pip import ensure_pip, install
from ..common.step import step

UV = "0.13.9"


def ensure_uv() -> Path:
    """Return a uv command: the machine's, or PyPI's."""
    found = which("uv")
    if found:
        return Path(found)
    folder = cache() / f"uv-{UV}"
    command = folder / "bin" / "uv"
    if not command.is_file():
        # Before the step, because it may have one of its own.
        ensure_pip()
        with step(f"Install uv {UV} from PyPI"):
            install(f"uv=={UV}", folder)
    return command
