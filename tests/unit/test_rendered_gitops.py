"""The order in which a GitOps tool applies the objects of any release, seen on those in rendered/."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.ordering import Wave, files, gitops_wave
from tools.checks.rendered import RENDERED, render

Manifest = dict[str, Any]

RELEASES = sorted(path.name for path in RENDERED.iterdir())
SERVICES = ("postgresql", "mysql", "redis", "pgbouncer")
every_release = pytest.mark.parametrize("release", RELEASES)
every_tool = pytest.mark.parametrize("tool", ["none", "argocd", "flux"])


@cache
def waves(release: str) -> list[tuple[Wave, Manifest]]:
    """Return the objects of a release, each with its wave."""
    manifests = ((path.parent.name, yaml.safe_load(path.read_text())) for path in (RENDERED / release).glob("*/*.yaml"))
    return [(gitops_wave(manifest, set_name), manifest) for set_name, manifest in manifests]


def pods(release: str) -> Iterator[tuple[Wave, Manifest, Manifest]]:
    """Yield wave, labels and specification of the pods that are not run by a schedule."""
    for wave, manifest in waves(release):
        template = (manifest.get("spec") or {}).get("template")
        if template:
            yield wave, template["metadata"]["labels"], template["spec"]


def components(release: str, *names: str) -> list[Wave]:
    """Return the waves of the pods that are or have one of the components."""
    return [
        wave
        for wave, labels, _ in pods(release)
        if labels.get("app.kubernetes.io/component") in names
        or any(f"airflow.kubernetes/{name}" in labels for name in names)
    ]


def waiting(release: str, init_container: str) -> list[Wave]:
    return [
        wave
        for wave, _, spec in pods(release)
        if any(container["name"] == init_container for container in spec.get("initContainers", []))
    ]


def named(release: str, kind: str) -> dict[str, Wave]:
    return {manifest["metadata"]["name"]: wave for wave, manifest in waves(release) if manifest["kind"] == kind}


def claims(spec: Mapping[str, Any]) -> set[str]:
    volumes = (volume.get("persistentVolumeClaim") for volume in spec.get("volumes", []))
    return {volume["claimName"] for volume in volumes if volume}


@every_release
def test_what_waits_for_the_schema_comes_after_the_migration_and_that_after_the_database(release: str) -> None:
    (migration,) = components(release, "migrations")
    assert min(waiting(release, "wait-for-schema")) > migration
    assert all(service < migration for service in components(release, *SERVICES))


@every_release
def test_what_waits_for_the_api_server_comes_after_it(release: str) -> None:
    (api_server,) = components(release, "api-server")
    assert min(waiting(release, "wait-for-api-server")) > api_server


def test_databases_and_brokers_are_looked_at() -> None:
    assert {len(components(release, *SERVICES)) for release in RELEASES} >= {0, 1, 2}


@every_release
def test_what_a_pod_refers_to_comes_before_it(release: str) -> None:
    config_maps, accounts = named(release, "ConfigMap"), named(release, "ServiceAccount")
    for wave, _, spec in pods(release):
        sources = [source for container in spec["containers"] for source in container.get("envFrom", [])]
        names = {source["configMapRef"]["name"] for source in sources if "configMapRef" in source}
        names |= {volume["configMap"]["name"] for volume in spec.get("volumes", []) if "configMap" in volume}
        assert all(config_maps[name] < wave for name in names & config_maps.keys())
        assert accounts.get(spec.get("serviceAccountName", ""), Wave.CONFIGURATION) < wave


@every_release
def test_a_claim_comes_together_with_the_first_pod_that_mounts_it(release: str) -> None:
    """A tool waits until it is bound, which may take a pod; and a pod waits until it exists."""
    for name, wave in named(release, "PersistentVolumeClaim").items():
        mounted = [other for other, _, spec in pods(release) if name in claims(spec)]
        assert wave == min(mounted, default=Wave.EXTRAS)


@every_release
def test_nothing_that_may_never_become_healthy_is_waited_for(release: str) -> None:
    kinds = {manifest["kind"] for wave, manifest in waves(release) if wave is not Wave.EXTRAS}
    assert not kinds & {"CronJob", "HTTPRoute", "Ingress", "Route"}


@every_release
@every_tool
def test_an_ordering_adds_annotations_of_the_tool_and_nothing_else(release: str, tool: str) -> None:
    for _, manifest in waves(release):
        (ordered,) = files([manifest], "airflow", tool).values()
        had, has = (one["metadata"].get("annotations", {}) for one in (manifest, ordered))
        assert has.items() >= had.items()
        added = {name.partition("/")[0] for name in has.keys() - had.keys()}
        assert added <= {"argocd": {"argocd.argoproj.io"}, "flux": {"kustomize.toolkit.fluxcd.io"}}.get(tool, set())
        assert without_annotations(ordered) == without_annotations(manifest)


def without_annotations(manifest: Manifest) -> Manifest:
    """Return the object without annotations, and without empty rules of a policy, which mean the same."""
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "annotations"}
    found = {**manifest, "metadata": metadata}
    if manifest["kind"] == "NetworkPolicy":
        found["spec"] = {name: value for name, value in manifest["spec"].items() if value != []}
    return found


@every_release
def test_a_policy_has_no_empty_rules(release: str) -> None:
    """They are not stored, so that each time that they are applied counts as a change."""
    policies = [manifest for _, manifest in waves(release) if manifest["kind"] == "NetworkPolicy"]
    for tool in ("argocd", "flux"):
        assert all([] not in policy["spec"].values() for policy in files(policies, "airflow", tool).values())
    isolated = [policy for policy in policies if policy["spec"].get("ingress") == []]
    assert isolated or release == "least"
    assert all("Ingress" in policy["spec"]["policyTypes"] for policy in isolated)


@every_release
def test_a_migration_stays_once_it_has_run(release: str) -> None:
    """What deletes a Job has a tool make it again: https://argo-cd.readthedocs.io/en/stable/user-guide/resource_hooks/."""
    (job,) = (manifest for _, manifest in waves(release) if manifest["kind"] == "Job")
    assert "ttlSecondsAfterFinished" not in job["spec"]
    for tool in ("argocd", "flux"):
        ((path, ordered),) = files([job], "migrations", tool).items()
        assert path.name == f"2-job-{job['metadata']['name']}.yaml"
        assert (
            not {"argocd.argoproj.io/hook", "kustomize.toolkit.fluxcd.io/force"}
            & ordered["metadata"].get("annotations", {}).keys()
        )


#: What is given by the inventory and is in no file.
VALUES = {
    name: f"do-not-write-{number}"
    for number, name in enumerate(
        (
            "airflow_admin_password",
            "airflow_api_secret_key",
            "airflow_database_password",
            "airflow_jwt_secret",
            "airflow_redis_password",
            "flower_password",
        )
    )
} | {"airflow_fernet_key": "ZG8tbm90LXdyaXRlLWRvLW5vdC13cml0ZS0wMTIzNDU="}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps({"separated_services": {"hosts": {"mine": VALUES}}}))
    return path


@every_tool
def test_no_value_of_a_secret_is_written(tool: str, inventory: Path, tmp_path: Path) -> None:
    render(tmp_path / "rendered", {"airflow_render_ordering": tool}, inventory)
    texts = {path: path.read_text() for path in (tmp_path / "rendered").rglob("*.*") if path.is_file()}
    assert (tmp_path / "rendered" / "mine" / "flux").is_dir() is (tool == "flux")
    assert any("argocd.argoproj.io/sync-wave" in text for text in texts.values()) is (tool == "argocd")
    assert sum("kind: Job" in text for text in texts.values()) == 1
    assert not any("kind: Secret\n" in text for text in texts.values())
    assert not any(value in text for value in VALUES.values() for text in texts.values())


@pytest.mark.parametrize("tool", ["argocd", "flux"])
def test_a_secret_among_extra_objects_is_refused(tool: str, inventory: Path, tmp_path: Path) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": {"a": "do-not-write"}}
    with pytest.raises(subprocess.CalledProcessError) as refused:
        render(tmp_path / "out", {"airflow_render_ordering": tool, "airflow_extra_objects": [secret]}, inventory)
    assert "airflow_extra_objects has the Secret login" in refused.value.output
    assert not (tmp_path / "out").exists()
