# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text from a cluster (log lines, events), made fit to be shown."""

from __future__ import annotations

import re

MASK = "********"

# The password ends at the last @ before a space or quote: passwords that were not quoted may hold an @ themselves.
_IN_URL = re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)[^\s'\"]+(?P<after>@)", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"(?P<before>(?:password|passwd|secret_key|fernet_key|jwt_secret|api_key|token)['\"]?\s*[=:]\s*['\"]?)"
    r"(?!//)[^\s'\",;&)]+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<before>\bBearer\s+)[A-Za-z0-9._~+/=-]{8,}")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


def masked(text: str) -> str:
    """Return ``text`` with the passwords in it masked, and without what would move a terminal's cursor.

    Masked are ``scheme://user:password@``, ``password=...`` and its like, and bearer tokens.
    """
    text = _CONTROL.sub("", text)
    text = _IN_URL.sub(rf"\g<before>{MASK}\g<after>", text)
    text = _ASSIGNED.sub(rf"\g<before>{MASK}", text)
    return _BEARER.sub(rf"\g<before>{MASK}", text)


def shortened(text: str, length: int = 300) -> str:
    """Return ``text`` masked, on one line, cut to ``length`` characters."""
    # Masked first: cut, a password may have lost the @ that it is known by.
    text = " ".join(masked(text).split())
    return text if len(text) <= length else text[: length - 3] + "..."
