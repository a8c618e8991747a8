"""Command line: do harm to a release for as long as it takes, and print what became of it."""

from __future__ import annotations

import argparse
import sys

from tools import _soak_endurance, _soak_interruptions, _soak_rotation
from tools._errors import ToolError
from tools._run import start_log


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; its exit code tells whether all promises were kept."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    sections = parser.add_subparsers(required=True, metavar="SECTION")
    _soak_interruptions.add_parser(sections)
    _soak_endurance.add_parser(sections)
    _soak_rotation.add_parser(sections)
    options = parser.parse_args(arguments)
    try:
        start_log()
        return int(options.command(options))
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
