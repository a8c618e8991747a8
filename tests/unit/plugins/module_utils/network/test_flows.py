# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.network.flows import policy_specs, rule_of


def port(number: int) -> dict[str, Any]:
    return {"port": number, "protocol": "TCP"}


def pods(component: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": {"release": "r", f"airflow.kubernetes/{component}": "true"}}}


def specs(
    flows: list[dict[str, Any]],
    components: list[str],
    parties: dict[str, Any] | None = None,
    ingress: dict[str, Any] | None = None,
    egress: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return policy_specs(flows, {"release": "r"}, components, parties or {}, ingress or {}, egress or {})


def test_a_flow_is_let_out_here_and_in_there() -> None:
    made = specs([{"from": ["worker", "flower"], "to": ["redis"], "ports": [6379]}], ["worker", "flower", "redis"])
    assert made["worker"] == {
        **pods("worker"),
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": [{"to": [pods("redis")], "ports": [port(6379)]}],
    }
    assert made["redis"]["ingress"] == [{"from": [pods("worker"), pods("flower")], "ports": [port(6379)]}]
    assert made["redis"]["egress"] == []


def test_a_component_that_is_not_there_opens_nothing() -> None:
    flows = [
        {"from": ["pgbouncer"], "to": ["worker"], "ports": [1]},
        {"from": ["worker"], "to": ["mysql"], "ports": [3306]},
    ]
    made = specs(flows, ["worker"])
    assert list(made) == ["worker"]
    assert made["worker"]["ingress"] == made["worker"]["egress"] == []


def test_a_party_is_what_it_stands_for() -> None:
    flows = [
        {"from": ["users"], "to": ["flower"], "ports": [5555]},
        {"from": ["flower"], "to": ["broker", "database"]},
    ]
    users = [{"from": [{"namespaceSelector": {}}]}]
    made = specs(flows, ["flower"], {"users": users, "broker": ["10.0.0.9:6380"], "database": []})
    assert made["flower"]["ingress"] == [{"from": [{"namespaceSelector": {}}], "ports": [port(5555)]}]
    assert made["flower"]["egress"] == [{"to": [{"ipBlock": {"cidr": "10.0.0.9/32"}}], "ports": [port(6380)]}]


def test_a_party_of_everybody_is_held_to_the_ports() -> None:
    made = specs([{"from": ["users"], "to": ["flower"], "ports": [5555]}], ["flower"], {"users": [{}]})
    assert made["flower"]["ingress"] == [{"ports": [port(5555)]}]


def test_a_party_may_differ_by_component() -> None:
    flows = [{"from": ["flower", "worker", "redis"], "to": ["proxy"]}]
    parties = {"proxy": {"flower": ["10.0.0.9:3128"], "worker": []}}
    made = specs(flows, ["flower", "worker", "redis"], parties)
    assert made["flower"]["egress"] == [{"to": [{"ipBlock": {"cidr": "10.0.0.9/32"}}], "ports": [port(3128)]}]
    assert made["worker"]["egress"] == made["redis"]["egress"] == []


def test_what_is_closed_is_left_out_of_all_rows_in_both_directions() -> None:
    flows = [
        {"from": ["worker", "scheduler"], "to": ["postgresql"], "ports": [5432]},
        {"from": ["worker", "scheduler"], "to": ["database"]},
    ]
    arguments = (flows, {"release": "r"}, ["worker", "scheduler", "postgresql"], {"database": [":5432"]}, {}, {})
    made = policy_specs(*arguments, [{"from": ["worker"], "to": ["postgresql", "database"]}])
    assert made["worker"]["egress"] == []
    assert made["postgresql"]["ingress"] == [{"from": [pods("scheduler")], "ports": [port(5432)]}]
    assert made["scheduler"] == policy_specs(*arguments)["scheduler"]


def test_further_rules_are_added_and_none_twice() -> None:
    flows = [{"from": ["flower"], "to": ["one", "two"]}]
    parties = {"one": ["db.example.com:5432"], "two": ["other.example.com:5432"]}
    made = specs(flows, ["flower"], parties, {"flower": [{}]}, {"flower": [{"ports": [port(636)]}]})
    assert made["flower"]["ingress"] == [{}]
    assert made["flower"]["egress"] == [{"ports": [port(5432)]}, {"ports": [port(636)]}]


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("db.example.com:5432", 5432),
        (":443", 443),
        ("https://git.example.com/team/dags.git", 443),
        ("https://git.example.com:8443/team/dags.git", 8443),
        ("git@git.example.com:team/dags.git", 22),
        ("ssh://git@git.example.com:2222/team/dags.git", 2222),
        ("ssh://git.example.com/team/dags.git", 22),
    ],
)
def test_a_name_is_anywhere_at_its_port(address: str, number: int) -> None:
    assert rule_of(address) == {"ports": [port(number)]}


@pytest.mark.parametrize(
    ("address", "cidr", "number"),
    [
        ("10.0.0.9:5432", "10.0.0.9/32", 5432),
        ("[fd00::9]:5432", "fd00::9/128", 5432),
        ("https://10.0.0.9/dags.git", "10.0.0.9/32", 443),
        ("git@10.0.0.9:dags.git", "10.0.0.9/32", 22),
    ],
)
def test_an_address_is_let_through_alone(address: str, cidr: str, number: int) -> None:
    assert rule_of(address) == {"to": [{"ipBlock": {"cidr": cidr}}], "ports": [port(number)]}


def test_an_address_without_a_port_is_refused() -> None:
    with pytest.raises(Failure, match=r"No port is known of the address db\.example\.com,"):
        rule_of("db.example.com")
