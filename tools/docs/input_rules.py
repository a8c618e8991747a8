"""Command line: write docs/input-rules.md from the table of rules in plugins/module_utils/preflight/rules.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.rules import RULES

from ..common.paths import CHECKOUT
from .generated import with_part

PAGE = CHECKOUT / "docs" / "input-rules.md"


def main() -> int:
    """Write the page and return the exit code."""
    PAGE.write_text(page())
    print(f"Wrote {PAGE.relative_to(CHECKOUT)}")
    return 0


def page() -> str:
    """Return the page as it has to be."""
    return with_part(PAGE, [*_table("Refused", is_warning=False), "", *_table("Warned of", is_warning=True)])


def _table(title: str, is_warning: bool) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield "| variables | when | message |"
    yield "|---|---|---|"
    for rule in RULES:
        if rule.is_warning == is_warning:
            variables = ", ".join(f"`{name}`" for name in rule.variables.split())
            yield f"| {variables} | {rule.when} | {_shown(rule.message)} |"


def _shown(message: str) -> str:
    """Return a message as Markdown: braces of values stay, and what would be a tag or a column is escaped."""
    text = message.replace("!r}", "}").replace("{{", "{").replace("}}}}", "}}").replace("}}", "}")
    return text.replace("|", "\\|").replace("<", "\\<")


if __name__ == "__main__":
    sys.exit(main())
