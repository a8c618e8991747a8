"""Command line: measure deploys, probes and reports of failures on the kind cluster against other ways."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from ..common.errors import ToolError
from ..common.step import say, step
from ..harness.connection import Cluster, cluster
from ..harness.report import Section, as_data, show
from .control import measure_control
from .fresh import measure_fresh
from .init_containers import deploy_and_measure_init_containers
from .nochange import measure_nochange
from .probes import measure_probes
from .release import Release, leftovers
from .scale import measure_scale

SECTIONS = ("fresh", "nochange", "probes", "control", "scale")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; its exit code tells whether all could be measured, not whether an aim was met."""
    options = _parser().parse_args(arguments)
    try:
        with cluster() as connection, tempfile.TemporaryDirectory(prefix="bench-") as folder:
            sections = _measure(connection, options.only or SECTIONS, options.rounds, Path(folder))
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for section in sections:
        show(section)
    if options.json:
        options.json.write_text(json.dumps([as_data(section) for section in sections], indent=2) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: %(default)s)")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="measure this alone; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file, too")
    return parser


def _measure(connection: Cluster, wanted: tuple[str, ...], rounds: int, folder: Path) -> list[Section]:
    _remove(connection, leftovers())
    sections = []
    try:
        if "fresh" in wanted:
            sections.append(measure_fresh(connection, rounds, folder))
        if "nochange" in wanted or "probes" in wanted:
            release = Release(connection, "bench-standing", folder)
            init_containers = None
            if "probes" in wanted:
                init_containers = deploy_and_measure_init_containers(release)
            else:
                with step("A fresh deploy"):
                    release.deploy()
            if "nochange" in wanted:
                sections.append(measure_nochange(release, rounds, folder))
            if init_containers:
                sections += [measure_probes(release, rounds), init_containers]
            release.remove()
        if "scale" in wanted:
            sections.append(measure_scale(connection, folder))
        if "control" in wanted:
            sections.append(measure_control(connection, folder))
    finally:
        _remove(connection, leftovers())
    say("All is measured")
    return sections


def _remove(connection: Cluster, namespaces: list[str]) -> None:
    for namespace in namespaces:
        with step(f"Remove the namespace {namespace}"):
            connection.remove(namespace)
