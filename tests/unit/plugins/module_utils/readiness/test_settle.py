# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What verdicts mean by each other and by the past: values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.context import Limits
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.health import HealthResponse
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.settle import (
    Facts,
    History,
    Instant,
    Retry,
    Rules,
    Settled,
    causes_first,
    settle,
    settle_with_logs,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.verdict import (
    Hints,
    Key,
    LogSource,
    State,
    Verdict,
    failed,
    pending,
    ready,
)

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
CLAIM = Key("PersistentVolumeClaim", "airflow-dags")
REDIS = Key("StatefulSet", "airflow-redis")
MIGRATIONS = Key("Job", "airflow-migrations")
SCHEDULER = Key("Deployment", "airflow-scheduler")
HEALTH = Key("Health", "scheduler")
POD = Key("Pod", "airflow-scheduler-1")

LOG = LogSource("airflow-scheduler-1", "main")
NO_REDIS = "Error 111 connecting to airflow-redis:6379. Connection refused."
WRONG_PASSWORD = "WRONGPASS invalid username-password pair"
LIMITS = Limits(dependencies=11, restarts=120, missing=5)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def instant(seconds: float) -> Instant:
    return Instant(at(seconds), seconds)


class Release:
    """A release of which one round after the other is settled."""

    def __init__(self, facts: Facts | None = None, rules: Rules | None = None) -> None:
        self.history = History()
        self.facts = facts or Facts()
        self.rules = rules or Rules(limits=LIMITS)
        self.log = "it broke"
        self.read: list[LogSource] = []

    def settle(self, seconds: float, verdicts: Mapping[Key, Verdict]) -> Settled:
        def read(log: LogSource) -> list[str]:
            self.read.append(log)
            return [self.log]

        settled = settle_with_logs(verdicts, self.history, instant(seconds), self.facts, self.rules, read)
        self.history = settled.history
        return settled

    def state(self, seconds: float, verdicts: Mapping[Key, Verdict], key: Key = SCHEDULER) -> State:
        return self.settle(seconds, verdicts).verdicts[key].state


def waits(since: float = 0) -> Verdict:
    """Return the verdict on a pod whose init container waits for others."""
    hints = Hints(awaits_dependencies=True)
    return pending("init container wait-for-schema runs", place="here", since=at(since), log=LOG, hints=hints)


def fails_to_wait(since: float) -> Verdict:
    return failed("init container ended", since=at(since), hints=Hints(awaits_dependencies=True))


def crash(started: float) -> Verdict:
    return failed("container main ended", place="here", since=at(started), log=LOG, hints=Hints(started=at(started)))


def test_what_nothing_speaks_against_stays_as_it_was_said() -> None:
    verdicts = {REDIS: ready(), SCHEDULER: pending("its pods are created", hints=Hints(recheck_at=at(9)))}
    settled = settle(verdicts, History(), instant(0))
    assert settled.verdicts == {REDIS: ready(), SCHEDULER: pending("its pods are created")}
    assert settled.recheck_at == at(9)
    assert settled.delays(instant(4)) == [5]
    assert not settled.all_done
    assert not settled.given_up


def test_settling_changes_nothing_of_the_past() -> None:
    verdicts = {REDIS: ready(), SCHEDULER: waits()}
    history = History(others_ready=at(0), excused={SCHEDULER: at(5)})
    before = replace(history, excused=dict(history.excused))
    facts = Facts(logs={SCHEDULER: None})
    settled = settle(verdicts, history, instant(30), facts)
    assert settled.history.excused == {SCHEDULER: at(41)}
    assert history == before
    assert settle(verdicts, history, instant(30), facts) == settled


class TestDependencies:
    def test_a_failure_to_wait_is_none_while_others_are_pending(self) -> None:
        release = Release()
        assert release.state(5, {MIGRATIONS: pending("runs"), SCHEDULER: fails_to_wait(4)}) == State.PENDING

    def test_a_failure_to_wait_from_before_the_others_were_done_is_none(self) -> None:
        release = Release()
        release.settle(5, {MIGRATIONS: pending("runs"), SCHEDULER: fails_to_wait(4)})
        assert release.state(6, {MIGRATIONS: ready(), SCHEDULER: fails_to_wait(4)}) == State.PENDING
        assert release.state(9, {MIGRATIONS: ready(), SCHEDULER: fails_to_wait(8)}) == State.FAILED

    def test_what_waits_itself_and_what_holds_up_nothing_are_not_waited_for(self) -> None:
        other = Key("Deployment", "airflow-triggerer")
        unused = pending("is bound when a pod first uses it", blocks=False)
        settled = settle({CLAIM: unused, SCHEDULER: waits(), other: waits()}, History(), instant(3))
        assert settled.history.others_ready == at(3)

    def test_the_others_have_to_be_done_again_when_one_is_pending_again(self) -> None:
        release = Release()
        release.settle(5, {MIGRATIONS: ready(), SCHEDULER: waits()})
        release.settle(6, {MIGRATIONS: pending("runs"), SCHEDULER: waits()})
        assert release.history.others_ready is None
        release.settle(9, {MIGRATIONS: ready(), SCHEDULER: waits()})
        assert release.history.others_ready == at(9)

    def test_what_goes_on_waiting_fails_when_its_log_says_why(self) -> None:
        release = Release()
        release.log = WRONG_PASSWORD
        verdicts = {MIGRATIONS: ready(), SCHEDULER: waits()}
        settled = release.settle(5, verdicts)
        assert settled.recheck_at == at(16)
        assert release.state(15.9, verdicts) == State.PENDING
        assert release.read == []
        failed = release.settle(16, verdicts).verdicts[SCHEDULER]
        assert failed.state == State.FAILED
        assert failed.reason == "init container wait-for-schema runs still, although its dependencies are ready"
        assert failed.log == replace(LOG, since=at(5))
        assert release.read == [failed.log]

    def test_what_began_to_wait_after_the_others_were_done_has_as_long(self) -> None:
        release = Release()
        release.log = WRONG_PASSWORD
        verdicts = {MIGRATIONS: ready(), SCHEDULER: waits(since=20)}
        release.settle(5, verdicts)
        assert release.state(30, verdicts) == State.PENDING
        assert release.state(31, verdicts) == State.FAILED

    def test_what_goes_on_waiting_without_a_word_is_excused_for_as_long_again(self) -> None:
        release = Release()
        verdicts = {MIGRATIONS: ready(), SCHEDULER: waits()}
        release.settle(0, verdicts)
        settled = release.settle(11, verdicts)
        assert settled.verdicts[SCHEDULER].state == State.PENDING
        assert settled.recheck_at == at(22)
        release.log = WRONG_PASSWORD
        assert release.state(21, verdicts) == State.PENDING
        assert len(release.read) == 1
        assert release.state(22, verdicts) == State.FAILED

    def test_what_is_looked_at_in_part_may_wait_for_the_rest(self) -> None:
        release = Release(rules=Rules(limits=LIMITS, partial=True))
        release.log = WRONG_PASSWORD
        release.settle(0, {SCHEDULER: waits()})
        assert release.state(100, {SCHEDULER: waits()}) == State.PENDING

    def test_an_unread_log_is_asked_for(self) -> None:
        settled = settle({SCHEDULER: waits()}, History(others_ready=at(0)), instant(30), rules=Rules(limits=LIMITS))
        assert settled.unread == {SCHEDULER: replace(LOG, since=at(0))}


class TestRestarts:
    #: The scheduler waits for Redis, which is ready since the tenth second.
    FACTS = Facts(dependents=frozenset({SCHEDULER}), servers_ready=at(10))

    @pytest.mark.parametrize("log", ["it broke", WRONG_PASSWORD], ids=["says nothing of servers", "no try can help"])
    def test_what_failed_for_another_reason_has_failed(self, log: str) -> None:
        release = Release(self.FACTS)
        release.log = log
        assert release.state(12, {REDIS: ready(), SCHEDULER: crash(8)}) == State.FAILED

    @pytest.mark.parametrize("ready", [None, at(10)], ids=["not ready yet", "ready since"])
    def test_what_was_started_before_its_servers_were_ready_is_waited_for(self, ready: datetime | None) -> None:
        release = Release(replace(self.FACTS, servers_ready=ready))
        release.log = NO_REDIS
        settled = release.settle(12, {SCHEDULER: crash(8)})
        verdict = settled.verdicts[SCHEDULER]
        assert verdict.state == State.PENDING
        assert verdict.reason == "container main ended; it was started before what it needs was ready"
        assert (verdict.place, verdict.since) == ("here", at(8))
        assert release.state(1000, {SCHEDULER: crash(8)}) == State.PENDING
        assert len(release.read) == 1

    @pytest.mark.parametrize(
        ("started", "facts"),
        [(11, FACTS), (8, replace(FACTS, dependents=frozenset()))],
        ids=["started when they were ready", "waits for nothing of the release"],
    )
    def test_what_failed_for_want_of_a_server_is_restarted_for_a_while(self, started: float, facts: Facts) -> None:
        release = Release(facts)
        release.log = NO_REDIS
        settled = release.settle(20, {SCHEDULER: crash(started)})
        assert settled.verdicts[SCHEDULER].reason.endswith("; it is started again, and may find what it needs then")
        assert settled.recheck_at == at(140)
        assert release.state(139, {SCHEDULER: crash(started)}) == State.PENDING
        assert release.state(140, {SCHEDULER: crash(started)}) == State.FAILED

    def test_the_time_for_restarts_begins_with_the_first_failure(self) -> None:
        release = Release(self.FACTS)
        release.log = NO_REDIS
        release.settle(20, {SCHEDULER: crash(8)})
        assert release.state(100, {SCHEDULER: crash(95)}) == State.PENDING
        assert release.state(140, {SCHEDULER: crash(95)}) == State.FAILED


class TestSecondTries:
    RULES = Rules(limits=LIMITS, restart_stuck=True)
    STUCK = failed("container main ended", place="here", hints=Hints(stuck=(POD,)))

    def test_nothing_is_tried_again_unless_it_is_wanted(self) -> None:
        settled = settle({SCHEDULER: self.STUCK}, History(), instant(0))
        assert settled.retries == []
        assert settled.verdicts[SCHEDULER].state == State.FAILED

    def test_what_is_stuck_gets_another_try_once(self) -> None:
        release = Release(rules=self.RULES)
        settled = release.settle(0, {SCHEDULER: self.STUCK})
        assert settled.retries == [Retry(POD, "container main ended")]
        assert settled.verdicts[SCHEDULER] == pending("pod airflow-scheduler-1 gets another try")
        assert settled.recheck_at == at(5)
        again = release.settle(1, {SCHEDULER: self.STUCK})
        assert again.retries == []
        assert again.verdicts == settled.verdicts

    def test_what_is_seen_after_it_counts_when_it_has_had_its_time(self) -> None:
        release = Release(rules=self.RULES)
        release.settle(0, {SCHEDULER: self.STUCK})
        seen = replace(self.STUCK)
        settled = release.settle(4, {SCHEDULER: seen})
        assert settled.verdicts[SCHEDULER] == pending("container main ended", place="here")
        assert (settled.due(at(4)), settled.due(at(5))) == (set(), {SCHEDULER})
        assert release.state(5, {SCHEDULER: seen}) == State.FAILED

    def test_another_pod_gets_its_own_try(self) -> None:
        release = Release(rules=self.RULES)
        other = Key("Pod", "airflow-scheduler-2")
        release.settle(0, {SCHEDULER: self.STUCK})
        settled = release.settle(9, {SCHEDULER: self.STUCK.hint(stuck=(POD, other))})
        assert [retry.key for retry in settled.retries] == [other]
        assert settled.verdicts[SCHEDULER].state == State.PENDING
        assert settled.history.retried == {POD: at(0), other: at(9)}

    def test_what_gets_another_try_is_pending_for_what_waits_for_it(self) -> None:
        settled = settle({REDIS: self.STUCK, SCHEDULER: waits()}, History(), instant(0), rules=self.RULES)
        assert settled.history.others_ready is None


class TestHealth:
    RULES = Rules(limits=LIMITS, health_components=("scheduler",), health_grace=20)
    SILENT = HealthResponse(parts={"metadatabase": {"status": "healthy"}, "scheduler": {"status": "unhealthy"}})

    def test_it_is_no_verdict_before_airflow_has_answered(self) -> None:
        settled = settle({REDIS: ready()}, History(), instant(0), rules=self.RULES)
        assert set(settled.verdicts) == {REDIS}

    def test_its_grace_begins_when_all_pods_are_ready(self) -> None:
        release = Release(Facts(health=self.SILENT), self.RULES)
        assert release.state(0, {REDIS: pending("starts")}, HEALTH) == State.PENDING
        assert release.history.pods_ready is None
        assert release.state(100, {REDIS: ready()}, HEALTH) == State.PENDING
        assert release.history.pods_ready == instant(100)
        assert release.state(119, {REDIS: ready()}, HEALTH) == State.PENDING
        assert release.state(120, {REDIS: ready()}, HEALTH) == State.FAILED

    def test_it_holds_up_the_release_and_nothing_that_waits_for_others(self) -> None:
        settled = settle({REDIS: ready()}, History(), instant(3), Facts(health=self.SILENT), self.RULES)
        assert not settled.all_done
        assert settled.history.others_ready == at(3)


class TestGivingUp:
    FAILED = failed("is paused")

    def test_a_failure_is_kept_back_while_others_may_follow(self) -> None:
        release = Release()
        verdicts = {REDIS: self.FAILED, SCHEDULER: pending("starts")}
        settled = release.settle(10, verdicts)
        assert (settled.given_up, settled.delays(instant(10))) == (False, [2])
        assert not release.settle(11.9, verdicts).given_up
        assert release.settle(12, verdicts).given_up

    def test_it_is_kept_back_for_less_where_it_had_a_grace(self) -> None:
        settled = settle({REDIS: self.FAILED.but(since=at(5)), SCHEDULER: pending("starts")}, History(), instant(10))
        assert settled.delays(instant(10)) == [1]

    def test_a_failure_that_passes_counts_anew_when_it_comes_back(self) -> None:
        release = Release()
        failing, healed = {REDIS: self.FAILED, CLAIM: pending("x")}, {REDIS: pending("y"), CLAIM: pending("x")}
        release.settle(0, failing)
        release.settle(1, healed)
        assert not release.settle(3, failing).given_up

    def test_nothing_is_kept_back_where_nothing_can_follow(self) -> None:
        verdicts = {REDIS: ready(), SCHEDULER: self.FAILED, CLAIM: pending("unused", blocks=False)}
        assert settle(verdicts, History(), instant(0)).given_up

    def test_no_failure_counts_before_pods_and_events_are_known(self) -> None:
        settled = settle({SCHEDULER: self.FAILED}, History(), instant(0), Facts(complete=False))
        assert settled.verdicts[SCHEDULER].state == State.FAILED
        assert not settled.given_up
        assert settled.history.fails_at is None

    def test_causes_come_first(self) -> None:
        keys = [SCHEDULER, HEALTH, MIGRATIONS, REDIS, CLAIM]
        assert causes_first(keys, {SCHEDULER}) == [CLAIM, REDIS, MIGRATIONS, SCHEDULER, HEALTH]
        failed = {key: self.FAILED for key in keys if key != HEALTH}
        settled = settle(failed, History(), instant(0), Facts(dependents={SCHEDULER}))
        assert settled.failed == [CLAIM, REDIS, MIGRATIONS, SCHEDULER]
