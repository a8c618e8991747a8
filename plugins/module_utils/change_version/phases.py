# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The phases of an upgrade and of a rollback, as data: which is due, and which operation may begin.

What has been done is in the ConfigMap ``<release>-upgrade``, which a run writes before and after each phase. Nothing
here asks the cluster.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from ..airflow.versions import may_roll, parts

UPGRADE, ROLLBACK, DEPLOY, RESTORE = "upgrade", "rollback", "deploy", "restore"

#: What is recorded, in its order. Each may be done again.
PHASES: Mapping[str, tuple[str, ...]] = {
    UPGRADE: ("stop", "drain", "migrate", "exchange", "start"),
    ROLLBACK: ("stop", "downgrade", "migrate", "exchange", "start"),
}
#: The phase that changes the schema: what comes before it can still be taken back by starting what was stopped, and
#: is done again by the next run until it has ended.
SCHEMA_PHASE: Mapping[str, str] = {UPGRADE: "migrate", ROLLBACK: "downgrade"}


@dataclass(frozen=True)
class Record:
    """What is known of the last upgrade or rollback of a release.

    :param operation: ``upgrade`` or ``rollback``.
    :param source: the version before it.
    :param target: the version that it leads to.
    :param image: the image of the API server before it.
    :param target_image: the image that it leads to.
    :param began: when each phase began, by its name (RFC 3339).
    :param ended: when each phase ended.
    :param done: when all of it had ended; empty while it has not.
    :param before: how many pods each workload had before anything was stopped, by ``Kind/name``.
    :param heads: the revisions of the schema that the target's image wants, by the table that holds the present one.
    :param fab: the version of the FAB provider in it.
    :param waited: how many tasks were waited for.
    :param away_since: when the UI may have begun to fail.
    :param away: seconds from then until a new API server was ready.
    """

    operation: str
    source: str
    target: str
    image: str = ""
    target_image: str = ""
    began: Mapping[str, str] = field(default_factory=dict)
    ended: Mapping[str, str] = field(default_factory=dict)
    done: str = ""
    before: Mapping[str, int] = field(default_factory=dict)
    heads: Mapping[str, str] = field(default_factory=dict)
    fab: str = ""
    waited: int = 0
    away_since: str = ""
    away: float | None = None

    @property
    def phase(self) -> str:
        """The phase that it is in: the first that has not ended."""
        return next((phase for phase in PHASES[self.operation] if phase not in self.ended), "health")

    @property
    def has_changed_schema(self) -> bool:
        """Whether the schema may be another by now."""
        return SCHEMA_PHASE[self.operation] in self.began

    def is_due(self, phase: str) -> bool:
        """Tell whether a phase is still to be done.

        What was stopped may have been started since by somebody: it is stopped again until the schema is changed.
        """
        if self.done or phase not in PHASES[self.operation]:
            return False
        names = PHASES[self.operation]
        schema = SCHEMA_PHASE[self.operation]
        if names.index(phase) <= names.index(schema):
            return schema not in self.ended
        return phase not in self.ended

    def begin(self, phase: str, now: str) -> Record:
        """Return the record of a run that begins a phase; the first begin of a phase is kept."""
        return replace(self, began={phase: now, **self.began})

    def end(self, phase: str, now: str) -> Record:
        """Return the record of a run that has ended a phase."""
        return replace(self, ended={**self.ended, phase: now})

    @classmethod
    def parse(cls, data: Mapping[str, str]) -> Record | None:
        """Read what a ConfigMap holds; ``None`` if that is none."""
        try:
            values = json.loads(data["record"])
            return cls(**values) if values["operation"] in PHASES else None
        except (KeyError, TypeError, ValueError):
            return None

    def data(self) -> dict[str, str]:
        """Return what a ConfigMap holds: what people look for first, then the whole."""
        return {
            "operation": self.operation,
            "from": self.source,
            "to": self.target,
            "phase": "done" if self.done else self.phase,
            "record": json.dumps(asdict(self), sort_keys=True),
        }


@dataclass(frozen=True)
class Wish:
    """What a run is asked to do with a release.

    :param operation: ``deploy``, ``upgrade``, ``rollback`` or ``restore``.
    :param wanted: the version that the inventory names.
    :param running: the version of the release; empty where there is none.
    :param name: what the release is called in messages.
    """

    operation: str
    wanted: str
    running: str
    name: str


def refusal(wish: Wish, record: Record | None) -> str:
    """Return why a run may not begin, with the way out; empty where it may."""
    if wish.operation == RESTORE:
        # The schema comes with the backup, and ends what was under way.
        return ""
    open_record = record if record and not record.done else None
    if wish.operation == DEPLOY:
        return _refuse_deploy(wish, open_record)
    if not wish.running:
        return f"There is no {wish.name} to {_verb(wish.operation)}. Deploy it with playbooks/deploy.yml."
    if wish.operation == UPGRADE:
        return _refuse_upgrade(wish, open_record)
    return _refuse_rollback(wish, open_record)


def _verb(operation: str) -> str:
    return "upgrade" if operation == UPGRADE else "roll back"


def _unfinished(record: Record, name: str) -> str:
    return (
        f"The {record.operation} of {name} from {record.source} to {record.target} has not ended: it stopped in its "
        f"phase {record.phase!r}"
    )


def _ways_out(record: Record) -> str:
    again = f"Run playbooks/{record.operation}.yml again with airflow_version {record.target} to finish it"
    if record.operation == UPGRADE:
        return f"{again}, or playbooks/rollback.yml with airflow_version {record.source} to go back."
    return f"{again}."


def _refuse_deploy(wish: Wish, record: Record | None) -> str:
    if record:
        return f"{_unfinished(record, wish.name)}. {_ways_out(record)}"
    if not wish.running or wish.running == wish.wanted or may_roll(wish.running, wish.wanted):
        return ""
    said = f"airflow_version is {wish.wanted}, but {wish.name} runs {wish.running}"
    if parts(wish.wanted) < parts(wish.running):
        return (
            f"{said}, and a deploy does not go back, because the schema of the newer version stays in the database. "
            f"Run playbooks/rollback.yml, or set airflow_version to {wish.running}."
        )
    return (
        f"{said}, and the schema differs, or is not known to be the same: a deploy would have both versions run on it. "
        f"Run playbooks/upgrade.yml, or set airflow_version to {wish.running}."
    )


def _refuse_upgrade(wish: Wish, record: Record | None) -> str:
    source = wish.running
    if record:
        if record.operation == ROLLBACK:
            return f"{_unfinished(record, wish.name)}. {_ways_out(record)}"
        if record.has_changed_schema and record.target != wish.wanted:
            return f"{_unfinished(record, wish.name)}, and cannot go on to {wish.wanted}. {_ways_out(record)}"
        source = record.source
    if parts(wish.wanted) < parts(source):
        return (
            f"airflow_version is {wish.wanted}, but {wish.name} runs {source}, which is newer. "
            f"Run playbooks/rollback.yml to go back, or set airflow_version to {source} or newer."
        )
    return ""


def _refuse_rollback(wish: Wish, record: Record | None) -> str:
    if record:
        wanted = record.source if record.operation == UPGRADE else record.target
        if wish.wanted != wanted:
            return (
                f"{_unfinished(record, wish.name)}. It can be rolled back to {wanted} alone: set airflow_version (and "
                f"airflow_image, if you set it) to that, but airflow_version is {wish.wanted}."
            )
        return ""
    if parts(wish.wanted) > parts(wish.running):
        return (
            f"airflow_version is {wish.wanted}, but {wish.name} runs {wish.running}, which is older. "
            f"Run playbooks/upgrade.yml."
        )
    return ""


def begun(wish: Wish, record: Record | None, image: str, target_image: str) -> Record | None:
    """Return the record to go on with; ``None`` where nothing is to be done but a deploy.

    :param image: the image that the API server has now.
    :param target_image: the image that it shall have.
    """
    fresh = Record(wish.operation, wish.running, wish.wanted, image, target_image)
    if record and not record.done:
        if record.operation == wish.operation and record.target == wish.wanted:
            return replace(record, target_image=target_image)
        if wish.operation == ROLLBACK:
            # Of an upgrade that has not ended: its target's image alone knows the schema. Where that is as it was,
            # there is nothing to bring back, and nothing has to be stopped.
            over = {} if record.has_changed_schema else dict.fromkeys(("stop", "downgrade"), "not needed")
            return Record(
                ROLLBACK, record.target, record.source, record.target_image, target_image, began=over, ended=over
            )
        # Another target, before the schema was changed.
        return replace(fresh, source=record.source, image=record.image, before=record.before)
    return None if wish.running == wish.wanted else fresh
