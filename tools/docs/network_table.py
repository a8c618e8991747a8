"""Command line: write the table of docs/network-policies.md from the role airflow's __airflow_network_flows."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import yaml

from ..common.paths import CHECKOUT, ROLES
from .generated import with_part

FLOWS = ROLES / "airflow" / "vars" / "main" / "network_policies.yml"
PAGE = CHECKOUT / "docs" / "network-policies.md"


def main() -> int:
    """Write the page and return the exit code."""
    PAGE.write_text(page())
    print(f"Wrote the table of {PAGE.relative_to(CHECKOUT)}")
    return 0


def page() -> str:
    """Return the page with the table as it has to be."""
    return with_part(PAGE, _lines())


def _lines() -> Iterator[str]:
    yield "| from | to | port | purpose |"
    yield "|---|---|---|---|"
    for flow in yaml.safe_load(FLOWS.read_text())["__airflow_network_flows"]:
        ports = ", ".join(map(str, flow.get("ports", ["its own"])))
        yield f"| {', '.join(flow['from'])} | {', '.join(flow['to'])} | {ports} | {flow['why']} |"


if __name__ == "__main__":
    sys.exit(main())
