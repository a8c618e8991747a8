# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which phase is due, and which operation may begin."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.change_version.phases import (
    DEPLOY,
    PHASES,
    RESTORE,
    ROLLBACK,
    SCHEMA_PHASE,
    UPGRADE,
    Record,
    Wish,
    begun,
    refusal,
)

OPERATIONS = (UPGRADE, ROLLBACK)


def record(operation: str = UPGRADE, ended: int = 0, begun: bool = True, **given: Any) -> Record:
    """Return a record of which so many phases have ended, and the next has begun."""
    source, target = ("3.1.0", "3.3.2") if operation == UPGRADE else ("3.3.2", "3.1.0")
    names = PHASES[operation]
    return Record(
        operation,
        given.pop("source", source),
        given.pop("target", target),
        began=dict.fromkeys(names[: ended + begun], "then"),
        ended=dict.fromkeys(names[:ended], "then"),
        **given,
    )


def refused(operation: str, wanted: str, running: str, known: Record | None = None) -> str:
    return refusal(Wish(operation, wanted, running, "release a in b"), known)


class TestPhases:
    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_all_are_due_until_the_schema_has_changed_and_then_the_rest(self, operation: str) -> None:
        names = PHASES[operation]
        schema = names.index(SCHEMA_PHASE[operation])
        for ended in range(len(names) + 1):
            due = [name for name in names if record(operation, ended).is_due(name)]
            assert due == list(names if ended <= schema else names[ended:]), ended

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_none_is_due_when_all_is_done_nor_one_of_the_other_operation(self, operation: str) -> None:
        done = record(operation, len(PHASES[operation]), done="then")
        assert not [name for name in PHASES[operation] if done.is_due(name)]
        other = {*itertools.chain(*PHASES.values())} - {*PHASES[operation]}
        assert not [name for name in other if record(operation).is_due(name)]

    def test_a_phase_that_begins_again_keeps_its_first_begin(self) -> None:
        again = record(ended=0).begin("stop", "now").begin("drain", "now").end("stop", "now")
        assert (again.began, again.ended) == ({"stop": "then", "drain": "now"}, {"stop": "now"})

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_a_record_survives_its_config_map(self, operation: str) -> None:
        kept = record(operation, 2, before={"Deployment/a": 2}, away=3.5, heads={"alembic_version": "a"})
        assert Record.parse(kept.data()) == kept
        assert kept.data()["phase"] == kept.phase == PHASES[operation][2]

    @pytest.mark.parametrize("data", [{}, {"record": "{"}, {"record": '{"operation": "dance"}'}, {"record": "[]"}])
    def test_what_is_no_record_is_none(self, data: dict[str, str]) -> None:
        assert Record.parse(data) is None


class TestRestore:
    @pytest.mark.parametrize("known", [None, record(ended=2), record(ROLLBACK)])
    @pytest.mark.parametrize("wanted", ["3.1.0", "3.3.2"])
    def test_may_begin_whatever_runs(self, wanted: str, known: Record | None) -> None:
        assert refused(RESTORE, wanted, "3.2.2", known) == ""
        assert refused(DEPLOY, wanted, "3.2.2", known) != ""


class TestDeploy:
    @pytest.mark.parametrize("running", ["", "3.1.0", "3.1.7"])
    def test_may_begin(self, running: str) -> None:
        assert refused(DEPLOY, "3.1.7", running) == ""

    def test_names_the_playbook_that_goes_on(self) -> None:
        said = refused(DEPLOY, "3.3.2", "3.1.0")
        assert said.startswith("airflow_version is 3.3.2, but release a in b runs 3.1.0")
        assert "Run playbooks/upgrade.yml" in said

    def test_names_the_playbook_that_goes_back(self) -> None:
        assert "Run playbooks/rollback.yml" in refused(DEPLOY, "3.1.0", "3.1.5")

    @pytest.mark.parametrize("wanted", ["3.1.0", "3.3.2"])
    @pytest.mark.parametrize("ended", range(5))
    def test_begins_not_while_an_upgrade_is_under_way(self, wanted: str, ended: int) -> None:
        said = refused(DEPLOY, wanted, "3.1.0", record(ended=ended))
        assert f"stopped in its phase {PHASES[UPGRADE][ended]!r}" in said
        assert "playbooks/upgrade.yml again with airflow_version 3.3.2" in said
        assert "playbooks/rollback.yml with airflow_version 3.1.0" in said

    def test_begins_after_it(self) -> None:
        assert refused(DEPLOY, "3.3.2", "3.3.2", record(ended=5, done="then")) == ""


class TestUpgrade:
    @pytest.mark.parametrize("wanted", ["3.1.0", "3.1.8", "3.3.2", "4.0.0"])
    def test_may_begin(self, wanted: str) -> None:
        assert refused(UPGRADE, wanted, "3.1.0") == ""

    def test_needs_a_release(self) -> None:
        assert "Deploy it with playbooks/deploy.yml" in refused(UPGRADE, "3.3.2", "")

    def test_does_not_go_back(self) -> None:
        assert "Run playbooks/rollback.yml" in refused(UPGRADE, "3.1.0", "3.3.2")

    @pytest.mark.parametrize("ended", range(5))
    def test_goes_on(self, ended: int) -> None:
        assert refused(UPGRADE, "3.3.2", "3.1.0", record(ended=ended)) == ""

    def test_takes_another_target_until_the_schema_changes(self) -> None:
        assert refused(UPGRADE, "3.2.2", "3.1.0", record(ended=1)) == ""
        assert "cannot go on to 3.2.2" in refused(UPGRADE, "3.2.2", "3.1.0", record(ended=2))
        # By then the configuration has the newer version already.
        assert "cannot go on to 3.2.2" in refused(UPGRADE, "3.2.2", "3.3.2", record(ended=3))

    def test_begins_not_while_a_rollback_is_under_way(self) -> None:
        assert "rollback.yml again" in refused(UPGRADE, "3.3.2", "3.3.2", record(ROLLBACK, 1))


class TestRollback:
    def test_may_begin(self) -> None:
        assert refused(ROLLBACK, "3.1.0", "3.3.2", record(ended=5, done="then")) == ""

    @pytest.mark.parametrize("ended", range(5))
    def test_takes_an_upgrade_back_in_every_phase(self, ended: int) -> None:
        assert refused(ROLLBACK, "3.1.0", "3.1.0", record(ended=ended)) == ""
        assert "rolled back to 3.1.0 alone" in refused(ROLLBACK, "3.2.2", "3.3.2", record(ended=ended))

    @pytest.mark.parametrize("ended", range(5))
    def test_goes_on(self, ended: int) -> None:
        assert refused(ROLLBACK, "3.1.0", "3.3.2", record(ROLLBACK, ended)) == ""

    def test_does_not_go_on_to_a_newer_version(self) -> None:
        assert "Run playbooks/upgrade.yml" in refused(ROLLBACK, "3.3.2", "3.1.0")


class TestBegin:
    def test_nothing_is_to_be_done(self) -> None:
        wish = Wish(UPGRADE, "3.3.2", "3.3.2", "")
        assert begun(wish, None, "a:3.3.2", "a:3.3.2") is None
        assert begun(wish, record(ended=5, done="then"), "a:3.3.2", "a:3.3.2") is None

    def test_a_first_one(self) -> None:
        found = begun(Wish(UPGRADE, "3.3.2", "3.1.0", ""), None, "a:3.1.0", "a:3.3.2")
        assert found == Record(UPGRADE, "3.1.0", "3.3.2", "a:3.1.0", "a:3.3.2")

    def test_one_that_was_interrupted_goes_on_with_what_it_knows(self) -> None:
        known = record(ended=3, image="a:3.1.0", before={"Deployment/a": 2})
        found = begun(Wish(UPGRADE, "3.3.2", "3.3.2", ""), known, "a:3.3.2", "b:3.3.2")
        assert found is not None
        assert (found.image, found.target_image, found.ended, found.before) == (
            "a:3.1.0",
            "b:3.3.2",
            known.ended,
            known.before,
        )

    def test_another_target_is_a_new_one_from_where_it_was(self) -> None:
        known = record(ended=1, image="a:3.1.0", before={"Deployment/a": 2})
        found = begun(Wish(UPGRADE, "3.2.2", "3.1.0", ""), known, "a:3.1.0", "a:3.2.2")
        assert found is not None
        assert (found.source, found.target, found.before, found.ended) == ("3.1.0", "3.2.2", known.before, {})

    def test_an_upgrade_that_changed_the_schema_is_taken_back_by_its_own_image(self) -> None:
        known = record(ended=2, image="a:3.1.0", target_image="a:3.3.2")
        found = begun(Wish(ROLLBACK, "3.1.0", "3.1.0", ""), known, "a:3.1.0", "a:3.1.0")
        assert found is not None
        assert (found.source, found.target, found.image) == ("3.3.2", "3.1.0", "a:3.3.2")
        assert found.is_due("stop")
        assert found.is_due("downgrade")

    def test_one_that_did_not_needs_no_way_back(self) -> None:
        found = begun(Wish(ROLLBACK, "3.1.0", "3.1.0", ""), record(ended=1), "a:3.1.0", "a:3.1.0")
        assert found is not None
        assert [name for name in PHASES[ROLLBACK] if found.is_due(name)] == ["migrate", "exchange", "start"]
