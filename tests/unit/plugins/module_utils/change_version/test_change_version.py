# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of a change of version, in a cluster in memory whose pods answer at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.change_version import change_version
from ansible_collections.airflow.kubernetes.plugins.module_utils.change_version.change_version import (
    ChangeOfVersion,
    is_older_worker,
    serves,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.change_version.phases import PHASES, Record
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure

NAME = ("ConfigMap", "airflow", "airflow-upgrade")
HEADS = {"alembic_version": "new", "alembic_version_fab": "fab"}


class Asking:
    """Stands in for the pods that are asked.

    :ivar tasks: those that run, at each look.
    """

    def __init__(self) -> None:
        self.tasks: list[list[Any]] = []
        self.version = "3.3.2"
        self.errors: dict[str, str] = {}
        self.revision = "old"
        self.fails = ""

    def in_component(self, component: str, wanted: Any) -> dict[str, Any]:
        assert component == "api-server"
        rows = self.tasks.pop(0) if len(self.tasks) > 1 else self.tasks[0] if self.tasks else []
        return {"database": {"answers": {"tasks": rows}}}

    def in_image(self, *_given: Any) -> dict[str, Any]:
        if self.fails:
            raise Failure(self.fails)
        answers = {"core": [[self.revision]], "fab": [["fab"]], "run_types": [["operator_triggered", 4]]}
        image = {"version": self.version, "fab": "3.9.0", "heads": HEADS}
        return {"image": image, "database": {"answers": answers}, "import_errors": self.errors}

    def free_space(self, _server: str) -> None:
        return None


@pytest.fixture
def asking(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Asking:
    made = Asking()
    monkeypatch.setattr(change_version, "Asking", lambda *_given: made)
    monkeypatch.setattr(ChangeOfVersion, "_wait_for", lambda _self, subject: cluster.log.append(subject["kind"]))
    running(cluster, "3.1.0")
    labels = {"airflow.kubernetes/release": "airflow", "app.kubernetes.io/component": "migrations"}
    status = {"startTime": "2026-01-01T11:59:30Z"}
    cluster.add("Job", "airflow-migrations-1", metadata={"labels": labels}, status=status)
    return made


def running(cluster: Any, version: str) -> None:
    cluster.add("ConfigMap", "airflow-config", metadata={"labels": {"app.kubernetes.io/version": version}})


def step(cluster: Any, name: str, check_mode: bool = False, **given: Any) -> dict[str, Any]:
    """Do a step, as a task of its own does."""
    params = {
        "release": "airflow",
        "namespace": "airflow",
        "operation": "upgrade",
        "version": "3.3.2",
        "image": "a:3.3.2",
        "pod": {},
        "server": "",
        "dag_errors": "stop",
        "drain": False,
        "drain_timeout": 10,
        "confirm": [],
        "timeout": 60,
        "unschedulable_grace": None,
        "retry_grace": 1,
        "restart_grace": 1,
        **given,
    }
    seconds = iter(range(0, 10_000, 3))
    lease: Any = SimpleNamespace(keep=lambda: None)
    made = ChangeOfVersion(
        cluster, params, cluster.log.append, lease, clock=lambda: float(next(seconds)), sleep=lambda _seconds: None
    )
    return made.step(name, check_mode)


def record(cluster: Any) -> Record | None:
    return Record.parse(cluster.objects[NAME]["data"]) if NAME in cluster.objects else None


def everything(cluster: Any, *names: str, **given: Any) -> list[bool]:
    return [step(cluster, name, **given)["due"] for name in names]


UPGRADE = ("check", "stop", "downgrade", "migrate", "retire", "exchange", "workers", "end")


@pytest.mark.usefixtures("asking")
class TestUpgrade:
    def test_is_done_phase_by_phase(self, cluster: Any) -> None:
        assert everything(cluster, *UPGRADE) == [True, True, False, True, True, True, True, True]
        found = record(cluster)
        assert found is not None
        assert (found.source, found.target, found.heads, found.phase) == ("3.1.0", "3.3.2", HEADS, "health")
        assert {*found.began} == {*found.ended} == {*PHASES["upgrade"]}
        assert found.done

    def test_that_is_done_is_not_done_again(self, cluster: Any) -> None:
        everything(cluster, *UPGRADE)
        running(cluster, "3.3.2")
        writes = list(cluster.writes)
        assert everything(cluster, *UPGRADE) == [False] * len(UPGRADE)
        assert [line for line in cluster.writes[len(writes) :] if line.startswith(("apply", "delete"))] == []

    @pytest.mark.parametrize("after", range(1, len(UPGRADE)))
    def test_that_was_killed_is_ended_by_the_next_run(self, cluster: Any, after: int) -> None:
        everything(cluster, *UPGRADE[:after])
        if after > 2:
            running(cluster, "3.3.2")
        everything(cluster, *UPGRADE)
        found = record(cluster)
        assert found is not None
        assert {*found.ended} == {*PHASES["upgrade"]}
        assert found.done

    def test_changes_nothing_in_check_mode(self, cluster: Any) -> None:
        for name in UPGRADE:
            step(cluster, name, check_mode=True)
        assert record(cluster) is None


class TestCheck:
    @pytest.mark.parametrize(
        ("attribute", "value", "told"),
        [
            ("version", "3.2.2", "the image has Airflow 3.2.2"),
            ("errors", {"a.py": "ImportError: no"}, "a.py"),
            ("fails", "cannot be pulled", "cannot be pulled"),
        ],
    )
    def test_nothing_is_begun_where_it_would_fail(
        self, cluster: Any, asking: Asking, attribute: str, value: Any, told: str
    ) -> None:
        setattr(asking, attribute, value)
        with pytest.raises(Failure, match=told):
            step(cluster, "check")
        assert record(cluster) is None

    def test_import_errors_may_be_let_pass(self, cluster: Any, asking: Asking) -> None:
        asking.errors = {"a.py": "ImportError: no"}
        (warning,) = step(cluster, "check", dag_errors="warn")["warnings"]
        assert "1 files with DAGs" in warning


class TestDrain:
    TASK = ("a", "b", -1, "run", "running", "worker-0", "2026-01-01T11:58:00+00:00")

    def test_tasks_run_on(self, cluster: Any, asking: Asking) -> None:
        asking.tasks = [[self.TASK]]
        everything(cluster, "check", "stop")
        assert [line for line in cluster.log if "a.b (run) on worker-0, since 2 min" in line]

    def test_are_waited_for_where_that_is_wanted(self, cluster: Any, asking: Asking) -> None:
        asking.tasks = [[self.TASK], [self.TASK], []]
        everything(cluster, "check", "stop", drain=True, drain_timeout=1000)
        found = record(cluster)
        assert found is not None
        assert found.waited == 1

    def test_one_that_does_not_end_calls_the_upgrade_off(self, cluster: Any, asking: Asking) -> None:
        asking.tasks = [[self.TASK]]
        with pytest.raises(Failure, match=r"(?s)have not ended.*a\.b \(run\).*Nothing was changed"):
            everything(cluster, "check", "stop", drain=True)
        assert record(cluster) is None

    def test_are_waited_for_where_the_versions_are_not_known_to_go_together(self, cluster: Any, asking: Asking) -> None:
        asking.version, asking.tasks = "4.0.0", [[self.TASK]]
        with pytest.raises(Failure, match="have not ended"):
            everything(cluster, "check", "stop", version="4.0.0")


class TestRollback:
    BACK: ClassVar[dict[str, Any]] = {"operation": "rollback", "version": "3.1.0", "image": "a:3.1.0"}

    @pytest.fixture(autouse=True)
    def _newer(self, cluster: Any, asking: Asking) -> None:
        running(cluster, "3.3.2")
        asking.version = "3.1.0"
        labels = {"airflow.kubernetes/release": "airflow", "app.kubernetes.io/component": "downgrade"}
        cluster.add("Job", "airflow-downgrade-1", metadata={"labels": labels})

    def test_wants_a_confirmation_of_what_is_lost(self, cluster: Any) -> None:
        with pytest.raises(Failure, match=r"(?s)4 DAG runs.*airflow_rollback_confirm=airflow/airflow"):
            step(cluster, "check", **self.BACK)
        with pytest.raises(
            Failure, match="loses what follows for good, and airflow_rollback_confirm names airflow/other"
        ):
            step(cluster, "check", **self.BACK, confirm=["airflow/other"])
        assert record(cluster) is None

    def test_is_done(self, cluster: Any) -> None:
        confirmed = {**self.BACK, "confirm": ["airflow/airflow"]}
        assert step(cluster, "check", **confirmed)["downgrade"]
        assert everything(cluster, "stop", "downgrade", **self.BACK) == [True, True]
        assert everything(cluster, "retire", "workers", **self.BACK) == [False, False]
        assert everything(cluster, "migrate", "exchange", "end", **self.BACK) == [True, True, True]

    def test_whose_schema_is_back_already_loses_nothing_more(self, cluster: Any, asking: Asking) -> None:
        asking.revision = "new"
        assert step(cluster, "check", **self.BACK)["due"]


def pod(image: str = "a:3.3.2", created: str = "2026-01-01T12:00:00Z", container: str = "worker") -> dict[str, Any]:
    metadata = {"name": "a", "creationTimestamp": created}
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": container, "image": image}]},
        "status": {"phase": "Running"},
    }


@pytest.mark.parametrize(
    ("given", "is_older"),
    [
        (pod("a:3.1.0"), True),
        (pod(), False),
        (pod(created="2026-01-01T11:00:00Z"), True),
        (pod("a:3.1.0", container="scheduler"), False),
    ],
)
def test_an_older_worker_is_known_by_image_and_age(given: dict[str, Any], is_older: bool) -> None:
    known = Record("upgrade", "3.1.0", "3.3.2", "a:3.1.0", "a:3.3.2", began={"exchange": "2026-01-01T11:30:00+00:00"})
    assert is_older_worker(given, known) is is_older
    ending = {**given, "metadata": {**given["metadata"], "deletionTimestamp": "2026-01-01T12:00:00Z"}}
    assert not is_older_worker(ending, known)


def test_an_older_api_server_does_not_count() -> None:
    assert serves(pod(container="api-server"), "a:3.3.2")
    assert not serves(pod("a:3.1.0", container="api-server"), "a:3.3.2")
    assert not serves(pod(), "a:3.3.2")
