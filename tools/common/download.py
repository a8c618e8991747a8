"""Download a released program, where the internet can be reached, and tell whether it can."""

from __future__ import annotations

import hashlib
import shutil
import urllib.error
import urllib.request
from pathlib import Path

CONNECT_SECONDS = 5
TRIES = 3


def download(url: str, checksum_url: str, destination: Path) -> bool:
    """Download a program and check it against its published SHA-256; tell whether it is there now."""
    partial = destination.with_suffix(".partial")
    try:
        with urllib.request.urlopen(checksum_url, timeout=CONNECT_SECONDS) as answer:
            wanted = answer.read().decode().split()[0]
        with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer, partial.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except (urllib.error.URLError, OSError, IndexError):
        partial.unlink(missing_ok=True)
        return False
    if hashlib.sha256(partial.read_bytes()).hexdigest() != wanted:
        partial.unlink()
        return False
    partial.chmod(0o755)
    partial.rename(destination)
    return True


def answers(url: str) -> bool:
    """Tell whether what is at an address can be had."""
    for _try in range(TRIES):
        try:
            with urllib.request.urlopen(url, timeout=CONNECT_SECONDS):
                return True
        except OSError:
            continue
    return False
