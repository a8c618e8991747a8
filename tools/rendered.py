"""Command line: write the rendered manifests anew that the unit tests compare with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
INVENTORY = CHECKOUT / "tests" / "unit" / "inventory"
RENDERED = CHECKOUT / "tests" / "unit" / "rendered"


def render(directory: Path) -> None:
    """Render every release of the tests' inventory into a folder, which holds one folder for each then.

    :raises subprocess.CalledProcessError: with the output of ansible-playbook.
    """
    playbook = CHECKOUT / "playbooks" / "render.yml"
    command: list[str | Path] = [Path(sys.executable).parent / "ansible-playbook", "-i", INVENTORY, playbook]
    subprocess.run(
        [*command, "--extra-vars", f"airflow_render_to={directory}"],
        cwd=CHECKOUT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def main() -> int:
    """Replace the files and return the exit code."""
    shutil.rmtree(RENDERED, ignore_errors=True)
    try:
        render(RENDERED)
    except subprocess.CalledProcessError as error:
        print(error.output, file=sys.stderr)
        return 1
    print(f"Wrote {len(list(RENDERED.rglob('*.yaml')))} files to {RENDERED.relative_to(CHECKOUT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
