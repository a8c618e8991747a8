"""Command line: sync a rendered release, or compare it, with the library of Argo CD; prints what it found as JSON.

``tests/gitops/main.go`` has the options and what the output consists of. Without options it is only built.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys

from ..programs.go import ensure_program
from ..programs.modules import ARGOCD_SYNC_COMMAND

#: A sync waits for the migration of the database, and for pods.
TIMEOUT_SECONDS = 900


def main(arguments: list[str]) -> int:
    """Build the program, if it is not in the cache, and run it; returns its exit code."""
    with contextlib.redirect_stdout(sys.stderr):
        command = ensure_program(ARGOCD_SYNC_COMMAND) / ARGOCD_SYNC_COMMAND.name
    return subprocess.run([command, *arguments], timeout=TIMEOUT_SECONDS, check=False).returncode if arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
