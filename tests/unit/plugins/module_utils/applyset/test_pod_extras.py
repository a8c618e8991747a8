"""What users add to pods, and what is refused of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.pod_extras import (
    OWN_CONTAINERS,
    OWN_VOLUMES,
    Extras,
    add_extras,
    extras_of_group,
    extras_of_role,
    problems_of_extras,
    without_endless,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from tests.unit.test_rendered_objects import PODS

DEFAULTS = {"securityContext": {"readOnlyRootFilesystem": True}}
CONFIG = {"configMapRef": {"name": "config"}}


def workload(kind: str = "Deployment") -> dict[str, Any]:
    """Return one like the scheduler's: an init container and a container that read the configuration."""
    spec = {
        "initContainers": [{"name": "wait-for-schema", "envFrom": [CONFIG]}, {"name": "make-user"}],
        "containers": [
            {"name": "scheduler", "envFrom": [CONFIG], "volumeMounts": [{"name": "tmp", "mountPath": "/scratch"}]}
        ],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
    }
    template = {"metadata": {"labels": {"own": "1"}}, "spec": spec}
    if kind == "Pod":
        return {"kind": kind, **template}
    job = {"jobTemplate": {"spec": {"template": template}}}
    return {"kind": kind, "metadata": {"name": "x"}, "spec": job if kind == "CronJob" else {"template": template}}


def pod(made: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = made["spec"]["template"]["spec"]
    return spec


def add(*levels: list[Extras]) -> dict[str, Any]:
    return pod(add_extras(workload(), levels, DEFAULTS))


def scheduler(**fields: Any) -> Extras:
    return Extras("scheduler", fields)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "Job", "CronJob", "Pod"])
def test_the_pods_of_every_kind_have_what_all_pods_have(kind: str) -> None:
    extras = Extras("airflow", {"annotations": {"a": "1"}, "host_aliases": [{"ip": "10.0.0.1", "hostnames": ["x"]}]})
    made = add_extras(workload(kind), [[extras]], DEFAULTS)
    template = {
        "Pod": lambda: made,
        "CronJob": lambda: made["spec"]["jobTemplate"]["spec"]["template"],
    }.get(kind, lambda: made["spec"]["template"])()
    assert template["metadata"] == {"labels": {"own": "1"}, "annotations": {"a": "1"}}
    assert template["spec"]["hostAliases"] == [{"ip": "10.0.0.1", "hostnames": ["x"]}]


def test_what_is_given_stays_as_it_was() -> None:
    given = workload()
    add_extras(given, [[scheduler(extra_volumes=[{"name": "a"}], env_from=[{"x": 1}], tmp_size="2Gi")]], DEFAULTS)
    assert given == workload()


@pytest.mark.parametrize(
    ("value", "text"), [(9102, "9102"), (True, "true"), (False, "false"), (1.5, "1.5"), ("x", "x")]
)
def test_annotations_and_labels_are_text(value: Any, text: str) -> None:
    made = add_extras(workload(), [[scheduler(annotations={"a": value}, labels={"b": value})]], DEFAULTS)
    metadata = made["spec"]["template"]["metadata"]
    assert metadata == {"annotations": {"a": text}, "labels": {"own": "1", "b": text}}


def test_mounts_of_all_components_go_where_the_configuration_is_read_those_of_one_to_its_container() -> None:
    mounts = [{"name": "tmp", "mountPath": "/all"}], [{"name": "tmp", "mountPath": "/one"}]
    made = add(
        [Extras("airflow", {"extra_volume_mounts": mounts[0]})],
        [scheduler(extra_volume_mounts=mounts[1]), Extras("triggerer", {"env_from": [{"secretRef": {"name": "x"}}]})],
    )
    paths = {
        each["name"]: [mount["mountPath"] for mount in each.get("volumeMounts", ())]
        for each in made["initContainers"] + made["containers"]
    }
    assert paths == {"wait-for-schema": ["/all"], "make-user": [], "scheduler": ["/scratch", "/all", "/one"]}
    assert made["containers"][0]["envFrom"] == [CONFIG]


def test_a_pod_that_reads_no_configuration_has_no_volumes_of_all_components() -> None:
    given = workload()
    for each in pod(given)["initContainers"] + pod(given)["containers"]:
        each.pop("envFrom", None)
    extras = Extras("airflow", {"extra_volumes": [{"name": "a"}], "env_from": [CONFIG], "labels": {"a": "1"}})
    made = add_extras(given, [[extras]], DEFAULTS)
    assert pod(made) == pod(given)
    assert made["spec"]["template"]["metadata"]["labels"] == {"own": "1", "a": "1"}


def test_the_later_level_wins_by_name() -> None:
    made = add(
        [Extras("airflow", {"extra_volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}]})],
        [scheduler(extra_volumes=[{"name": "a", "configMap": {"name": "mine"}}])],
    )
    assert made["volumes"][1:] == [{"name": "a", "configMap": {"name": "mine"}}, {"name": "b", "emptyDir": {}}]


def test_the_same_twice_is_once() -> None:
    volume, source = {"name": "a", "emptyDir": {}}, {"secretRef": {"name": "x"}}
    made = add(
        [
            scheduler(extra_volumes=[volume], env_from=[source, CONFIG]),
            Extras("triggerer", {"extra_volumes": [volume]}),
        ],
        [extras_of_group({"name": "g", "env_from": [source]})],
    )
    assert made["volumes"][1:] == [volume]
    assert made["containers"][0]["envFrom"] == [CONFIG, source]


def test_components_in_one_pod_do_not_contradict_each_other() -> None:
    levels = [[scheduler(labels={"a": "1"}), Extras("triggerer", {"labels": {"a": "2"}})]]
    with pytest.raises(Failure, match="triggerer_labels and scheduler_labels both have a, in one pod, and differ"):
        add_extras(workload(), levels, DEFAULTS)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"extra_volume_mounts": [{"name": "tmp", "mountPath": "/scratch"}]},
            r"^scheduler_extra_volume_mounts has /scratch, where the collection mounts the volume tmp into scheduler\.",
        ),
        (
            {"extra_volume_mounts": [{"name": "nowhere", "mountPath": "/x"}]},
            r"mounts the volume nowhere, which the pods of x do not have\. Add it to scheduler_extra_volumes\.",
        ),
        (
            {"extra_containers": [{"name": "a"}], "extra_init_containers": [{"name": "a"}]},
            r"^scheduler_extra_init_containers has a, but the pod has a container of that name\.",
        ),
    ],
)
def test_what_the_pod_cannot_have_is_refused(fields: Any, message: str) -> None:
    with pytest.raises(Failure, match=message):
        add([scheduler(**fields)])


def test_a_volume_of_a_claim_template_can_be_mounted() -> None:
    given = workload("StatefulSet")
    given["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    extras = scheduler(extra_volume_mounts=[{"name": "data", "mountPath": "/data"}])
    assert add_extras(given, [[extras]], DEFAULTS)


@pytest.mark.parametrize(
    ("extras", "message"),
    [
        (scheduler(extra_volumes=[{"emptyDir": {}}]), "scheduler_extra_volumes has an entry without name."),
        (
            scheduler(extra_volume_mounts=[{"name": "tmp"}]),
            "scheduler_extra_volume_mounts has an entry without mountPath.",
        ),
        (scheduler(host_aliases=[{"hostnames": ["a"]}]), "scheduler_host_aliases has an entry without ip."),
        (
            scheduler(extra_volumes=[{"name": "a", "emptyDir": {}}, {"name": "a", "secret": {}}]),
            "scheduler_extra_volumes has a twice.",
        ),
        (
            scheduler(extra_volumes=[{"name": "dags"}]),
            "scheduler_extra_volumes has dags, a name that the collection uses.",
        ),
        (
            extras_of_group({"name": "big", "extra_containers": [{"name": "worker"}]}),
            "extra_containers of worker group big has worker, a name that the collection uses.",
        ),
        (
            scheduler(extra_volume_mounts=[{"name": "nowhere", "mountPath": "/x"}]),
            "scheduler_extra_volume_mounts mounts the volume nowhere, which no pod has. Add it to scheduler_extra",
        ),
        (
            scheduler(labels={"airflow.kubernetes/release": "x"}),
            "scheduler_labels has airflow.kubernetes/release, which the collection sets itself.",
        ),
        (
            Extras("migrations", {"extra_containers": [{"name": "proxy"}]}),
            "migrations_extra_containers has proxy, and the Job would not end before it does. Add restartPolicy",
        ),
    ],
)
def test_what_can_work_in_no_pod_is_told(extras: Extras, message: str) -> None:
    (found,) = problems_of_extras([extras])
    assert found.startswith(message)


@pytest.mark.parametrize(
    "extras",
    [
        scheduler(extra_volumes=[{"name": "a"}], annotations={"a": 1}, host_aliases=[{"ip": "::1"}, {"ip": "::1"}]),
        Extras("migrations", {"extra_containers": [{"name": "proxy", "restartPolicy": "Always"}]}),
    ],
)
def test_what_can_work_is_not(extras: Extras) -> None:
    assert list(problems_of_extras([extras])) == []


def test_a_volume_of_any_level_can_be_mounted() -> None:
    levels = [
        Extras("airflow", {"extra_volumes": [{"name": "a"}]}),
        scheduler(extra_volume_mounts=[{"name": "a", "mountPath": "/a"}, {"name": "dags", "mountPath": "/d"}]),
    ]
    assert list(problems_of_extras(levels)) == []


def test_a_roles_own_image_and_what_all_have_already_are_no_additions() -> None:
    values = {
        "airflow_labels": {"a": "1"},
        "airflow_tmp_size": "1Gi",
        "redis_image": "redis",
        "redis_env_from": [CONFIG],
    }
    assert extras_of_role("airflow", values.get).fields == {}
    assert extras_of_role("redis", values.get).fields == {"env_from": [CONFIG]}


def test_the_names_that_the_collection_uses_are_those_that_it_refuses() -> None:
    pods = [pod for pod in PODS if pod.release not in ("everything", "executors", "master", "git", "openshift")]
    volumes = {volume["name"] for each in pods for volume in each.spec.get("volumes", ())}
    # Those of a backup with the values of Secrets are named by a hash, which no name of a user's is by chance.
    volumes = {volume for volume in volumes if not re.fullmatch("secret-[0-9a-f]{10}", volume)}
    claims = {
        claim["metadata"]["name"] for each in pods for claim in each.workload["spec"].get("volumeClaimTemplates", ())
    }
    containers = {container["name"] for each in pods for container in each.containers}
    # Some are there in few circumstances.
    assert volumes | claims <= OWN_VOLUMES
    assert OWN_VOLUMES - volumes - claims <= {"user"}
    assert containers <= OWN_CONTAINERS
    assert OWN_CONTAINERS - containers <= {"probe", "make-user", "log-retention"}


def test_of_workers_a_pod_of_a_task_has_what_ends_by_itself() -> None:
    endless, native = {"name": "endless"}, {"name": "native", "restartPolicy": "Always"}
    workers = Extras("workers", {"extra_containers": [endless, native], "labels": {"a": "1"}})
    assert without_endless(workers).fields == {"extra_containers": [native], "labels": {"a": "1"}}
    assert without_endless(Extras("workers", {"extra_containers": [endless]})).fields == {}


def test_a_container_beside_which_a_pod_of_a_task_would_not_end_is_refused() -> None:
    (problem,) = problems_of_extras([Extras("airflow_task_pod", {"extra_containers": [{"name": "endless"}]})])
    assert problem.startswith("airflow_task_pod_extra_containers has endless, and the pod of a task would not end ")
    assert "restartPolicy: Always" in problem


def test_what_workers_mount_a_pod_of_a_task_mounts_too() -> None:
    mounts = {"extra_volumes": [{"name": "data"}], "extra_volume_mounts": [{"name": "data", "mountPath": "/data"}]}
    spec = {"containers": [{"name": "base"}], "volumes": [{"name": "tmp", "emptyDir": {}}]}
    task = {"kind": "Pod", "metadata": {"name": "task"}, "spec": spec}
    made = add_extras(task, [[Extras("workers", mounts)], [Extras("airflow_task_pod", {"tmp_size": "2Gi"})]], {})
    assert made["spec"]["containers"] == [{"name": "base", "volumeMounts": mounts["extra_volume_mounts"]}]
    assert made["spec"]["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "2Gi"}}, {"name": "data"}]
