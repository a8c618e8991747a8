"""The Ansible collections that this one and its tests need, in a folder of the checkout."""

from __future__ import annotations

import os
import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

from ..common.paths import cache
from ..common.pip import download_wheel
from ..common.run import CommandError, run
from ..common.step import step

GALAXY = "https://galaxy.ansible.com"
GALAXY_SECONDS = 5
INSTALL_SECONDS = 300


@dataclass(frozen=True)
class Collection:
    """A collection, and where it is found without Galaxy.

    :param package: release of the package ansible that holds it.
    """

    namespace: str
    name: str
    version: str
    package: str

    def __str__(self) -> str:
        return f"{self.namespace}.{self.name}"


#: kubernetes.core for each ansible-core.
KUBERNETES_CORE = {
    "2.19": Collection("kubernetes", "core", "6.2.0", "12.3.0"),
    "newest": Collection("kubernetes", "core", "6.6.0", "14.5.0"),
}
#: What tests of playbooks/awx.yml need alone. The collection does not depend on it.
AWX = Collection("awx", "awx", "24.6.1", "12.3.0")


def ensure_collections(folder: Path, checkout: Path, ansible_galaxy: Path, core: str) -> None:
    """Make sure that a folder holds kubernetes.core, awx.awx and, as a link, this collection.

    :param core: ansible-core's version, such as ``2.19.14``.
    """
    tree = folder / "ansible_collections"
    own = tree / "airflow" / "kubernetes"
    if not own.is_symlink():
        own.parent.mkdir(parents=True, exist_ok=True)
        # Relative, so that the checkout can be moved.
        own.symlink_to(os.path.relpath(checkout, own.parent))
    kubernetes_core = KUBERNETES_CORE.get(".".join(core.split(".")[:2]), KUBERNETES_CORE["newest"])
    for collection in (kubernetes_core, AWX):
        _ensure(collection, folder, ansible_galaxy)


def _ensure(collection: Collection, folder: Path, ansible_galaxy: Path) -> None:
    stamp = folder / f".{collection}"
    if stamp.is_file() and stamp.read_text() == collection.version:
        return
    path = Path("ansible_collections", collection.namespace, collection.name)
    source = cache("collections") / f"{collection.namespace}-{collection.name}-{collection.version}"
    if not source.is_dir():
        with (
            step(f"Fetch the collection {collection} {collection.version}"),
            tempfile.TemporaryDirectory(dir=cache("build")) as work,
        ):
            if not _from_galaxy(ansible_galaxy, collection, Path(work)):
                _from_ansible_package(collection, path, Path(work))
            (Path(work) / path).rename(source)
    shutil.rmtree(folder / path, ignore_errors=True)
    shutil.copytree(source, folder / path)
    stamp.write_text(collection.version)


def _from_galaxy(ansible_galaxy: Path, collection: Collection, folder: Path) -> bool:
    """Install from Galaxy, if it can be reached; tell whether that was done."""
    try:
        urllib.request.urlopen(f"{GALAXY}/api/", timeout=GALAXY_SECONDS)
        command: list[str | Path] = [ansible_galaxy, "collection", "install", f"{collection}:=={collection.version}"]
        run([*command, "--no-deps", "--server", GALAXY, "--collections-path", folder], timeout=INSTALL_SECONDS)
    except (urllib.error.URLError, OSError, CommandError):
        return False
    return True


def _from_ansible_package(collection: Collection, path: Path, folder: Path) -> None:
    """Take it out of the package ansible on PyPI, which holds the collections of its time."""
    wheel = download_wheel(f"ansible=={collection.package}", folder)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(f"{path}/")])
