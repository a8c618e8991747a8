# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the answer of the check program means: problems that stop a change of version, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..airflow.versions import encodes_kwargs_anew, oldest_postgresql, parts
from ..readiness.progress import duration
from .queries import counts, first, rows

#: Files and tasks that a message names at most.
MOST_NAMED = 20
#: Lines of an import error that are shown: its last ones name the reason.
ERROR_LINES = 3
#: Types of DAG runs by the first version that knows them; an older one answers with an error for ever.
RUN_TYPES: Mapping[str, str] = {"asset_materialization": "3.2.0", "operator_triggered": "3.3.0"}
#: The first version that knows tasks which wait for a person in a state of their own.
AWAITING_INPUT = "3.3.0"


@dataclass(frozen=True)
class Findings:
    """What the check program has answered.

    :param answer: as `check_program.py` writes it.
    """

    answer: Mapping[str, Any]

    @property
    def version(self) -> str:
        return str(self.answer["image"]["version"])

    @property
    def fab(self) -> str:
        return str(self.answer["image"]["fab"])

    @property
    def heads(self) -> Mapping[str, str]:
        """The revision that the image wants, by the table that holds the present one."""
        return dict(self.answer["image"]["heads"])

    @property
    def answers(self) -> Mapping[str, Any]:
        return dict(self.answer["database"]["answers"])

    @property
    def revisions(self) -> Mapping[str, str]:
        """The revision that the database has, by the table that holds it."""
        return {
            "alembic_version": str(first(self.answers, "core") or ""),
            "alembic_version_fab": str(first(self.answers, "fab") or ""),
        }

    @property
    def has_wanted_schema(self) -> bool:
        """Whether the database has the schema of the image already."""
        return all(self.revisions[table] == wanted for table, wanted in self.heads.items() if wanted)

    def import_errors(self) -> dict[str, str]:
        """Return the import errors that only the new image has."""
        known = [str(row[0]) for row in rows(self.answers, "known_errors")]
        return {
            file: error
            for file, error in dict(self.answer.get("import_errors") or {}).items()
            if not any(file == old or old.endswith(f"/{file}") or file.endswith(f"/{old}") for old in known)
        }


def problems(found: Findings, wanted: str) -> Iterator[str]:
    """Yield what makes a migration to a version fail, or is not what the inventory says."""
    if parts(found.version) != parts(wanted):
        yield f"airflow_version is {wanted}, but the image has Airflow {found.version}. Set one of them to the other."
    server = first(found.answers, "server")
    oldest = oldest_postgresql(wanted)
    if server is not None and int(server) // 10000 < oldest:
        yield (
            f"The database is PostgreSQL {int(server) // 10000}, and Airflow {wanted} supports {oldest} and newer. "
            "Upgrade the server first."
        )
    if first(found.answers, "may_create") in (False, 0):
        yield (
            "The database user may not create tables in its schema, or change them, which a migration does. Grant it: "
            "docs/database.md."
        )
    if others := rows(found.answers, "others_tables"):
        named = ", ".join(f"{table} (of {owner})" for table, owner in others[:MOST_NAMED])
        yield f"The database user does not own these tables, and so cannot change them: {named}. Change their owner."


def space_problem(found: Findings, free: int | None) -> str:
    """Return what is wrong with the space of the database's volume, of which ``free`` bytes are left.

    A migration may rewrite the largest table, which has both versions of it on the disk for a while.
    """
    sizes = rows(found.answers, "sizes")
    if free is None or not sizes:
        return ""
    needed = int(sizes[0][1])
    if free >= needed:
        return ""
    return (
        f"The database's volume has {megabytes(free)} left, and the table task_instance has {megabytes(needed)}, which "
        "a migration may have to rewrite. Enlarge the volume, or delete old rows: airflow db clean."
    )


def megabytes(size: int) -> str:
    """Return a number of bytes for people."""
    return f"{size / 2**20:,.0f} MiB"


def import_error_lines(errors: Mapping[str, str]) -> list[str]:
    """Return import errors for people, the files first that come first."""
    lines = []
    for file, error in sorted(errors.items())[:MOST_NAMED]:
        lines += [f"  {file}:", *(f"    {line}" for line in error.splitlines()[-ERROR_LINES:])]
    if len(errors) > MOST_NAMED:
        lines.append(f"  ... and {len(errors) - MOST_NAMED} more files")
    return lines


def losses(found: Findings, target: str) -> list[str]:
    """Return what a rollback to a version loses for good, or changes, one line each with its count."""
    lines = [
        f"{number} rows of {table}, a table that {target} does not have"
        for table, number in sorted(dict(found.answers.get("unknown_tables") or {}).items())
        if number
    ]
    lines += [
        f"the type of {number} DAG runs, {run_type!r}, which {target} does not know: they become 'manual'"
        for run_type, number in counts(found.answers, "run_types").items()
        if parts(target) < parts(RUN_TYPES.get(run_type, "0.0.0"))
    ]
    waiting = counts(found.answers, "waiting")
    if parts(target) < parts(AWAITING_INPUT) and waiting.get("awaiting_input"):
        lines.append(f"what {waiting['awaiting_input']} tasks have asked of people: they run again, and ask again")
    lines.append("logins that were revoked: their tokens are valid again until they expire")
    return lines


def kept(found: Findings, target: str) -> list[str]:
    """Return what a rollback rewrites, so that it goes on."""
    waiting = counts(found.answers, "waiting")
    if encodes_kwargs_anew(target):
        return []
    return [f"{waiting[state]} tasks are {state}, and go on" for state in ("deferred",) if waiting.get(state)]


@dataclass(frozen=True)
class RunningTask:
    """A task that a worker has, or will have.

    :param since: when it started, or was queued.
    """

    dag: str
    task: str
    map_index: int
    run: str
    state: str
    worker: str
    since: datetime | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> RunningTask:
        dag, task, map_index, run, state, worker, since = row
        began = datetime.fromisoformat(str(since)) if since else None
        if began and began.tzinfo is None:
            began = began.replace(tzinfo=UTC)
        return cls(str(dag), str(task), int(map_index), str(run), str(state), str(worker or ""), began)

    @property
    def name(self) -> str:
        index = f"[{self.map_index}]" if self.map_index >= 0 else ""
        return f"{self.dag}.{self.task}{index}"

    def line(self, now: datetime) -> str:
        """Return the task for people: its name, its worker, and since when."""
        place = f"on {self.worker}" if self.worker and self.state == "running" else self.state
        since = f", since {duration((now - self.since).total_seconds())}" if self.since else ""
        return f"{self.name} ({self.run}) {place}{since}"


def task_lines(tasks: Sequence[RunningTask], now: datetime) -> list[str]:
    """Return tasks for people, those first that have run longest."""
    lines = [f"  {task.line(now)}" for task in tasks[:MOST_NAMED]]
    return lines + ([f"  ... and {len(tasks) - MOST_NAMED} more"] if len(tasks) > MOST_NAMED else [])
