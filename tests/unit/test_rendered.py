"""The manifests of the releases in inventory/ are those in golden/. `make rendered` writes them anew."""

from __future__ import annotations

import difflib

import pytest

from tools.checks.rendered import GOLDEN, RENDERED, golden

FRESH = golden(RENDERED)
KEPT = sorted(str(path.relative_to(GOLDEN)) for path in GOLDEN.rglob("*") if path.is_file())


def test_no_file_is_new_and_none_is_missing() -> None:
    assert sorted(FRESH) == KEPT


@pytest.mark.parametrize("name", KEPT)
def test_a_file_is_as_it_was(name: str) -> None:
    if name not in FRESH:
        pytest.skip("told by test_no_file_is_new_and_none_is_missing")
    old, new = (GOLDEN / name).read_text().splitlines(), FRESH[name].splitlines()
    if old != new:
        difference = "\n".join(difflib.unified_diff(old, new, "checked in", "rendered now", lineterm=""))
        pytest.fail(f"{difference}\n\nIf this is wanted: make rendered, and look at git diff.", pytrace=False)
