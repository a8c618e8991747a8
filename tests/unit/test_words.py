# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation uses the words of the field: WORDS has what is not written, and what to write instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

#: A regular expression of words, each with what to write instead. Only what has no other use in English belongs here;
#: a space matches the end of a line, too.
WORDS = {
    r"all (?:that )?there is to know": "support bundle",
    r"anew": "again",
    r"as ever": "as before, or nothing",
    r"bears?": "tolerates",
    r"before anything is touched": "before anything is changed",
    r"doors?": "ingress, or load balancer",
    r"for want of": "because of too little, or because it is missing",
    r"gates?": "init container, or wait for dependencies",
    r"hold(?:s|ing)? up": "block",
    r"in vain": "without success",
    r"insists?": "retry",
    r"essence": "summary",
    r"judges?": "evaluator, or evaluate",
    r"let(?:s|ting)? (?:\w+ )?through": "allow",
    r"lies? (?:at|below|in|on)": "is stored",
    r"looks? after": "operate",
    r"made for a moment": "temporary",
    r"made good|mak(?:e|es|ing) (?:it )?good": "complete, or repair",
    r"mend(?:s|ed|ing)?": "correct, or repair",
    r"(?:never will|will never) be": "permanent failure",
    r"of one's own": "your own",
    r"pods? of (?:a task|tasks)": "task pod",
    r"rights": "permissions",
    r"shall": "must, should, or can",
    r"told": "reported, or named",
    r"trials?": "probe pod, or connectivity check",
    r"way out": "solution",
    r"what no variable covers": "fields that have no variable",
    r"what (?:of it )?there is": "which objects exist",
    r"whoever": "the account that, or a user who",
    r"who (?:gets what|may reach whom)": "access by component, or allowed connections",
    r"will do(?=[.,:;])": "can be used",
    r"witness(?:es)?": "evidence",
}

PATTERNS = {
    re.compile(rf"\b(?:{words})\b".replace(" ", r"\s+"), re.IGNORECASE): instead for words, instead in WORDS.items()
}

#: Quotes of code, commands and messages, and tables written by a tool: their words are those of their source.
CODE = re.compile(
    r"^```.*?^```$|`[^`\n]*`|\b[A-Z]{1,3}\([^)]*\)|^<!-- Written by .*?^<!-- End -->$", re.DOTALL | re.MULTILINE
)
PAGES = [*(CHECKOUT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")), *CHECKOUT.glob("docs/*.md")]
SPECS = [CHECKOUT / "galaxy.yml", *CHECKOUT.glob("roles/*/meta/*.yml")]
PLUGINS = [
    path for kind in ("doc_fragments", "filter", "lookup", "modules") for path in CHECKOUT.glob(f"plugins/{kind}/*.py")
]


def documentation(path: Path) -> Iterator[tuple[int, str]]:
    """Return the texts of a file that users read, each with the number of its first line."""
    text = path.read_text()
    if path.suffix != ".py":
        yield 1, text
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.lineno, node.value.value


def findings(first_line: int, text: str) -> Iterator[str]:
    """Return what a text has of WORDS, each as a line number, the words and what to write instead."""
    prose = CODE.sub(lambda match: re.sub(r"[^\n]", "`", match[0]), text)
    for words, instead in PATTERNS.items():
        for match in words.finditer(prose):
            line = first_line + prose.count("\n", 0, match.start())
            yield f"{line}: {' '.join(match[0].split())!r}; write: {instead}"


@pytest.mark.parametrize("path", [*PAGES, *SPECS, *PLUGINS], ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_the_documentation_uses_the_words_of_the_field(path: Path) -> None:
    name = path.relative_to(CHECKOUT)
    found = [f"{name}:{finding}" for line, text in documentation(path) for finding in findings(line, text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("All is well.\n\nThe trial of it.", ["12: 'trial'; write: probe pod, or connectivity check"]),
        ("It is let\nthrough.", ["10: 'let through'; write: allow"]),
        (
            "A Gateway, and `whoever` in V(trial).\n\n```\nshall\n```\n\nTold.",
            ["16: 'Told'; write: reported, or named"],
        ),
    ],
)
def test_a_word_is_found_with_its_line_outside_of_code(text: str, found: list[str]) -> None:
    assert list(findings(10, text)) == found
