"""Command line: check the workflows of the public CI with actionlint, which is built from Go modules."""

from __future__ import annotations

import subprocess
import sys

from ..common.paths import CHECKOUT
from ..programs.go import ensure_program
from ..programs.modules import ACTIONLINT_COMMAND


def main() -> int:
    """Return actionlint's exit code."""
    program = ensure_program(ACTIONLINT_COMMAND) / "actionlint"
    return subprocess.run(
        [program, *sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
