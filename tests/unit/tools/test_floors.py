"""Packages import lower floors alone, as README.md beside them says, and those that have to start on bare Python do."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.floors import Packages

PACKAGES = Packages(Path(__file__).resolve().parents[3] / "tools")
README = (PACKAGES.folder / "README.md").read_text()
#: Packages that start without any package installed.
BARE = set(re.findall(r"^\| \d \| `(\w+)` \| Python \|", README, re.MULTILINE))


def package_of(name: str) -> str:
    return name.split("/", maxsplit=1)[0]


def test_the_table_has_every_package() -> None:
    assert {path.parent.name for path in PACKAGES.modules} == set(PACKAGES.floors)


def test_nothing_lies_beside_the_packages() -> None:
    assert [path.name for path in PACKAGES.folder.glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("path", PACKAGES.modules, ids=PACKAGES.name)
def test_a_module_imports_its_own_package_and_lower_floors(path: Path) -> None:
    assert not [name for name in PACKAGES.absolute_imports(path) if name.split(".")[0] == "tools"]
    assert PACKAGES.higher_imports(path) == []
    beside = {
        package
        for package in map(package_of, PACKAGES.imports(path))
        if PACKAGES.floors[package] == PACKAGES.floors[path.parent.name]
    }
    assert beside <= {path.parent.name}


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert PACKAGES.cycle() == ""


def test_what_makes_the_environment_starts_without_it() -> None:
    assert {"cluster", "demo", "environment", "images", "suite"} <= BARE


@pytest.mark.parametrize("path", [path for path in PACKAGES.modules if path.parent.name in BARE], ids=PACKAGES.name)
def test_what_starts_on_bare_python_imports_nothing_else(path: Path) -> None:
    roots = {name.split(".")[0] for name in PACKAGES.absolute_imports(path)}
    assert roots <= set(sys.stdlib_module_names)
    assert set(map(package_of, PACKAGES.imports(path))) <= BARE


def test_the_table_has_every_command() -> None:
    commands = set()
    for row in re.findall(r"^\| \d \| .*\|$", README, re.MULTILINE):
        package = row.split("`")[1]
        for names in re.findall(r"`(?:python3? -m tools\.\w+)?((?:\.\w+)?)`", row.split("|")[-2]):
            commands.add(f"{package}/{names.removeprefix('.') or '__main__'}.py")
    started = {PACKAGES.name(path) for path in PACKAGES.modules if 'if __name__ == "__main__":' in path.read_text()}
    # The benchmark starts it, to measure a process of its own.
    assert started - {"bench/scale_wait.py"} == commands
