"""The manifests of the releases in inventory/ are those in rendered/. `make rendered` writes them anew."""

from __future__ import annotations

import difflib
import subprocess
from pathlib import Path

import pytest

from tools.rendered import RENDERED, render

FILES = sorted(str(path.relative_to(RENDERED)) for path in RENDERED.rglob("*") if path.is_file())


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("rendered")
    try:
        render(directory)
    except subprocess.CalledProcessError as error:
        pytest.fail(error.output)
    return directory


def test_no_file_is_new_and_none_is_missing(fresh: Path) -> None:
    assert sorted(str(path.relative_to(fresh)) for path in fresh.rglob("*") if path.is_file()) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_as_it_was(fresh: Path, name: str) -> None:
    if not (fresh / name).exists():
        pytest.skip("told by test_no_file_is_new_and_none_is_missing")
    old = (RENDERED / name).read_text().splitlines()
    new = (fresh / name).read_text().splitlines()
    if old != new:
        difference = "\n".join(difflib.unified_diff(old, new, "checked in", "rendered now", lineterm=""))
        pytest.fail(f"{difference}\n\nIf this is wanted: make rendered, and look at git diff.", pytrace=False)
