"""Kill upgrades and rollbacks at many points, and show that one more run makes good whatever that left."""

from __future__ import annotations

import argparse
import hashlib
import itertools
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..common.paths import CHECKOUT
from ..common.step import say, step
from ..harness.command import kubectl
from ..harness.connection import Cluster, cluster
from ..images.cli import main as ensure_images
from .deploy import Run, deploy, play
from .interruptions import Row, show, spread
from .state import State, differences, settled

NAMESPACE = "upgrades"
OLDER, NEWER = "3.1.0", "3.3.2"
SECONDS = 1200.0
#: Rows that are added while nothing but Airflow runs.
_GROWING = {"job", "log"}

_PSQL = ("exec", "airflow-postgresql-0", "--", "sh", "-c")
_COUNTS = """
SELECT table_name, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I', table_name), false,
  true, '')))[1]::text
FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
"""


def add_parser(sections: Any) -> None:
    """Add the section to the command line."""
    parser = sections.add_parser("upgrades", help=__doc__)
    parser.add_argument("--points", type=int, default=12, help="kills of the upgrade (default: %(default)s)")
    parser.add_argument("--back", type=int, default=6, help="kills of the rollback (default: %(default)s)")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Run the section; the exit code tells whether every interruption was made good."""
    ensure_images(["--load", *(word for version in (OLDER, NEWER) for word in ("--also", f"airflow-{version}"))])
    with cluster() as connection, tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soak = _Soak(connection, Path(folder))
        connection.remove(NAMESPACE)
        rows = []
        try:
            for row in soak.run(options.points, options.back):
                rows.append(row)
                say(f"{row.what}, killed in '{row.task}': {'; '.join(row.wrong) or 'made good'}")
        finally:
            connection.remove(NAMESPACE)
    return show(rows)


class _Soak:
    """One release, which goes to the newer version and back again."""

    def __init__(self, connection: Cluster, folder: Path) -> None:
        self.cluster = connection
        self.folder = folder

    def run(self, points: int, back: int) -> Iterator[Row]:
        with step("Deploy, and make a history"):
            deploy(self.folder, NAMESPACE, airflow_version=OLDER).expect_success()
            self.play("playbooks/sync_dags.yml", OLDER, airflow_dags_source=str(CHECKOUT / "examples" / "dags"))
            self.play("playbooks/run_dag.yml", OLDER, airflow_dag="example_parallel")
        with step("An upgrade, undisturbed"):
            forth = self.play("upgrade.yml", NEWER)
            newer = self.look()
        with step("A rollback, undisturbed"):
            home = self.play("rollback.yml", OLDER)
            older = self.look()
        kills = itertools.zip_longest(spread(points, forth.points), spread(back, home.points))
        for kill_at, kill_back_at in kills:
            if kill_at is None:
                with step("An upgrade, undisturbed"):
                    self.play("upgrade.yml", NEWER)
            else:
                yield self.killed("upgrade.yml", kill_at, NEWER, newer)
            if kill_back_at is None:
                with step("A rollback, undisturbed"):
                    self.play("rollback.yml", OLDER)
            else:
                yield self.killed("rollback.yml", kill_back_at, OLDER, older)

    def play(self, playbook: str, version: str, kill_at: int | None = None, **variables: Any) -> Run:
        run = play(
            playbook,
            self.folder,
            NAMESPACE,
            kill_at,
            seconds=SECONDS,
            airflow_version=version,
            airflow_rollback_confirm=[f"{NAMESPACE}/airflow"],
            **variables,
        )
        return run if kill_at is not None else run.expect_success()

    def killed(self, playbook: str, kill_at: int, version: str, wanted: State) -> Row:
        """Kill a run and have another one end it; compare what that leaves with what an undisturbed one does."""
        with step(f"Kill {playbook} at line {kill_at}, and run it again"):
            killed = self.play(playbook, version, kill_at)
            again = self.play(playbook, version)
            wrong = differences(wanted, self.look(wanted))
        task = killed.task if killed.was_killed else f"{killed.task} (had ended)"
        return Row(playbook, task, killed.seconds, again.seconds, tuple(wrong))

    def look(self, wanted: State | None = None) -> State:
        """Return all objects, the number of rows of each table, and the schema."""
        objects = {name: value for name, value in (wanted or {}).items() if name not in ("tables", "schema")}
        found = settled(self.cluster, NAMESPACE, objects or None)
        return {**found, "tables": tables(), "schema": schema()}


def tables() -> Mapping[str, int]:
    """Return the number of rows of each table."""
    lines = _ask(f'psql --username=$POSTGRES_USER --tuples-only --no-align $POSTGRES_DB --command="{_COUNTS}"')
    counts = dict(line.split("|") for line in lines)
    return {name: int(number) for name, number in sorted(counts.items()) if name not in _GROWING}


def schema() -> str:
    """Return a checksum of the schema, whose dump has random words since PostgreSQL 15.14."""
    lines = _ask("pg_dump --schema-only --no-owner --username=$POSTGRES_USER $POSTGRES_DB")
    text = "\n".join(line for line in lines if not re.match(r"\\(un)?restrict ", line))
    return hashlib.sha256(text.encode()).hexdigest()


def _ask(command: str) -> list[str]:
    return kubectl("--namespace", NAMESPACE, *_PSQL, command).split("\n")[:-1]
