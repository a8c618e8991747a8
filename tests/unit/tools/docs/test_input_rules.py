"""docs/input-rules.md is the table of rules."""

from __future__ import annotations

from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.rules import RULES
from tools.docs.input_rules import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_the_page_has_every_rule_once() -> None:
    rows = [line for line in page().splitlines() if line.startswith(("| `", "|  |"))]
    assert len(rows) == len(RULES)
    assert all(sum(f"| {rule.when} |" in row for row in rows) >= 1 for rule in RULES)
