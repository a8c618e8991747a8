"""Kill deploys at many points, and show that one more run makes good whatever that left."""

from __future__ import annotations

import argparse
import functools
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.step import say, step
from ..harness.cgroups import in_node
from ..harness.connection import Cluster, cluster
from .deploy import Run, deploy, play
from .state import State, differences, secrets, settled

#: The undisturbed release, and the one that is interrupted.
CALM, HARMED = "interruptions-calm", "interruptions-harmed"
#: What is changed: each pod's configuration, and the number of workers.
CHANGE: Mapping[str, Any] = {
    "airflow_config": {"core__parallelism": 24},
    "workers_groups": [{"name": "worker", "replicas": 2}],
}


@dataclass(frozen=True)
class Row:
    """What became of one interruption.

    :param task: in which the run was killed.
    :param killed: seconds after its start at which it was.
    :param seconds: how long the next run took.
    :param wrong: how the cluster differs from an undisturbed run's.
    """

    what: str
    task: str
    killed: float
    seconds: float
    wrong: tuple[str, ...] = ()


def add_parser(sections: Any) -> None:
    """Add the section to the command line."""
    parser = sections.add_parser("interruptions", help=__doc__)
    parser.add_argument("--points", type=int, default=20, help="kills of each kind (default: %(default)s)")
    parser.add_argument(
        "--in-a-row", action="store_true", help="kill one run after the other, and compare after the last one only"
    )
    parser.add_argument("--api-server", action="store_true", help="kill the cluster's API server during a deploy, too")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Run the section; the exit code tells whether every interruption was made good."""
    with cluster() as connection, tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soak = _Soak(connection, Path(folder), options.points, options.in_a_row)
        soak.remove()
        rows = []
        try:
            for row in soak.run(options.api_server):
                rows.append(row)
                # The rest may take an hour.
                say(f"{row.what}, killed in '{row.task}': {'; '.join(row.wrong) or 'made good'}")
        finally:
            soak.remove()
    return show(rows)


def spread(number: int, points: Sequence[bool]) -> list[int]:
    """Return so many line numbers: two thirds where a task begins, and the rest while all is waited for.

    :param points: for each line of a whole run, whether it began a task.
    """
    tasks = [line for line, is_task in enumerate(points, 1) if is_task]
    others = [line for line, is_task in enumerate(points, 1) if not is_task]
    return sorted(_evenly(tasks, number - number // 3) + _evenly(others, number // 3))


def _evenly(lines: Sequence[int], number: int) -> list[int]:
    """Return so many of the lines, one from each of as many equal parts."""
    return [lines[int((part + 0.5) * len(lines) / number)] for part in range(number)]


def show(rows: Iterable[Row]) -> int:
    """Print the table and the closing line."""
    rows = list(rows)
    widths = [max((len(getattr(row, name)) for row in rows), default=0) for name in ("what", "task")]
    print(f"\n{'run':<{widths[0]}}  {'killed in':<{widths[1]}}  {'after s':>7}  {'next run s':>10}  converged")
    for row in rows:
        verdict = "yes" if not row.wrong else "NO"
        print(f"{row.what:<{widths[0]}}  {row.task:<{widths[1]}}  {row.killed:>7.1f}  {row.seconds:>10.1f}  {verdict}")
        for line in row.wrong:
            print(f"    {line}")
    failed = sum(bool(row.wrong) for row in rows)
    print(f"\n{len(rows) - failed} of {len(rows)} interruptions were made good by one run", flush=True)
    return 1 if failed or not rows else 0


def changed_objects(run: Run) -> list[str]:
    """Return what a run with ``--diff`` has changed, as ``Kind/name``."""
    return [line.split()[2] for line in run.lines if line.startswith("+++ after: ")]


class _Soak:
    def __init__(self, connection: Cluster, folder: Path, points: int, in_a_row: bool) -> None:
        self.cluster = connection
        self.folder = folder
        self.points = points
        self.in_a_row = in_a_row

    def remove(self) -> None:
        with step("Remove the namespaces"), ThreadPoolExecutor() as pool:
            list(pool.map(self.cluster.remove, (CALM, HARMED)))

    def run(self, api_server: bool) -> Iterator[Row]:
        with step("Two runs at once: one deploys, the other waits for it"):
            row, points = self._two_at_once()
        yield row
        before = settled(self.cluster, CALM)
        kills = spread(self.points, points)
        if self.in_a_row:
            yield self._in_a_row("fresh", kills, before, {})
        else:
            for kill_at in kills:
                self.cluster.remove(HARMED)
                yield self._one("fresh", kill_at, before, {})
        with step("A change, undisturbed"):
            calm = deploy(self.folder, CALM, **CHANGE).expect_success()
        after = settled(self.cluster, CALM)
        kills = spread(self.points, calm.points)
        if self.in_a_row:
            yield self._in_a_row("change", kills, after, CHANGE)
        else:
            # There and back: a change is a change in either direction.
            for number, kill_at in enumerate(kills):
                forth = number % 2 == 0
                yield self._one("change", kill_at, after if forth else before, CHANGE if forth else {})
        if api_server:
            yield self._without_api_server(before)

    def _two_at_once(self) -> tuple[Row, list[bool]]:
        with ThreadPoolExecutor() as pool:
            folders = [self.folder / name for name in ("one", "two")]
            for folder in folders:
                folder.mkdir()
            one = functools.partial(play, "deploy.yml", namespace=CALM, options=("--diff",))
            runs = [run.expect_success() for run in pool.map(one, folders)]
        first, second = sorted(runs, key=lambda run: run.printed("is at work on this release"))
        wrong = []
        if first.printed("is at work on this release") or not second.printed("is at work on this release"):
            wrong.append("not exactly one of the two has waited for the other")
        changed = changed_objects(second)
        # Before there is a namespace, nobody can hold the release; whoever makes it may be the one to wait.
        if changed not in ([], [f"Namespace/{CALM}"]) or not second.printed(f"changed={len(changed)} "):
            recap = [line for line in second.lines if "changed=" in line]
            wrong.append(f"the one that waited has changed {', '.join([*changed, *second.changed_tasks(), *recap])}")
        return Row("two at once", "-", 0, second.seconds, tuple(wrong)), first.points

    def _one(self, what: str, kill_at: int, wanted: State, variables: Mapping[str, Any]) -> Row:
        with step(f"Kill a run ({what}) at line {kill_at}, and run it again"):
            killed = deploy(self.folder, HARMED, kill_at, **variables)
            return self._make_good(what, killed, wanted, variables)

    def _in_a_row(self, what: str, kills: Iterable[int], wanted: State, variables: Mapping[str, Any]) -> Row:
        tasks, seconds, wrong = [], 0.0, []
        for kill_at in kills:
            with step(f"Kill a run ({what}) at line {kill_at}"):
                left = secrets(self.cluster, HARMED)
                killed = deploy(self.folder, HARMED, kill_at, **variables)
                wrong += self._changed_secrets(left)
                tasks.append(killed.task.partition(" : ")[2] or killed.task)
                seconds += killed.seconds
        with step("Run it to its end"):
            row = self._make_good(what, killed, wanted, variables)
        return Row(what, f"{len(tasks)} times, last: {tasks[-1]}", seconds, row.seconds, (*wrong, *row.wrong))

    def _make_good(self, what: str, killed: Run, wanted: State, variables: Mapping[str, Any]) -> Row:
        left = secrets(self.cluster, HARMED)
        held = self.cluster.get(f"/apis/coordination.k8s.io/v1/namespaces/{HARMED}/leases/airflow-deploy")
        good = deploy(self.folder, HARMED, **variables)
        wrong = [] if good.code == 0 else [f"the next run failed in '{good.task}'", *good.lines[-15:]]
        if held and held["spec"].get("holderIdentity") and not good.printed("takes this release over"):
            wrong.append("the next run did not say that it takes over")
        wrong += self._changed_secrets(left)
        if not wrong:
            wrong += differences(wanted, settled(self.cluster, HARMED, wanted))
        task = killed.task if killed.was_killed else f"{killed.task} (had ended)"
        return Row(what, task, killed.seconds, good.seconds, tuple(wrong))

    def _changed_secrets(self, left: Mapping[str, str]) -> list[str]:
        now = secrets(self.cluster, HARMED)
        return [f"Secret/{name} has changed" for name, value in left.items() if now.get(name) != value]

    def _without_api_server(self, wanted: State) -> Row:
        """Kill the API server when a fresh deploy has begun to apply; the kubelet starts it again."""
        self.cluster.remove(HARMED)
        killer = threading.Timer(4, lambda: in_node("pkill -KILL -x kube-apiserver"))
        with step("A fresh deploy, while the cluster's API server is killed"):
            killer.start()
            run = deploy(self.folder, HARMED)
            killer.join()
        wrong = [] if run.code == 0 else [f"it failed in '{run.task}'", *run.lines[-15:]]
        if not wrong:
            wrong += differences(wanted, settled(self.cluster, HARMED, wanted))
        return Row("API server killed", "-", 4.0, run.seconds, tuple(wrong))
