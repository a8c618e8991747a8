"""Command line: check the documentation of plugins and roles with antsibull-docs."""

from __future__ import annotations

import subprocess
import sys

from ..environment.variables import venv_variables
from .collection_copy import copied_collection


def main() -> int:
    """Run it and return its exit code."""
    options = ["--plugin-docs", "--validate-collection-refs", "dependent"]
    command = ["antsibull-docs", "lint-collection-docs", *options, "."]
    with copied_collection() as copy:
        env = {**venv_variables(""), "ANSIBLE_COLLECTIONS_PATH": str(copy.parents[2])}
        return subprocess.run(command, env=env, cwd=copy, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
