# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A company's proxy for what pods fetch from outside, and never for what the release asks of itself.

A worker that sends its calls of the API server to a proxy looks healthy, and every task fails. Network policies let the
pods that have a proxy reach it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..applyset.proxy_exemption import PROXIES
from ..kube.client import Manifest
from .flows import rule_of

#: Where a URL names no port, by its scheme; without a scheme it is understood as ``http``, as requests and httpx do.
_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?")
#: Another variable in a value, which only the kubelet knows: ``$(NAME)``.
_REFERENCE = "$("


@dataclass
class Proxies:
    """The proxies that components of a release have.

    :param rules: egress to them as NetworkPolicies have it, by component.
    :param wrong: the inventory's variable and the name of a variable of its environment whose value is no address.
    :param unread: components by the inventory's variable and the name of a variable of its environment whose value only
        the cluster knows.
    """

    rules: dict[str, list[Manifest]] = field(default_factory=dict)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    unread: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def closed(self, opened: Iterable[str]) -> dict[tuple[str, str], list[str]]:
        """Return what is unread, with those components that no policy lets through to it.

        :param opened: components with egress that the user has added.
        """
        there = set(opened)
        left = {of: [name for name in components if name not in there] for of, components in self.unread.items()}
        return {of: components for of, components in left.items() if components}


def proxies_of(environments: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> Proxies:
    """Return the proxies of components.

    :param environments: by component and by variable of the inventory, ``env`` of a container; where two name the same,
        the later one counts.
    """
    found = Proxies()
    for component, by_variable in environments.items():
        rules = found.rules[component] = []
        for variable, name, entry in _proxy_variables(by_variable):
            try:
                address = _address(str(entry["value"])) if "valueFrom" not in entry else None
            except ValueError:
                found.wrong += [(variable, name)] if (variable, name) not in found.wrong else []
                continue
            if address is None:
                found.unread.setdefault((variable, name), []).append(component)
            elif address and (rule := rule_of(address)) not in rules:
                rules.append(rule)
    return found


def _proxy_variables(
    by_variable: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield where a proxy is set, the name of its variable, and its entry; an empty value means none."""
    last = {str(entry.get("name")): (variable, entry) for variable, env in by_variable.items() for entry in env or ()}
    for name, (variable, entry) in last.items():
        if name.upper() in PROXIES and (entry.get("value") or "valueFrom" in entry):
            yield variable, name, entry


def _address(url: str) -> str | None:
    """Return the ``host:port`` of a proxy, nothing of one in the pod itself, None where only the kubelet knows it.

    :raises ValueError: it has no host or no port.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if _REFERENCE in parts.netloc.rpartition("@")[2]:
        return None
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    if not port:
        raise ValueError(f"no port is known of {parts.scheme}")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if not _HOST.fullmatch(host):
            raise
        return "" if host == "localhost" else f"{host}:{port}"
    if address.is_loopback:
        return ""
    return f"[{host}]:{port}" if address.version == 6 else f"{host}:{port}"
