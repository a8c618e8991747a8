"""Command line: do harm to a release for as long as it takes, and print what became of it."""

from __future__ import annotations

import argparse
import sys

from ..common.errors import ToolError
from ..common.run import start_log
from . import endurance, interruptions, rotation, upgrades


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; its exit code tells whether all promises were kept."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    sections = parser.add_subparsers(required=True, metavar="SECTION")
    interruptions.add_parser(sections)
    endurance.add_parser(sections)
    rotation.add_parser(sections)
    upgrades.add_parser(sections)
    options = parser.parse_args(arguments)
    try:
        start_log()
        return int(options.command(options))
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
