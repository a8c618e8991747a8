"""Command line: write the table of docs/network-policies.md from the role airflow's airflow_network_flows."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parent.parent
FLOWS = CHECKOUT / "roles" / "airflow" / "vars" / "main" / "network_policies.yml"
PAGE = CHECKOUT / "docs" / "network-policies.md"

_TABLE = re.compile(r"(<!-- Written by `make docs`[^\n]*-->\n).*?(<!-- End -->)", re.DOTALL)


def main() -> int:
    """Write the page and return the exit code."""
    PAGE.write_text(page())
    print(f"Wrote the table of {PAGE.relative_to(CHECKOUT)}")
    return 0


def page() -> str:
    """Return the page with the table as it has to be."""
    return _TABLE.sub(lambda match: match[1] + "\n".join(["", *_lines(), ""]) + "\n" + match[2], PAGE.read_text())


def _lines() -> Iterator[str]:
    yield "| from | to | port | purpose |"
    yield "|---|---|---|---|"
    for flow in yaml.safe_load(FLOWS.read_text())["airflow_network_flows"]:
        ports = ", ".join(map(str, flow.get("ports", ["its own"])))
        yield f"| {', '.join(flow['from'])} | {', '.join(flow['to'])} | {ports} | {flow['why']} |"


if __name__ == "__main__":
    sys.exit(main())
