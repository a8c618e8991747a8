# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run at a time changes a release: who has it, who waits, who takes it over, and who has lost it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import apply as applyset_apply
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure, NoAnswer
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.holder import Holder, this_run
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.lease import (
    DURATION,
    LOST_BY,
    RENEWAL,
    Lease,
    LeaseState,
    LostError,
    holder_name,
    lease_path,
    lease_state,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ME = Holder("root@laptop", 1, "here", "10")
OTHER = Holder("ann@desk", 2, "there", "20")
PATH = lease_path("airflow", "airflow")
CONFIG = "/api/v1/namespaces/airflow/configmaps/config"


def held_by(holder: Holder | str, renewed: float = 0, **more: Any) -> dict[str, Any]:
    """Return a Lease that was renewed some seconds ago."""
    at = (NOW - timedelta(seconds=renewed)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    identity = holder.identity if isinstance(holder, Holder) else holder
    spec = {"holderIdentity": identity, "renewTime": at, "acquireTime": at, "leaseDurationSeconds": 60, **more}
    return {"metadata": {"resourceVersion": "1"}, "spec": spec}


def judge(lease: Any, seen_for: float = 0, dead: bool = False) -> LeaseState:
    return lease_state(lease, ME, NOW, seen_for, lambda holder: dead)


class TestStanding:
    def test_a_lease_that_is_not_there_or_has_nobody_in_it_is_free(self) -> None:
        assert judge(None) is LeaseState.FREE
        assert judge({"metadata": {}, "spec": {"leaseTransitions": 3}}) is LeaseState.FREE
        assert judge({"metadata": {}}) is LeaseState.FREE

    @pytest.mark.parametrize("renewed", [0, 1000])
    def test_ours_stays_ours_while_nobody_takes_it(self, renewed: float) -> None:
        assert judge(held_by(ME, renewed)) is LeaseState.OURS

    def test_another_runs_is_theirs_until_it_expires_by_the_clusters_clock(self) -> None:
        assert judge(held_by(OTHER, 70)) is LeaseState.OTHERS
        assert judge(held_by(OTHER, 76)) is LeaseState.EXPIRED

    def test_a_clock_that_goes_wrong_does_not_keep_it_for_ever(self) -> None:
        """It says that it renews tomorrow; we have seen no renewal for a minute."""
        assert judge(held_by(OTHER, -86400), seen_for=59) is LeaseState.OTHERS
        assert judge(held_by(OTHER, -86400), seen_for=60) is LeaseState.EXPIRED

    def test_its_own_duration_counts(self) -> None:
        assert judge(held_by(OTHER, 100, leaseDurationSeconds=300), seen_for=100) is LeaseState.OTHERS

    def test_a_dead_ones_is_known_at_once(self) -> None:
        assert judge(held_by(OTHER), dead=True) is LeaseState.DEAD

    def test_of_a_name_that_we_cannot_read_nothing_is_known_but_its_renewals(self) -> None:
        assert judge(held_by("somebody"), dead=True) is LeaseState.OTHERS
        assert judge(held_by("somebody", 76), dead=True) is LeaseState.EXPIRED

    @pytest.mark.parametrize("holder", [OTHER.identity, None, ME.identity])
    def test_what_was_taken_from_us_stays_lost(self, holder: str | None) -> None:
        lease = held_by(OTHER, holderIdentity=holder)
        lease["metadata"]["annotations"] = {LOST_BY: f"somebody else\n{ME.identity}"}
        assert judge(lease) is LeaseState.LOST


def test_a_holder_is_told_for_people() -> None:
    assert holder_name(held_by(OTHER)) == "ann@desk, process 2, since 12:00:00 UTC"
    assert holder_name(held_by("kubectl")) == "kubectl, since 12:00:00 UTC"
    assert holder_name({}) == ""


class Scene:
    """A cluster, a clock that only sleeping moves, and runs."""

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.seconds = 0.0
        self.said: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.pass_time(seconds)
        self.meanwhile()

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds
        self.cluster.time += timedelta(seconds=seconds)

    def lease(self, me: Holder = ME, timeout: float = 600) -> Lease:
        return Lease(
            self.cluster, "airflow", "airflow", me, timeout, self.said.append, lambda: self.seconds, self.sleep
        )

    @property
    def stored(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cluster.leases[PATH]
        return found

    @property
    def holder(self) -> str | None:
        return self.stored["spec"].get("holderIdentity")


@pytest.fixture
def scene(cluster: Any) -> Scene:
    return Scene(cluster)


class TestHolding:
    def test_the_first_run_makes_the_lease(self, scene: Scene) -> None:
        lease = scene.lease()
        lease.acquire()
        assert lease.is_held
        assert scene.holder == ME.identity
        assert scene.stored["metadata"]["labels"] == {"airflow.kubernetes/release": "airflow"}
        assert scene.stored["spec"]["leaseDurationSeconds"] == DURATION

    def test_the_next_task_of_the_run_finds_it_and_writes_nothing(self, scene: Scene) -> None:
        scene.lease().acquire()
        version = scene.stored["metadata"]["resourceVersion"]
        scene.pass_time(RENEWAL - 1)
        lease = scene.lease()
        lease.acquire()
        assert lease.is_held
        assert scene.stored["metadata"]["resourceVersion"] == version
        scene.pass_time(1)
        lease.check(CONFIG)
        assert scene.stored["metadata"]["resourceVersion"] != version

    def test_given_back_it_is_anybodys_and_stays_there(self, scene: Scene) -> None:
        first = scene.lease()
        first.acquire()
        first.give_back()
        assert not first.is_held
        assert scene.holder is None
        other = scene.lease(OTHER)
        other.acquire()
        assert scene.holder == OTHER.identity
        assert scene.stored["spec"]["leaseTransitions"] == 2
        assert scene.said == []

    def test_the_second_run_waits_says_for_whom_and_goes_on_when_it_has_ended(self, scene: Scene) -> None:
        first = scene.lease(OTHER)
        first.acquire()
        scene.meanwhile = lambda: first.give_back() if scene.seconds > 90 else first.check(CONFIG)
        second = scene.lease()
        second.acquire()
        assert second.is_held
        assert 90 < scene.seconds < 95
        assert scene.said == [
            "ann@desk, process 2, since 12:00:00 UTC, is at work on this release; waiting for it to end, at most 600 s"
        ]

    @pytest.mark.parametrize("timeout", [0, 30])
    def test_the_second_run_gives_up_and_says_who_and_what_to_do(self, scene: Scene, timeout: float) -> None:
        scene.lease(OTHER).acquire()
        with pytest.raises(Failure, match=r"ann@desk, process 2, since 12:00:00 UTC.*airflow_lock_timeout.*kubectl"):
            scene.lease(timeout=timeout).acquire()
        assert scene.seconds == timeout
        assert scene.holder == OTHER.identity

    def test_of_two_at_once_one_gets_it(self, scene: Scene) -> None:
        first, second = scene.lease(), scene.lease(OTHER, timeout=0)
        get = second._get
        # Both have seen that nobody has it.
        second._get = lambda: (first.acquire(), setattr(second, "_get", get))[1]  # type: ignore[method-assign,func-returns-value]
        with pytest.raises(Failure, match="Another run is at work"):
            second.acquire()
        assert scene.holder == ME.identity

    def test_without_a_namespace_only_that_can_be_made(self, scene: Scene) -> None:
        namespace = scene.cluster.objects.pop(("Namespace", "", "airflow"))
        lease = scene.lease()
        lease.acquire()
        assert not lease.is_held
        lease.check("/api/v1/namespaces/airflow")
        with pytest.raises(Failure, match="namespace airflow does not exist"):
            lease.check("/api/v1/persistentvolumes/data")
        scene.cluster.objects["Namespace", "", "airflow"] = namespace
        lease.check("/api/v1/persistentvolumes/data")
        assert lease.is_held

    def test_a_task_that_only_looks_keeps_the_runs_own_and_nobody_elses(self, scene: Scene) -> None:
        looking = scene.lease()
        looking.join()
        assert not looking.is_held
        assert scene.cluster.leases == {}
        scene.lease(OTHER).acquire()
        looking.join()
        looking.keep()
        assert not looking.is_held
        ours = scene.lease(OTHER)
        ours.join()
        assert ours.is_held

    def test_it_goes_with_the_release(self, scene: Scene) -> None:
        lease = scene.lease()
        lease.acquire()
        lease.remove()
        assert scene.cluster.leases == {}


class TestTakingOver:
    def test_one_that_was_killed_here_is_not_waited_for(self, scene: Scene) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
            killed = this_run(process.pid)
            scene.lease(killed).acquire()
            process.kill()
        scene.lease(this_run(os.getpid())).acquire()
        assert scene.seconds == 0
        assert scene.holder == this_run(os.getpid()).identity
        assert scene.said == [f"takes this release over from {killed}, since 12:00:00 UTC, which was killed"]
        assert LOST_BY not in scene.stored["metadata"].get("annotations", {})

    def test_one_that_lives_here_is_waited_for(self, scene: Scene) -> None:
        scene.lease(this_run(os.getppid())).acquire()
        with pytest.raises(Failure, match="Another run is at work"):
            scene.lease(this_run(os.getpid()), timeout=0).acquire()

    def test_one_of_elsewhere_expires_while_we_watch(self, scene: Scene) -> None:
        scene.lease(OTHER).acquire()
        # Its clock is a day ahead, or the API server's was.
        scene.stored["spec"]["renewTime"] = "2026-01-02T12:00:00.000000Z"
        scene.lease().acquire()
        assert DURATION <= scene.seconds <= DURATION + 2
        assert "of which nothing has been heard since" in scene.said[-1]

    def test_one_of_long_ago_is_not_waited_for(self, scene: Scene) -> None:
        scene.lease(OTHER).acquire()
        scene.pass_time(3600)
        scene.lease().acquire()
        assert scene.seconds == 3600

    def test_who_renews_is_not_taken_over(self, scene: Scene) -> None:
        other = scene.lease(OTHER)
        other.acquire()
        scene.meanwhile = lambda: other.check(CONFIG)
        with pytest.raises(Failure, match="within 300 s"):
            scene.lease(timeout=300).acquire()

    def test_no_more_than_the_last_losers_are_remembered(self, scene: Scene) -> None:
        for number in range(8):
            scene.lease(Holder("run", number, "there", "1")).acquire()
            scene.pass_time(3600)
        lost = scene.stored["metadata"]["annotations"][LOST_BY].splitlines()
        assert [Holder.parse(line).pid for line in lost] == [2, 3, 4, 5, 6]  # type: ignore[union-attr]


class TestLosing:
    """The laptop slept for an hour, and somebody else has deployed meanwhile."""

    @pytest.fixture
    def asleep(self, scene: Scene) -> Lease:
        lease = scene.lease()
        lease.acquire()
        scene.pass_time(3600)
        return lease

    def test_who_slept_changes_nothing_more(self, scene: Scene, asleep: Lease) -> None:
        scene.lease(OTHER).acquire()
        with pytest.raises(LostError, match=r"has lost release airflow .* to ann@desk, process 2, since 13:00:00 UTC"):
            asleep.check(CONFIG)
        with pytest.raises(LostError):
            asleep.check(CONFIG)
        assert scene.holder == OTHER.identity

    def test_also_when_the_other_run_has_ended(self, scene: Scene, asleep: Lease) -> None:
        other = scene.lease(OTHER)
        other.acquire()
        other.give_back()
        with pytest.raises(LostError, match="to another run, which has ended"):
            asleep.check(CONFIG)

    def test_also_the_next_task_of_the_run(self, scene: Scene, asleep: Lease) -> None:
        other = scene.lease(OTHER)
        other.acquire()
        other.give_back()
        with pytest.raises(LostError):
            scene.lease().acquire()

    def test_a_wait_ends(self, scene: Scene, asleep: Lease) -> None:
        scene.lease(OTHER).acquire()
        with pytest.raises(LostError):
            asleep.keep()

    def test_what_another_run_has_is_not_given_back(self, scene: Scene, asleep: Lease) -> None:
        scene.lease(OTHER).acquire()
        with pytest.raises(LostError), asleep.returned_on_failure():
            asleep.check(CONFIG)
        asleep.give_back()
        assert scene.holder == OTHER.identity

    def test_who_slept_while_nobody_came_goes_on(self, scene: Scene, asleep: Lease) -> None:
        asleep.check(CONFIG)
        assert asleep.is_held

    def test_a_task_whose_run_was_killed_changes_nothing_more(self, scene: Scene) -> None:
        lease = scene.lease()
        lease.acquire()
        lease.ended = lambda: True
        for ask in (lambda: lease.check(CONFIG), lease.keep):
            with pytest.raises(LostError, match=r"\(root@laptop, process 1\) has ended"):
                ask()

    def test_deleted_by_hand_is_lost(self, scene: Scene, asleep: Lease) -> None:
        scene.cluster.leases.clear()
        with pytest.raises(LostError):
            asleep.check(CONFIG)


class TestTrouble:
    def test_an_answer_that_was_lost_is_no_loss(self, scene: Scene) -> None:
        lease = scene.lease()
        lease.acquire()
        scene.pass_time(RENEWAL)
        scene.lease().check(CONFIG)
        lease.check(CONFIG)
        assert lease.is_held

    def test_a_wait_goes_on_while_the_cluster_does_not_answer(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lease = scene.lease()
        lease.acquire()
        asked: list[Any] = []

        def silent(method: str, path: str, body: Any = None, **params: Any) -> Any:
            asked.append(params["patience"])
            raise NoAnswer("No cluster answers", "refused")

        monkeypatch.setattr(scene.cluster, "request", silent)
        scene.pass_time(RENEWAL)
        for _second in range(7):
            lease.keep()
            scene.pass_time(1)
        assert asked == [0, 0]
        monkeypatch.undo()
        scene.pass_time(5)
        lease.keep()
        assert scene.stored["spec"]["renewTime"] == scene.cluster.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def test_what_the_cluster_forbids_is_told(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbid(*_args: Any, **_params: Any) -> Any:
            raise ApiFailure('cannot get resource "leases"', 403, "Forbidden")

        monkeypatch.setattr(scene.cluster, "request", forbid)
        with pytest.raises(ApiFailure, match="leases"):
            scene.lease().acquire()

    @pytest.mark.parametrize("gone_after", [30, 1000])
    def test_a_namespace_that_is_being_deleted_is_waited_for(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch, gone_after: float
    ) -> None:
        """A run that comes while one before it is still being removed."""

        def answer(method: str, path: str, **_params: Any) -> Any:
            if method == "get" or scene.seconds >= gone_after:
                raise ApiFailure("not found", 404, "NotFound")
            causes = [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]
            raise ApiFailure("namespace is being terminated", 403, "Forbidden", {"causes": causes})

        monkeypatch.setattr(scene.cluster, "request", answer)
        lease = scene.lease(timeout=60)
        if gone_after > 60:
            with pytest.raises(ApiFailure, match="terminated"):
                lease.acquire()
            assert scene.seconds == 60
        else:
            lease.acquire()
            assert scene.seconds == gone_after
        assert not lease.is_held
        assert scene.said == ["The namespace airflow is being deleted; waiting for it to end, at most 60 s"]


class TestOfATask:
    """A task that changes something, from its options on."""

    @pytest.fixture
    def apply(self, cluster: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr(applyset_apply, "Client", lambda params, *rest: cluster)
        thing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}}
        given = {"release": "airflow", "namespace": "airflow", "set": "web", "objects": [thing], "state": "present"}
        params = {
            **connection,
            **given,
            "force_conflicts": False,
            "render": None,
            "replaces": [],
            "dry_run_digest": "",
            "checksums_of": {},
        }
        return lambda **more: applyset_apply.run(Task({**params, **more.pop("params", {})}, **more))

    def test_holds_the_release_and_keeps_it_for_the_next(self, cluster: Any, apply: Any) -> None:
        apply()
        assert cluster.leases[PATH]["spec"]["holderIdentity"] == this_run(os.getpid()).identity

    def test_names_ansibles_own_process(self, cluster: Any, apply: Any) -> None:
        apply(run_process=os.getppid())
        assert cluster.leases[PATH]["spec"]["holderIdentity"] == this_run(os.getppid()).identity

    def test_ends_with_ansibles_own_process(self, cluster: Any, apply: Any) -> None:
        with pytest.raises(LostError, match="has ended"):
            apply(run_process=1 if os.getppid() != 1 else 2)
        assert cluster.writes == []

    def test_on_a_target_belongs_to_the_run_that_it_is_told(self, cluster: Any, apply: Any) -> None:
        apply(params={"lock_holder": OTHER.identity})
        assert cluster.leases[PATH]["spec"]["holderIdentity"] == OTHER.identity

    def test_in_check_mode_asks_nobody(self, cluster: Any, apply: Any) -> None:
        cluster.leases[PATH] = held_by(OTHER)
        assert apply(check_mode=True)["changed"] is True
        assert cluster.leases[PATH] == held_by(OTHER)

    def test_changes_nothing_while_another_run_is_at_work(self, cluster: Any, apply: Any) -> None:
        cluster.leases[PATH] = held_by(OTHER)
        with pytest.raises(Failure, match="ann@desk"):
            apply()
        assert cluster.writes == []

    def test_gives_it_back_when_it_fails(self, cluster: Any, apply: Any) -> None:
        cluster.refusals["apply ConfigMap/web"] = ApiFailure("no", 403, "Forbidden")
        with pytest.raises(Failure, match="forbids"):
            apply()
        assert "holderIdentity" not in cluster.leases[PATH]["spec"]

    def test_looks_before_every_write(self, cluster: Any, apply: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        looked: list[str] = []
        monkeypatch.setattr(Lease, "check", lambda lease, path: looked.append(path))
        apply()
        names = ["airflow-apply-sets", "web"]
        assert looked == [f"/api/v1/namespaces/airflow/configmaps/{name}" for name in names]
