"""Command line: make the virtual environment of this checkout, and the collections beside it."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from ..common.apt import ensure_commands
from ..common.errors import ToolError
from ..common.paths import CHECKOUT
from ..common.run import CommandError, run, start_log
from ..common.step import say, step
from .galaxy import KUBERNETES_CORE, ensure_collections
from .lockfile import write_lock
from .pythons import NEWEST, OLDEST, Python, supported_pythons
from .uv import ensure_uv

LOCK = CHECKOUT / "requirements" / "dev.txt"
INSTALL_SECONDS = 1200
COMPILED = "--compile-bytecode"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.environment", description=__doc__)
    parser.add_argument(
        "--newest",
        action="store_true",
        help="make .venv-newest and .collections-newest from the newest Python here, where it is newer than .venv's",
    )
    parser.add_argument("--lock", action="store_true", help="resolve the packages anew before")
    options = parser.parse_args(arguments)
    try:
        start_log()
        if options.lock:
            write_lock(LOCK)
        ensure_environment("-newest" if options.newest else "")
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def ensure_environment(suffix: str) -> None:
    """Make ``.venv`` and ``.collections``, with this behind their names, as the lock file says.

    The plain ones get the oldest supported Python of this machine and the others the newest: both ends are tested.
    """
    venv, collections = CHECKOUT / f".venv{suffix}", CHECKOUT / f".collections{suffix}"
    stamp, wanted = venv / ".recipe", _recipe()
    if not (_runs(venv) and stamp.is_file() and stamp.read_text().splitlines()[0] == wanted):
        python = _newest_python() if suffix else _oldest_python()
        if python is None:
            return
        core = _install(venv, python)
        stamp.write_text(f"{wanted}\n{python}\n{core}\n")
    _, version, core = stamp.read_text().splitlines()
    ensure_collections(collections, CHECKOUT, venv / "bin" / "ansible-galaxy", core)
    say(f"{venv.name}: Python {version}, ansible-core {core}")


def _recipe() -> str:
    return hashlib.sha256(LOCK.read_bytes() + repr((KUBERNETES_CORE, COMPILED)).encode()).hexdigest()


def _runs(venv: Path) -> bool:
    """Tell whether the environment's Python is still there: it is a link to the machine's."""
    return (venv / "bin" / "python").is_file()


def _oldest_python() -> Python:
    name = f"python{OLDEST[0]}.{OLDEST[1]}"
    found = supported_pythons()
    if not found:
        ensure_commands([name])
        found = supported_pythons()
    if not found:
        raise ToolError(f"no Python of {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]} is on PATH. Install {name}.")
    return found[0]


def _newest_python() -> Python | None:
    found = supported_pythons()
    if len(found) < 2:
        only = f"Python {found[0]}" if found else "none"
        say(f"No second Python from {'.'.join(map(str, OLDEST))} to {'.'.join(map(str, NEWEST))} is here, only {only}")
        return None
    return found[-1]


def _install(venv: Path, python: Python) -> str:
    """Install what the lock file names, and nothing else; return ansible-core's version."""
    uv = ensure_uv()
    executable = venv / "bin" / "python"
    with step(f"Install Python packages into {venv.name} (Python {python})"):
        if not _runs(venv) or _version(executable) != str(python):
            run([uv, "venv", "--clear", "--python", python.path, venv], timeout=120)
        # Compiled now: where Python may write no bytecode, each start of Ansible would compile it all.
        run([uv, "pip", "sync", COMPILED, "--python", executable, LOCK], timeout=INSTALL_SECONDS)
    answer = run(
        [executable, "-c", "import ansible.release; print(ansible.release.__version__)"], timeout=60, log_stdout=False
    )
    return answer.strip()


def _version(executable: Path) -> str:
    try:
        program = "import sys; print('%d.%d' % sys.version_info[:2])"
        return run([executable, "-c", program], timeout=30, log_stdout=False).strip()
    except CommandError:
        return ""
