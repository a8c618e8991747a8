# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes NetworkPolicies of a table of who may reach whom."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..core.errors import Failure
from ..kube.client import Manifest

#: The label of a pod that has a component in it is this and the component's name.
MARK = "airflow.kubernetes/"

#: A rule of a NetworkPolicy, or an address (text) that stands for one.
Place = Any

_ADDRESS = re.compile(
    r"(?:(?P<scheme>\w+)://)?(?P<user>[^/@]+@)?(?P<host>\[[^\]]*\]|[^/:@]*)(?::(?P<port>\d+))?(?:[:/].*)?"
)
_PORTS = {"http": 80, "https": 443, "ldap": 389, "ldaps": 636, "ssh": 22}


def policy_specs(
    flows: Sequence[Mapping[str, Any]],
    selector: Mapping[str, str],
    components: Sequence[str],
    parties: Mapping[str, Sequence[Place] | Mapping[str, Sequence[Place]]],
    ingress: Mapping[str, Sequence[Manifest]],
    egress: Mapping[str, Sequence[Manifest]],
    closed: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Manifest]:
    """Return the ``spec`` of a NetworkPolicy for each component, by its name.

    :param flows: rows with ``from`` and ``to``, which are names of components and parties, and ``ports``. A component
        that is not there has no part in them.
    :param selector: the labels of all pods of the release.
    :param parties: the places that the name of a party outside of the release stands for; where components differ in
        that, by component.
    :param ingress: further rules of components.
    :param egress: the same in the other direction.
    :param closed: rows like those of ``flows``, of which nothing is let through whatever ``flows`` say.
    """

    def rules(component: str, here: str, there: str) -> Iterator[Manifest]:
        barred = {name for row in closed if component in row[here] for name in row[there]}
        for flow in flows:
            if component not in flow[here]:
                continue
            ports = [{"port": port, "protocol": "TCP"} for port in flow.get("ports", [])]
            others = [name for name in flow[there] if name not in barred]
            peers = [name for name in others if name in components]
            if peers:
                yield {there: [_pods(selector, name) for name in peers], "ports": ports}
            for party in (name for name in others if name in parties):
                places = parties[party]
                own = places.get(component, ()) if isinstance(places, Mapping) else places
                yield from (rule_of(place) | ({"ports": ports} if ports else {}) for place in own)

    return {
        component: {
            **_pods(selector, component),
            "policyTypes": ["Ingress", "Egress"],
            "ingress": _unique([*rules(component, "to", "from"), *ingress.get(component, [])]),
            "egress": _unique([*rules(component, "from", "to"), *egress.get(component, [])]),
        }
        for component in components
    }


def _pods(selector: Mapping[str, str], component: str) -> Manifest:
    return {"podSelector": {"matchLabels": {**selector, f"{MARK}{component}": "true"}}}


def _unique(rules: Iterable[Manifest]) -> list[Manifest]:
    different: list[Manifest] = []
    different += (rule for rule in rules if rule not in different)
    return different


def rule_of(place: Place) -> dict[str, Any]:
    """Return the rule for egress to an address: ``host:port``, ``:port``, a URL, or ``user@host:path`` of git by ssh.

    A policy knows addresses and no names, so a host's name is anywhere at its port. A rule is returned as it is.

    :raises Failure: no port is known.
    """
    if not isinstance(place, str):
        return dict(place)
    match = _ADDRESS.fullmatch(place)
    port = match and (match["port"] or _PORTS.get(match["scheme"] or ("ssh" if match["user"] else "")))
    if not match or not port:
        raise Failure(f"No port is known of the address {place}, so that no network policy can be made of it.")
    ports: dict[str, Any] = {"ports": [{"port": int(port), "protocol": "TCP"}]}
    try:
        address = ipaddress.ip_address(match["host"].strip("[]"))
    except ValueError:
        return ports
    return {"to": [{"ipBlock": {"cidr": str(ipaddress.ip_network(address))}}], **ports}
