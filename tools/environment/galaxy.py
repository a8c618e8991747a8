"""The Ansible collections that this one needs, in a folder of the checkout."""

from __future__ import annotations

import os
import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from ..common.paths import cache
from ..common.pip import download_wheel
from ..common.run import CommandError, run
from ..common.step import step

GALAXY = "https://galaxy.ansible.com"
GALAXY_SECONDS = 5
INSTALL_SECONDS = 300

#: kubernetes.core's version for each ansible-core, and the release of the package ansible that holds it.
KUBERNETES_CORE = {"2.19": ("6.2.0", "12.3.0"), "newest": ("6.6.0", "14.5.0")}


def ensure_collections(folder: Path, checkout: Path, ansible_galaxy: Path, core: str) -> None:
    """Make sure that a folder holds kubernetes.core and, as a link, this collection.

    :param core: ansible-core's version, such as ``2.19.14``.
    """
    version, package = KUBERNETES_CORE.get(".".join(core.split(".")[:2]), KUBERNETES_CORE["newest"])
    tree = folder / "ansible_collections"
    own = tree / "airflow" / "kubernetes"
    if not own.is_symlink():
        own.parent.mkdir(parents=True, exist_ok=True)
        # Relative, so that the checkout can be moved.
        own.symlink_to(os.path.relpath(checkout, own.parent))
    stamp = folder / ".kubernetes.core"
    if stamp.is_file() and stamp.read_text() == version:
        return
    source = cache("collections") / f"kubernetes-core-{version}"
    if not source.is_dir():
        with (
            step(f"Fetch the collection kubernetes.core {version}"),
            tempfile.TemporaryDirectory(dir=cache("build")) as work,
        ):
            if not _from_galaxy(ansible_galaxy, version, Path(work)):
                _from_ansible_package(package, Path(work))
            (Path(work) / "ansible_collections" / "kubernetes" / "core").rename(source)
    target = tree / "kubernetes" / "core"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    stamp.write_text(version)


def _from_galaxy(ansible_galaxy: Path, version: str, folder: Path) -> bool:
    """Install from Galaxy, if it can be reached; tell whether that was done."""
    try:
        urllib.request.urlopen(f"{GALAXY}/api/", timeout=GALAXY_SECONDS)
        command: list[str | Path] = [ansible_galaxy, "collection", "install", f"kubernetes.core:=={version}"]
        run([*command, "--no-deps", "--server", GALAXY, "--collections-path", folder], timeout=INSTALL_SECONDS)
    except (urllib.error.URLError, OSError, CommandError):
        return False
    return True


def _from_ansible_package(version: str, folder: Path) -> None:
    """Take it out of the package ansible on PyPI, which holds the collections of its time."""
    wheel = download_wheel(f"ansible=={version}", folder)
    with zipfile.ZipFile(wheel) as archive:
        prefix = "ansible_collections/kubernetes/core/"
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(prefix)])
