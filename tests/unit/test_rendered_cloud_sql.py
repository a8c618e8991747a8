"""Who reaches Cloud SQL through the auth proxy, seen on the objects in rendered/: of the releases `cloud_sql*`."""

from __future__ import annotations

import pytest

from tests.unit.test_rendered_objects import PODS, Manifest, Pod, objects

DIRECT, POOLED = "cloud_sql", "cloud_sql_pooled"
PROXY = "cloud-sql-proxy"
#: Workloads whose pods connect to the instance.
CONNECTED = {
    DIRECT: {"api-server", "dag-processor", "migrations", "scheduler", "triggerer", "worker"},
    POOLED: {"api-server", "migrations", "pgbouncer"},
}
every_release = pytest.mark.parametrize("release", CONNECTED)


def component(pod: Pod) -> str:
    return str(pod.template["metadata"]["labels"]["app.kubernetes.io/component"])


def connected(release: str) -> dict[str, list[Manifest]]:
    """Return the init containers of the pods that have the proxy, by component."""
    return {
        component(pod): pod.spec["initContainers"]
        for pod in PODS
        if pod.release == release and PROXY in [container["name"] for container in pod.containers]
    }


@every_release
def test_the_proxy_is_in_the_pods_that_connect_to_the_instance_and_in_no_other(release: str) -> None:
    assert connected(release).keys() == CONNECTED[release]


def test_other_releases_have_none() -> None:
    assert {pod.release for pod in PODS for each in pod.containers if each["name"] == PROXY} == {*CONNECTED}


@every_release
def test_it_is_a_native_sidecar_that_others_wait_for(release: str) -> None:
    for init_containers in connected(release).values():
        first = init_containers[0]
        assert first["name"] == PROXY
        assert first["restartPolicy"] == "Always"
        assert first["startupProbe"]["httpGet"]["path"] == "/startup"
    scheduler = connected(DIRECT)["scheduler"]
    assert [each["name"] for each in scheduler] == [PROXY, "wait-for-schema"]


def test_its_image_comes_from_the_registry_of_all() -> None:
    image = connected(DIRECT)["migrations"][0]["image"]
    assert image == "registry.example.com/cloud-sql-connectors/cloud-sql-proxy:2.28.0"


def test_it_is_told_the_instance_where_to_listen_and_what_else_is_asked_for() -> None:
    direct, pooled = connected(DIRECT)["api-server"][0]["args"], connected(POOLED)["api-server"][0]["args"]
    assert {"--address=127.0.0.1", "--port=5432", "--health-check", "--exit-zero-on-sigterm"} <= {*direct} & {*pooled}
    assert ("--private-ip" in direct, "--private-ip" in pooled) == (True, False)
    assert ("--auto-iam-authn" in direct, "--auto-iam-authn" in pooled) == (False, True)
    assert "--quota-project=acme" in pooled
    assert direct[-1] == "acme:europe-west1:airflow"


def egress(release: str, name: str) -> list[Manifest]:
    (policy,) = [
        each
        for each in objects(release)
        if each["kind"] == "NetworkPolicy" and each["metadata"]["name"] == f"airflow-{name}"
    ]
    return list(policy["spec"]["egress"])


@every_release
def test_network_policies_let_the_proxy_through_and_nobody_else(release: str) -> None:
    names = [*CONNECTED[DIRECT], "pgbouncer", "flower", "redis"]
    present = [each for each in names if release == POOLED or each != "pgbouncer"]
    instance = {"ports": [{"port": 3307, "protocol": "TCP"}]}
    assert {name for name in present if instance in egress(release, name)} == CONNECTED[release]
    # Of the pod's own loopback no policy knows.
    assert "127.0.0.1" not in str(egress(release, "api-server"))


def test_the_database_is_found_at_the_loopback_and_pgbouncer_goes_there_without_tls() -> None:
    (pod,) = [pod for pod in PODS if pod.release == POOLED and component(pod) == "pgbouncer"]
    (settings,) = [each["value"] for each in pod.spec["containers"][0]["env"] if each["name"] == "PGBOUNCER_INI"]
    assert "* = host=127.0.0.1 port=5432\n" in settings
    assert "server_tls_sslmode = disable\n" in settings
