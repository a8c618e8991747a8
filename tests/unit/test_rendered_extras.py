"""What users add to pods, seen on the objects in rendered/: of the releases `everything` and `master`."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.unit.test_rendered_objects import PODS, RELEASES, Manifest, Pod, objects
from tools.checks.rendered import INVENTORY

VARIABLES = yaml.safe_load((INVENTORY / "hosts.yml").read_text())["separated_services"]["hosts"]["everything"]
#: The container of each role's pods.
CONTAINERS = {
    "api_server": "api-server",
    "dag_processor": "dag-processor",
    "flower": "flower",
    "migrations": "migrations",
    "postgres": "postgresql",
    "redis": "redis",
    "scheduler": "scheduler",
    "triggerer": "triggerer",
    "workers": "worker",
}
OF_AIRFLOW = sorted({*CONTAINERS.values()} - {"postgresql", "redis"})
FIELDS = ("volumes", "volume_mounts", "containers", "init_containers")
every_container = pytest.mark.parametrize("container", CONTAINERS.values())


def pod_of(name: str) -> Pod:
    """Return the pod of `everything` that has a container; of workers that of the first group."""
    return next(
        pod
        for pod in PODS
        if pod.release == "everything" and container_of(pod, name) and not str(pod).endswith("/af-big")
    )


def container_of(pod: Pod, name: str) -> Manifest:
    return next((container for container in pod.containers if container["name"] == name), {})


def named(entries: list[Manifest], key: str = "name") -> dict[str, Manifest]:
    return {entry[key]: entry for entry in entries}


def group(name: str) -> tuple[Pod, Manifest]:
    (pod,) = [pod for pod in PODS if str(pod) == f"everything/af-{name}"]
    return pod, container_of(pod, "worker")


def test_the_inventory_sets_all_of_them_for_every_role_that_it_has() -> None:
    fields = [*(f"extra_{field}" for field in FIELDS), "env_from", "host_aliases", "annotations", "labels"]
    assert [f"{role}_{field}" for role in CONTAINERS for field in fields if not VARIABLES.get(f"{role}_{field}")] == []


@pytest.mark.parametrize("pod", [pod for pod in PODS if pod.release == "everything"], ids=str)
def test_every_pod_has_the_annotations_labels_and_host_aliases_of_all(pod: Pod) -> None:
    """Jobs, CronJobs and databases too: agents and meshes look at any pod."""
    metadata = pod.template["metadata"]
    assert metadata["annotations"]["example.com/scrape"] == "true"
    assert metadata["labels"]["cost-centre"] == "42"
    assert "warehouse" in named(pod.spec["hostAliases"], "ip")["10.9.9.9"]["hostnames"]


@every_container
def test_a_component_has_what_is_added_to_it_and_all_that_it_had(container: str) -> None:
    pod = pod_of(container)
    plain = next(
        other
        for other in PODS
        if other.release == "defaults" and other.workload["metadata"]["name"].startswith("airflow-")
        if container_of(other, container)
    )
    for field in ("volumes", "containers", "initContainers"):
        assert named(plain.spec.get(field, [])).keys() <= named(pod.spec[field]).keys()
    had = named(container_of(plain, container)["volumeMounts"], "mountPath").keys()
    mounts = named(container_of(pod, container)["volumeMounts"], "mountPath")
    assert had | {"/further"} <= mounts.keys()
    assert "further" in named(pod.spec["volumes"])
    assert {"configMapRef": {"name": "further"}} in container_of(pod, container)["envFrom"]
    assert pod.template["metadata"]["annotations"]["example.com/port"] == "9102"
    assert pod.template["metadata"]["labels"]["example.com/inject"] == "true"


@every_container
def test_native_sidecars_start_first_and_init_containers_last(container: str) -> None:
    """The collection's own init containers may connect through the one, and have made the schema for the other."""
    first, *_own, last = pod_of(container).spec["initContainers"]
    assert (first["name"], first["restartPolicy"], last["name"]) == ("proxy", "Always", "prepare")


@every_container
def test_what_is_mounted_and_read_by_all_reaches_airflow_and_what_connects_as_it(container: str) -> None:
    pod = pod_of(container)
    wanted = container in OF_AIRFLOW
    assert ("company-ca" in named(pod.spec["volumes"])) is wanted
    for each in pod.containers:
        if each["name"] in (container, "wait-for-schema"):
            assert ("/etc/company-ca" in named(each["volumeMounts"], "mountPath")) is wanted
            assert ({"secretRef": {"name": "company"}} in each.get("envFrom", [])) is wanted


def test_a_host_alias_stands_once_with_all_names() -> None:
    assert pod_of("scheduler").spec["hostAliases"] == [
        {"ip": "10.9.9.9", "hostnames": ["warehouse", "lake"]},
        {"ip": "fd00::9", "hostnames": ["lake"]},
    ]


def test_a_worker_group_adds_to_what_all_workers_have_and_its_own_counts() -> None:
    pod, worker = group("big")
    volumes = named(pod.spec["volumes"])
    assert volumes["further"]["emptyDir"]["sizeLimit"] == "20Mi"
    assert volumes["models"]["persistentVolumeClaim"] == {"claimName": "models"}
    assert {"/further", "/models", "/etc/company-ca"} <= named(worker["volumeMounts"], "mountPath").keys()
    assert [source for source in worker["envFrom"] if "secretRef" in source][-1] == {"secretRef": {"name": "models"}}
    assert named(pod.spec["hostAliases"], "ip")["10.9.9.9"]["hostnames"] == ["warehouse", "lake", "models"]
    metadata = pod.template["metadata"]
    assert (metadata["annotations"]["example.com/port"], metadata["labels"]["example.com/pool"]) == ("9103", "big")
    assert {"proxy", "prepare", "fetch", "exporter"} <= {each["name"] for each in pod.containers}
    other, _worker = group("worker")
    assert not {"models", "exporter", "fetch"} & named([*other.spec["volumes"], *other.containers]).keys()


def test_a_worker_groups_image_is_that_of_all_its_containers_of_airflow() -> None:
    pod, _worker = group("big")
    images = {each["name"]: each["image"] for each in pod.containers}
    own = {image for name, image in images.items() if name == "worker" or name.startswith("wait-")}
    assert own == {"registry.example.com/airflow:3.3.2-gpu"}
    assert images["proxy"] == "registry.example.com/proxy:1"


def test_an_added_container_is_held_as_all_are_but_where_it_says_otherwise() -> None:
    pod, _worker = group("big")
    held = {each["name"]: each["securityContext"] for each in pod.containers}
    assert held["proxy"] == held["worker"]
    assert held["exporter"] == {**held["worker"], "runAsUser": 1}


@pytest.mark.parametrize(
    ("release", "workload", "size"),
    [
        ("defaults", "airflow-scheduler", "1Gi"),
        ("defaults", "airflow-worker", "10Gi"),
        ("everything", "af-scheduler", "2Gi"),
        ("everything", "af-worker", "10Gi"),
        ("everything", "af-big", "50Gi"),
        ("master", "airflow-master", "1Gi"),
    ],
)
def test_scratch_space_is_what_its_variable_says(release: str, workload: str, size: str) -> None:
    (pod,) = [pod for pod in PODS if str(pod) == f"{release}/{workload}"]
    assert named(pod.spec["volumes"])["tmp"]["emptyDir"]["sizeLimit"] == size


def test_the_service_account_has_its_annotations() -> None:
    (account,) = [manifest for manifest in objects("everything") if manifest["kind"] == "ServiceAccount"]
    assert account["metadata"]["annotations"] == VARIABLES["airflow_service_account_annotations"]


class TestMaster:
    """The pod of the master has what is added to it and to each component in it."""

    @pytest.fixture
    def pod(self) -> Pod:
        return next(pod for pod in PODS if str(pod) == "master/airflow-master")

    def test_mounts_and_environment_reach_the_component_that_they_are_for(self, pod: Pod) -> None:
        found: dict[str, dict[str, Any]] = {
            each["name"]: {
                "paths": named(each["volumeMounts"], "mountPath").keys(),
                "secrets": {source["secretRef"]["name"] for source in each["envFrom"] if "secretRef" in source},
            }
            for each in pod.spec["containers"]
        }
        assert {name for name, its in found.items() if "/plans" in its["paths"]} == {"scheduler"}
        assert {name for name, its in found.items() if "triggers" in its["secrets"]} == {"triggerer"}
        assert all({"/further", "/etc/company-ca"} <= its["paths"] for its in found.values())
        assert {"plans", "further", "company-ca"} <= named(pod.spec["volumes"]).keys()

    def test_containers_host_aliases_and_metadata_are_the_pods(self, pod: Pod) -> None:
        assert [each["name"] for each in pod.spec["initContainers"]] == ["proxy", "wait-for-schema", "prepare"]
        assert named(pod.spec["hostAliases"], "ip").keys() == {"10.9.9.9", "fd00::9"}
        assert pod.template["metadata"]["annotations"]["example.com/port"] == "9102"
        assert pod.template["metadata"]["labels"]["example.com/inject"] == "true"


@pytest.mark.parametrize("release", RELEASES)
def test_the_plugin_is_found_where_no_option_moves_it(release: str) -> None:
    """By the entry point of a distribution on the path that Python starts with; Airflow looks for these only once."""
    scripts = next(each["data"] for each in objects(release) if each["metadata"]["name"].endswith("-scripts"))
    (server,) = [
        each for pod in PODS if pod.release == release for each in pod.containers if each["name"] == "api-server"
    ]
    files = {mount["mountPath"]: scripts.get(mount.get("subPath")) for mount in server["volumeMounts"]}
    home = "/opt/airflow-kubernetes-plugins/airflow_kubernetes_jwt"
    group, reference = files[f"{home}-1.dist-info/entry_points.txt"].split("\n")[:2]
    module, _colon, plugin = reference.partition(" = ")[2].partition(":")
    assert group == "[airflow.plugins]"
    assert f"class {plugin}(AirflowPlugin):" in files[f"/opt/airflow-kubernetes-plugins/{module}.py"]
    assert 'export PYTHONPATH="/opt/airflow-kubernetes-plugins${PYTHONPATH:+:$PYTHONPATH}"' in server["args"][2]
    assert "\nName: " in files[f"{home}-1.dist-info/METADATA"]


@pytest.mark.parametrize(("release", "served"), [("oldest", False), ("defaults", True)])
def test_old_workers_are_served_from_3_2_on(release: str, served: bool) -> None:
    scripts = next(each["data"] for each in objects(release) if each["metadata"]["name"].endswith("-scripts"))
    (server,) = [
        each for pod in PODS if pod.release == release for each in pod.containers if each["name"] == "api-server"
    ]
    file = "airflow_kubernetes_content_type.py"
    assert (file in scripts) is served
    assert (file in {mount.get("subPath") for mount in server["volumeMounts"]}) is served
    points = scripts["airflow_kubernetes_jwt.entry_points"].splitlines()
    assert points[:2] == ["[airflow.plugins]", "airflow_kubernetes_jwt = airflow_kubernetes_jwt:AcceptOtherSecret"]
    name = "airflow_kubernetes_content_type"
    assert points[2:] == ([f"{name} = {name}:UnderstandOldWorkers"] if served else [])


def test_a_triggerer_may_have_queues_and_a_migration_end_who_blocks_it() -> None:
    containers = {each["name"]: each for pod in PODS if pod.release == "triggerer_queues" for each in pod.containers}
    assert containers["triggerer"]["args"] == ["triggerer", "--queues", "default,big"]
    assert {"name": "TERMINATE_BLOCKERS", "value": "true"} in containers["migrations"]["env"]
