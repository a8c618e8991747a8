# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of a backup, as its program writes it down (roles/airflow/files/backup.py), and in words."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..core.objects import EPOCH, moment


@dataclass(frozen=True)
class Backup:
    """A backup.

    :param size: of the dump, in bytes.
    :param fernet: fingerprints of the Fernet keys that its connections and Variables are encrypted with.
    :param has_secrets: the values of Secrets are in it, encrypted.
    :param excluded: what is not in it.
    """

    name: str
    namespace: str
    release: str
    created: datetime
    airflow_version: str
    backend: str
    server_version: str
    size: int
    fernet: Sequence[str]
    has_secrets: bool
    excluded: Sequence[str]

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Backup:
        """Read a manifest."""
        database = manifest.get("database") or {}
        return cls(
            name=str(manifest["name"]),
            namespace=str(manifest.get("namespace") or ""),
            release=str(manifest.get("release") or ""),
            created=moment(manifest.get("created")) or EPOCH,
            airflow_version=str(manifest.get("airflow_version") or ""),
            backend=str(database.get("backend") or ""),
            server_version=str(database.get("server_version") or ""),
            size=int(manifest.get("size") or 0),
            fernet=tuple(manifest.get("fernet") or ()),
            has_secrets=bool(manifest.get("has_secrets")),
            excluded=tuple(manifest.get("excluded") or ()),
        )

    def line(self, now: datetime, keys: Collection[str]) -> str:
        """Return the backup in a line.

        :param keys: fingerprints of the Fernet keys of this release.
        """
        has_keys = set(self.fernet) <= set(keys)
        there = "its Fernet key is " + ("that of this release" if has_keys else "not here")
        there += ", and in it, encrypted" if self.has_secrets else ""
        return (
            f"{self.name}: {age(now - self.created)} old, {size(self.size)}, release {self.namespace}/{self.release}, "
            f"Airflow {self.airflow_version}, {self.backend} {self.server_version.partition(' ')[0]}, {there}"
        )


def summary(backups: Sequence[Backup], now: datetime, keys: Collection[str]) -> list[str]:
    """Return the backups in lines, and what is not in them."""
    if not backups:
        return ["There is no backup."]
    excluded = sorted({what for backup in backups for what in backup.excluded})
    return [*(backup.line(now, keys) for backup in backups), f"Not in a backup: {', '.join(excluded)}."]


def fingerprints(keys: str) -> set[str]:
    """Return what tells Fernet keys apart, as the program writes it down.

    :param keys: as Airflow's option has them, separated by commas.
    """
    return {hashlib.sha256(key.strip().encode()).hexdigest()[:16] for key in keys.split(",") if key.strip()}


def age(passed: timedelta) -> str:
    """Return a time in its largest unit that is not zero."""
    seconds = max(int(passed.total_seconds()), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def size(count: float) -> str:
    """Return bytes in the unit that leaves the fewest digits."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
