"""The part of a page of documentation that is written from data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_PART = re.compile(r"(<!-- Written by `make docs`[^\n]*-->\n).*?(<!-- End -->)", re.DOTALL)


def with_part(page: Path, lines: Iterable[str]) -> str:
    """Return a page's text with these lines as its written part."""
    text = "\n".join(["", *lines, ""])
    return _PART.sub(lambda match: f"{match[1]}{text}\n{match[2]}", page.read_text(encoding="utf-8"))
