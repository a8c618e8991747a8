"""Command line: look at the deployed Airflow with a real browser, as tests/browser/test_login.py does."""

from __future__ import annotations

import os
import subprocess
import sys

from ..cluster.kind_config import CLUSTER
from ..cluster.ports import AIRFLOW, address
from ..common.apt import ensure_commands, which
from ..common.errors import ToolError
from ..common.paths import CHECKOUT, OUTPUT

SECONDS = 600


def main() -> int:
    """Install a browser if there is none, run the tests, and return pytest's exit code; arguments go to pytest."""
    try:
        ensure_commands(["chromium"])
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    env = {
        **os.environ,
        "AIRFLOW_URL": address(CLUSTER, AIRFLOW),
        "AIRFLOW_SCREENSHOT": str(OUTPUT / "grid_and_log.png"),
        "CHROMIUM": which("chromium") or "",
    }
    command = [sys.executable, "-m", "pytest", "tests/browser/test_login.py", *sys.argv[1:]]
    return subprocess.run(command, cwd=CHECKOUT, env=env, timeout=SECONDS, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
