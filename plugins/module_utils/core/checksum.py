# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checksums of what is no secret."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def checksum(value: Any) -> str:
    """Return ten characters that change when a value does."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:10]
