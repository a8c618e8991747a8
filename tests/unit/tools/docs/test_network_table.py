"""The table of docs/network-policies.md is that of the role airflow, and speaks of what there is."""

from __future__ import annotations

from typing import Any

import yaml

from tools.docs.network_table import FLOWS, PAGE, page

DATA: dict[str, Any] = yaml.safe_load(FLOWS.read_text())


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_the_page_has_every_row() -> None:
    assert all(flow["why"] in page() for flow in DATA["__airflow_network_flows"])


def test_a_row_names_components_and_parties_and_nothing_else() -> None:
    known = {*DATA["__airflow_network_component_names"], *DATA["__airflow_network_parties"]}
    named = {name for flow in DATA["__airflow_network_flows"] for end in ("from", "to") for name in flow[end]}
    assert named == known


def test_a_row_between_components_has_ports() -> None:
    components = DATA["__airflow_network_component_names"]
    assert [
        flow
        for flow in DATA["__airflow_network_flows"]
        if not flow.get("ports") and {*flow["from"], *flow["to"]} <= {*components}
    ] == []
