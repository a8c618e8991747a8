"""Keep passwords out of what the tools show of other programs."""

from __future__ import annotations

import re

MASK = "***"
#: The login of an address: `https://user:password@host`.
LOGIN = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_NAME = r"[\w.-]*(?:passw|passphrase|secret|token|credential|api-?key)[\w.-]*"
#: The value of an option or a variable whose name says secret: `--password x`, `--api-token=x`, `DB_PASSWORD: x`.
VALUE = re.compile(rf"(?i)(--?{_NAME}\s+|{_NAME}\s*[=:]\s*)\S+")


def masked(text: str) -> str:
    """Return a text without the logins of addresses and the values of options whose name says secret."""
    return VALUE.sub(rf"\1{MASK}", LOGIN.sub(MASK, text))
