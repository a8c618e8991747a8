"""Which process listens on a port of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from ..common.mask import masked
from ..common.run import CommandError, run

PROC = Path("/proc")
LISTEN = "0A"
COMMAND_LENGTH = 80


def holder(number: int, proc: Path = PROC) -> str:
    """Return a phrase for what listens on a port: the container or the process, or why that cannot be told."""
    inodes = listening_inodes(number, proc)
    if not inodes:
        # Another namespace, or a system without /proc/net.
        return f"a process that cannot be seen from here: lsof -i :{number}"
    processes = [process for process in sorted(_processes(proc)) if _has_socket(proc / str(process), inodes)]
    if not processes:
        return f"a process of another user (only root sees which): sudo ss -ltnp 'sport = :{number}'"
    return _described(processes[0], number, proc)


def listening_inodes(number: int, proc: Path = PROC) -> set[str]:
    """Return the inodes of the sockets that listen on a port, on any address."""
    found = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == number:
                found.add(fields[9])
    return found


def _processes(proc: Path) -> list[int]:
    return [int(entry.name) for entry in proc.iterdir() if entry.name.isdigit()]


def _has_socket(process: Path, inodes: set[str]) -> bool:
    try:
        return any(_link(entry) in {f"socket:[{inode}]" for inode in inodes} for entry in (process / "fd").iterdir())
    except OSError:
        # It has ended, or is another user's.
        return False


def _link(entry: Path) -> str:
    try:
        return os.readlink(entry)
    except OSError:
        return ""


def _described(process: int, number: int, proc: Path) -> str:
    command = _command(proc / str(process))
    if command.split(" ")[0].rsplit("/", 1)[-1] == "docker-proxy":
        names = _containers(number)
        if names:
            return f"the container {names} (docker stop {names})"
    return f"process {process}: {command}"


def _command(process: Path) -> str:
    """Return a process's command line, short and without passwords; its program's name where it has none."""
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        text = " ".join(" ".join(words).split()) or (process / "comm").read_text().strip()
    except OSError:
        return "ended meanwhile"
    text = masked(text)
    return text if len(text) <= COMMAND_LENGTH else text[: COMMAND_LENGTH - 3] + "..."


def _containers(number: int) -> str:
    try:
        command = ["docker", "ps", "--filter", f"publish={number}", "--format", "{{.Names}}"]
        return " ".join(run(command, timeout=15, log_stdout=False).split())
    except CommandError:
        return ""
