# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order of a wait, with a scripted cluster and a clock that only the script moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.objects import Obj
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.cache import (
    EVIDENCE_KINDS,
    LISTED,
    PRIMARY_KINDS,
    Change,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.context import Limits
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.health import HealthResponse
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.health_probe import HealthQuestion
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.options import WaitOptions
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.verdict import Key, LogSource
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.waiter import Waiting
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.watcher import WatchError, WatchEvent

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
HEALTH = HealthQuestion(service="airflow-api-server", workload="airflow-api-server")
HEALTHY = HealthResponse(
    parts={part: {"status": "healthy"} for part in ("metadatabase", "scheduler", "dag_processor", "triggerer")}
)


@dataclass
class ScriptedCluster:
    """A cluster in which things happen at given seconds.

    :param script: seconds from the start, and what is heard then.
    :param answers: what Airflow says of its health, one for each question; the last one goes on.
    """

    objects_: dict[str, list[dict[str, Any]]]
    script: list[tuple[float, WatchEvent]] = field(default_factory=list)
    answers: list[HealthResponse] = field(default_factory=lambda: [HEALTHY])
    state: str = "Active"
    logs: dict[str, list[str]] = field(default_factory=dict)
    where: str = "context test"
    seconds: float = 0.0
    scaling: bool | None = False
    requests: list[str] = field(default_factory=list)
    on_retry: Callable[[Key], list[WatchEvent]] = lambda key: []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def clock(self) -> float:
        return self.seconds

    def objects(self, kinds: Iterable[str]) -> list[Change]:
        self.requests += [f"list {kind}" for kind in kinds]
        return [Change(kind, LISTED, self.objects_.get(kind, [])) for kind in kinds]

    def watch(self) -> None:
        self.requests.append("watch")

    def receive(self, timeout: float, gather: float) -> list[WatchEvent]:
        assert timeout >= 0
        until = self.seconds + timeout
        if self.script and self.script[0][0] <= until:
            at = max(self.script[0][0], self.seconds)
            self.seconds = at
            heard = [news for when, news in self.script if when <= at]
            self.script = self.script[len(heard) :]
            return heard
        self.seconds = until + 0.001
        return []

    def ask_health(self) -> None:
        self.requests.append("health")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.script.insert(0, (self.seconds + 0.02, answer))
        self.script.sort(key=lambda item: item[0])

    def log(self, source: LogSource) -> list[str]:
        self.requests.append(f"log {source.pod}/{source.container}")
        return self.logs.get(source.container, [])

    def adds_nodes(self) -> bool | None:
        return self.scaling

    def shortage(self, pod: Obj) -> str:
        self.requests.append("shortage")
        return "node one: 2 cpu short"

    def namespace_state(self) -> str:
        self.requests.append("namespace")
        return self.state

    def close(self) -> None:
        self.requests.append("close")

    def retry(self, key: Key) -> None:
        self.requests.append(f"retry {key}")
        self.script = [*((self.seconds, news) for news in self.on_retry(key)), *self.script]


def metadata(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": "airflow",
        "uid": f"uid-{name}",
        "generation": 1,
        "creationTimestamp": "2026-01-01T12:00:00Z",
        "resourceVersion": "1",
        **more,
    }


def deployment(name: str = "airflow-api-server", ready: int = 1, init: str | None = None) -> dict[str, Any]:
    return {
        "metadata": metadata(name, annotations={"deployment.kubernetes.io/revision": "1"}),
        "spec": {
            "replicas": 1,
            "template": {
                "spec": {"initContainers": [{"name": init}] if init else [], "containers": [{"name": "main"}]}
            },
        },
        "status": {
            "observedGeneration": 1,
            "replicas": 1,
            "updatedReplicas": 1,
            "readyReplicas": ready,
            "availableReplicas": ready,
        },
    }


def replica_set(of: str) -> dict[str, Any]:
    owner = {"controller": True, "kind": "Deployment", "name": of, "uid": f"uid-{of}"}
    annotations = {"deployment.kubernetes.io/revision": "1"}
    return {"metadata": metadata(f"{of}-hash", ownerReferences=[owner], annotations=annotations)}


def pod(of: str, waiting: str | None = None, init: bool = False, **container: Any) -> dict[str, Any]:
    owner = {"controller": True, "kind": "ReplicaSet", "name": f"{of}-hash", "uid": f"uid-{of}-hash"}
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {"startedAt": "2026-01-01T12:00:00Z"}}
    name = "wait-for-schema" if init else "main"
    status = {"name": name, "image": "x:1", "ready": False, "restartCount": 0, "state": state, **container}
    return {
        "metadata": metadata(f"{of}-hash-1", ownerReferences=[owner], labels={"pod-template-hash": "hash"}),
        "spec": {"nodeName": "node", "containers": [{"name": "main", "image": "x:1"}], "initContainers": []},
        "status": {"phase": "Pending", "initContainerStatuses" if init else "containerStatuses": [status]},
    }


def crashing(of: str, init: bool = False) -> dict[str, Any]:
    ended = {"terminated": {"exitCode": 1, "finishedAt": "2026-01-01T12:00:00Z"}}
    return pod(of, "CrashLoopBackOff", init, restartCount=2, lastState=ended)


def job(complete: bool = False) -> dict[str, Any]:
    conditions = [{"type": "Complete", "status": "True"}] if complete else []
    return {
        "metadata": metadata("airflow-migrations"),
        "spec": {"backoffLimit": 0},
        "status": {"conditions": conditions},
    }


def waiting(cluster: ScriptedCluster, **options: Any) -> Waiting:
    return Waiting(
        cluster, WaitOptions(namespace="airflow", release="airflow", **options), lambda line: None, clock=cluster.clock
    )


def verdicts(result: dict[str, Any]) -> dict[str, str]:
    return {f"{told['kind']}/{told['name']}": told["verdict"] for told in result["objects"]}


def test_what_is_done_costs_four_lists_and_one_question() -> None:
    cluster = ScriptedCluster({"Deployment": [deployment()], "Job": [job(complete=True)]})
    result = waiting(cluster, health=HEALTH).wait()
    assert cluster.requests == [*(f"list {kind}" for kind in PRIMARY_KINDS), "health", "close"]
    assert set(verdicts(result).values()) == {"ready"}
    assert result["health"]["scheduler"] == {"status": "healthy"}
    assert result["changed"] is False


def test_a_change_ends_the_wait() -> None:
    cluster = ScriptedCluster(
        {"Deployment": [deployment(ready=0)], "ReplicaSet": [replica_set("airflow-api-server")]},
        script=[(7.0, Change("Deployment", "MODIFIED", [deployment()]))],
    )
    result = waiting(cluster).wait()
    assert cluster.requests[-2:] == ["watch", "close"]
    assert 7.0 <= cluster.seconds < 7.5
    assert result["objects"][0]["seconds"] == 7.0
    assert result["log"][-1] == "   7.0 s  Deployment/airflow-api-server  ready"


def test_nothing_is_asked_again_while_nothing_changes() -> None:
    cluster = ScriptedCluster({"Deployment": [deployment(ready=0)]})
    with pytest.raises(Failure):
        waiting(cluster, timeout=500).wait()
    # All kinds, the namespace, and the beginning and the end of the watches.
    assert len(cluster.requests) == len(PRIMARY_KINDS) + len(EVIDENCE_KINDS) + 3


def test_the_timeout_says_what_each_object_does() -> None:
    name = "airflow-api-server"
    cluster = ScriptedCluster(
        {
            "Deployment": [deployment(ready=0)],
            "Job": [job()],
            "ReplicaSet": [replica_set(name)],
            "Pod": [pod(name, init=True)],
        }
    )
    with pytest.raises(Failure) as failure:
        waiting(cluster, timeout=30).wait()
    assert 30 <= cluster.seconds < 31
    assert "not ready after 30 s" in failure.value.message
    assert "init container wait-for-schema runs" in failure.value.message
    assert set(verdicts(failure.value.result).values()) == {"pending"}


def migrating(*, seconds: float) -> ScriptedCluster:
    """A cluster in which a migration runs, and is complete after some seconds."""
    owner = {"controller": True, "kind": "Job", "name": "airflow-migrations", "uid": "uid-airflow-migrations"}
    running = {
        "metadata": metadata("airflow-migrations-1", ownerReferences=[owner]),
        "spec": {"nodeName": "node", "containers": [{"name": "migrations", "image": "x:1"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {"name": "migrations", "ready": True, "restartCount": 0, "state": {"running": {}}, "image": "x:1"}
            ],
        },
    }
    return ScriptedCluster(
        {"Job": [{**job(), "status": {"active": 1}}], "Pod": [running]},
        script=[(seconds, Change("Job", "MODIFIED", [job(complete=True)]))],
        logs={"migrations": ["INFO Running upgrade", "The migration is blocked by session 7: user etl"]},
    )


def test_who_blocks_a_migration_is_told_within_seconds_and_at_the_end() -> None:
    cluster = migrating(seconds=100)
    with pytest.raises(Failure) as failure:
        waiting(cluster, timeout=30).wait()
    told = [line for line in failure.value.result["log"] if "blocked" in line]
    assert len(told) == 1
    assert float(told[0].split()[0]) < 9
    assert "Job/airflow-migrations: The migration is blocked by session 7: user etl. End that session" in told[0]
    assert "runs (The migration is blocked by session 7: user etl. End that session" in failure.value.message


def test_one_that_is_not_blocked_any_more_is_not_told_at_the_end() -> None:
    cluster = migrating(seconds=100)
    read = cluster.log

    def log(source: LogSource) -> list[str]:
        lines = read(source)
        return lines if cluster.seconds < 20 else [*lines, "The migration is not blocked any more."]

    cluster.log = log  # type: ignore[method-assign]
    with pytest.raises(Failure) as failure:
        waiting(cluster, timeout=30).wait()
    assert "session 7" not in failure.value.message


def test_the_log_of_a_short_migration_is_not_read() -> None:
    cluster = migrating(seconds=7)
    assert verdicts(waiting(cluster, timeout=30).wait()) == {"Job/airflow-migrations": "ready"}
    assert not [request for request in cluster.requests if request.startswith("log")]


def test_a_crash_fails_the_wait_and_shows_the_log() -> None:
    name = "airflow-api-server"
    cluster = ScriptedCluster(
        {"Deployment": [deployment(ready=0), deployment("other", ready=0)], "ReplicaSet": [replica_set(name)]},
        script=[(5.0, Change("Pod", "ADDED", [crashing(name)]))],
        logs={"main": ["it broke"]},
    )
    with pytest.raises(Failure) as failure:
        waiting(cluster).wait()
    assert 5 <= cluster.seconds < 8
    assert "    | it broke" in failure.value.message
    assert "exit code 1" in failure.value.message
    assert "Deployment/other: " in failure.value.message
    failed = next(told for told in failure.value.result["objects"] if told["name"] == name)
    assert failed["verdict"] == "failed"
    assert failed["log"] == ["it broke"]


REDIS = "airflow-redis"
SCHEDULER = "airflow-scheduler"
NO_REDIS = "Error 111 connecting to airflow-redis:6379. Connection refused."


def server_pod(ready: str | None) -> dict[str, Any]:
    """Return the pod of Redis, which waits for nothing, ready since a time of that day or not ready."""
    made = pod(REDIS, ready=bool(ready))
    made["status"]["conditions"] = [
        {"type": "Ready", "status": str(bool(ready)), "lastTransitionTime": f"2026-01-01T{ready or '12:00:00'}Z"}
    ]
    return made


def without_its_server(crash: str, ready: str | None, says: str, *script: tuple[float, Change]) -> ScriptedCluster:
    """Return a cluster in which a scheduler failed that was started at one time, and Redis got ready at another."""
    ended = {"terminated": {"exitCode": 1, "startedAt": f"2026-01-01T{crash}Z", "finishedAt": "2026-01-01T12:00:00Z"}}
    return ScriptedCluster(
        {
            "Deployment": [
                deployment(REDIS, ready=1 if ready else 0),
                deployment(SCHEDULER, ready=0, init="wait-for-schema"),
            ],
            "ReplicaSet": [replica_set(REDIS), replica_set(SCHEDULER)],
            "Pod": [server_pod(ready), pod(SCHEDULER, "CrashLoopBackOff", restartCount=2, lastState=ended)],
        },
        script=[*script, (60.0, Change("Deployment", "MODIFIED", [deployment(SCHEDULER, init="wait-for-schema")]))],
        logs={"main": [says]},
    )


REDIS_IS_READY = [
    (30.0, Change("Pod", "MODIFIED", [server_pod("12:00:30")])),
    (30.0, Change("Deployment", "MODIFIED", [deployment(REDIS)])),
]


def test_what_failed_for_want_of_a_server_that_was_not_ready_is_tried_again() -> None:
    assert waiting(without_its_server("11:59:50", "11:59:59", NO_REDIS)).wait()["seconds"] == 60.0
    assert waiting(without_its_server("11:59:50", None, NO_REDIS, *REDIS_IS_READY)).wait()["seconds"] == 60.0


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param(without_its_server("11:59:50", "11:59:59", "WRONGPASS invalid"), id="no other try can help"),
        pytest.param(without_its_server("11:59:50", None, "it broke"), id="it says nothing of servers"),
    ],
)
def test_what_failed_for_another_reason_fails_the_wait(cluster: ScriptedCluster) -> None:
    with pytest.raises(Failure, match="ended 3 times"):
        waiting(cluster).wait()
    assert cluster.seconds < 5


def test_what_fails_again_when_the_servers_are_ready_fails_the_wait() -> None:
    ended = {"terminated": {"exitCode": 1, "startedAt": "2026-01-01T12:00:40Z", "finishedAt": "2026-01-01T12:00:45Z"}}
    again = pod(SCHEDULER, "CrashLoopBackOff", restartCount=3, lastState=ended)
    script = [*REDIS_IS_READY, (45.0, Change("Pod", "MODIFIED", [again]))]
    cluster = without_its_server("11:59:50", None, NO_REDIS, *script)
    cluster.script = [item for item in cluster.script if item[0] < 60]
    with pytest.raises(Failure, match=r"ended 4 times.*Redis does not answer"):
        waiting(cluster).wait()
    # Its restarts are given time from the first failure on.
    assert 120 <= cluster.seconds < 125


def test_what_fails_for_want_of_a_server_is_restarted_for_a_while() -> None:
    healed = without_its_server("11:59:50", "11:59:40", NO_REDIS)
    assert waiting(healed).wait()["seconds"] == 60.0
    for limit in (20, 45):
        cluster = without_its_server("11:59:50", "11:59:40", NO_REDIS)
        with pytest.raises(Failure, match=r"ended 3 times.*Redis does not answer"):
            waiting(cluster, limits=Limits(restarts=limit)).wait()
        assert limit <= cluster.seconds < limit + 5


def ending(until: str) -> dict[str, Any]:
    """Return a pod that has until a time of that day to end."""
    made = pod("airflow-worker")
    made["metadata"]["deletionTimestamp"] = f"2026-01-01T{until}Z"
    return made


def test_the_time_in_which_a_pod_rightly_ends_does_not_count() -> None:
    name = "airflow-worker"
    objects = {"Deployment": [deployment(name, ready=0)], "ReplicaSet": [replica_set(name)]}
    gone = (500.0, Change("Pod", "DELETED", [ending("12:10:00")]))
    cluster = ScriptedCluster({**objects, "Pod": [ending("12:10:00")]}, script=[gone])
    with pytest.raises(Failure, match="is not ready after"):
        waiting(cluster, timeout=100).wait()
    assert 600 <= cluster.seconds < 610
    without = ScriptedCluster({**objects, "Pod": []})
    with pytest.raises(Failure, match="is not ready after"):
        waiting(without, timeout=100).wait()
    assert 100 <= without.seconds < 105


def test_failures_that_follow_at_once_are_told_together_and_causes_first() -> None:
    failed_job = job()
    failed_job["status"] = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}
    cluster = ScriptedCluster(
        {
            "Deployment": [deployment("airflow-api-server", 0, "wait-for-schema"), deployment("zz", 0)],
            "Job": [job()],
            "ReplicaSet": [replica_set("airflow-api-server")],
        },
        script=[
            (5.0, Change("Pod", "ADDED", [crashing("airflow-api-server")])),
            (6.0, Change("Job", "MODIFIED", [failed_job])),
        ],
    )
    with pytest.raises(Failure) as failure:
        waiting(cluster).wait()
    message = failure.value.message
    assert message.index("1. Job/airflow-migrations") < message.index("2. Deployment/airflow-api-server")


def test_a_wait_for_dependencies_that_fails_is_no_failure_while_others_are_under_way() -> None:
    name = "airflow-api-server"
    cluster = ScriptedCluster(
        {
            "Deployment": [deployment(ready=0, init="wait-for-schema")],
            "Job": [job()],
            "ReplicaSet": [replica_set(name)],
            "Pod": [crashing(name, init=True)],
        },
        script=[
            (20.0, Change("Job", "MODIFIED", [job(complete=True)])),
            (21.0, Change("Deployment", "MODIFIED", [deployment(init="wait-for-schema")])),
        ],
    )
    assert waiting(cluster).wait()["seconds"] == 21.0


@pytest.mark.parametrize("asks_health", [False, True])
def test_a_wait_for_dependencies_that_goes_on_though_all_it_could_wait_for_is_done(asks_health: bool) -> None:
    name = "airflow-flower"
    cluster = ScriptedCluster(
        {
            "Deployment": [deployment(), deployment(name, ready=0, init="wait-for-schema")],
            "Job": [job()],
            "ReplicaSet": [replica_set(name)],
            "Pod": [pod(name, init=True)],
        },
        script=[(20.0, Change("Job", "MODIFIED", [job(complete=True)]))],
        answers=[HealthResponse(parts={**HEALTHY.parts, "scheduler": {"status": "unhealthy"}})],
        logs={"wait-for-schema": ['no answer from the database: FATAL: password authentication failed for user "a"']},
    )
    with pytest.raises(Failure) as failure:
        waiting(cluster, health=HEALTH if asks_health else None).wait()
    assert 31 <= cluster.seconds < 34
    told = next(told for told in failure.value.result["objects"] if told["name"] == name)
    assert told["verdict"] == "failed"
    assert "init container wait-for-schema runs still" in told["reason"]
    assert told["reason"].endswith("the database refuses the password")
    assert told["advice"].startswith("Correct the connection")
    assert told["log"]


def waiting_pod(name: str) -> ScriptedCluster:
    """Return a cluster in which a Deployment waits for others for a minute, and says nothing until then."""
    return ScriptedCluster(
        {
            "Deployment": [deployment(name, ready=0, init="wait-for-schema")],
            "ReplicaSet": [replica_set(name)],
            "Pod": [pod(name, init=True)],
        },
        script=[(60.0, Change("Deployment", "MODIFIED", [deployment(name)]))],
    )


def test_a_wait_for_dependencies_that_says_nothing_is_waited_for() -> None:
    """On a machine that is too busy it may not have come to look."""
    cluster = waiting_pod("airflow-flower")
    assert waiting(cluster).wait()["seconds"] == 60.0
    assert 5 <= sum(request.startswith("log") for request in cluster.requests) <= 8


def test_a_wait_for_dependencies_that_says_that_it_ends_is_waited_for() -> None:
    """The node may be too busy to tell at once that it has ended."""
    cluster = waiting_pod("airflow-flower")
    cluster.logs["wait-for-schema"] = ["no answer from the database: Connection refused", "The schema is there."]
    assert waiting(cluster).wait()["seconds"] == 60.0


def test_a_pod_may_wait_for_what_is_not_looked_at() -> None:
    cluster = waiting_pod("airflow-flower")
    assert waiting(cluster, only=frozenset({"Deployment/airflow-flower"})).wait()["seconds"] == 60.0


def test_a_pod_without_a_node_is_told_what_is_short() -> None:
    name = "airflow-flower"
    unplaced = pod(name)
    unplaced["spec"]["nodeName"] = None
    message = "0/1 nodes are available: 1 Insufficient cpu."
    unplaced["status"] = {
        "conditions": [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": message,
                "lastTransitionTime": "2026-01-01T12:00:00Z",
            }
        ]
    }
    cluster = ScriptedCluster(
        {"Deployment": [deployment(name, ready=0)], "ReplicaSet": [replica_set(name)], "Pod": [unplaced]}
    )
    with pytest.raises(Failure) as failure:
        waiting(cluster).wait()
    assert 10 <= cluster.seconds < 12
    assert "Insufficient cpu; node one: 2 cpu short" in " ".join(failure.value.message.split())
    assert cluster.requests.count("shortage") == 1


def test_a_failure_that_passes_is_no_failure() -> None:
    name = "airflow-api-server"
    cluster = ScriptedCluster(
        {"Deployment": [deployment(ready=0), deployment("other", 0)], "ReplicaSet": [replica_set(name)]},
        script=[
            (5.0, Change("Pod", "ADDED", [crashing(name)])),
            (6.0, Change("Pod", "MODIFIED", [pod(name)])),
            (9.0, Change("Deployment", "MODIFIED", [deployment()])),
            (9.0, Change("Deployment", "MODIFIED", [deployment("other")])),
        ],
    )
    assert waiting(cluster).wait()["seconds"] == 9.0


def test_health_is_asked_once_the_api_server_is_ready_and_every_second() -> None:
    ill = HealthResponse(
        parts={**HEALTHY.parts, "scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": None}}
    )
    cluster = ScriptedCluster(
        {"Deployment": [deployment(ready=0)]},
        script=[(10.0, Change("Deployment", "MODIFIED", [deployment()]))],
        answers=[ill, ill, ill, HEALTHY],
    )
    result = waiting(cluster, health=HEALTH).wait()
    assert cluster.requests.count("health") == 4
    assert 13 <= result["seconds"] < 14
    assert any("Health/scheduler  pending: it has given no heartbeat" in line for line in result["log"])


def test_health_from_before_the_last_object_was_done_is_asked_anew() -> None:
    cluster = ScriptedCluster(
        {"Deployment": [deployment(), deployment("airflow-scheduler", ready=0)]},
        script=[(10.0, Change("Deployment", "MODIFIED", [deployment("airflow-scheduler")]))],
    )
    waiting(cluster, health=HEALTH).wait()
    assert cluster.requests.count("health") == 2


def test_a_component_without_heartbeat_is_named_after_the_grace() -> None:
    old = {"status": "unhealthy", "latest_scheduler_heartbeat": "2026-01-01T11:58:00+00:00"}
    cluster = ScriptedCluster(
        {"Deployment": [deployment()]}, answers=[HealthResponse(parts={**HEALTHY.parts, "scheduler": old})]
    )
    with pytest.raises(Failure) as failure:
        waiting(
            cluster, health=HealthQuestion(service="airflow-api-server", workload="airflow-api-server", grace=20)
        ).wait()
    assert 20 <= cluster.seconds < 24
    assert "Health/scheduler" in failure.value.message
    assert "its heartbeat is too old" in failure.value.message


@pytest.mark.parametrize(
    ("last", "seconds"),
    [("2026-01-01T11:59:20+00:00", 10), ("2026-01-01T11:59:58+00:00", 22), (None, 10)],
    ids=["old", "fresh", "none"],
)
def test_a_component_hangs_when_it_has_been_silent_for_long_enough(last: str | None, seconds: int) -> None:
    told = {"status": "unhealthy", "latest_triggerer_heartbeat": last}
    cluster = ScriptedCluster(
        {"Deployment": [deployment()]}, answers=[HealthResponse(parts={**HEALTHY.parts, "triggerer": told})]
    )
    with pytest.raises(Failure):
        waiting(cluster, health=replace(HEALTH, grace=10)).wait()
    assert seconds <= cluster.seconds < seconds + 3


def test_an_api_server_that_owes_an_answer_is_asked_for_longer() -> None:
    cluster = ScriptedCluster({"Deployment": [deployment()]}, answers=[HealthResponse(problem="no answer within 5 s")])
    with pytest.raises(Failure, match="it does not answer: no answer within 5 s"):
        waiting(cluster, health=HEALTH).wait()
    assert 60 <= cluster.seconds < 63


def test_a_cluster_that_does_not_answer_is_told_at_the_end() -> None:
    cluster = ScriptedCluster({"Deployment": [deployment(ready=0)]}, script=[(3.0, WatchError("connection refused"))])
    with pytest.raises(Failure) as failure:
        waiting(cluster, timeout=20).wait()
    assert "The cluster has not answered lately: connection refused" in failure.value.message
    assert any("the cluster does not answer" in line for line in failure.value.result["log"])


@pytest.mark.parametrize(
    ("state", "said"),
    [("missing", "does not exist"), ("Terminating", "is being deleted"), ("Active", "carries the label")],
)
def test_an_empty_release_is_an_error(state: str, said: str) -> None:
    with pytest.raises(Failure, match=said):
        waiting(ScriptedCluster({}, state=state)).wait()


def test_an_object_that_is_missing_is_an_error() -> None:
    cluster = ScriptedCluster({"Deployment": [deployment()]})
    with pytest.raises(Failure, match="StatefulSet/airflow-postgresql"):
        waiting(cluster, only=frozenset({"StatefulSet/airflow-postgresql"})).wait()


def test_only_waits_for_what_is_named() -> None:
    cluster = ScriptedCluster({"Deployment": [deployment(), deployment("other", ready=0)]})
    result = waiting(cluster, only=frozenset({"Deployment/airflow-api-server"})).wait()
    assert verdicts(result) == {"Deployment/airflow-api-server": "ready"}


def test_a_terminating_namespace_is_an_error() -> None:
    with pytest.raises(Failure, match="the namespace is being deleted"):
        waiting(ScriptedCluster({"Deployment": [deployment(ready=0)]}, state="Terminating")).wait()


def test_an_object_that_is_deleted_is_not_waited_for() -> None:
    cluster = ScriptedCluster(
        {"Deployment": [deployment(), deployment("old", ready=0)]},
        script=[(2.0, Change("Deployment", "DELETED", [deployment("old", ready=0)]))],
    )
    assert verdicts(waiting(cluster).wait()) == {"Deployment/airflow-api-server": "ready"}


def test_a_release_that_is_deleted_meanwhile_is_an_error() -> None:
    gone = Change("Deployment", "DELETED", [deployment(ready=0)])
    with pytest.raises(Failure, match="has no objects to wait for"):
        waiting(ScriptedCluster({"Deployment": [deployment(ready=0)]}, [(2.0, gone)])).wait()


def test_looking_neither_waits_nor_fails() -> None:
    name = "airflow-api-server"
    cluster = ScriptedCluster(
        {"Deployment": [deployment(ready=0)], "ReplicaSet": [replica_set(name)], "Pod": [crashing(name)]}
    )
    assert verdicts(waiting(cluster, health=HEALTH).look()) == {"Deployment/airflow-api-server": "failed"}
    assert cluster.seconds == 0
    assert waiting(ScriptedCluster({}, state="missing")).look()["objects"] == []


def test_what_was_stuck_before_gets_another_try() -> None:
    name = "airflow-api-server"
    stuck = crashing(name)
    stuck["metadata"]["creationTimestamp"] = "2026-01-01T11:00:00Z"
    cluster = ScriptedCluster(
        {"Deployment": [deployment(ready=0)], "ReplicaSet": [replica_set(name)], "Pod": [stuck]},
        on_retry=lambda key: [Change("Pod", "DELETED", [stuck])],
        script=[(4.0, Change("Deployment", "MODIFIED", [deployment()]))],
    )
    result = waiting(cluster, restart_stuck=True).wait()
    assert result["restarted"] == [f"Pod/{name}-hash-1"]
    assert result["changed"] is True


def refused(name: str) -> dict[str, Any]:
    """Return a Deployment whose condition tells of a refusal of an hour ago."""
    workload = deployment(name, ready=0)
    workload["metadata"]["creationTimestamp"] = "2026-01-01T11:00:00Z"
    workload["status"]["conditions"] = [
        {
            "type": "ReplicaFailure",
            "status": "True",
            "message": 'pods "x" is forbidden: exceeded quota: small',
            "lastTransitionTime": "2026-01-01T11:00:00Z",
        }
    ]
    return workload


def test_a_refusal_counts_anew_after_another_try() -> None:
    name = "airflow-flower"
    told = {
        "metadata": {"name": "event"},
        "involvedObject": {"kind": "ReplicaSet", "name": f"{name}-hash", "uid": f"uid-{name}-hash"},
        "reason": "FailedCreate",
        "message": "exceeded quota",
        "firstTimestamp": "2026-01-01T11:00:00Z",
    }
    objects = {"Deployment": [refused(name)], "ReplicaSet": [replica_set(name)], "Event": [told]}
    healed = ScriptedCluster(objects, script=[(3.0, Change("Deployment", "MODIFIED", [deployment(name)]))])
    result = waiting(healed, restart_stuck=True).wait()
    assert result["restarted"] == [f"ReplicaSet/{name}-hash"]
    again = ScriptedCluster(objects)
    with pytest.raises(Failure, match="exceeded quota"):
        waiting(again, restart_stuck=True).wait()
    assert 5 <= again.seconds < 8


def test_a_refusal_of_an_earlier_revision_does_not_count() -> None:
    name = "airflow-flower"
    told = {
        "metadata": {"name": "event"},
        "involvedObject": {"kind": "ReplicaSet", "name": f"{name}-old", "uid": f"uid-{name}-old"},
        "reason": "FailedCreate",
        "message": "exceeded quota",
        "firstTimestamp": "2026-01-01T11:00:00Z",
    }
    old = replica_set(name)
    old["metadata"] |= {"name": f"{name}-old", "uid": f"uid-{name}-old", "annotations": {}}
    cluster = ScriptedCluster(
        {"Deployment": [refused(name)], "ReplicaSet": [old, replica_set(name)], "Event": [told]},
        script=[(20.0, Change("Deployment", "MODIFIED", [deployment(name)]))],
    )
    assert waiting(cluster).wait()["seconds"] == 20.0


def test_progress_is_told_less_often_the_longer_it_takes() -> None:
    name = "airflow-api-server"

    def pods(number: int, ready: bool) -> Change:
        one = pod(name)
        one["metadata"] |= {"name": f"{name}-hash-{number}", "uid": f"uid-{number}"}
        one["status"]["conditions"] = [{"type": "Ready", "status": str(ready)}]
        one["spec"]["containers"][0]["readinessProbe"] = {}
        return Change("Pod", "MODIFIED", [one])

    def at(ready: int) -> Change:
        state = deployment(ready=0)
        state["spec"]["replicas"] = 200
        state["status"] |= {"readyReplicas": ready, "availableReplicas": ready, "replicas": 200, "updatedReplicas": 200}
        return Change("Deployment", "MODIFIED", [state])

    script: list[tuple[float, WatchEvent]] = [(0.0, pods(number, ready=False)) for number in range(200)]
    for number in range(200):
        script += [(number * 0.5, pods(number, ready=True)), (number * 0.5, at(number + 1))]
    cluster = ScriptedCluster({"Deployment": [deployment(ready=0)], "ReplicaSet": [replica_set(name)]}, script)
    result = waiting(cluster, timeout=600).wait()
    assert verdicts(result) == {f"Deployment/{name}": "ready"}
    assert 15 < len(result["log"]) < 60
