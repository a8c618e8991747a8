"""Get packages from PyPI with whatever pip this machine has."""

from __future__ import annotations

import sys
from pathlib import Path

from .apt import ensure_commands
from .run import CommandError, run


def ensure_pip() -> list[str]:
    """Return the words that start pip, installing it where it is missing."""
    pip = [sys.executable, "-m", "pip"]
    try:
        run([*pip, "--version"], timeout=60)
    except CommandError:
        ensure_commands(["pip3"])
        pip = ["pip3"]
    return pip


def install(requirement: str, folder: Path) -> None:
    """Install one package, without what it depends on, into a folder of its own."""
    run([*ensure_pip(), "install", "--no-deps", "--target", folder, requirement], timeout=600)


def download_wheel(requirement: str, folder: Path) -> Path:
    """Download the wheel of a package that is the same for every platform and Python, and return its path."""
    any_python = ["--only-binary=:all:", "--ignore-requires-python"]
    run([*ensure_pip(), "download", "--no-deps", *any_python, "--dest", folder, requirement], timeout=900)
    return next(folder.glob("*.whl"))
