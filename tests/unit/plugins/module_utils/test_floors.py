# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packages import their own floor and lower ones, as README.md beside them says, and no module imports itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.floors import Packages

PACKAGES = Packages(Path(__file__).resolve().parents[4] / "plugins" / "module_utils")
LONGEST = 400


def test_the_table_has_every_package() -> None:
    assert {path.parent.name for path in PACKAGES.modules} == set(PACKAGES.floors)


def test_nothing_lies_beside_the_packages() -> None:
    assert [path.name for path in PACKAGES.folder.glob("*.py")] in ([], ["__init__.py"])


@pytest.mark.parametrize("path", PACKAGES.modules, ids=PACKAGES.name)
def test_a_module_imports_no_higher_floor(path: Path) -> None:
    assert not [
        name
        for name in PACKAGES.absolute_imports(path)
        if name.startswith("ansible_collections.airflow") and "module_utils" in name.split(".")
    ]
    assert PACKAGES.higher_imports(path) == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert PACKAGES.cycle() == ""


@pytest.mark.parametrize("path", PACKAGES.modules, ids=PACKAGES.name)
def test_a_module_is_short_enough_to_be_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST
