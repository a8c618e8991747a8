"""What counts as the same state, and at which points a run is killed."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tools.soak.deploy import Run
from tools.soak.interruptions import Row, changed_objects, show, spread
from tools.soak.state import differences, is_compared, substance


def deployment(**metadata: Any) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "airflow-scheduler", "namespace": "calm", "labels": {}, **metadata},
        "spec": {
            "replicas": 1,
            "template": {"metadata": {"annotations": {"airflow.kubernetes/secrets-checksum": "ab12"}}},
        },
        "status": {"readyReplicas": 1},
    }


def test_what_differs_by_chance_is_no_difference() -> None:
    one = deployment(uid="1", resourceVersion="5", annotations={"deployment.kubernetes.io/revision": "1"})
    two = deployment(uid="2", resourceVersion="9", annotations={"deployment.kubernetes.io/revision": "4"})
    two["metadata"]["namespace"] = "harmed"
    two["status"] = {}
    two["spec"]["template"]["metadata"]["annotations"]["airflow.kubernetes/secrets-checksum"] = "cd34"
    assert substance(one, "calm") == substance(two, "harmed")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda item: item["spec"].update(replicas=2), ["spec.replicas is 2 instead of 1"]),
        (lambda item: item["metadata"]["labels"].update(a="b"), ["metadata.labels.a should not be there"]),
        (lambda item: item["spec"].pop("replicas"), ["spec.replicas is missing"]),
        (
            lambda item: item["spec"]["template"]["metadata"]["annotations"].update(x="1"),
            ["spec.template.metadata.annotations.x should not be there"],
        ),
    ],
)
def test_what_does_not_is_told(change: Any, told: list[str]) -> None:
    other = copy.deepcopy(deployment())
    change(other)
    assert differences(substance(deployment(), "calm"), substance(other, "calm")) == told


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("airflow-scheduler-54dcbf8cd9-7p9jn", "airflow-scheduler"),
        ("airflow-scheduler-cd9b74c-qtzkm", "airflow-scheduler"),
        ("airflow-worker-0", "airflow-worker-0"),
        ("airflow-dag-processor-84bd4ccf55-mh5hh", "airflow-dag-processor"),
    ],
)
def test_a_pod_is_called_by_its_workload(name: str, found: str) -> None:
    pod = {"kind": "Pod", "metadata": {"name": name, "namespace": "calm"}, "status": {"phase": "Running"}}
    assert substance(pod, "calm")["metadata"]["name"] == f"Pod/{found}"


def test_what_a_secret_holds_is_not_in_it() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "login", "namespace": "calm"}, "data": {"password": "aHVudGVy"}}
    assert substance(secret, "calm")["data"] == ["password"]


def test_a_lease_says_only_who_holds_it() -> None:
    def lease(**spec: Any) -> Any:
        return substance({"kind": "Lease", "metadata": {"name": "airflow-deploy"}, "spec": spec}, "calm")

    assert lease(renewTime="1", leaseTransitions=1) == lease(renewTime="2", leaseTransitions=4)
    assert lease(holderIdentity="somebody") != lease()


@pytest.mark.parametrize(
    ("phase", "metadata", "compared"),
    [("Running", {}, True), ("Succeeded", {}, False), ("Running", {"deletionTimestamp": "now"}, False)],
)
def test_pods_that_go_are_not_compared(phase: str, metadata: dict[str, str], compared: bool) -> None:
    assert is_compared({"kind": "Pod", "metadata": metadata, "status": {"phase": phase}}) is compared


@pytest.mark.parametrize(("name", "compared"), [("airflow-upgrade", False), ("airflow-config", True)])
def test_the_record_of_an_upgrade_with_its_times_is_not_compared(name: str, compared: bool) -> None:
    assert is_compared({"kind": "ConfigMap", "metadata": {"name": name}}) is compared


def test_two_thirds_of_the_points_are_where_a_task_begins() -> None:
    points = [True] * 14 + [False] * 40
    assert spread(3, points) == [4, 11, 35]
    kills = spread(20, points)
    assert len(set(kills)) == 20
    assert sum(points[kill - 1] for kill in kills) == 14
    assert spread(1, points) == [8]


def test_the_exit_code_tells_whether_all_was_made_good(capsys: pytest.CaptureFixture[str]) -> None:
    good = Row("fresh", "Apply Redis", 5.2, 61.0)
    assert show([good]) == 0
    assert show([good, Row("fresh", "Apply Redis", 5.2, 61.0, ("Secret/login has changed",))]) == 1
    assert show([]) == 1
    output = capsys.readouterr().out
    assert "1 of 2 interruptions were made good by one run" in output
    assert "    Secret/login has changed" in output


def test_what_a_run_has_changed_is_read_from_its_differences() -> None:
    lines = ["--- before: Namespace/one", "+++ after: Namespace/one created", "+kind: Namespace", "changed: [airflow]"]
    assert changed_objects(Run(lines=lines)) == ["Namespace/one"]
    assert changed_objects(Run(lines=lines[3:])) == []
