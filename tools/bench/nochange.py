"""Measure a deploy that changes nothing against a play that does nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import median

from ..common.errors import ToolError
from ..common.step import step
from ..harness.command import Timed, play
from ..harness.report import Aim, Section
from .release import Release

METHOD = (
    "ansible-playbook from start to exit, the two by turns; CPU is user + system of the process and all its children; "
    "medians"
)
AIM_SECONDS = 3
EMPTY = [{"name": "Do nothing", "hosts": "all", "gather_facts": False}]


def measure_nochange(release: Release, rounds: int, folder: Path) -> Section:
    """Compare the two.

    :param release: is deployed and healthy.
    :param rounds: how often each is run.
    :raises ToolError: if a deploy changes something.
    """
    empty = folder / "empty.yml"
    empty.write_text(json.dumps(EMPTY))
    plays: list[Timed] = []
    deploys: list[Timed] = []
    for number in range(rounds):
        with step(f"Round {number + 1} of {rounds}: an empty play, a deploy without a change"):
            plays.append(play(empty, release.variables, timeout=120))
            deploys.append(release.deploy())
            if not re.search(r"\bchanged=0\b", deploys[-1].output):
                raise ToolError(f"a second deploy of one release changed something:\n{deploys[-1].output}")
    wall = [median(run.seconds for run in runs) for runs in (plays, deploys)]
    cpu = [median(run.cpu for run in runs) for runs in (plays, deploys)]
    rows = [
        ("", "wall s", "CPU s"),
        ("empty play", f"{wall[0]:.2f}", f"{cpu[0]:.2f}"),
        ("deploy without a change", f"{wall[1]:.2f}", f"{cpu[1]:.2f}"),
        ("difference", f"{wall[1] - wall[0]:.2f}", f"{cpu[1] - cpu[0]:.2f}"),
        ("ratio", f"{wall[1] / wall[0]:.2f}", f"{cpu[1] / cpu[0]:.2f}"),
    ]
    figures = {
        "empty": [{"seconds": run.seconds, "cpu": run.cpu} for run in plays],
        "nochange": [{"seconds": run.seconds, "cpu": run.cpu} for run in deploys],
    }
    aim = Aim("a deploy without a change takes, beyond an empty play,", wall[1] - wall[0], AIM_SECONDS, " s")
    return Section("A deploy without a change", METHOD, rows, [aim], figures)
