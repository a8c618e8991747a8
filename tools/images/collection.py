"""What the execution environment's image has of this checkout: the collection, and kubernetes.core beside it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..common.errors import ToolError
from ..common.paths import CHECKOUT

#: What a playbook of an installed collection reads.
PARTS = ("galaxy.yml", "meta", "operator", "playbooks", "plugins", "requirements.txt", "roles")
KUBERNETES_CORE = CHECKOUT / ".collections" / "ansible_collections" / "kubernetes" / "core"


def copy_collections(folder: Path) -> None:
    """Copy both collections below a folder, as ``ansible_collections`` has them.

    :raises ToolError: the environment has not been made, which has kubernetes.core.
    """
    if not KUBERNETES_CORE.is_dir():
        raise ToolError("the collection kubernetes.core is not in .collections; run `make environment`")
    for path in _files():
        target = folder / "airflow" / "kubernetes" / path.relative_to(CHECKOUT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copytree(KUBERNETES_CORE, folder / "kubernetes" / "core", ignore=shutil.ignore_patterns("__pycache__"))


def collection_digest() -> str:
    """Return a hash of all files of the collection, which changes with each of them."""
    digest = hashlib.sha256()
    for path in _files():
        digest.update(f"{path.relative_to(CHECKOUT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for part in PARTS:
        path = CHECKOUT / part
        found = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        yield from (file for file in found if "__pycache__" not in file.parts)
