# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which object it is, what became of it, and in which order objects are applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..kube.client import Manifest

#: Order matters between these waves and nowhere else; what is not named is applied last. Who is no administrator of the
#: cluster can bind only a role that is there: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
WAVES: tuple[frozenset[str], ...] = (
    frozenset({"Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "PersistentVolume", "Role"}),
    frozenset(
        {
            "ServiceAccount",
            "RoleBinding",
            "ConfigMap",
            "Secret",
            "PersistentVolumeClaim",
            "ResourceQuota",
            "LimitRange",
            "NetworkPolicy",
        }
    ),
)


@dataclass(frozen=True, order=True)
class Reference:
    """Names one object of the cluster; ``namespace`` is empty for what lives in none."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    @classmethod
    def of(cls, manifest: Manifest) -> Reference:
        metadata = manifest["metadata"]
        return cls(manifest["apiVersion"], manifest["kind"], metadata["name"], metadata.get("namespace", ""))

    @classmethod
    def parse(cls, line: str, namespace: str) -> Reference:
        """Read a line of the inventory: ``apiVersion Kind name``, and where it is not in the release's namespace, which
        it is in; ``-`` where it is in none.
        """
        api_version, kind, name, *elsewhere = line.split()
        return cls(api_version, kind, name, elsewhere[0].removeprefix("-") if elsewhere else namespace)

    def line(self, namespace: str) -> str:
        """Return the line of the inventory of a release in this namespace."""
        elsewhere = "" if self.namespace == namespace else f" {self.namespace or '-'}"
        return f"{self.api_version} {self.kind} {self.name}{elsewhere}"

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass
class Outcome:
    """What became of one object: ``created``, ``configured``, ``replaced``, ``unchanged``, ``deleted`` or ``kept``.

    :param note: what the user is to know of it.
    """

    reference: Reference
    result: str
    before: Manifest | None = None
    after: Manifest | None = None
    note: str = ""

    @property
    def changed(self) -> bool:
        return self.result not in ("unchanged", "kept")

    def as_data(self) -> dict[str, str]:
        return {"kind": self.reference.kind, "name": self.reference.name, "result": self.result}


def in_waves(manifests: Iterable[Manifest]) -> list[list[Manifest]]:
    """Order the manifests into waves; a namespace is a wave of its own."""
    ordered: dict[tuple[int, bool], list[Manifest]] = {}
    for manifest in manifests:
        kind = manifest["kind"]
        ordered.setdefault((wave_of(kind), kind != "Namespace"), []).append(manifest)
    return [ordered[wave] for wave in sorted(ordered)]


def wave_of(kind: str) -> int:
    """Return the number of the wave in which objects of this kind are applied."""
    return next((number for number, kinds in enumerate(WAVES) if kind in kinds), len(WAVES))
