# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who runs this: a name by which a Lease tells one run of Ansible from every other, and by which a dead one is known.

The run is the process of ``ansible-playbook``, of which every task is a fork. A number is given to one process after
the other, so its start belongs to the name; and a number means that process only where it was given, so the host, its
boot and the process namespace (a container has its own) belong to it too.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_WRITTEN = re.compile(r"(?P<who>.*), process (?P<pid>\d+) \[(?P<place>[^\s\]]*) (?P<started>\d*)\]")


@dataclass(frozen=True)
class Holder:
    """A run.

    :param who: user, host and, in AWX, the job.
    :param pid: number of its process.
    :param place: where the number means that process; empty where that cannot be known.
    :param started: when the process began, in the kernel's ticks since the boot; empty where that cannot be known.
    """

    who: str
    pid: int
    place: str = ""
    started: str = ""

    @classmethod
    def parse(cls, identity: str) -> Holder | None:
        """Read a ``holderIdentity``; ``None`` if somebody else wrote it."""
        match = _WRITTEN.fullmatch(identity)
        return cls(match["who"], int(match["pid"]), match["place"], match["started"]) if match else None

    @property
    def identity(self) -> str:
        """What the Lease says: for people first, then for the next run on the same machine."""
        return f"{self} [{self.place} {self.started}]"

    def __str__(self) -> str:
        return f"{self.who}, process {self.pid}"


def this_run(pid: int, environment: Mapping[str, str] | None = None) -> Holder:
    """Return the run whose process has this number on this machine.

    :param environment: its environment variables; by default those of this process.
    """
    environment = os.environ if environment is None else environment
    who = f"{_user()}@{socket.gethostname()}"
    if job := awx_job(environment):
        who = f"AWX job {job}, {who}"
    return Holder(who, pid, place(), started(pid))


def awx_job(environment: Mapping[str, str]) -> str:
    """Return the number of the job of AWX that this is, empty if it is none.

    https://docs.ansible.com/projects/awx: every job has these two; other schedulers too call something JOB_ID.
    """
    return environment.get("JOB_ID", "") if environment.get("INVENTORY_ID") else ""


def is_dead(holder: Holder, here: str, started_at: Callable[[int], str]) -> bool:
    """Tell whether a holder is known to live no longer; only one of this machine can be.

    :param here: this machine, as :func:`place` names it.
    :param started_at: the start of the process of a number, empty without such a process.
    """
    return bool(here and holder.place == here and started_at(holder.pid) != holder.started)


def started(pid: int) -> str:
    """Return when a process began (proc_pid_stat(5), field 22); empty if there is none, or only its remains."""
    try:
        state, *fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if state in "ZX" else fields[18]


def place() -> str:
    """Return where a process number means the process that it means here; empty where that cannot be known.

    The host's name belongs to it: virtual machines that were started from one snapshot have the same boot and the same
    namespaces, and a process of the one would count as dead in the other.
    """
    try:
        boot = (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="utf-8").strip()
        namespace = str((_PROC / "self" / "ns" / "pid").readlink())
        return re.sub(r"[\s\[\]]", "", f"{socket.gethostname()}/{boot}/{namespace}")
    except OSError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have no name.
        return str(os.getuid())
