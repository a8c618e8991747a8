# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release goes, its data only when that is asked for, and nobody else's objects at all."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import destroy as applyset_destroy
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.apply_set import ApplySet
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.prepare import prepare
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task

LABELS = {"airflow.kubernetes/release": "airflow"}


@pytest.fixture
def deployed(cluster: Any) -> Any:
    """A release of two sets, with a Secret and a claim, beside another release and something of nobody."""
    for release in ("airflow", "other"):
        for name in ("web", "worker"):
            apply_set = ApplySet(cluster, release, name, "airflow")
            kinds = ("ConfigMap", "Deployment", "PersistentVolumeClaim")
            given = [{"apiVersion": "v1", "kind": kind, "metadata": {"name": f"{release}-{name}"}} for kind in kinds]
            apply_set.apply(prepare(given, release, name, "airflow"))
        cluster.add("Secret", release, metadata={"labels": {"airflow.kubernetes/release": release}})
    cluster.add("Secret", "users")
    cluster.log.clear()
    return cluster


@pytest.fixture
def destroy(deployed: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the task and return its result."""
    monkeypatch.setattr(applyset_destroy, "Client", lambda params, *rest: deployed)
    monkeypatch.setattr(applyset_destroy.time, "sleep", lambda seconds: None)
    params = {
        **connection,
        "release": "airflow",
        "namespace": "airflow",
        "data": False,
        "confirm": ["airflow/airflow"],
        "timeout": 5,
        "permissions": [],
    }
    return lambda check_mode=False, **given: applyset_destroy.run(Task({**params, **given}, check_mode=check_mode))


def of(cluster: Any, release: str) -> list[str]:
    return sorted(f"{kind}/{name}" for kind, _namespace, name in cluster.objects if name.startswith(release))


def test_everything_but_the_data_goes(deployed: Any, destroy: Any) -> None:
    result = destroy()
    left = ["PersistentVolumeClaim/airflow-web", "PersistentVolumeClaim/airflow-worker", "Secret/airflow"]
    assert result["changed"] is True
    assert result["kept"] == left
    assert [path for path in of(deployed, "airflow") if path != "Namespace/airflow"] == left
    assert {(item["kind"], item["name"]) for item in result["objects"]} == {
        (kind, name) for kind in ("ConfigMap", "Deployment") for name in ("airflow-web", "airflow-worker")
    }


def test_the_data_goes_when_that_is_asked_for(deployed: Any, destroy: Any) -> None:
    result = destroy(data=True)
    assert of(deployed, "airflow") == ["Namespace/airflow"]
    assert result["kept"] == []
    assert {"kind": "Secret", "name": "airflow", "result": "deleted"} in result["objects"]


@pytest.mark.parametrize(
    ("confirm", "named"),
    [
        ([], "it was not confirmed"),
        ([""], "it was not confirmed"),
        (["airflow"], "airflow_destroy_confirm names airflow"),
        (["other/airflow", "airflow/other"], "airflow_destroy_confirm names other/airflow, airflow/other"),
    ],
)
def test_data_of_a_release_that_is_not_named_is_safe(
    deployed: Any, destroy: Any, confirm: list[str], named: str
) -> None:
    before = of(deployed, "airflow")
    with pytest.raises(Failure, match=f"{named}.*-e airflow_destroy_confirm=airflow/airflow"):
        destroy(data=True, confirm=confirm)
    assert of(deployed, "airflow") == before
    assert deployed.writes == []


def test_one_of_several_names_will_do(deployed: Any, destroy: Any) -> None:
    destroy(data=True, confirm=["sales/airflow", " airflow/airflow"])
    assert of(deployed, "airflow") == ["Namespace/airflow"]


@pytest.mark.parametrize("given", [{"data": False}, {"data": True, "check_mode": True}])
def test_what_deletes_no_data_need_not_be_confirmed(destroy: Any, given: dict[str, Any]) -> None:
    assert destroy(confirm=[], **given)["changed"] is True


@pytest.mark.parametrize("data", [False, True])
def test_what_is_in_another_namespace_goes_too(deployed: Any, destroy: Any, data: bool) -> None:
    deployed.add("Namespace", "monitoring")
    metadata = {"name": "airflow-extra", "namespace": "monitoring"}
    given = [{"apiVersion": "v1", "kind": kind, "metadata": metadata} for kind in ("ConfigMap", "Secret")]
    ApplySet(deployed, "airflow", "extra_objects", "airflow").apply(
        prepare(given, "airflow", "extra_objects", "airflow")
    )
    result = destroy(data=data)
    left = [kind for kind, namespace, _name in deployed.objects if namespace == "monitoring"]
    assert left == ([] if data else ["Secret"])
    assert ("Secret/airflow-extra (namespace monitoring)" in result["kept"]) is not data
    assert destroy(data=True)["kept"] == []
    assert "Secret/airflow-extra" not in of(deployed, "airflow")
    assert "ConfigMap/airflow-apply-sets" not in of(deployed, "airflow")


@pytest.mark.parametrize("data", [False, True])
def test_nothing_of_another_release_or_of_nobody_goes(deployed: Any, destroy: Any, data: bool) -> None:
    before = of(deployed, "other")
    destroy(data=data)
    assert of(deployed, "other") == before
    assert "ConfigMap/other-apply-sets" in before
    assert of(deployed, "users") == ["Secret/users"]


def test_the_namespace_stays(deployed: Any, destroy: Any) -> None:
    destroy(data=True)
    assert deployed.names("Namespace") == ["airflow"]


def test_a_second_time_changes_nothing(destroy: Any) -> None:
    destroy()
    assert destroy()["changed"] is False
    assert destroy(data=True)["changed"] is True
    assert destroy(data=True)["changed"] is False


@pytest.mark.parametrize("data", [False, True])
def test_check_mode_tells_the_same_and_deletes_nothing(deployed: Any, destroy: Any, data: bool) -> None:
    before = of(deployed, "airflow")
    told = destroy(check_mode=True, data=data)
    assert of(deployed, "airflow") == before
    assert deployed.writes == []
    assert destroy(data=data)["objects"] == told["objects"]


def test_a_claim_that_is_going_already_is_not_told_as_kept(deployed: Any, destroy: Any) -> None:
    deployed.objects["Secret", "airflow", "airflow"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert "Secret/airflow" not in destroy()["kept"]


class TestVolumesOfFolders:
    """They live in no namespace, and what they lead to is nobody's to delete."""

    @pytest.fixture
    def volumes(self, deployed: Any) -> Any:
        for namespace in ("airflow", "elsewhere"):
            claim = {"namespace": namespace, "name": "airflow-dags"}
            deployed.add(
                "PersistentVolume",
                f"{namespace}-airflow-dags",
                metadata={"labels": LABELS},
                spec={"claimRef": claim, "persistentVolumeReclaimPolicy": "Retain"},
            )
        return deployed

    def test_stay_with_the_data(self, volumes: Any, destroy: Any) -> None:
        assert "PersistentVolume/airflow-airflow-dags" in destroy()["kept"]
        assert len(volumes.names("PersistentVolume")) == 2

    def test_go_with_the_data_but_not_those_of_a_release_of_the_same_name(self, volumes: Any, destroy: Any) -> None:
        result = destroy(data=True)
        assert volumes.names("PersistentVolume") == ["elsewhere-airflow-dags"]
        assert result["kept"] == []

    def test_who_may_not_see_them_has_none(self, deployed: Any, destroy: Any) -> None:
        deployed.refusals["list PersistentVolume"] = ApiFailure("forbidden", 403, "Forbidden")
        assert destroy(data=True)["changed"] is True


def test_data_goes_only_after_the_pods_have_ended(deployed: Any, destroy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed.add("Pod", "airflow-worker-0", metadata={"labels": LABELS})
    seen = []

    def sleep(seconds: float) -> None:
        seen.append(deployed.names("PersistentVolumeClaim"))
        del deployed.objects["Pod", "airflow", "airflow-worker-0"]

    monkeypatch.setattr(applyset_destroy.time, "sleep", sleep)
    destroy(data=True)
    assert seen == [["airflow-web", "airflow-worker", "other-web", "other-worker"]]
    assert deployed.names("PersistentVolumeClaim") == ["other-web", "other-worker"]


def test_workers_end_while_the_rest_is_there(deployed: Any, destroy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_set = ApplySet(deployed, "airflow", "workers", "airflow")
    given = [{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "airflow-worker"}}]
    apply_set.apply(prepare(given, "airflow", "workers", "airflow"))
    deployed.add("Pod", "airflow-worker-0", metadata={"labels": {**LABELS, "airflow.kubernetes/worker": "true"}})
    seen = []

    def sleep(seconds: float) -> None:
        seen.append([path for path in of(deployed, "airflow") if path.startswith(("Deployment/", "StatefulSet/"))])
        del deployed.objects["Pod", "airflow", "airflow-worker-0"]

    monkeypatch.setattr(applyset_destroy.time, "sleep", sleep)
    destroy()
    assert seen == [["Deployment/airflow-web", "Deployment/airflow-worker"]]
    assert deployed.names("StatefulSet") == []


def test_pods_that_do_not_end_are_named_and_the_data_stays(
    deployed: Any, destroy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.add("Pod", "airflow-worker-0", metadata={"labels": LABELS, "deletionGracePeriodSeconds": 900})
    now = itertools.count(0, 50)
    monkeypatch.setattr(applyset_destroy.time, "monotonic", lambda: float(next(now)))
    # Its grace, and 5 s more.
    with pytest.raises(Failure, match=r"After 905 s these pods of airflow in airflow have not ended: airflow-worker-0"):
        destroy(data=True)
    assert "Secret/airflow" in of(deployed, "airflow")


def test_pods_of_tasks_are_deleted_once_and_awaited(
    deployed: Any, destroy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = {**LABELS, "airflow.kubernetes/task-pod": "true"}
    deployed.add("Pod", "slow-task", metadata={"labels": labels})
    deployed.add("Pod", "ending-task", metadata={"labels": labels, "deletionTimestamp": "2026-01-01T12:00:00Z"})
    deployed.add("Pod", "airflow-redis-0", metadata={"labels": LABELS})
    deployed.add("Pod", "others-task", metadata={"labels": {**labels, "airflow.kubernetes/release": "other"}})
    seconds = itertools.count()

    def sleep(_seconds: float) -> None:
        if next(seconds) == 1:
            for name in ("ending-task", "airflow-redis-0"):
                del deployed.objects["Pod", "airflow", name]

    monkeypatch.setattr(applyset_destroy.time, "sleep", sleep)
    destroy()
    assert [entry for entry in deployed.log if "task" in entry] == ["delete Pod/slow-task"]
    assert [name for kind, _namespace, name in deployed.objects if kind == "Pod"] == ["others-task"]
