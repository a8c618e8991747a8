# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The volumes for DAGs and logs as the inventory describes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..core.objects import spec
from ..kube.client import Manifest

#: Access modes that several pods can use.
ACCESS_MODES = ("ReadWriteMany", "ReadWriteOnce", "ReadOnlyMany")

#: Longest name of a release whose CronJob's name has at most 52 characters.
LONGEST_NAME_WITH_RETENTION = 52 - len("-log-retention")

_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d+)|([KMGTPE]i|[mkMGTPE])?)")
_FACTORS = {"": Decimal(1), "m": Decimal("0.001")}
_FACTORS |= {suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)}
_FACTORS |= {suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}

SHARING = "ReadWriteMany, of a class that can share (NFS, EFS, Filestore, CephFS)"


@dataclass(frozen=True)
class Share:
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


def check_share(share: Share) -> tuple[list[str], list[str]]:
    """Check what needs no cluster; return problems and warnings."""
    problems = [f"{share.kind}, but {said}" for said in _missing(share)]
    parts = share.sub_path.split("/")
    if share.sub_path.startswith("/") or ".." in parts:
        problems.append(
            f"{share.variable}_sub_path is {share.sub_path!r}. Write a folder of the volume, relative and without '..'."
        )
    if share.type == "claim" and share.access_mode not in ACCESS_MODES:
        problems.append(
            f"{share.variable}_access_mode is {share.access_mode!r}, which several pods cannot use. "
            f"Write {ACCESS_MODES[0]}, or {ACCESS_MODES[1]} where all pods run on one node."
        )
    if share.type != "existing_claim" and quantity(share.size) is None:
        problems.append(f"{share.variable}_size is {share.size!r}, which is no size. Write it as in 10Gi.")
    return problems, [
        f"{share.variable}_{option} is set, and without effect: {share.kind}. Set that to {' or '.join(types)}."
        for option, types in _OF_TYPE.items()
        if getattr(share, option) and share.type not in types
    ]


_OF_TYPE = {
    "existing_claim": ("existing_claim",),
    "nfs_server": ("nfs",),
    "host_path": ("host_path",),
    "sub_path": ("claim", "existing_claim", "nfs", "host_path"),
}


def _missing(share: Share) -> list[str]:
    if share.type == "existing_claim" and not share.existing_claim:
        return [f"no claim is named. Set {share.variable}_existing_claim to its name."]
    if share.type == "nfs":
        said = []
        if not share.nfs_server:
            said.append(f"no server is named. Set {share.variable}_nfs_server to its host name or address.")
        if not share.nfs_path.startswith("/"):
            said.append(
                f"{share.variable}_nfs_path is {share.nfs_path!r}. Set it to the full path of the exported folder."
            )
        return said
    if share.type == "host_path" and (not share.host_path.startswith("/") or ".." in share.host_path.split("/")):
        return [f"{share.variable}_host_path is {share.host_path!r}. Set it to the full path of a folder of the node."]
    return []


def check_retention(given: Mapping[str, Any], release: Any) -> list[str]:
    """Check the numbers of the log retention, by their variables; empty text is zero, which is none."""
    problems = []
    for variable, value in given.items():
        highest = 99 if variable.endswith("_percent") else 36500
        text = str(value if value is not None else "").strip() or "0"
        if isinstance(value, bool) or not re.fullmatch(r"\d+", text) or int(text) > highest:
            problems.append(f"{variable} is {value!r}. Write a whole number up to {highest}; 0 keeps all logs.")
        elif int(text) and isinstance(release, str) and len(release) > LONGEST_NAME_WITH_RETENTION:
            problems.append(
                f"airflow_name is {release!r}; with {variable} it may have {LONGEST_NAME_WITH_RETENTION} characters at "
                "most, because a CronJob is named after it."
            )
    return problems


def quantity(text: str) -> Decimal | None:
    """Return how many bytes a quantity of Kubernetes is, ``None`` if it is none.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
    """
    match = _QUANTITY.fullmatch(str(text))
    if not match:
        return None
    number, exponent, suffix = match.groups()
    return Decimal(number + exponent) if exponent else Decimal(number) * _FACTORS[suffix or ""]


def mounted_by_one(share: Share, claim: Manifest | None) -> str:
    """Return why only one node, or one pod, can mount the volume; empty if many can."""
    if share.type == "host_path":
        return f"{share.kind}, a folder of one node"
    if share.type in ("nfs", "none"):
        return ""
    if share.type == "claim":
        modes = [share.access_mode]
        what = f"{share.variable}_access_mode is {share.access_mode}"
    else:
        modes = list(spec(claim or {}).get("accessModes") or ())
        what = f"The claim {share.existing_claim} of {share.variable}_existing_claim has {', '.join(modes)}"
    if not modes or {*MANY} & {*modes}:
        return ""
    return f"{what}, which only one {'node' if 'ReadWriteOnce' in modes else 'pod'} can mount"


MANY = ("ReadWriteMany", "ReadOnlyMany")
