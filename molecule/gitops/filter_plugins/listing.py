# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes Secrets as a user does by hand: of the texts that are rendered instead of them, and of nothing else."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: What of a text is derived: a key of the same Secret, or of another one.
_REFERENCE = re.compile(r"\{(?:([^{}/]+)/)?([^{}/]+)\}")
_GENERATE = {
    "generated: password": lambda: secrets.token_hex(16),
    "generated: fernet": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
}


def listed_secrets(paths: list[str], given: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the Secrets of a release.

    :param paths: the texts, a file for each Secret.
    :param given: values that the inventory sets or that the roles have, by key.
    """
    origins = {
        path.stem: dict(line.split(": ", 1) for line in path.read_text().split("\n\n", 1)[1].splitlines())
        for path in map(Path, paths)
    }
    values: dict[str, dict[str, str]] = {name: {} for name in origins}
    derived = []
    for name, keys in origins.items():
        for key, origin in keys.items():
            if origin == "given in the inventory":
                values[name][key] = given[key]
            elif origin in _GENERATE:
                values[name][key] = _GENERATE[origin]()
            else:
                derived.append((name, key, origin))
    for name, key, origin in derived:
        values[name][key] = _REFERENCE.sub(lambda match, own=name: values[match[1] or own][match[2]], origin)
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
        for name, data in values.items()
    ]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        return {"listed_secrets": listed_secrets}
