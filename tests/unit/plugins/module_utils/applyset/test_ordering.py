# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a GitOps tool is told of the order of rendered objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import apply as applyset_apply
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.ordering import Wave, files, gitops_wave
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task

Manifest = dict[str, Any]

CLAIM: Manifest = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "dags"}}
CONFIG: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config"}}
SERVER: Manifest = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "server"}}
JOB: Manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migration"}}


def run(directory: Path, set_name: str, *objects: Manifest, tool: str = "flux", **options: Any) -> dict[str, Any]:
    given = {
        "release": "airflow",
        "namespace": "data",
        "set": set_name,
        "objects": list(objects),
        "render": str(directory),
        "render_ordering": tool,
        **options,
    }
    validation = ArgumentSpecValidator(applyset_apply.OPTIONS).validate(given)
    assert not validation.error_messages
    return applyset_apply.run(Task(validation.validated_parameters))


def kustomizations(directory: Path) -> dict[str, Manifest]:
    return {path.stem: yaml.safe_load(path.read_text()) for path in (directory / "flux").glob("*.yaml")}


@pytest.mark.parametrize(
    ("set_name", "api_version", "kind", "wave"),
    [
        ("airflow", "v1", "Namespace", Wave.CONFIGURATION),
        ("airflow", "v1", "PersistentVolumeClaim", Wave.API_SERVER),
        ("airflow", "batch/v1", "CronJob", Wave.EXTRAS),
        ("workers", "networking.k8s.io/v1", "NetworkPolicy", Wave.CONFIGURATION),
        ("workers", "apps/v1", "StatefulSet", Wave.COMPONENTS),
        ("postgres", "v1", "Service", Wave.SERVICES),
        ("api_server", "networking.k8s.io/v1", "Ingress", Wave.EXTRAS),
        ("backup", "v1", "PersistentVolumeClaim", Wave.EXTRAS),
        ("external_secrets", "external-secrets.io/v1", "ExternalSecret", Wave.CONFIGURATION),
        ("extra_objects", "secrets-store.csi.x-k8s.io/v1", "SecretProviderClass", Wave.CONFIGURATION),
        ("extra_objects", "v1", "ConfigMap", Wave.CONFIGURATION),
        ("extra_objects", "apps/v1", "Deployment", Wave.EXTRAS),
        ("extra_objects", "autoscaling/v2", "HorizontalPodAutoscaler", Wave.EXTRAS),
        ("extra_objects", "gateway.networking.k8s.io/v1", "Gateway", Wave.EXTRAS),
    ],
)
def test_a_wave_follows_from_set_and_kind(set_name: str, api_version: str, kind: str, wave: Wave) -> None:
    assert gitops_wave({"apiVersion": api_version, "kind": kind}, set_name) is wave


class TestArgoCd:
    def test_an_object_has_its_wave(self) -> None:
        ((path, job),) = files([JOB], "migrations", "argocd").items()
        assert path == Path("migrations", "2-job-migration.yaml")
        assert job["metadata"]["annotations"] == {"argocd.argoproj.io/sync-wave": "2"}
        assert "annotations" not in JOB["metadata"]

    @pytest.mark.parametrize("kind", ["Namespace", "PersistentVolume", "PersistentVolumeClaim"])
    def test_what_holds_data_is_never_deleted(self, kind: str) -> None:
        (manifest,) = files([{**CLAIM, "kind": kind}], "airflow", "argocd").values()
        assert manifest["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"

    def test_annotations_that_are_given_stay(self) -> None:
        given = {"argocd.argoproj.io/sync-wave": "-1", "team": "data"}
        (manifest,) = files([{**CONFIG, "metadata": {"annotations": given, "name": "a"}}], "x", "argocd").values()
        assert manifest["metadata"]["annotations"] == given


class TestFlux:
    def test_each_wave_has_a_kustomization_that_depends_on_the_one_before(self, tmp_path: Path) -> None:
        run(tmp_path, "airflow", CONFIG, CLAIM)
        run(tmp_path, "migrations", JOB)
        found = kustomizations(tmp_path)
        assert {name: one["spec"]["dependsOn"] for name, one in found.items()} == {
            "0-configuration": [],
            "2-migrations": [{"name": "data-airflow-configuration"}],
            "3-api-server": [{"name": "data-airflow-migrations"}],
        }
        assert {one["metadata"]["name"] for one in found.values()} == {
            "data-airflow-configuration",
            "data-airflow-migrations",
            "data-airflow-api-server",
        }
        where = "/".join(tmp_path.parts[-2:])
        assert {one["spec"]["path"] for one in found.values()} == {f"./{where}/{name}" for name in found}
        for name in found:
            assert list((tmp_path / name).rglob("*.yaml"))

    def test_all_but_the_last_wave_are_waited_for(self, tmp_path: Path) -> None:
        run(tmp_path, "extra_objects", CONFIG, SERVER)
        assert {name: one["spec"]["wait"] for name, one in kustomizations(tmp_path).items()} == {
            "0-configuration": True,
            "5-extras": False,
        }

    def test_a_wave_without_objects_has_none(self, tmp_path: Path) -> None:
        run(tmp_path, "postgres", SERVER)
        run(tmp_path, "migrations", JOB)
        assert run(tmp_path, "postgres")["changed"]
        found = kustomizations(tmp_path)
        assert list(found) == ["2-migrations"]
        assert found["2-migrations"]["spec"]["dependsOn"] == []

    def test_a_claim_is_not_pruned_and_a_job_not_forced(self, tmp_path: Path) -> None:
        run(tmp_path, "airflow", CLAIM)
        run(tmp_path, "migrations", JOB)
        claim, job = (yaml.safe_load(path.read_text()) for path in sorted(tmp_path.glob("*/*/*.yaml"), reverse=True))
        assert claim["metadata"]["annotations"] == {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
        assert "annotations" not in job["metadata"]

    def test_what_they_say_can_be_set(self, tmp_path: Path) -> None:
        flux = {"path": "/clusters/a/", "source_kind": "Bucket", "source_name": "team", "namespace": "gitops"}
        run(tmp_path, "migrations", JOB, render_flux={**flux, "interval": "1h", "timeout": "1h5m"})
        (one,) = kustomizations(tmp_path).values()
        assert one["metadata"]["namespace"] == "gitops"
        assert one["spec"]["sourceRef"] == {"kind": "Bucket", "name": "team"}
        assert one["spec"]["path"] == "./clusters/a/2-migrations"
        assert (one["spec"]["interval"], one["spec"]["timeout"]) == ("1h", "1h5m")

    def test_the_same_input_changes_nothing(self, tmp_path: Path) -> None:
        assert run(tmp_path, "airflow", CONFIG, CLAIM)["changed"]
        assert run(tmp_path, "migrations", JOB)["changed"]
        assert not run(tmp_path, "airflow", CONFIG, CLAIM)["changed"]
        assert not run(tmp_path, "migrations", JOB)["changed"]

    def test_a_set_that_is_replaced_leaves_its_waves(self, tmp_path: Path) -> None:
        run(tmp_path, "scheduler", SERVER)
        run(tmp_path, "master", SERVER, replaces=["scheduler"])
        assert list(kustomizations(tmp_path)) == ["3-api-server"]


@pytest.mark.parametrize("tool", ["none", "argocd", "flux"])
@pytest.mark.parametrize("before", ["none", "argocd", "flux"])
def test_nothing_of_another_ordering_is_left(before: str, tool: str, tmp_path: Path) -> None:
    run(tmp_path / "wanted" / "team", "airflow", CONFIG, CLAIM, tool=tool, render_flux={"path": "team"})
    for ordering in (before, tool):
        run(tmp_path / "found" / "team", "airflow", CONFIG, CLAIM, tool=ordering, render_flux={"path": "team"})
    assert texts(tmp_path / "found") == texts(tmp_path / "wanted")


def texts(directory: Path) -> dict[str, str]:
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*.yaml")}
