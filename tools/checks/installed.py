"""Command line: run a playbook of the collection as a user who has installed it, from an empty folder.

The tarball is built and installed into ``tests/output/installed``, with kubernetes.core and an inventory beside it, and
nothing else of the checkout.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from ..common.paths import CHECKOUT, OUTPUT
from ..environment.variables import venv_variables

FOLDER = OUTPUT / "installed"


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code of ansible-playbook."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.checks.installed", description=__doc__)
    parser.add_argument("--inventory", default="inventories/kind", help="which inventory of the checkout is copied")
    parser.add_argument("playbook", help="such as airflow.kubernetes.deploy")
    options = parser.parse_args(arguments)
    env = {**venv_variables(""), "ANSIBLE_COLLECTIONS_PATH": str(FOLDER / "collections")}
    install(CHECKOUT / options.inventory, dict(env))
    command = ["ansible-playbook", "--inventory", "inventory", options.playbook]
    return subprocess.run(command, cwd=FOLDER, env=env, check=False).returncode


def install(inventory: Path, env: dict[str, str]) -> None:
    """Make the folder anew.

    :raises subprocess.CalledProcessError: the collection cannot be built or installed.
    """
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(inventory, FOLDER / "inventory")
    # It would come from Galaxy.
    core = Path("collections") / "ansible_collections" / "kubernetes" / "core"
    shutil.copytree(CHECKOUT / ".collections" / core.relative_to("collections"), FOLDER / core)
    galaxy = ["ansible-galaxy", "collection"]
    subprocess.run([*galaxy, "build", "--output-path", FOLDER], cwd=CHECKOUT, env=env, check=True)
    (tarball,) = FOLDER.glob("*.tar.gz")
    subprocess.run([*galaxy, "install", "--no-deps", "-p", "collections", tarball], cwd=FOLDER, env=env, check=True)


if __name__ == "__main__":
    sys.exit(main())
