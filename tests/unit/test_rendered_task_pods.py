# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods of tasks, and what makes them, seen on the objects in rendered/ of releases that have airflow_executors set."""

from __future__ import annotations

import pytest

from tests.unit.test_rendered_objects import PODS, RELEASES, TASK_PODS, Manifest, names, objects, policies, task_pods

every_release_with_them = pytest.mark.parametrize("release", TASK_PODS)
#: Where Airflow looks for it; the volume, and the API servers' ports where nothing says where they are.
TOKEN, API_PORTS = "kubernetes-api", {443, 6443}


def task_pod(release: str) -> Manifest:
    (pod,) = task_pods(release)
    return pod


def options(release: str) -> dict[str, str]:
    (found,) = [m["data"] for m in objects(release) if m["metadata"]["name"] in ("airflow-config", "af-config")]
    return {key: value for key, value in found.items() if "EXECUTOR" in key}


def test_the_first_executor_is_airflows_default() -> None:
    assert options("executors")["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor,KubernetesExecutor"
    assert options("gateway")["AIRFLOW__CORE__EXECUTOR"] == "KubernetesExecutor,CeleryExecutor"


@pytest.mark.parametrize("release", [release for release in RELEASES if release not in TASK_PODS])
def test_without_them_nothing_is_there_for_them(release: str) -> None:
    assert options(release) == {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor"}
    assert not names(release, "Role") | names(release, "RoleBinding")
    assert len(names(release, "ServiceAccount")) == {"aws_logs": 4, "backups": 2}.get(release, 1)
    assert not task_pods(release)
    assert not [name for name in names(release, "NetworkPolicy") if "task-pod" in name]


@pytest.mark.parametrize("release", RELEASES)
def test_the_token_of_the_kubernetes_api_is_in_the_schedulers_container_alone(release: str) -> None:
    holders = {
        container["name"]
        for pod in PODS
        for container in pod.containers
        if pod.release == release and TOKEN in [mount["name"] for mount in container.get("volumeMounts", [])]
    }
    accounts = {
        pod.spec["serviceAccountName"]
        for pod in PODS
        if pod.release == release and TOKEN in [volume["name"] for volume in pod.spec["volumes"]]
    }
    assert (holders, accounts) == (({"scheduler"}, {"airflow-scheduler"}) if release in TASK_PODS else (set(), set()))


@every_release_with_them
def test_the_scheduler_may_make_pods_and_nothing_else(release: str) -> None:
    (role,) = [manifest for manifest in objects(release) if manifest["kind"] == "Role"]
    (binding,) = [manifest for manifest in objects(release) if manifest["kind"] == "RoleBinding"]
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch", "create", "patch", "delete"]}
    ]
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == "airflow-scheduler"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "airflow-scheduler", "namespace": "airflow"}]


@every_release_with_them
def test_the_scheduler_reads_the_pod_where_its_option_says(release: str) -> None:
    (scheduler,) = [c for pod in PODS if pod.release == release for c in pod.containers if c["name"] == "scheduler"]
    (folder,) = [mount["mountPath"] for mount in scheduler["volumeMounts"] if mount["name"] == "task-pod"]
    assert options(release)["AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE"] == f"{folder}/pod_template.yaml"


def test_another_pod_of_tasks_replaces_the_scheduler() -> None:
    sums = {
        pod.template["metadata"]["annotations"]["airflow.kubernetes/task-pod-checksum"]
        for pod in PODS
        if pod.release in TASK_PODS and "scheduler" in [container["name"] for container in pod.containers]
    }
    assert len(sums) == len(TASK_PODS)


@every_release_with_them
def test_a_pod_of_a_task_ends_by_itself_and_is_found_by_the_policies(release: str) -> None:
    pod = task_pod(release)
    assert pod["spec"]["restartPolicy"] == "Never"
    assert pod["spec"]["containers"][0]["name"] == "base"
    assert pod["spec"]["serviceAccountName"] == "airflow"
    (policy,) = [p["spec"] for p in policies(release) if p["metadata"]["name"] == "airflow-task-pod"]
    assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


@every_release_with_them
def test_a_pod_of_a_task_has_no_login_of_the_release(release: str) -> None:
    text = str(task_pod(release))
    assert [name for name in ("secrets", "broker", "fernet", "jwt", "api") if f"'airflow-{name}'" in text] == []


def test_a_pod_of_a_task_has_what_workers_have_and_more() -> None:
    spec = task_pod("executors")["spec"]
    (base,) = spec["containers"]
    env = {variable["name"]: variable.get("value") for variable in base["env"]}
    assert env["REGION"] == "south"
    assert "airflow-api-server" in env["NO_PROXY"]
    assert spec["nodeSelector"] == {"pool": "tasks"}
    assert {"name": "datasets", "mountPath": "/datasets"} in base["volumeMounts"]
    assert [container["name"] for container in spec["initContainers"]] == ["native", "wait-for-api-server"]
    assert {"secretRef": {"name": "company"}} in base["envFrom"]
    assert task_pod("executors")["metadata"]["annotations"] == {"example.com/evict": "false"}
    assert spec["runtimeClassName"] == "sandbox"


@pytest.mark.parametrize("release", TASK_PODS)
def test_only_the_scheduler_is_let_to_the_kubernetes_api(release: str) -> None:
    free = {
        policy["metadata"]["name"]
        for policy in policies(release)
        for rule in policy["spec"].get("egress", [])
        if "to" not in rule and {port["port"] for port in rule.get("ports", [])} == {6443}
    }
    assert free == {"airflow-scheduler"}


def test_the_scheduler_reaches_the_kubernetes_api_through_no_proxy() -> None:
    env = {
        container["name"]: {variable["name"]: variable.get("value", "") for variable in container["env"]}
        for pod in PODS
        if pod.release == "executors"
        for container in pod.containers
        if container.get("env")
    }
    exempt = {name for name, values in env.items() if "$(KUBERNETES_SERVICE_HOST)" in values.get("NO_PROXY", "")}
    assert exempt == {"scheduler"}
