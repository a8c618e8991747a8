"""Make sure that a Docker daemon answers, starting one where there is none."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import subprocess
from pathlib import Path

from ..common.apt import ensure_commands, which
from ..common.errors import ToolError
from ..common.lock import locked
from ..common.paths import cache
from ..common.run import environment, run, succeeds
from ..common.step import step
from ..common.waiting import holds_within, until

START_SECONDS = 90
STOP_SECONDS = 45
POLL_SECONDS = 0.5
CAP_SYS_RESOURCE = 24
SYSTEM_CONFIG = Path("/etc/docker/daemon.json")
# What a killed daemon leaves behind. Its process id may by now be another program's, and the next
# daemon would then refuse to start, or wait for a containerd that is none.
DAEMON_PID = Path("/var/run/docker.pid")
CONTAINERD_PID = Path("/var/run/docker/containerd/containerd.pid")
#: The bridges that Docker makes: its default one, and one for each of its networks.
BRIDGE = re.compile(r"docker0|br-[0-9a-f]{12}")


def ensure_docker() -> None:
    """Make sure that a Docker daemon answers.

    :raises ToolError: if none does and none can be started here.
    """
    if which("docker") and _answers():
        return
    if os.environ.get("DOCKER_HOST"):
        raise ToolError(f"no Docker daemon answers at DOCKER_HOST={os.environ['DOCKER_HOST']}")
    if platform.system() != "Linux" or os.geteuid() != 0:
        raise ToolError(
            "no Docker daemon answers this user, and only root on Linux can start one: start it, or get access to it"
        )
    ensure_commands(["docker", "dockerd", "containerd", "runc", "ip", "iptables", "conntrack"])
    with locked("docker"):
        if _answers():
            return
        with step("Start Docker"):
            if Path("/run/systemd/system").is_dir():
                run(["systemctl", "start", "docker"], timeout=START_SECONDS)
            else:
                _start()
            _wait_until_it_answers()


def _answers() -> bool:
    return succeeds(["docker", "version"], timeout=15)


def _start() -> None:
    """Start the daemon as a process of its own, which outlives this one."""
    _clear_pid_files()
    for link in dead_links(Path("/sys/class/net"), Path("/proc")):
        run(["ip", "link", "delete", link], timeout=10)
    with _daemon_log().open("ab") as log:
        subprocess.Popen(
            ["dockerd", "--config-file", str(_config())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment(),
            cwd="/",
            start_new_session=True,
        )


def _daemon_log() -> Path:
    return cache("docker") / "dockerd.log"


def _clear_pid_files() -> None:
    """Wait for a daemon that is on its way down, and remove what dead ones left behind."""
    holds_within(STOP_SECONDS, lambda: not _runs(DAEMON_PID, "dockerd") or _answers(), POLL_SECONDS)
    for file, command in ((DAEMON_PID, "dockerd"), (CONTAINERD_PID, "containerd")):
        if not _runs(file, command):
            file.unlink(missing_ok=True)


def dead_links(net: Path, proc: Path) -> list[str]:
    """Return the names of the links that killed containers have left on Docker's bridges; none while a container lives.

    The kernel keeps such a link for a minute and a half, as long as it keeps the container's connections. The next
    container is given the same addresses, and the bridge sends part of what it is sent to the dead one.

    :param net: `/sys/class/net`.
    :param proc: `/proc`.
    """
    if any(_command(process) == "containerd-shim" for process in proc.iterdir()):
        return []
    links = {link.name: link / "master" for link in net.iterdir() if link.name.startswith("veth")}
    return sorted(name for name, master in links.items() if BRIDGE.fullmatch(master.resolve().name))


def _command(process: Path) -> str:
    """Return the name of a process's program, cut at 15 characters as the kernel has it; "" if it is gone."""
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return ""


def _runs(pid_file: Path, command: str) -> bool:
    try:
        return _command(Path("/proc") / str(int(pid_file.read_text()))) == command
    except (OSError, ValueError):
        return False


def _wait_until_it_answers() -> None:
    def end_of_log() -> str:
        lines = _daemon_log().read_text(errors="replace").splitlines()[-15:] if _daemon_log().exists() else []
        return "\n".join([f" ({_daemon_log()}):", *lines])

    until(_answers, START_SECONDS, "Docker does not answer", POLL_SECONDS, end_of_log)


def _config() -> Path:
    """Write the daemon's configuration, which is the system's and what this machine needs besides.

    The system's own file is read and left as it is.
    """
    config = json.loads(SYSTEM_CONFIG.read_text()) if SYSTEM_CONFIG.exists() else {}
    if not _may_raise_limits() and "default-runtime" not in config:
        config.setdefault("runtimes", {})["limited"] = {"path": str(_limited_runtime())}
        config["default-runtime"] = "limited"
    path = cache("docker") / "daemon.json"
    path.write_text(json.dumps(config, indent=2))
    return path


def _may_raise_limits() -> bool:
    """Tell whether processes here can have CAP_SYS_RESOURCE."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapBnd:"):
            return bool(int(line.split()[1], 16) >> CAP_SYS_RESOURCE & 1)
    return True


def _limited_runtime() -> Path:
    """Write an OCI runtime that asks for no capability that this machine withholds.

    A privileged container asks for all capabilities, and runc refuses to start it if one of them cannot be had.
    """
    runc = which("runc")
    if runc is None:
        raise ToolError("runc is not on PATH; Debian's package runc brings it")
    path = cache("docker") / "limited-runc"
    path.write_text(f"""#!/bin/bash
# Removes CAP_SYS_RESOURCE from what the container (config.json) or the exec (process spec) asks for.
files=()
previous=
for word in "$@"; do
  case "$previous" in
    --bundle | -b) files+=("$word/config.json") ;;
    --process | -p) files+=("$word") ;;
  esac
  case "$word" in
    --bundle=*) files+=("${{word#*=}}/config.json") ;;
    --process=*) files+=("${{word#*=}}") ;;
  esac
  previous=$word
done
for file in "${{files[@]}}"; do
  if [[ -f $file ]]; then
    sed -i -e 's/"CAP_SYS_RESOURCE",//g' -e 's/,"CAP_SYS_RESOURCE"//g' "$file"
  fi
done
exec {shlex.quote(runc)} "$@"
""")
    path.chmod(0o755)
    return path
