# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much room the nodes have for a pod, and how much more it would need.

What a pod asks for is counted as the scheduler does (Kubernetes documentation, "Resource sharing within containers" and
"Pod Overhead"): its containers together, or its largest init container if that is more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..core.objects import Obj, labels, name, spec, status

Amounts = dict[str, Decimal]

_BINARY = (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))
_KEPT_AWAY = ("NoSchedule", "NoExecute")


@dataclass
class Node:
    """A node that could take a pod, and what its pods ask for already."""

    name: str
    has: Amounts
    asked: Amounts = field(default_factory=dict)

    def short_of(self, wanted: Mapping[str, Decimal]) -> Amounts:
        """Return by resource how much is missing."""
        missing = {resource: amount - self.free(resource) for resource, amount in wanted.items()}
        return {resource: amount for resource, amount in missing.items() if amount > 0}

    def free(self, resource: str) -> Decimal:
        return self.has.get(resource, Decimal(0)) - self.asked.get(resource, Decimal(0))


class NodeCapacity:
    """The nodes that may take one pod.

    :param pod: has its ``nodeSelector`` and ``tolerations``.
    """

    def __init__(self, pod: Obj, nodes: Iterable[Obj]) -> None:
        self._wanted = asked_by(pod)
        self._nodes = {
            name(node): Node(name(node), _amounts(status(node).get("allocatable")))
            for node in nodes
            if may_take(node, pod)
        }

    def count(self, pods: Iterable[Obj]) -> None:
        """Count what these pods ask of their nodes."""
        for pod in pods:
            node = self._nodes.get(str(spec(pod).get("nodeName")))
            if node:
                for resource, amount in asked_by(pod).items():
                    node.asked[resource] = node.asked.get(resource, Decimal(0)) + amount

    def shortage(self) -> str:
        """Return what is short on the node that lacks least, ``""`` if no node lacks anything."""
        lacking = [(node, node.short_of(self._wanted)) for node in self._nodes.values()]
        if not lacking or not all(missing for _node, missing in lacking):
            return ""
        node, missing = min(lacking, key=lambda candidate: (self._share(candidate[1]), candidate[0].name))
        parts = [
            f"{in_words(resource, amount)} {resource} short ({in_words(resource, node.free(resource))} of "
            f"{in_words(resource, node.has.get(resource, Decimal(0)))} free)"
            for resource, amount in sorted(missing.items())
        ]
        return f"{'' if len(self._nodes) == 1 else 'closest is '}node {node.name}: {', '.join(parts)}"

    def _share(self, missing: Amounts) -> Decimal:
        return max(amount / self._wanted[resource] for resource, amount in missing.items())


def asked_by(pod: Obj) -> Amounts:
    """Return what a pod asks of its node, by resource."""
    together: Amounts = {}
    largest: Amounts = {}
    # Init containers that go on running (sidecars) count with the containers, and with the init containers after them.
    for container in spec(pod).get("initContainers") or ():
        asked = _amounts((container.get("resources") or {}).get("requests"))
        if container.get("restartPolicy") == "Always":
            together = _sum(together, asked)
        else:
            asked = _sum(together, asked)
            largest = {key: max(largest.get(key, Decimal(0)), asked.get(key, Decimal(0))) for key in {*largest, *asked}}
    for container in spec(pod).get("containers") or ():
        together = _sum(together, _amounts((container.get("resources") or {}).get("requests")))
    asked = {key: max(together.get(key, Decimal(0)), largest.get(key, Decimal(0))) for key in {*together, *largest}}
    # Kubernetes 1.34 lets a pod ask for all its containers together.
    asked |= _amounts((spec(pod).get("resources") or {}).get("requests"))
    return _sum(asked, _amounts(spec(pod).get("overhead")))


def in_words(resource: str, amount: Decimal) -> str:
    """Return an amount as it would be written in a manifest: ``1.5``, ``512Mi``."""
    if resource in ("memory", "ephemeral-storage"):
        for unit, size in _BINARY:
            if abs(amount) >= size:
                return f"{_plain(amount / size)}{unit}"
    return _plain(amount)


def _plain(amount: Decimal) -> str:
    return f"{amount:.2f}".rstrip("0").rstrip(".")


def _sum(one: Amounts, other: Amounts) -> Amounts:
    return {key: one.get(key, Decimal(0)) + other.get(key, Decimal(0)) for key in {*one, *other}}


def _amounts(written: Mapping[str, Any] | None) -> Amounts:
    if not written:
        return {}
    # It costs time to import, and only who fails needs it.
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415

    return {resource: parse_quantity(amount) for resource, amount in written.items()}


def may_take(node: Obj, pod: Obj) -> bool:
    """Tell whether a node is open to a pod, by what is simple: cordon, taints, and the pod's node selector."""
    if spec(node).get("unschedulable"):
        return False
    selector = spec(pod).get("nodeSelector") or {}
    tolerations = spec(pod).get("tolerations") or ()
    taints = [taint for taint in spec(node).get("taints") or () if taint.get("effect") in _KEPT_AWAY]
    return selector.items() <= labels(node).items() and all(
        any(_tolerates(toleration, taint) for toleration in tolerations) for taint in taints
    )


def _tolerates(toleration: Obj, taint: Obj) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint.get("key"))
    return (toleration.get("key"), toleration.get("value") or "") == (taint.get("key"), taint.get("value") or "")
