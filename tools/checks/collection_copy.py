"""A copy of this collection as it would be installed, for tools that want it in such a place."""

from __future__ import annotations

import fnmatch
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from ..common.paths import CHECKOUT, cache
from ..common.run import run

#: No part of the collection, but read by ansible-test.
FOR_ANSIBLE_TEST = ("tests/config.yml",)


@contextmanager
def copied_collection() -> Iterator[Path]:
    """Yield the path ``ansible_collections/airflow/kubernetes`` of a copy that is a repository of its own.

    It holds what a build would, of what git knows or would add. kubernetes.core is beside it.
    """
    with tempfile.TemporaryDirectory(dir=cache("build")) as temporary:
        tree = Path(temporary).resolve() / "ansible_collections"
        copy = tree / "airflow" / "kubernetes"
        for path in _files():
            target = copy / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / path, target)
        for command in (["init", "--quiet"], ["add", "--all"]):
            run(["git", *command], timeout=30, cwd=copy)
        core = Path("kubernetes") / "core"
        shutil.copytree(CHECKOUT / ".collections" / "ansible_collections" / core, tree / core)
        yield copy


def _files() -> Iterator[str]:
    ignored = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text())["build_ignore"]
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for path in run(listing, timeout=30, cwd=CHECKOUT, log_stdout=False).split("\0"):
        # What was removed and not yet committed is still in the list.
        if not (CHECKOUT / path).is_file():
            continue
        kept = not any(fnmatch.fnmatch(path.split("/", 1)[0], pattern) for pattern in ignored)
        if kept or any(fnmatch.fnmatch(path, pattern) for pattern in FOR_ANSIBLE_TEST):
            yield path
