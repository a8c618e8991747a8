"""The commands kind and kubectl: from PATH, downloaded, or built."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Callable
from functools import cache as cache_result
from pathlib import Path

from ..common.download import download
from ..common.paths import cache
from ..common.run import CommandError, run
from ..common.step import step
from ..common.versions import KIND, KUBERNETES
from .go import GoProgram, ensure_program, go_arch
from .modules import KIND_COMMAND, KUBERNETES_COMMANDS


@cache_result
def ensure_kind() -> Path:
    """Return a kind command of the version that the node image is made for, or a later one."""
    platform_name = f"{platform.system().lower()}-{go_arch()}"
    url = f"https://github.com/kubernetes-sigs/kind/releases/download/v{KIND}/kind-{platform_name}"
    wanted = _numbers(KIND)
    return _ensure("kind", ["version"], lambda found: found >= wanted, url, f"{url}.sha256sum", KIND_COMMAND)


@cache_result
def ensure_kubectl() -> Path:
    """Return a kubectl command that fits the cluster: at most one minor version from it."""
    url = f"https://dl.k8s.io/release/v{KUBERNETES}/bin/{platform.system().lower()}/{go_arch()}/kubectl"
    major, minor, _ = _numbers(KUBERNETES)
    return _ensure(
        "kubectl",
        ["version", "--client"],
        lambda found: found[:1] == (major,) and abs(found[1] - minor) <= 1,
        url,
        f"{url}.sha256",
        KUBERNETES_COMMANDS,
    )


def _ensure(
    name: str,
    version_arguments: list[str],
    fits: Callable[[tuple[int, ...]], bool],
    url: str,
    checksum_url: str,
    program: GoProgram,
) -> Path:
    own = cache("bin") / name
    for candidate in (own, _on_path(name)):
        if candidate and candidate.is_file():
            version = _version(candidate, version_arguments)
            if version and fits(version):
                return candidate
    with step(f"Download {name}"):
        downloaded = download(url, checksum_url, own)
    if not downloaded:
        shutil.copy(ensure_program(program) / name, own)
    return own


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


def _version(command: Path, arguments: list[str]) -> tuple[int, ...]:
    """Return the first version in what a command prints, or () if it prints none."""
    if not os.access(command, os.X_OK):
        return ()
    try:
        return _numbers(run([command, *arguments], timeout=30, log_stdout=False))
    except CommandError:
        return ()


def _numbers(text: str) -> tuple[int, ...]:
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in match.groups()) if match else ()
