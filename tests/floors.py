# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads which packages of a folder import which, and the table of its README.md that says on which floor each is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path


class Packages:
    """The packages of a folder, which know each other by relative imports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.floors = {
            package: int(floor)
            for floor, package in re.findall(
                r"^\| (\d) \| `(\w+)` \|", (folder / "README.md").read_text(), re.MULTILINE
            )
        }
        self.modules = sorted(path for path in folder.glob("*/*.py") if path.name != "__init__.py")

    def name(self, path: Path) -> str:
        """Return a module's path below the folder."""
        return str(path.relative_to(self.folder))

    def imports(self, path: Path) -> Iterator[str]:
        """Yield the modules of this folder that a module imports, such as ``core/errors.py``."""
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                parts = (node.module or "").split(".") if node.module else []
                package = [path.parent.name, *parts] if node.level == 1 else parts
                for alias in node.names:
                    yield "/".join([*package, alias.name][:2]) + ".py"

    def absolute_imports(self, path: Path) -> Iterator[str]:
        """Yield the names of other modules that a module imports, such as ``os.path``."""
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and not node.level:
                yield node.module or ""
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)

    def higher_imports(self, path: Path) -> list[str]:
        """Return the modules of higher floors that a module imports."""
        own = self.floors[path.parent.name]
        return [name for name in self.imports(path) if self.floors[name.split("/")[0]] > own]

    def cycle(self) -> str:
        """Return modules that import each other in a circle; "" if there are none."""
        graph = {
            self.name(path): [name for name in self.imports(path) if (self.folder / name).is_file()]
            for path in self.modules
        }
        checked: set[str] = set()

        def visit(name: str, above: tuple[str, ...]) -> str:
            if name in above:
                return " -> ".join([*above[above.index(name) :], name])
            if name in checked:
                return ""
            checked.add(name)
            return next(filter(None, (visit(other, (*above, name)) for other in graph[name])), "")

        return next(filter(None, (visit(name, ()) for name in graph)), "")
