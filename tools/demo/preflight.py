"""What a machine needs before a cluster and a release are made on it, asked before anything is built."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..cluster.kind_config import CLUSTER
from ..cluster.lifecycle import check_ports, node_containers
from ..cluster.node_build import built_node_image
from ..common.apt import which
from ..common.errors import ToolError
from ..common.paths import cache
from ..common.run import CommandError, run, succeeds
from ..common.versions import PUBLISHED_NODE_IMAGE
from ..docker.client import image_id, registry_answers
from ..images.app_images import APP_IMAGES

GIB = 2**30
#: An upper bound: `docker stats` said 4.0 GiB of a node with the pods of two releases. One alone was not measured.
MEMORY = 4 * GIB
#: `docker system df` 20 minutes after a first build: 3.5 GB of images, and 3.6 GB of the node's volume.
DOCKER_DISK = 9 * GIB
#: `du` on a machine that had built: 4.2 GB in ~/.cache (Go's objects, our programs), 2.6 GB of modules.
#: Go's folders may hold what other builds left, so this is an upper bound.
BUILD_DISK = 8 * GIB
#: The packages of Python, and the programs kind and kubectl.
CACHE_DISK = 1 * GIB
SOCKET = Path("/var/run/docker.sock")
MEMINFO = Path("/proc/meminfo")
#: The limit of a container that this runs in, by cgroups v2 and v1.
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclass(frozen=True)
class Disk:
    """Room that is needed in a folder, which need not exist yet."""

    what: str
    folder: Path
    size: int


def check_machine() -> None:
    """Check the rights, the memory, the disk and the ports that a first cluster with a release needs.

    :raises ToolError: something is missing; all of it is told at once.
    """
    problems = check_rights()
    answers = not problems and _docker_answers()
    present = answers and bool(node_containers(CLUSTER))
    builds = not (answers and _images_are_here()) and not registry_answers()
    if builds and os.geteuid() != 0:
        problems.append(
            "rights: no registry answers here, so the images are built from Debian's packages, which needs root "
            f"(debootstrap); found the user {getpass.getuser()}"
        )
    if not present:
        problems += check_memory()
    problems += check_disk(needed_disk(present=present, builds=builds))
    # Without Docker no cluster runs, and what is asked for has to be free.
    problems += _problems_of(check_ports)
    if problems:
        raise ToolError("\n  - ".join(["this machine lacks what a cluster with a release needs:", *problems]))


def _problems_of(check: Callable[[], object]) -> list[str]:
    try:
        check()
    except ToolError as error:
        return [str(error).replace("\n", "\n    ")]
    return []


def check_rights() -> list[str]:
    """Return why this user can neither use Docker nor install and start it; nothing if he can."""
    if which("docker") and _docker_answers():
        return []
    host = os.environ.get("DOCKER_HOST")
    if host:
        return [f"rights: needed a Docker daemon that answers; DOCKER_HOST={host} does not"]
    user = getpass.getuser()
    if platform.system() == "Linux" and os.geteuid() == 0:
        if which("dockerd") or which("apt-get"):
            return []
        return ["rights: needed Docker, or apt-get to install it; found neither on PATH. Install Docker"]
    if which("docker") and SOCKET.exists() and not os.access(SOCKET, os.W_OK):
        return [
            f"rights: needed access to {SOCKET}; the user {user} has none. Run as root, or: "
            f"sudo usermod -aG docker {user}, then log in again"
        ]
    return [
        f"rights: needed a Docker daemon that answers, or root on Debian or Ubuntu to install and start one; found the "
        f"user {user} without either. Start Docker, or run as root"
    ]


def check_memory() -> list[str]:
    """Return that a cluster with a release needs more memory; nothing if there is enough, or nobody says."""
    available, where = available_memory()
    if available is None or available >= MEMORY:
        return []
    return [f"memory: needed {_gib(MEMORY)} for a cluster with a release, found {_gib(available)} available ({where})"]


def available_memory() -> tuple[int | None, str]:
    """Return the bytes of memory that can still be used here, and which file says so; None where none does."""
    found: list[tuple[int, str]] = []
    try:
        sizes = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines() if ":" in line)
        found.append((int(sizes["MemAvailable"].split()[0]) * 1024, str(MEMINFO)))
    except (OSError, KeyError, ValueError):
        # Not Linux: Docker's own machine has its own memory.
        pass
    for limit in LIMITS:
        try:
            # What of it is used says little, for the kernel's cache of files is in it.
            found.append((int(limit.read_text()), str(limit)))
        except (OSError, ValueError):
            # No limit ("max"), or the other version of cgroups.
            continue
    return min(found, default=(None, ""))


def needed_disk(*, present: bool, builds: bool) -> list[Disk]:
    """Return the room that is needed on disk.

    :param present: whether the cluster is there already.
    :param builds: whether images are built here, since no registry answers.
    """
    needed = [Disk("packages of Python and programs", cache(), CACHE_DISK)]
    if builds:
        needed += [
            Disk("Go's cache", Path(os.environ.get("GOCACHE") or cache()), BUILD_DISK // 2),
            Disk("Go's modules", Path(os.environ.get("GOMODCACHE") or Path.home() / "go"), BUILD_DISK // 2),
        ]
    if not present:
        needed.append(Disk("images and the cluster", _docker_root(), DOCKER_DISK))
    return needed


def check_disk(needed: list[Disk]) -> list[str]:
    """Return on which file systems there is too little room, all that is needed on each taken together."""
    by_device: dict[int, list[Disk]] = {}
    for disk in needed:
        by_device.setdefault(_existing(disk.folder).stat().st_dev, []).append(disk)
    problems = []
    for disks in by_device.values():
        size = sum(disk.size for disk in disks)
        free = shutil.disk_usage(_existing(disks[0].folder)).free
        if free < size:
            parts = ", ".join(f"{_gib(disk.size)} in {disk.folder} for {disk.what}" for disk in disks)
            problems.append(f"disk: needed {_gib(size)} ({parts}), found {_gib(free)} free there")
    return problems


def _existing(folder: Path) -> Path:
    """Return a folder, or the nearest above it that is there and may be looked at."""
    return next(path for path in (folder, *folder.parents) if os.path.exists(path))


def _docker_answers() -> bool:
    return succeeds(["docker", "version"], timeout=15)


def _docker_root() -> Path:
    """Return where Docker keeps images and volumes: what it says, if that is on this machine, else the usual folder."""
    try:
        answer = run(["docker", "info", "--format", "{{.DockerRootDir}}"], timeout=15, log_stdout=False).strip()
    except CommandError:
        answer = ""
    return Path(answer or "/var/lib/docker")


def _images_are_here() -> bool:
    nodes = (PUBLISHED_NODE_IMAGE, built_node_image())
    return any(map(image_id, nodes)) and all(image_id(image.name) for image in APP_IMAGES)


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
