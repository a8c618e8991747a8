"""Read processor time from the control groups of the node and of its containers, in seconds."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType

from ..cluster.kind_config import CLUSTER
from ..cluster.lifecycle import node_container
from ..common.errors import ToolError
from ..environment.variables import venv_variables
from .command import timed

NODE = node_container(CLUSTER)
IDENTITY = re.compile(r"[0-9a-f]{64}")

# Version 1 of control groups counts nanoseconds in cpuacct.usage, version 2 microseconds in cpu.stat. The node is in a
# namespace of its own, so its root is the group of the node's container.
_SHELL = """
if [ -e /sys/fs/cgroup/cpuacct/cpuacct.usage ]
then root=/sys/fs/cgroup/cpuacct file=cpuacct.usage line=.
else root=/sys/fs/cgroup file=cpu.stat line=usage_usec
fi
"""
_CONTAINERS = _SHELL + (
    'read_all() { find $root -regextype posix-extended -regex ".*/[^/]*[0-9a-f]{64}[^/]*/$file" '
    "-exec grep -H $line {} + 2>/dev/null || true; }\n"
)
_READING = re.compile(r"^(?P<path>/\S+):(?:usage_usec )?(?P<value>\d+)$")


def in_node(script: str, *, timeout: float = 60) -> str:
    """Run a shell script in the node's container and return what it printed."""
    return timed(["docker", "exec", NODE, "bash", "-c", script], timeout=timeout).output


def node_cpu() -> float:
    """Return the seconds that the node and everything on it have used so far."""
    return _reading(in_node(_SHELL + "grep -H $line $root/$file"))[1]


def container_cpu(identities: Iterable[str]) -> dict[str, float]:
    """Return the seconds that containers have used so far.

    :param identities: of containers, as the container runtime gives them.
    :raises ToolError: if one of them does not run.
    """
    readings = _readings(in_node(_CONTAINERS + "read_all").splitlines())
    missing = set(identities) - set(readings)
    if missing:
        raise ToolError(f"no control group on {NODE} for the containers {', '.join(sorted(missing))}")
    return {identity: readings[identity] for identity in identities}


class Sampler:
    """Reads the containers of the node again and again, for a container's group goes when it ends.

    :param pause: seconds between two readings; what a container uses after its last one is not seen.
    """

    def __init__(self, pause: float = 0.3) -> None:
        script = f"{_CONTAINERS}while read_all; do read -t {pause} && break; done"
        self._command = ["docker", "exec", "-i", NODE, "bash", "-c", script]
        self._seen: dict[str, float] = {}

    def __enter__(self) -> Sampler:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(venv_variables(""))
        )
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The loop in the node ends when it is given a line.
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.close()
        self._thread.join(timeout=30)
        self._process.wait(timeout=30)

    def _follow(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._seen.update(_readings([line.rstrip("\n")]))

    def last(self) -> Mapping[str, float]:
        """Return, by container, the last seconds that were read."""
        return self._seen


def _readings(lines: Iterable[str]) -> dict[str, float]:
    found = {}
    for line in lines:
        if _READING.match(line):
            path, seconds = _reading(line)
            found[IDENTITY.findall(path)[-1]] = seconds
    return found


def _reading(line: str) -> tuple[str, float]:
    match = _READING.match(line.strip())
    if match is None:
        raise ToolError(f"the node's control group cannot be read: {line}")
    unit = 1e-9 if match["path"].endswith("cpuacct.usage") else 1e-6
    return match["path"], int(match["value"]) * unit
