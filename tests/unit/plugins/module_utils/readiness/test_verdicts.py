# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verdicts on the objects of real clusters, recorded by recorded/record.py."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.labels import SET_LABEL
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.cache import (
    EVIDENCE_KINDS,
    LISTED,
    PRIMARY_KINDS,
    Change,
    ObjectCache,
    slim,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.context import Context
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.evaluators import EVALUATORS
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.refusals import refused_verdict
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.settle import History, Instant, settle
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.verdict import (
    Key,
    State,
    Verdict,
    failed,
    pending,
    ready,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.workloads import (
    deployment_verdict,
    stateful_set_verdict,
)

RECORDED = Path(__file__).parents[1] / "recorded"
SCHEDULER = Key("Deployment", "airflow-scheduler")
WORKER = Key("StatefulSet", "airflow-worker")
MIGRATIONS = Key("Job", "airflow-migrations")
DAGS = Key("PersistentVolumeClaim", "airflow-dags")


@cache
def _read(recording: str) -> dict[str, Any]:
    return dict(yaml.safe_load((RECORDED / f"{recording}.yaml").read_text(encoding="utf-8")))


class Recording:
    """A namespace as it was at one moment."""

    def __init__(self, name: str) -> None:
        read = copy.deepcopy(_read(name))
        self.now = datetime.fromisoformat(read["now"])
        self.objects: list[dict[str, Any]] = read["objects"]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [obj for obj in self.objects if obj["kind"] == kind]

    def cache(self, **more: Any) -> ObjectCache:
        cache = ObjectCache("airflow", **more)
        # Kind adds none.
        cache.adds_nodes = False
        for kind in (*PRIMARY_KINDS, *EVIDENCE_KINDS):
            cache.take(Change(kind, LISTED, self.of(kind)))
        return cache

    def judge(self, key: Key, later: float = 0, **more: Any) -> Verdict:
        """Return the verdict on one object, ``later`` seconds after the recording."""
        return EVALUATORS[key.kind](self.cache(**more).context(key, self.now + timedelta(seconds=later)))

    def first_seen(self, *reasons: str) -> float:
        """Return how many seconds before the recording the first event of these reasons was."""
        times = [
            datetime.fromisoformat(event.get("firstTimestamp") or event["eventTime"])
            for event in self.of("Event")
            if event["reason"] in reasons
        ]
        return (self.now - min(times)).total_seconds()


#: Recording, object, seconds after the recording, and what the verdict has to say in its reason, place and advice.
NEVER: list[tuple[str, Key, float, str, str, str]] = [
    ("image-invalid", SCHEDULER, 0, r"cannot be pulled: .*must be lowercase", "container main", "name and tag"),
    ("image-never", SCHEDULER, 0, r"not present with pull policy of Never", "container main", "name and tag"),
    ("crash", SCHEDULER, 0, r"container main ended \d+ times, last: exit code 3", "container main", "logs .* -c main"),
    (
        "init-crash",
        SCHEDULER,
        0,
        r"init container prepare ended \d+ times, last: exit code 2",
        "container prepare",
        "logs",
    ),
    ("oom", SCHEDULER, 0, r"out of memory at its limit of 24Mi", "container main", "limits.memory"),
    ("secret-missing", SCHEDULER, 0, r'secret "airflow-secrets" not found', "container main", "Create what is missing"),
    ("key-missing", SCHEDULER, 0, r"couldn't find key fernet in Secret", "container main", "Create what is missing"),
    (
        "too-big",
        WORKER,
        0,
        r"1 Insufficient cpu, 1 Insufficient memory \(it asks for cpu 64, memory 100Gi\)",
        "-0",
        "less",
    ),
    ("no-node", SCHEDULER, 0, r"didn't match Pod's node affinity/selector", "Pod airflow-scheduler-", "node"),
    ("claim-rwx", DAGS, 0, r"only supports ReadWriteOnce", "", "can do ReadWriteMany"),
    ("claim-class", DAGS, 0, r'storageclass.storage.k8s.io "fast" not found', "", 'Create the storage class "fast"'),
    ("claim-no-class", DAGS, 0, r"no storage class is set", "", "Name a storage class"),
    ("claim-absent", SCHEDULER, 0, r"its claim airflow-dags does not exist", "Pod ", "Create the claim"),
    ("job-failed", MIGRATIONS, 0, r"container main ended with exit code 3", "container main of Pod", "logs"),
    ("job-retries", MIGRATIONS, 0, r"failed after 2 tries: .* exit code 3", "container main of Pod", "logs"),
    ("job-on-failure", MIGRATIONS, 0, r"exit code 3", "container main of Pod", "logs"),
    ("quota", SCHEDULER, 0, r"is refused: exceeded quota: small", "", "describe quota"),
    ("quota", WORKER, 0, r"is refused: exceeded quota: small", "", "describe quota"),
    ("quota", MIGRATIONS, 0, r"is refused: exceeded quota: small", "", "describe quota"),
    ("pod-security", SCHEDULER, 0, r'is refused: violates PodSecurity "restricted', "", "level"),
    ("pod-security", WORKER, 0, r'is refused: violates PodSecurity "restricted', "", "level"),
    ("pod-security", MIGRATIONS, 0, r'is refused: violates PodSecurity "restricted', "", "level"),
    ("limit-range", SCHEDULER, 0, r"maximum memory usage per Container is 32Mi, but limit is 64Mi", "", "limitrange"),
    ("liveness", SCHEDULER, 0, r"killed because its liveness probe fails: no heartbeat", "container main", "more time"),
    ("startup", SCHEDULER, 0, r"killed because its startup probe fails: .*refused", "container main", "more time"),
    ("readiness", SCHEDULER, 0, r"no progress for 15 s: container main runs, not ready yet", "Pod ", "describe"),
    ("volume-secret", SCHEDULER, 0, r'secret "airflow-tls" not found', "Pod ", "Create what is missing"),
    ("no-command", SCHEDULER, 0, r'exec: "airflow": executable file not found', "container main", "command"),
    ("run-as-root", SCHEDULER, 0, r"runAsNonRoot and image will run as root", "container main", "numeric USER"),
    ("service-account", SCHEDULER, 0, r"serviceaccount .* not found", "", "service account"),
    ("left-behind", WORKER, 0, r"airflow-worker-0 of an earlier revision is broken and not replaced", "", "delete pod"),
    ("rollout-bad", SCHEDULER, 0, r"container main ended \d+ times, last: exit code 3", "container main", "logs"),
    ("gate", SCHEDULER, 0, r"init container wait-for-schema ended \d+ times", "container wait-for-schema", "logs"),
]


@pytest.mark.parametrize(
    ("recording", "key", "later", "reason", "place", "advice"), NEVER, ids=[f"{row[0]}-{row[1].kind}" for row in NEVER]
)
def test_what_never_will_be(recording: str, key: Key, later: float, reason: str, place: str, advice: str) -> None:
    verdict = Recording(recording).judge(key, later)
    assert verdict.state == State.FAILED, verdict
    assert re.search(reason, verdict.reason)
    assert place in verdict.place
    assert re.search(advice, verdict.advice)


#: Recording, object, and the event after which a grace begins, with its seconds.
GRACES = [
    ("secret-missing", SCHEDULER, "Failed", 5),
    ("too-big", WORKER, "FailedScheduling", 10),
    ("claim-class", DAGS, "ProvisioningFailed", 5),
    ("claim-no-class", DAGS, "FailedBinding", 8),
    ("quota", WORKER, "FailedCreate", 5),
    ("volume-secret", SCHEDULER, "FailedMount", 5),
]


@pytest.mark.parametrize(("recording", "key", "event", "seconds"), GRACES, ids=[row[0] for row in GRACES])
def test_a_grace_is_kept_and_no_longer(recording: str, key: Key, event: str, seconds: float) -> None:
    recorded = Recording(recording)
    began = -recorded.first_seen(event)
    before = recorded.judge(key, began + seconds - 1.5)
    assert before.state == State.PENDING
    assert before.hints.recheck_at
    assert abs((before.hints.recheck_at - recorded.now).total_seconds() - (began + seconds)) <= 1
    after = recorded.judge(key, began + seconds + 1)
    assert after.state == State.FAILED
    assert after.reason == before.reason


def test_a_registry_that_does_not_answer_is_tried_again() -> None:
    recorded = Recording("image-missing")
    began = -recorded.first_seen("Failed")
    [pull] = [event for event in recorded.of("Event") if event["message"].startswith("Failed to pull")]
    # The recording ends before the kubelet's third try.
    assert pull["count"] < 3
    assert recorded.judge(SCHEDULER, began + 200).state == State.PENDING
    pull["count"] = 3
    assert recorded.judge(SCHEDULER, began + 88).state == State.PENDING
    verdict = recorded.judge(SCHEDULER, began + 91)
    assert verdict.state == State.FAILED
    assert verdict.reason.startswith('image "docker.io/library/redis:nope" cannot be pulled: ')
    assert "container main" in verdict.place
    assert "the node reaches the registry" in verdict.advice


def test_pods_that_wait_for_a_failed_claim_are_not_the_failure() -> None:
    for recording in ("claim-rwx", "claim-class", "claim-no-class"):
        verdict = Recording(recording).judge(SCHEDULER)
        assert (verdict.state, verdict.reason) == (State.PENDING, "waits for claim airflow-dags")


def test_pods_that_wait_for_a_failed_migration_are_not_the_failure() -> None:
    verdict = Recording("job-failed").judge(SCHEDULER)
    assert (verdict.state, verdict.reason) == (State.PENDING, "init container wait-for-schema runs")


def test_a_claim_that_nothing_uses_holds_up_nothing() -> None:
    recorded = Recording("claim-unused")
    verdict = recorded.judge(DAGS)
    assert verdict.state == State.PENDING
    assert not verdict.blocks
    assert recorded.judge(SCHEDULER, later=30).state == State.READY


def test_a_container_without_a_probe_has_to_last() -> None:
    recorded = Recording("claim-unused")
    [pod] = recorded.of("Pod")
    began = datetime.fromisoformat(pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"])
    verdict = recorded.judge(SCHEDULER, later=(began - recorded.now).total_seconds() + 2)
    assert verdict.state == State.PENDING
    assert "has no probe" in verdict.reason


def test_a_wait_for_dependencies_fails_only_after_what_it_waits_for_is_done() -> None:
    recorded = Recording("gate")
    verdict = recorded.judge(SCHEDULER)
    assert verdict.hints.awaits_dependencies
    assert verdict.since

    def state(migrations: Verdict, others_ready: datetime | None) -> State:
        verdicts = {SCHEDULER: verdict, MIGRATIONS: migrations}
        settled = settle(verdicts, History(others_ready=others_ready), Instant(recorded.now))
        return settled.verdicts[SCHEDULER].state

    assert state(pending("runs"), None) == State.PENDING
    assert state(ready(), verdict.since + timedelta(seconds=1)) == State.PENDING
    assert state(ready(), verdict.since - timedelta(seconds=1)) == State.FAILED


def test_a_failed_log_is_that_of_the_container_that_failed() -> None:
    verdict = Recording("crash").judge(SCHEDULER)
    assert verdict.log
    assert verdict.log.container == "main"
    assert verdict.log.pod in verdict.place


def test_pods_of_an_earlier_revision_do_not_count_for_a_deployment() -> None:
    recorded = Recording("crash")
    [deployment] = recorded.of("Deployment")
    deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "2"
    verdict = recorded.judge(SCHEDULER)
    assert verdict.state == State.PENDING


def test_a_status_of_before_the_change_does_not_count() -> None:
    for recording, key in (("crash", SCHEDULER), ("too-big", WORKER)):
        recorded = Recording(recording)
        [workload] = recorded.of(key.kind)
        workload["metadata"]["generation"] += 1
        assert recorded.judge(key).reason == "its controller has not seen the change yet"


def test_events_of_a_pod_that_is_gone_do_not_count() -> None:
    recorded = Recording("image-missing")
    cache = recorded.cache()
    [pod] = recorded.of("Pod")
    cache.take(Change("Pod", "DELETED", [pod]))
    context = cache.context(SCHEDULER, recorded.now)
    assert not any(event.reason == "Failed" for events in context.events.values() for event in events)
    assert deployment_verdict(context).state == State.PENDING


def test_of_two_refused_revisions_the_present_one_is_told() -> None:
    recorded = Recording("quota")
    for deployment in recorded.of("Deployment"):
        for found in deployment["status"]["conditions"]:
            if found["type"] == "ReplicaFailure":
                found["message"] = "pods are forbidden: violates PodSecurity of the revision before"
    assert "exceeded quota: small" in recorded.judge(SCHEDULER, later=30).reason


def test_a_refusal_that_was_overcome_does_not_count() -> None:
    recorded = Recording("quota")
    [stateful_set] = recorded.of("StatefulSet")
    pod = {
        "kind": "Pod",
        "metadata": {
            "name": "airflow-worker-0",
            "uid": "new",
            "creationTimestamp": (recorded.now + timedelta(seconds=1)).isoformat(),
            "ownerReferences": [
                {
                    "controller": True,
                    "kind": "StatefulSet",
                    "name": "airflow-worker",
                    "uid": stateful_set["metadata"]["uid"],
                }
            ],
        },
        "status": {},
    }
    recorded.objects.append(pod)
    assert recorded.judge(WORKER, later=2).state == State.PENDING


def test_stuck_pods_are_named_only_if_they_are_older_than_the_run() -> None:
    recorded = Recording("crash")
    [pod] = recorded.of("Pod")
    made = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
    assert recorded.judge(SCHEDULER, started=made + timedelta(seconds=5)).hints.stuck == ()
    stuck = recorded.judge(SCHEDULER, started=made + timedelta(seconds=60)).hints.stuck
    assert stuck == (Key("Pod", pod["metadata"]["name"]),)


def test_a_claim_that_is_there_by_now_is_not_absent() -> None:
    recorded = Recording("claim-absent")
    made = {"kind": "PersistentVolumeClaim", "metadata": {"name": "airflow-dags", "uid": "new"}, "spec": {}}
    recorded.objects.append(made)
    verdict = recorded.judge(SCHEDULER, later=30)
    assert verdict.state == State.PENDING
    assert verdict.reason == "waits for claim airflow-dags"


def test_a_claim_that_is_being_replaced_is_waited_for() -> None:
    recorded = Recording("claim-absent")
    for pod in recorded.of("Pod"):
        for condition in pod["status"]["conditions"]:
            if condition.get("reason") == "Unschedulable":
                message = '0/1 nodes are available: persistentvolumeclaim "airflow-dags" is being deleted. not found.'
                condition["message"] = message
    verdict = recorded.judge(SCHEDULER, later=30)
    assert verdict.state == State.PENDING
    assert verdict.reason == "waits for claim airflow-dags"


def test_a_node_that_is_coming_is_waited_for() -> None:
    recorded = Recording("too-big")
    [event] = [e for e in recorded.of("Event") if e["reason"] == "FailedScheduling"]
    coming = copy.deepcopy(event)
    coming |= {"reason": "TriggeredScaleUp", "message": "pod triggered scale-up: [{workers 1->2 (max: 3)}]"}
    coming["metadata"]["name"] += "-scale"
    recorded.objects.append(coming)
    verdict = recorded.judge(WORKER, later=300)
    assert verdict.state == State.PENDING
    assert verdict.reason.startswith("waits for a new node")


@pytest.mark.parametrize("judge", list(EVALUATORS.values()), ids=list(EVALUATORS))
def test_an_object_without_status_is_not_yet(judge: Callable[[Context], Verdict]) -> None:
    context = Context({"metadata": {"name": "x", "generation": 1}}, datetime.fromisoformat("2026-01-01T00:00:00Z"))
    assert judge(context).state == State.PENDING


@pytest.mark.parametrize("judge", [deployment_verdict, stateful_set_verdict])
def test_a_workload_scaled_to_nothing_is_done(judge: Callable[[Context], Verdict]) -> None:
    workload = {"metadata": {"generation": 1}, "spec": {"replicas": 0}, "status": {"observedGeneration": 1}}
    assert judge(Context(workload, datetime.fromisoformat("2026-01-01T00:00:00Z"))).state == State.READY


def _recordings() -> Iterable[str]:
    return sorted(path.stem for path in RECORDED.glob("*.yaml"))


@pytest.mark.parametrize("recording", _recordings())
def test_slimming_twice_changes_no_verdict(recording: str) -> None:
    recorded = Recording(recording)
    cache = recorded.cache()
    again = Recording(recording)
    again.objects = [{**slim(obj["kind"], obj), "kind": obj["kind"]} for obj in again.objects]
    for key in cache.to_evaluate():
        assert again.judge(key) == recorded.judge(key)


@pytest.mark.parametrize("recording", _recordings())
def test_no_verdict_without_its_parts(recording: str) -> None:
    """Whatever part of an object is missing, judging it raises nothing."""
    recorded = Recording(recording)
    for key in recorded.cache().to_evaluate():
        for part in ("status", "spec"):
            broken = Recording(recording)
            for obj in broken.objects:
                if obj["kind"] != "Event":
                    obj.pop(part, None)
            broken.judge(key)


def test_verdicts_are_values() -> None:
    assert failed("x") == replace(failed("y"), reason="x")


def test_all_of_a_healthy_release_is_done() -> None:
    recorded = Recording("healthy")
    keys = recorded.cache().to_evaluate()
    assert {key.kind for key in keys} == set(PRIMARY_KINDS)
    assert {str(key): recorded.judge(key) for key in keys} == {str(key): ready() for key in keys}


def test_a_container_that_was_started_again_has_to_last() -> None:
    recorded = Recording("claim-unused")
    [pod] = recorded.of("Pod")
    [container] = pod["status"]["containerStatuses"]
    container |= {"restartCount": 1, "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-01-01T00:00:00Z"}}}
    began = datetime.fromisoformat(container["state"]["running"]["startedAt"])
    after = (began - recorded.now).total_seconds()
    verdict = recorded.judge(SCHEDULER, later=after + 6)
    assert verdict.state == State.PENDING
    assert "started again after a failure" in verdict.reason
    assert recorded.judge(SCHEDULER, later=after + 9).state == State.READY


def test_what_openshift_refuses_is_told_with_what_it_is_about() -> None:
    message = (
        'Error creating: pods "airflow-scheduler-6c5-" is forbidden: unable to validate against any security context '
        "constraint: provider restricted-v2: .spec.securityContext.fsGroup: Invalid value: 0 is not an allowed group"
    )
    workload = {"kind": "Deployment", "metadata": {"name": "airflow-scheduler", "labels": {SET_LABEL: "scheduler"}}}
    verdict = refused_verdict(Context(workload, datetime.fromisoformat("2026-01-01T00:00:00+00:00")), message, ())
    assert verdict.reason.startswith("its pod is refused: unable to validate against any security context constraint:")
    assert "from scheduler_overrides" in verdict.advice
    assert "airflow_run_as_user" in verdict.advice
