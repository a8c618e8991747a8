"""What the agent of the tests makes of NetworkPolicies."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from tests.network_policies.agent import (
    Opening,
    Pod,
    World,
    chain_of,
    networks,
    openings,
    ruleset,
    script,
    selects,
)

Network = ipaddress.IPv4Network


def pod(namespace: str, name: str, address: str, ports: dict[str, int] | None = None) -> Pod:
    listed = tuple({"name": port, "containerPort": number} for port, number in (ports or {}).items())
    return Pod(namespace, {"app": name}, Network(address), listed)


DB = pod("ours", "db", "10.0.0.1", {"sql": 5432})
WEB = pod("ours", "web", "10.0.0.2", {"http": 8080})
THEIRS = pod("theirs", "db", "10.0.1.1", {"sql": 5433})
WORLD = World([DB, WEB, THEIRS], {"ours": {"team": "us"}, "theirs": {"team": "them"}})


def policy(types: list[str], chosen: str = "db", **rules: Any) -> dict[str, Any]:
    spec = {"podSelector": {"matchLabels": {"app": chosen}}, "policyTypes": types, **rules}
    return {"metadata": {"name": "p", "namespace": "ours"}, "spec": spec}


def let_in(*rules: dict[str, Any]) -> list[Opening] | None:
    return openings(WORLD, DB, [policy(["Ingress"], ingress=list(rules))], "Ingress")


def let_out(*rules: dict[str, Any]) -> list[Opening] | None:
    return openings(WORLD, WEB, [policy(["Egress"], "web", egress=list(rules))], "Egress")


def test_a_pod_without_a_policy_is_open() -> None:
    assert openings(WORLD, WEB, [policy(["Ingress"])], "Ingress") is None
    assert openings(WORLD, DB, [policy(["Ingress"])], "Egress") is None


def test_a_policy_of_another_namespace_is_none() -> None:
    assert openings(WORLD, THEIRS, [policy(["Ingress"])], "Ingress") is None


def test_a_policy_without_rules_lets_nobody_through() -> None:
    assert let_in() == []


def test_a_rule_without_peers_or_ports_lets_everything_through() -> None:
    assert let_in({}) == [Opening(Network("0.0.0.0/0"))]
    assert let_in({"from": [], "ports": []}) == [Opening(Network("0.0.0.0/0"))]


def test_policies_add_up() -> None:
    policies = [policy(["Ingress"]), policy(["Ingress"], ingress=[{"ports": [{"port": 1}]}])]
    assert openings(WORLD, DB, policies, "Ingress") == [Opening(Network("0.0.0.0/0"), "tcp", "1")]


@pytest.mark.parametrize(
    ("peer", "addresses"),
    [
        ({"podSelector": {}}, [DB, WEB]),
        ({"podSelector": {"matchLabels": {"app": "web"}}}, [WEB]),
        ({"namespaceSelector": {}}, [DB, WEB, THEIRS]),
        ({"namespaceSelector": {"matchLabels": {"team": "them"}}}, [THEIRS]),
        ({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "db"}}}, [DB, THEIRS]),
        ({"namespaceSelector": {"matchLabels": {"team": "nobody"}}}, []),
    ],
)
def test_pods_are_chosen_by_their_labels_and_those_of_their_namespace(
    peer: dict[str, Any], addresses: list[Pod]
) -> None:
    assert let_in({"from": [peer]}) == [Opening(chosen.address) for chosen in addresses]


@pytest.mark.parametrize(
    ("port", "protocol", "ports"),
    [
        ({"port": 5432}, "tcp", "5432"),
        ({"port": 53, "protocol": "UDP"}, "udp", "53"),
        ({"port": 8000, "endPort": 8100}, "tcp", "8000:8100"),
        ({"protocol": "UDP"}, "udp", ""),
        ({"port": "sql"}, "tcp", "5432"),
    ],
)
def test_a_port_is_a_number_a_range_or_a_name(port: dict[str, Any], protocol: str, ports: str) -> None:
    (opening,) = let_in({"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [port]}) or []
    assert opening == Opening(WEB.address, protocol, ports)


def test_the_name_of_a_port_is_that_of_who_is_asked() -> None:
    assert let_in({"ports": [{"port": "http"}]}) == []
    rule = {"to": [{"namespaceSelector": {}}], "ports": [{"port": "sql"}]}
    assert let_out(rule) == [Opening(DB.address, "tcp", "5432"), Opening(THEIRS.address, "tcp", "5433")]
    assert let_out({"ports": [{"port": "sql"}]}) == let_out(rule)


def test_a_block_lacks_its_exceptions() -> None:
    assert networks({"cidr": "10.0.0.0/30", "except": ["10.0.0.1/32"]}) == [
        Network("10.0.0.0/32"),
        Network("10.0.0.2/31"),
    ]
    assert networks({"cidr": "10.0.0.0/30", "except": ["10.0.0.0/29", "10.9.0.0/16"]}) == []
    assert networks({"cidr": "::/0"}) == []


def test_the_outside_is_everything_but_what_is_private() -> None:
    outside = networks({"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "169.254.0.0/16"]})
    inside = [any(Network(address).subnet_of(network) for network in outside) for address in ("10.1.2.3", "8.8.8.8")]
    assert inside == [False, True]
    assert sum(network.num_addresses for network in outside) == 2**32 - 2**24 - 2**16


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ({"operator": "In", "values": ["db", "web"]}, True),
        ({"operator": "In", "values": ["web"]}, False),
        ({"operator": "NotIn", "values": ["web"]}, True),
        ({"operator": "Exists"}, True),
        ({"operator": "DoesNotExist"}, False),
    ],
)
def test_a_selector_may_have_expressions(expression: dict[str, Any], chosen: bool) -> None:
    assert selects({"matchExpressions": [{"key": "app", **expression}]}, {"app": "db"}) is chosen


def test_a_packet_has_to_pass_who_sends_and_who_gets_it() -> None:
    rules = [
        policy(["Ingress"], ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}]),
        policy(["Egress"], "web"),
    ]
    main = chain_of(["ours"])
    assert ruleset(WORLD, rules, ["ours"]) == {
        main: [
            "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
            f"-d 10.0.0.1/32 -j {main}-1",
            f"-s 10.0.0.2/32 -j {main}-2",
        ],
        f"{main}-1": [
            "-s 10.0.0.1/32 -j RETURN",
            "-s 10.0.0.2/32 -j RETURN",
            "-j REJECT --reject-with icmp-admin-prohibited",
        ],
        f"{main}-2": ["-d 10.0.0.2/32 -j RETURN", "-j REJECT --reject-with icmp-admin-prohibited"],
    }


def test_a_port_is_asked_for_with_its_protocol() -> None:
    rules = ruleset(WORLD, [policy(["Ingress"], ingress=[{"ports": [{"port": 5432}]}])], ["ours"])
    assert rules[f"{chain_of(['ours'])}-1"][1] == "-p tcp --dport 5432 -j RETURN"


def test_other_namespaces_are_left_alone() -> None:
    rules = ruleset(WORLD, [policy(["Ingress"])], ["theirs"])
    assert list(rules) == [chain_of(["theirs"])]
    assert len(rules[chain_of(["theirs"])]) == 1


def test_the_nodes_rules_change_in_one_step_and_old_chains_go() -> None:
    assert script({"A": ["-j B"], "B": ["-j REJECT"]}, stale=["C"]).splitlines() == [
        "*filter",
        ":A - [0:0]",
        ":B - [0:0]",
        ":C - [0:0]",
        "-A A -j B",
        "-A B -j REJECT",
        "-X C",
        "COMMIT",
    ]
    assert "-I FORWARD 1 -j A" in script({"A": []}, hooked=False)
