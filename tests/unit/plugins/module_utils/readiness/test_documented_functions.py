# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of an event to a message is the one that docs/development.md describes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
DOCUMENTED = re.findall(r"^\| `(\S+\.py)::(\S+)` \|", (ROOT / "docs" / "development.md").read_text(), re.MULTILINE)


def functions(path: Path) -> set[str]:
    """Return the functions of a module, those of classes as ``Class.function``."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return found


def test_the_functions_are_there_and_at_most_five() -> None:
    assert 0 < len(DOCUMENTED) <= 5
    assert [f"{path}::{name}" for path, name in DOCUMENTED if name not in functions(ROOT / path)] == []
