# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The volumes for DAGs and logs as the inventory describes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..core.objects import spec
from ..kube.client import Manifest

#: Access modes that several pods can use.
ACCESS_MODES = ("ReadWriteMany", "ReadWriteOnce", "ReadOnlyMany")

_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d+)|([KMGTPE]i|[mkMGTPE])?)")
_FACTORS = {"": Decimal(1), "m": Decimal("0.001")}
_FACTORS |= {suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)}
_FACTORS |= {suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}

SHARING = "ReadWriteMany, of a class that can share (NFS, EFS, Filestore, CephFS)"


@dataclass(frozen=True)
class SharedVolume:
    """What is wanted of the volume for DAGs or for logs; the fields are :data:`OPTIONS`."""

    name: str
    type: str = "claim"
    size: str = "1Gi"
    storage_class: str = ""
    access_mode: str = "ReadWriteMany"
    existing_claim: str = ""
    sub_path: str = ""
    nfs_server: str = ""
    nfs_path: str = ""
    nfs_mount_options: Sequence[str] = ()
    host_path: str = ""

    @property
    def variable(self) -> str:
        """What the names of its variables start with."""
        return f"airflow_{self.name}"

    @property
    def is_static(self) -> bool:
        """Tell whether its volume is a folder that is there already."""
        return self.type in ("nfs", "host_path")

    @property
    def kind(self) -> str:
        """Return the setting that chose its type, for messages."""
        return f"{self.variable}_volume is {self.type}"

    def claim(self, release: str) -> str:
        """Return the name of its claim, empty if it has none."""
        if self.type == "existing_claim":
            return self.existing_claim
        return "" if self.type == "none" else f"{release}-{self.name}"


def quantity(text: str) -> Decimal | None:
    """Return how many bytes a quantity of Kubernetes is, ``None`` if it is none.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
    """
    match = _QUANTITY.fullmatch(str(text))
    if not match:
        return None
    number, exponent, suffix = match.groups()
    return Decimal(number + exponent) if exponent else Decimal(number) * _FACTORS[suffix or ""]


def mounted_by_one(volume: SharedVolume, claim: Manifest | None) -> str:
    """Return why only one node, or one pod, can mount the volume; empty if many can."""
    if volume.type == "host_path":
        return f"{volume.kind}, a folder of one node"
    if volume.type in ("nfs", "none"):
        return ""
    if volume.type == "claim":
        modes = [volume.access_mode]
        what = f"{volume.variable}_access_mode is {volume.access_mode}"
    else:
        modes = list(spec(claim or {}).get("accessModes") or ())
        what = f"The claim {volume.existing_claim} of {volume.variable}_existing_claim has {', '.join(modes)}"
    if not modes or {*MANY} & {*modes}:
        return ""
    return f"{what}, which only one {'node' if 'ReadWriteOnce' in modes else 'pod'} can mount"


MANY = ("ReadWriteMany", "ReadOnlyMany")
