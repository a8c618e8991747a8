# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packages import their own floor and lower ones, as README.md beside them says, and no module imports itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[4] / "plugins" / "module_utils"
FLOORS = {
    package: int(floor)
    for floor, package in re.findall(r"^\| (\d) \| `(\w+)` \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
}
MODULES = sorted(path for path in FOLDER.glob("*/*.py") if path.name != "__init__.py")
LONGEST = 400


def name_of(path: Path) -> str:
    return str(path.relative_to(FOLDER))


def imports(path: Path) -> Iterator[str]:
    """Yield the modules of this folder that a module imports, such as ``core/errors.py``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            parts = (node.module or "").split(".") if node.module else []
            package = [path.parent.name, *parts] if node.level == 1 else parts
            for alias in node.names:
                yield "/".join([*package, alias.name][:2]) + ".py"


def test_the_table_has_every_package() -> None:
    assert {path.parent.name for path in MODULES} == set(FLOORS)


def test_nothing_lies_beside_the_packages() -> None:
    assert [path.name for path in FOLDER.glob("*.py")] in ([], ["__init__.py"])


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_no_higher_floor(path: Path) -> None:
    assert "module_utils" not in {
        part
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ansible_collections.airflow")
        for part in (node.module or "").split(".")
    }
    own = FLOORS[path.parent.name]
    assert [name for name in imports(path) if FLOORS[name.split("/")[0]] > own] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {name_of(path): [name for name in imports(path) if (FOLDER / name).is_file()] for path in MODULES}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above, name])
        if name not in done:
            for other in graph[name]:
                visit(other, (*above, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_short_enough_to_be_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST
