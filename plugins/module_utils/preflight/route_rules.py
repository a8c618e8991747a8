# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of Routes, which OpenShift's API or its router would refuse later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .rule import Fields, Given, Rule

Route = Mapping[str, Any]


def _route(variables: str, when: str, message: str, applies: Callable[[Route], Any]) -> Rule:
    """Return a rule of a single Route; ``{role}`` in the names stands for both roles, in the message for one."""

    def find(given: Given) -> Iterable[Fields]:
        return [dict(route) for route in given["routes"] if applies(route)]

    names = [name.format(role=role) for role in ("api_server", "flower") for name in variables.split()]
    return Rule(" ".join(dict.fromkeys(names)), when, message, find=find)


def _is_port(text: Any) -> bool:
    return str(text).isdigit() and 0 < int(text) < 65536


ROUTE_RULES: tuple[Rule, ...] = (
    _route(
        "{role}_route_termination",
        "it is passthrough, and the base URL has a path",
        "{role}_route_termination is passthrough, with which the router cannot read paths, but {address_variable} is "
        "{base_url}. Leave out its path, or set {role}_route_termination to edge or reencrypt.",
        lambda route: route["termination"] == "passthrough" and urlsplit(route["base_url"]).path.strip("/"),
    ),
    _route(
        "{role}_route_termination {role}_route_tls_port",
        "pods have to serve TLS, and no port does",
        "{role}_route_termination is {termination}, which takes a port that serves TLS; the port of the role serves "
        "none. Set {role}_route_tls_port to that of a container in {role}_extra_containers which does, or "
        "{role}_route_termination to edge.",
        lambda route: route["termination"] != "edge" and not route["tls_port"],
    ),
    _route(
        "{role}_route_tls_port {role}_route_termination",
        "it is set, and TLS ends at the router",
        "{role}_route_tls_port is {tls_port}, but {role}_route_termination is edge, with which the router does not use "
        "it. Leave it out, or set {role}_route_termination to reencrypt or passthrough.",
        lambda route: route["termination"] == "edge" and route["tls_port"],
    ),
    _route(
        "{role}_route_tls_port",
        "it is no port, or the role's own, which serves no TLS",
        "{role}_route_tls_port is {tls_port}. Write the number of a port from 1 to 65535, other than {own_port}, which "
        "serves no TLS.",
        lambda route: (
            route["tls_port"] and (not _is_port(route["tls_port"]) or int(route["tls_port"]) == int(route["own_port"]))
        ),
    ),
    _route(
        "{role}_route_insecure_policy {role}_route_termination",
        "it is Allow with passthrough",
        "{role}_route_insecure_policy is Allow, which does not go with passthrough. Set it to Redirect or None.",
        lambda route: route["termination"] == "passthrough" and route["insecure_policy"] == "Allow",
    ),
    _route(
        "{role}_route_certificate_secret {role}_route_termination",
        "the router shall show a certificate, and passes TLS through",
        "{role}_route_certificate_secret is {certificate_secret}, but {role}_route_termination is passthrough, with "
        "which the pods show their own certificate. Leave it out.",
        lambda route: route["termination"] == "passthrough" and route["certificate_secret"],
    ),
    _route(
        "{role}_route_certificate_secret",
        "the router shall show a certificate, and the base URL is http",
        "{role}_route_certificate_secret is {certificate_secret}, but {address_variable} is {base_url}. Let it begin "
        "with https, or leave {role}_route_certificate_secret out.",
        lambda route: (
            route["termination"] == "edge"
            and route["certificate_secret"]
            and not str(route["base_url"]).startswith("https:")
        ),
    ),
    _route(
        "{role}_route_destination_ca_certificate {role}_route_termination",
        "it is set without reencrypt",
        "{role}_route_destination_ca_certificate is set, but {role}_route_termination is {termination}, with which the "
        "router verifies no certificate of pods. Leave it out, or set {role}_route_termination to reencrypt.",
        lambda route: route["termination"] != "reencrypt" and route["destination_ca_certificate"],
    ),
    _route(
        "{role}_route_destination_ca_certificate",
        "it is no certificate, or has a private key",
        "{role}_route_destination_ca_certificate is no certificate in PEM, or has a private key beside it, which the "
        "Route would show to many. Write the certificates alone.",
        lambda route: (
            route["destination_ca_certificate"]
            and (
                "-----BEGIN CERTIFICATE-----" not in route["destination_ca_certificate"]
                or "PRIVATE KEY" in route["destination_ca_certificate"]
            )
        ),
    ),
)
