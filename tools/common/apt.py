"""Install Debian packages on this machine, where that is possible."""

from __future__ import annotations

import os
import shutil

from .errors import ToolError
from .lock import locked
from .run import environment, run
from .step import step

# Which package brings which command, on Debian and Ubuntu.
PACKAGE_OF = {
    "chromium": "chromium",
    "conntrack": "conntrack",
    "containerd": "containerd",
    "debootstrap": "debootstrap",
    "docker": "docker.io",
    "dockerd": "docker.io",
    "ip": "iproute2",
    "iptables": "iptables",
    "pip3": "python3-pip",
    "python3.11": "python3.11",
    "runc": "runc",
}


def which(command: str) -> str | None:
    """Return the path of a command, looking where root's commands are too."""
    return shutil.which(command, path=environment()["PATH"])


def ensure_commands(commands: list[str], *, timeout: float = 600) -> None:
    """Install the packages of the commands that are missing.

    :raises ToolError: if some are missing and this is not root on a system with apt-get.
    """
    missing = [command for command in commands if which(command) is None]
    if not missing:
        return
    packages = sorted({PACKAGE_OF[command] for command in missing})
    if os.geteuid() != 0 or which("apt-get") is None:
        raise ToolError(f"not on PATH: {', '.join(missing)}. Install them, or run as root on Debian or Ubuntu.")
    # apt waits for another's lock on the packages, but not for that on their lists.
    with locked("apt"), step(f"Install {', '.join(packages)}"):
        apt = ["apt-get", "--option", "DPkg::Lock::Timeout=120"]
        env = {"DEBIAN_FRONTEND": "noninteractive"}
        run([*apt, "update"], timeout=timeout, env=env)
        run([*apt, "install", "--yes", "--no-install-recommends", *packages], timeout=timeout, env=env)
