# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What applying a set does, in which order, and what it leaves alone."""

from __future__ import annotations

import functools
import itertools
import json
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import apply as applyset_apply
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import apply_set as applyset_apply_set
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import prepare as applyset_prepare
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.apply_set import ApplySet
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.diff import diff
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.explain import explain
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.ordering import FLUX_OPTIONS
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.prepare import prepare, render
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.reference import Outcome, Reference, wave_of
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.checksum import checksum
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.polling import poll
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task

Manifest = dict[str, Any]

INVENTORY = "apply ConfigMap/airflow-apply-sets"


def thing(kind: str, name: str, **rest: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **rest}


def apply(cluster: Any, *given: Manifest, check_mode: bool = False, force: bool = False) -> dict[str, str]:
    """Apply the set ``web`` of the release ``airflow``; return what became of each object."""
    apply_set = ApplySet(cluster, "airflow", "web", "airflow", check_mode)
    outcomes = apply_set.apply(prepare(given, "airflow", "web", "airflow"), force=force)
    return {str(outcome.reference): outcome.result for outcome in outcomes}


def remembered(cluster: Any) -> list[str]:
    data = cluster.objects["ConfigMap", "airflow", "airflow-apply-sets"].get("data", {})
    return data.get("web", "").splitlines()


class TestPrepare:
    def test_gives_namespace_and_labels_and_leaves_the_given_object_as_it_is(self) -> None:
        given = thing("Service", "web")
        (manifest,) = prepare([given], "airflow", "web", "data")
        assert manifest["metadata"] == {
            "name": "web",
            "namespace": "data",
            "labels": {"airflow.kubernetes/release": "airflow", "airflow.kubernetes/set": "web"},
        }
        assert given == thing("Service", "web")

    def test_gives_no_namespace_to_what_lives_in_none(self) -> None:
        (manifest,) = prepare([thing("Namespace", "data")], "airflow", "web", "data")
        assert "namespace" not in manifest["metadata"]

    def test_keeps_a_namespace_that_is_given(self) -> None:
        given = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "other"}}
        (manifest,) = prepare([given], "airflow", "web", "data")
        assert manifest["metadata"]["namespace"] == "other"

    def test_the_cluster_tells_which_kinds_live_in_no_namespace(self) -> None:
        given = [thing("Bucket", "logs", metadata={"name": "logs", "namespace": "data"}), thing("Service", "web")]
        bucket, service = prepare(given, "airflow", "web", "data", lambda _version, kind: kind != "Bucket")
        assert "namespace" not in bucket["metadata"]
        assert service["metadata"]["namespace"] == "data"

    def test_leaves_out_what_is_empty(self) -> None:
        assert prepare([None, {}], "airflow", "web", "data") == []

    @pytest.mark.parametrize(
        ("given", "missing"),
        [
            ({"kind": "Service", "metadata": {"name": "web"}}, "apiVersion"),
            ({"apiVersion": "v1", "metadata": {"name": "web"}}, "kind"),
            ({"apiVersion": "v1", "kind": "Service"}, "metadata.name"),
            ({"apiVersion": "v1", "kind": "Service", "metadata": None}, "metadata.name"),
            ({"apiVersion": "v1", "kind": "Service", "metadata": "web"}, "metadata.name"),
        ],
    )
    def test_says_what_an_object_lacks(self, given: Manifest, missing: str) -> None:
        with pytest.raises(Failure, match=rf"set web has no {missing}: "):
            prepare([given], "airflow", "web", "data")

    def test_a_name_is_text(self) -> None:
        with pytest.raises(Failure, match=r"Service/42: its metadata.name is no text. Quote it"):
            prepare([{"apiVersion": "v1", "kind": "Service", "metadata": {"name": 42}}], "airflow", "web", "data")

    def test_empty_labels_are_none(self) -> None:
        (manifest,) = prepare([thing("Service", "web", metadata={"name": "web", "labels": None})], "a", "web", "data")
        assert manifest["metadata"]["labels"] == {"airflow.kubernetes/release": "a", "airflow.kubernetes/set": "web"}

    def test_does_not_show_the_content_of_an_object_that_lacks_something(self) -> None:
        with pytest.raises(Failure) as failure:
            prepare([{"kind": "Secret", "metadata": {"name": "web"}, "data": {"key": "hunter2"}}], "a", "web", "a")
        assert "hunter2" not in failure.value.message

    def test_refuses_one_name_twice(self) -> None:
        with pytest.raises(Failure, match="The set web has two objects Service/web"):
            prepare([thing("Service", "web"), thing("Service", "web")], "airflow", "web", "data")

    def test_completes_a_generated_name_with_what_changes_when_the_spec_does(self) -> None:
        def name(image: str) -> str:
            job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "migrate-"}}
            (manifest,) = prepare([{**job, "spec": {"image": image}}], "airflow", "web", "data")
            assert "generateName" not in manifest["metadata"]
            return str(manifest["metadata"]["name"])

        assert name("a") == name("a") == "migrate-" + checksum({"image": "a"})
        assert name("a") != name("b")


class TestOrder:
    def test_waves(self) -> None:
        kinds = ["Deployment", "ConfigMap", "Namespace", "Job", "ServiceAccount", "PersistentVolumeClaim", "Service"]
        assert [wave_of(kind) for kind in kinds] == [2, 1, 0, 2, 1, 1, 2]

    def test_a_role_is_there_before_it_is_bound(self, cluster: Any) -> None:
        apply(cluster, thing("RoleBinding", "deployer"), thing("Role", "deployer"))
        assert [entry for entry in cluster.log if "deployer" in entry] == [
            "apply Role/deployer",
            "apply RoleBinding/deployer",
        ]

    def test_a_binding_is_no_problem_of_a_dry_run_that_has_not_made_its_role(self, cluster: Any) -> None:
        missing = ApiFailure("not found", 404, "NotFound", {"kind": "roles", "name": "deployer"})
        cluster.refusals["apply RoleBinding/deployer"] = missing
        apply_set = ApplySet(cluster, "airflow", "web", "airflow", check_mode=True)
        objects = prepare([thing("Role", "deployer"), thing("RoleBinding", "deployer")], "airflow", "web", "airflow")
        assert [outcome.result for outcome in apply_set.apply(objects)] == ["created", "created"]
        missing.details["name"] = "others"
        with pytest.raises(Failure, match="not found"):
            apply_set.apply(objects)

    def test_the_namespace_comes_first_then_what_workloads_need_then_workloads(self, cluster: Any) -> None:
        cluster.objects.clear()
        apply(cluster, thing("Deployment", "web"), thing("ConfigMap", "config"), thing("Namespace", "airflow"))
        assert cluster.log == [
            "apply Namespace/airflow",
            INVENTORY,
            "apply ConfigMap/config",
            "apply Deployment/web",
        ]

    def test_what_another_run_did_before_the_release_was_held_is_taken_into_account(self, cluster: Any) -> None:
        cluster.objects.clear()
        namespace = thing("Namespace", "airflow")

        def is_held(path: str) -> None:
            if path == "":
                cluster.guard = lambda _path: None
                apply(cluster, namespace, thing("Service", "theirs"))

        cluster.guard = is_held
        assert apply(cluster, namespace, thing("Service", "ours"))["Service/theirs"] == "deleted"
        assert remembered(cluster) == ["v1 Namespace airflow -", "v1 Service ours"]

    def test_of_two_runs_one_has_made_the_namespace(self, cluster: Any) -> None:
        cluster.objects.clear()
        namespace = thing("Namespace", "airflow")
        real_get = cluster.get

        def get_and_lose(api_version: str, kind: str, name: str, where: str | None = None) -> Any:
            found = real_get(api_version, kind, name, where)
            if kind == "Namespace" and found is None:
                cluster.get = real_get
                apply(cluster, namespace)
            return found

        cluster.get = get_and_lose
        assert apply(cluster, namespace) == {"Namespace/airflow": "unchanged"}
        cluster.objects.clear()
        assert apply(cluster, namespace) == {"Namespace/airflow": "created"}

    def test_the_inventory_knows_of_an_object_before_it_is_created(self, cluster: Any) -> None:
        apply(cluster, thing("Service", "old"))
        cluster.log.clear()
        cluster.refusals["apply Service/new"] = ApiFailure("boom", 500)
        with pytest.raises(Failure):
            apply(cluster, thing("Service", "new"))
        assert cluster.log == [INVENTORY, "apply Service/new"]
        assert remembered(cluster) == ["v1 Service new", "v1 Service old"]

    def test_what_has_left_is_deleted_after_all_is_applied_and_then_forgotten(self, cluster: Any) -> None:
        apply(cluster, thing("Service", "old"))
        cluster.log.clear()
        assert apply(cluster, thing("Service", "new")) == {"Service/new": "created", "Service/old": "deleted"}
        assert cluster.log == [INVENTORY, "apply Service/new", "delete Service/old", INVENTORY]
        assert remembered(cluster) == ["v1 Service new"]

    def test_a_run_that_was_killed_before_it_deleted_is_made_good_by_the_next(self, cluster: Any) -> None:
        apply(cluster, thing("Service", "old"))
        cluster.refusals["delete Service/old"] = ApiFailure("killed here", 500)
        with pytest.raises(Failure):
            apply(cluster, thing("Service", "new"))
        cluster.refusals.clear()
        assert apply(cluster, thing("Service", "new")) == {"Service/new": "unchanged", "Service/old": "deleted"}
        assert cluster.names("Service") == ["new"]

    def test_no_later_wave_is_begun_when_an_object_is_refused(self, cluster: Any) -> None:
        cluster.refusals["apply ConfigMap/config"] = ApiFailure("boom", 500)
        with pytest.raises(Failure):
            apply(cluster, thing("Deployment", "web"), thing("ConfigMap", "config"))
        assert cluster.names("Deployment") == []


class TestOutcome:
    def test_created_then_unchanged_then_configured(self, cluster: Any) -> None:
        assert apply(cluster, thing("Service", "web", spec={"port": 1})) == {"Service/web": "created"}
        assert apply(cluster, thing("Service", "web", spec={"port": 1})) == {"Service/web": "unchanged"}
        assert apply(cluster, thing("Service", "web", spec={"port": 2})) == {"Service/web": "configured"}

    def test_nothing_is_written_for_the_inventory_when_the_set_is_the_same(self, cluster: Any) -> None:
        apply(cluster, thing("Service", "web"))
        cluster.log.clear()
        apply(cluster, thing("Service", "web"))
        assert cluster.log == ["apply Service/web"]

    def test_a_set_of_few_objects_is_read_over_one_connection(
        self, cluster: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        threads = set()
        real_get = cluster.get

        def get(*given: Any) -> Any:
            threads.add(threading.current_thread())
            time.sleep(0.01)
            return real_get(*given)

        monkeypatch.setattr(cluster, "get", get)
        apply(cluster, *[thing("Service", str(number)) for number in range(4)])
        assert len(threads - {threading.main_thread()}) == 1

    def test_what_is_known_to_be_applied_is_not_sent(self, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        apply(cluster, thing("Service", "web"), thing("Service", "api"))
        cluster.log.clear()
        monkeypatch.setattr(
            applyset_apply_set, "is_applied", lambda manifest, live, manager: manifest["metadata"]["name"] == "web"
        )
        assert apply(cluster, thing("Service", "web"), thing("Service", "api")) == {
            "Service/web": "unchanged",
            "Service/api": "unchanged",
        }
        assert cluster.log == ["apply Service/api"]

    @pytest.mark.parametrize(
        "written",
        [
            {"status": {"ready": 1}},
            {"metadata": {"generation": 2, "managedFields": [{}], "uid": "u"}},
            {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "3"}}},
        ],
        ids=["status", "bookkeeping", "annotation"],
    )
    @pytest.mark.parametrize("own", [{"annotations": {"mine": "1"}}, {}], ids=["beside others", "alone"])
    def test_what_the_cluster_writes_by_itself_is_no_change(
        self, cluster: Any, written: Manifest, own: Manifest
    ) -> None:
        given = thing("Service", "web", metadata={"name": "web", **own})
        apply(cluster, given)
        stored = cluster.objects["Service", "airflow", "web"]
        annotations = written.get("metadata", {}).get("annotations", {})
        real_apply = cluster.apply

        def apply_and_write(*given: Any) -> Manifest:
            after = real_apply(*given)
            metadata = {**after["metadata"], **written.get("metadata", {})}
            metadata["annotations"] = {**after["metadata"].get("annotations", {}), **annotations}
            return {**after, **written, "metadata": metadata}

        assert stored
        cluster.apply = apply_and_write
        assert apply(cluster, given) == {"Service/web": "unchanged"}

    def test_a_job_that_failed_is_created_anew(self, cluster: Any) -> None:
        apply(cluster, thing("Job", "migrate"))
        job = cluster.objects["Job", "airflow", "migrate"]
        job["status"] = {"conditions": [{"type": "Failed", "status": "True"}]}
        cluster.log.clear()
        assert apply(cluster, thing("Job", "migrate")) == {"Job/migrate": "replaced"}
        assert cluster.log == ["delete Job/migrate", "apply Job/migrate"]
        assert "status" not in cluster.objects["Job", "airflow", "migrate"]

    @pytest.mark.parametrize(
        "condition", [{"type": "Complete", "status": "True"}, {"type": "Failed", "status": "False"}]
    )
    def test_a_job_that_has_not_failed_stays(self, cluster: Any, condition: Manifest) -> None:
        apply(cluster, thing("Job", "migrate"))
        cluster.objects["Job", "airflow", "migrate"]["status"] = {"conditions": [condition]}
        assert apply(cluster, thing("Job", "migrate")) == {"Job/migrate": "unchanged"}

    def test_only_a_job_is_ever_created_anew_for_having_failed(self, cluster: Any) -> None:
        apply(cluster, thing("Deployment", "web"))
        condition = {"type": "Failed", "status": "True"}
        cluster.objects["Deployment", "airflow", "web"]["status"] = {"conditions": [condition]}
        assert apply(cluster, thing("Deployment", "web")) == {"Deployment/web": "unchanged"}


FORBIDDEN_CHANGE = "updates to statefulset spec for fields other than 'replicas' are forbidden"


def invalid(message: str) -> ApiFailure:
    return ApiFailure("is invalid", 422, "Invalid", {"causes": [{"field": "spec", "message": message}]})


class TestWhatNeverHeldAnything:
    """A first deploy with a wrong storage class leaves a claim that nothing can bind, and that cannot be changed."""

    @pytest.fixture
    def refusing(self, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
        """The cluster refuses to change the StatefulSet, as long as it is there, with this message."""

        def refuse(message: str) -> Any:
            real_apply = cluster.apply

            def apply(manifest: Manifest, *args: Any, **rest: Any) -> Manifest:
                if ("StatefulSet", "airflow", "db") in cluster.objects and manifest["kind"] == "StatefulSet":
                    raise invalid(message)
                return dict(real_apply(manifest, *args, **rest))

            monkeypatch.setattr(cluster, "apply", apply)
            cluster.log.clear()
            return cluster

        return refuse

    def database(self, storage_class: str) -> Manifest:
        template = {"metadata": {"name": "data"}, "spec": {"storageClassName": storage_class}}
        return thing("StatefulSet", "db", spec={"replicas": 1, "volumeClaimTemplates": [template]})

    def claim(self, cluster: Any, phase: str = "Pending", volume: str | None = None) -> None:
        spec = {"volumeName": volume} if volume else {}
        cluster.add("PersistentVolumeClaim", "data-db-0", spec=spec, status={"phase": phase})

    def test_is_replaced_with_its_claim(self, cluster: Any, refusing: Any) -> None:
        apply(cluster, self.database("wrong"))
        self.claim(cluster)
        refusing(FORBIDDEN_CHANGE)
        assert apply(cluster, self.database("right")) == {"StatefulSet/db": "replaced"}
        assert cluster.log == [
            # Its controller would make the claim anew.
            "delete StatefulSet/db",
            "delete PersistentVolumeClaim/data-db-0",
            "apply StatefulSet/db",
        ]
        (template,) = cluster.objects["StatefulSet", "airflow", "db"]["spec"]["volumeClaimTemplates"]
        assert template["spec"]["storageClassName"] == "right"

    def test_a_claim_alone_is_replaced_too(self, cluster: Any) -> None:
        given = thing("PersistentVolumeClaim", "dags", spec={"storageClassName": "right"})
        cluster.add("PersistentVolumeClaim", "dags", spec={"storageClassName": "wrong"}, status={"phase": "Pending"})
        cluster.refusals["apply PersistentVolumeClaim/dags"] = invalid("spec is immutable after creation")
        with pytest.raises(Failure):
            apply(cluster, given)
        assert "delete PersistentVolumeClaim/dags" in cluster.log

    @pytest.mark.parametrize(("phase", "volume"), [("Bound", "pv-1"), ("Lost", None), ("Pending", "pv-1")])
    def test_what_may_hold_data_stays(self, cluster: Any, refusing: Any, phase: str, volume: str | None) -> None:
        apply(cluster, self.database("wrong"))
        self.claim(cluster, phase, volume)
        refusing(FORBIDDEN_CHANGE)
        with pytest.raises(Failure, match="cannot be changed once the object exists"):
            apply(cluster, self.database("right"))
        assert cluster.log == []

    def test_what_is_ready_stays(self, cluster: Any, refusing: Any) -> None:
        apply(cluster, self.database("wrong"))
        cluster.objects["StatefulSet", "airflow", "db"]["status"] = {"readyReplicas": 1}
        refusing(FORBIDDEN_CHANGE)
        with pytest.raises(Failure, match="cannot be changed once the object exists"):
            apply(cluster, self.database("right"))
        assert cluster.log == []

    def test_pods_without_volumes_stay_though_none_is_ready(self, cluster: Any, refusing: Any) -> None:
        """A worker that is not ready may still be finishing its tasks."""
        apply(cluster, thing("StatefulSet", "db", spec={"replicas": 1}))
        refusing(FORBIDDEN_CHANGE)
        with pytest.raises(Failure, match="cannot be changed once the object exists"):
            apply(cluster, thing("StatefulSet", "db", spec={"serviceName": "other"}))
        assert cluster.log == []

    def test_nothing_is_deleted_for_a_value_that_would_be_refused_again(self, cluster: Any, refusing: Any) -> None:
        apply(cluster, self.database("wrong"))
        self.claim(cluster)
        refusing("must be greater than or equal to 0")
        with pytest.raises(Failure, match="the cluster refuses it: is invalid"):
            apply(cluster, self.database("right"))
        assert cluster.log == []

    def test_check_mode_deletes_nothing(self, cluster: Any, refusing: Any) -> None:
        apply(cluster, self.database("wrong"))
        self.claim(cluster)
        refusing(FORBIDDEN_CHANGE)
        assert apply(cluster, self.database("right"), check_mode=True) == {"StatefulSet/db": "replaced"}
        assert cluster.log == []

    def test_one_that_will_not_go_is_told(self, cluster: Any, refusing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        apply(cluster, self.database("wrong"))
        self.claim(cluster)
        refusing(FORBIDDEN_CHANGE)
        seconds = itertools.count()
        quickly = functools.partial(poll, clock=lambda: next(seconds), sleep=lambda _seconds: None)
        monkeypatch.setattr(applyset_apply_set, "poll", quickly)
        monkeypatch.setattr(cluster, "delete", lambda *args, **rest: None)
        with pytest.raises(Failure, match=r"StatefulSet/db: it has to be replaced, but after 30 s"):
            apply(cluster, self.database("right"))


class TestVolumeOfAFolder:
    """A volume remembers the claim that it was bound to, and no other can have it."""

    def volume(self, policy: str = "Retain") -> Manifest:
        return thing("PersistentVolume", "shared", spec={"persistentVolumeReclaimPolicy": policy})

    @pytest.mark.parametrize(
        ("phase", "policy", "result"),
        [
            ("Released", "Retain", "replaced"),
            ("Bound", "Retain", "unchanged"),
            # Deleting it would delete what it leads to.
            ("Released", "Delete", "unchanged"),
        ],
    )
    def test_is_made_anew_when_its_claim_is_gone(self, cluster: Any, phase: str, policy: str, result: str) -> None:
        apply(cluster, self.volume(policy))
        cluster.objects["PersistentVolume", "", "shared"]["status"] = {"phase": phase}
        assert apply(cluster, self.volume(policy)) == {"PersistentVolume/shared": result}

    def test_another_folder_is_refused_with_the_way_out(self, cluster: Any) -> None:
        apply(cluster, self.volume())
        cluster.refusals["apply PersistentVolume/shared"] = invalid(
            "Forbidden: spec.persistentvolumesource is immutable after creation"
        )
        with pytest.raises(Failure, match="stop the pods, delete the claim that is bound to the volume"):
            apply(cluster, self.volume())


class TestElsewhere:
    """An object may live in another namespace than its release."""

    given = thing("ConfigMap", "dashboard", metadata={"name": "dashboard", "namespace": "monitoring"})

    @pytest.fixture
    def cluster(self, cluster: Any) -> Any:
        cluster.add("Namespace", "monitoring")
        return cluster

    def test_is_remembered_with_its_namespace(self, cluster: Any) -> None:
        apply(cluster, self.given, thing("Service", "web"))
        assert remembered(cluster) == ["v1 ConfigMap dashboard monitoring", "v1 Service web"]

    def test_is_deleted_when_it_leaves_the_set(self, cluster: Any) -> None:
        apply(cluster, self.given)
        cluster.add(
            "ConfigMap", "dashboard", metadata=cluster.objects["ConfigMap", "monitoring", "dashboard"]["metadata"]
        )
        cluster.objects["ConfigMap", "airflow", "dashboard"]["metadata"] = {"name": "dashboard"}
        assert apply(cluster) == {"ConfigMap/dashboard": "deleted"}
        assert ("ConfigMap", "monitoring", "dashboard") not in cluster.objects
        assert ("ConfigMap", "airflow", "dashboard") in cluster.objects
        assert remembered(cluster) == []

    def test_what_is_kept_there_stays_known(self, cluster: Any) -> None:
        secret = {**self.given, "kind": "Secret"}
        apply(cluster, self.given, secret)
        for _deploy in range(2):
            assert apply(cluster)["Secret/dashboard"] == "kept"
            assert remembered(cluster) == ["v1 Secret dashboard monitoring"]
        cluster.objects.pop(("Secret", "monitoring", "dashboard"))
        apply(cluster)
        assert remembered(cluster) == []

    @pytest.mark.parametrize(
        ("line", "namespace"), [("v1 Service web", "airflow"), ("v1 Node a -", ""), ("v1 Service web other", "other")]
    )
    def test_a_line_says_where(self, line: str, namespace: str) -> None:
        """The first two are what releases have been remembered by."""
        reference = Reference.parse(line, "airflow")
        assert reference.namespace == namespace
        assert reference.line("airflow") == line


class TestNoteOfDryRun:
    def test_is_kept_beside_the_sets(self, cluster: Any) -> None:
        apply(cluster, thing("Service", "web"))
        sets = ApplySet(cluster, "airflow", "web", "airflow")
        sets.note_dry_run("d1")
        metadata = cluster.objects["ConfigMap", "airflow", "airflow-apply-sets"]["metadata"]
        assert metadata["annotations"] == {"airflow.kubernetes/dry-run": "d1"}
        assert metadata["labels"] == {"airflow.kubernetes/release": "airflow"}
        assert remembered(cluster) == ["v1 Service web"]

    def test_the_same_is_not_written_again(self, cluster: Any) -> None:
        given = prepare([thing("Service", "web")], "airflow", "web", "airflow")
        for digest in ("d1", "d1", ""):
            sets = ApplySet(cluster, "airflow", "web", "airflow")
            sets.apply(given)
            sets.note_dry_run(digest)
        assert cluster.log.count(INVENTORY) == 2

    def test_check_mode_writes_nothing(self, cluster: Any) -> None:
        ApplySet(cluster, "airflow", "web", "airflow", check_mode=True).note_dry_run("d1")
        assert cluster.log == []


class TestLeaving:
    @pytest.mark.parametrize("kind", ["PersistentVolumeClaim", "Secret"])
    def test_what_holds_data_stays_and_is_told(self, cluster: Any, kind: str) -> None:
        apply(cluster, thing(kind, "data"))
        assert apply(cluster) == {f"{kind}/data": "kept"}
        assert cluster.names(kind) == ["data"]

    def test_the_namespace_stays(self, cluster: Any) -> None:
        apply(cluster, thing("Namespace", "airflow"), thing("Service", "web"))
        assert apply(cluster) == {"Namespace/airflow": "kept", "Service/web": "deleted"}
        assert cluster.names("Namespace") == ["airflow"]

    def test_what_lives_in_no_namespace_leaves_too(self, cluster: Any) -> None:
        apply(cluster, thing("ClusterRole", "reader"))
        assert remembered(cluster) == ["v1 ClusterRole reader -"]
        assert apply(cluster) == {"ClusterRole/reader": "deleted"}
        assert cluster.names("ClusterRole") == []

    @pytest.mark.parametrize(
        "labels",
        [
            {},
            {"airflow.kubernetes/release": "other", "airflow.kubernetes/set": "web"},
            {"airflow.kubernetes/release": "airflow", "airflow.kubernetes/set": "other"},
        ],
        ids=["nobody's", "another release's", "another set's"],
    )
    def test_what_is_by_now_somebody_elses_is_left_alone(self, cluster: Any, labels: dict[str, str]) -> None:
        apply(cluster, thing("Service", "web"))
        cluster.objects["Service", "airflow", "web"]["metadata"]["labels"] = labels
        assert apply(cluster) == {"Service/web": "unchanged"}
        assert cluster.names("Service") == ["web"]
        assert remembered(cluster) == []

    def test_what_is_gone_already_is_no_change(self, cluster: Any) -> None:
        apply(cluster, thing("Service", "web"))
        del cluster.objects["Service", "airflow", "web"]
        assert apply(cluster) == {"Service/web": "unchanged"}

    def test_an_object_that_nobody_applied_is_never_touched(self, cluster: Any) -> None:
        cluster.add("Service", "users")
        apply(cluster, thing("Service", "web"))
        apply(cluster)
        assert cluster.names("Service") == ["users"]

    def test_another_set_of_the_release_keeps_its_own(self, cluster: Any) -> None:
        other = ApplySet(cluster, "airflow", "other", "airflow")
        other.apply(prepare([thing("Service", "other")], "airflow", "other", "airflow"))
        apply(cluster, thing("Service", "web"))
        apply(cluster)
        assert cluster.names("Service") == ["other"]
        data = cluster.objects["ConfigMap", "airflow", "airflow-apply-sets"]["data"]
        assert data == {"other": "v1 Service other"}

    def test_the_state_absent_empties_the_set(
        self, cluster: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(applyset_apply, "Client", lambda params, *rest: cluster)
        params = options(connection, objects=[thing("Service", "web")])
        assert applyset_apply.run(Task(params))["changed"] is True
        result = applyset_apply.run(Task({**params, "state": "absent"}))
        assert result["objects"] == [{"kind": "Service", "name": "web", "result": "deleted"}]
        assert cluster.names("Service") == []

    def test_the_sets_it_replaces_are_deleted_after_it_was_applied(
        self, cluster: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(applyset_apply, "Client", lambda params, *rest: cluster)
        applyset_apply.run(Task(options(connection, objects=[thing("Service", "one")]) | {"set": "one"}))
        params = options(connection, objects=[thing("Service", "web")]) | {"replaces": ["one"]}
        result = applyset_apply.run(Task(params))
        assert [(told["name"], told["result"]) for told in result["objects"]] == [
            ("web", "created"),
            ("one", "deleted"),
        ]
        assert cluster.names("Service") == ["web"]
        assert applyset_apply.run(Task(params))["changed"] is False


class TestCheckMode:
    def test_tells_the_same_and_writes_nothing(self, cluster: Any) -> None:
        apply(cluster, thing("Service", "old"), thing("Service", "same", spec={"port": 1}))
        cluster.log.clear()
        given = [thing("Service", "same", spec={"port": 2}), thing("Service", "new")]
        assert apply(cluster, *given, check_mode=True) == {
            "Service/same": "configured",
            "Service/new": "created",
            "Service/old": "deleted",
        }
        assert cluster.writes == []
        assert "delete Service/old?" in cluster.log
        assert cluster.names("Service") == ["old", "same"]

    def test_works_in_a_namespace_that_is_not_there_yet(self, cluster: Any) -> None:
        cluster.objects.clear()
        given = [thing("Namespace", "airflow"), thing("ConfigMap", "config"), thing("Deployment", "web")]
        assert set(apply(cluster, *given, check_mode=True).values()) == {"created"}
        assert cluster.objects == {}

    def test_does_not_take_every_missing_thing_for_a_missing_namespace(self, cluster: Any) -> None:
        cluster.refusals["apply Service/web"] = ApiFailure("no such thing", 404, "NotFound")
        with pytest.raises(Failure, match="no such thing"):
            apply(cluster, thing("Service", "web"), check_mode=True)

    def test_does_not_replace_a_job(self, cluster: Any) -> None:
        apply(cluster, thing("Job", "migrate"))
        cluster.objects["Job", "airflow", "migrate"]["status"] = {"conditions": [{"type": "Failed", "status": "True"}]}
        cluster.log.clear()
        assert apply(cluster, thing("Job", "migrate"), check_mode=True) == {"Job/migrate": "replaced"}
        assert cluster.log == []


class TestReplicasOfDayTwo:
    """What playbooks/scale.yml and stop.yml have set is taken over by the next deploy, which says so."""

    def workers(self, replicas: int) -> Any:
        return thing("StatefulSet", "worker", spec={"replicas": replicas})

    def set_replicas(self, cluster: Any, replicas: int, manager: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Set replicas as the scale of a workload does, after which an apply is refused that does not insist."""
        (live,) = [obj for (kind, _namespace, _name), obj in cluster.objects.items() if kind == "StatefulSet"]
        live["spec"]["replicas"] = replicas
        live["metadata"]["managedFields"] = [
            {"manager": manager, "fieldsV1": {"f:spec": {"f:replicas": {}}}, "time": "2026-01-01T12:00:00Z"}
        ]
        message = f'conflict with "{manager}" using apps/v1'
        cause = {"reason": "FieldManagerConflict", "message": message, "field": ".spec.replicas"}
        take = cluster.apply

        def refuse(manifest: Any, field_manager: str, dry_run: bool = False, force: bool = False) -> Any:
            if manifest["kind"] == "StatefulSet" and not force:
                raise ApiFailure("conflict", 409, "Conflict", {"causes": [cause]})
            return take(manifest, field_manager, dry_run, force)

        monkeypatch.setattr(cluster, "apply", refuse)

    @pytest.mark.parametrize(
        ("replicas", "manager", "note"),
        [
            (0, "airflow.kubernetes/stop", "was stopped at 2026-01-01 12:00:00 UTC, and starts again with 3 pods"),
            (1, "airflow.kubernetes/scale", "was scaled to 1 pods after the last deploy, and gets the 3 of the"),
        ],
        ids=["stopped", "scaled"],
    )
    def test_they_are_taken_over(
        self, cluster: Any, monkeypatch: pytest.MonkeyPatch, replicas: int, manager: str, note: str
    ) -> None:
        apply(cluster, self.workers(3))
        self.set_replicas(cluster, replicas, manager, monkeypatch)
        manifests = prepare([self.workers(3)], "airflow", "web", "airflow")
        (outcome,) = ApplySet(cluster, "airflow", "web", "airflow").apply(manifests)
        assert outcome.after is not None
        assert outcome.after["spec"]["replicas"] == 3
        assert outcome.note.startswith(note)

    def test_those_of_others_are_not(self, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        apply(cluster, self.workers(3))
        self.set_replicas(cluster, 5, "hpa", monkeypatch)
        with pytest.raises(Failure, match="somebody else manages"):
            apply(cluster, self.workers(3))


class TestRefusals:
    service = thing("Service", "web", metadata={"name": "web", "namespace": "data"})
    claim = thing("PersistentVolumeClaim", "dags", metadata={"name": "dags", "namespace": "data"})
    stateful_set = thing("StatefulSet", "web", metadata={"name": "web", "namespace": "data"})

    def test_a_conflict_names_the_manager_and_the_field(self) -> None:
        cause = {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "hpa" using autoscaling/v2',
            "field": ".spec.replicas",
        }
        said = explain(ApiFailure("conflict", 409, "Conflict", {"causes": [cause]}), self.service)
        assert said.startswith("Service/web: somebody else manages")
        assert ".spec.replicas" in said
        assert '"hpa"' in said
        assert "airflow_force_conflicts: true" in said

    @pytest.mark.parametrize(
        "message",
        ["Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden", "field is immutable"],
    )
    def test_an_immutable_field_is_named_with_the_way_out(self, message: str) -> None:
        failure = ApiFailure("invalid", 422, "Invalid", {"causes": [{"field": "spec.x", "message": message}]})
        said = explain(failure, self.stateful_set)
        assert "StatefulSet/web: a field cannot be changed once the object exists: spec.x" in said
        assert "kubectl delete statefulset web -n data --cascade=orphan" in said

    def test_nobody_is_told_to_delete_a_claim(self) -> None:
        cause = {"field": "spec", "message": "spec is immutable after creation"}
        said = explain(ApiFailure("invalid", 422, "Invalid", {"causes": [cause]}), self.claim)
        assert "kubectl delete" not in said
        assert "make a new claim" in said

    NODE_PORT: ClassVar[Manifest] = {
        "field": "spec.ports[0].nodePort",
        "message": "Forbidden: may not be used when `type` is 'ClusterIP'",
    }

    @pytest.mark.parametrize("is_new", [True, False])
    def test_what_may_never_be_used_together_is_no_change(self, is_new: bool) -> None:
        failure = ApiFailure("may not be used", 422, "Invalid", {"causes": [self.NODE_PORT]})
        assert explain(failure, self.service, is_new) == "Service/web: the cluster refuses it: may not be used"

    def test_a_creation_changes_nothing(self, cluster: Any) -> None:
        cluster.refusals["apply Service/web"] = invalid("field is immutable")
        with pytest.raises(Failure, match="Service/web: the cluster refuses it"):
            apply(cluster, thing("Service", "web"))
        cluster.add("Service", "web")
        with pytest.raises(Failure, match="Service/web: a field cannot be changed once the object exists"):
            apply(cluster, thing("Service", "web"))

    @pytest.mark.parametrize(
        "message",
        [
            "Forbidden: may not change once set",
            "Forbidden: may not be changed once set",
            "Forbidden: field can not be less than status.capacity",
            "Forbidden: spec is immutable after creation except resources.requests",
            "Forbidden: updates to provisioner are forbidden.",
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`",
        ],
    )
    def test_every_way_in_which_a_change_is_refused(self, message: str) -> None:
        failure = ApiFailure("no", 422, "Invalid", {"causes": [{"field": "spec.x", "message": message}]})
        assert "cannot be changed once the object exists: spec.x" in explain(failure, self.service)

    def test_what_is_invalid_is_not_taken_for_immutable(self) -> None:
        cause = {"field": "spec.port", "message": "must be between 1 and 65535"}
        said = explain(ApiFailure("port is bad", 422, "Invalid", {"causes": [cause]}), self.service)
        assert said == "Service/web: the cluster refuses it: port is bad"

    def test_what_is_forbidden_says_what_the_cluster_says(self) -> None:
        said = explain(ApiFailure("exceeded quota: small", 403, "Forbidden"), self.service)
        assert said == "Service/web: the cluster forbids it: exceeded quota: small"

    def test_a_missing_namespace_says_who_makes_it(self) -> None:
        said = explain(ApiFailure('namespaces "data" not found', 404, "NotFound"), self.service)
        assert 'namespaces "data" not found' in said
        assert "airflow_namespace_create" in said

    def test_every_refused_object_of_a_wave_is_told_and_what_was_done(self, cluster: Any) -> None:
        cluster.refusals["apply Service/one"] = ApiFailure("first reason", 500)
        cluster.refusals["apply Service/two"] = ApiFailure("second reason", 500)
        with pytest.raises(Failure) as failure:
            apply(cluster, *(thing("Service", name) for name in ("one", "two", "three")), thing("ConfigMap", "config"))
        assert "Service/one: the cluster refuses it: first reason" in failure.value.message
        assert "Service/two: the cluster refuses it: second reason" in failure.value.message
        assert failure.value.result["objects"] == [
            {"kind": "ConfigMap", "name": "config", "result": "created"},
            {"kind": "Service", "name": "three", "result": "created"},
        ]

    def test_force_reaches_the_cluster(self, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        forced = []
        real_apply = cluster.apply

        def note(manifest: Manifest, field_manager: str, dry_run: bool = False, force: bool = False) -> Manifest:
            forced.append((manifest["kind"], force))
            return dict(real_apply(manifest, field_manager, dry_run))

        monkeypatch.setattr(cluster, "apply", note)
        apply(cluster, thing("Service", "web"), force=True)
        assert forced == [("ConfigMap", False), ("Service", True)]


class TestDiff:
    def outcome(self, before: dict[str, str] | None, after: dict[str, str] | None) -> dict[str, Any]:
        def secret(data: dict[str, str] | None) -> Manifest | None:
            return None if data is None else thing("Secret", "login", data=data)

        reference = Reference("v1", "Secret", "login", "data")
        return diff(Outcome(reference, "configured", secret(before), secret(after)))

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"old": "aHVudGVyMg=="}, {"old": "c2VjcmV0", "new": "aHVudGVyMg=="}),
            (None, {"old": "aHVudGVyMg=="}),
            ({"old": "aHVudGVyMg=="}, None),
        ],
        ids=["changed", "created", "deleted"],
    )
    def test_shows_no_value_of_a_secret(self, before: dict[str, str] | None, after: dict[str, str] | None) -> None:
        shown = json.dumps(self.outcome(before, after))
        assert "aHVudGVyMg" not in shown
        assert "c2VjcmV0" not in shown
        assert "(hidden" in shown

    def test_tells_which_value_differs(self) -> None:
        shown = self.outcome({"same": "YQ==", "other": "YQ=="}, {"same": "YQ==", "other": "Yg=="})
        assert shown["after"]["data"] == {"same": "(hidden)", "other": "(hidden, differs)"}

    def test_shows_what_is_no_secret(self) -> None:
        reference = Reference("v1", "ConfigMap", "config", "data")
        shown = diff(Outcome(reference, "created", None, thing("ConfigMap", "config", data={"key": "value"})))
        assert shown["after"]["data"] == {"key": "value"}
        assert shown["before"] == ""

    def test_is_returned_only_when_asked_for_and_of_what_changes(
        self, cluster: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(applyset_apply, "Client", lambda params, *rest: cluster)
        params = options(connection, objects=[thing("Service", "web")])
        assert len(applyset_apply.run(Task(params, check_mode=True, diff_mode=True))["diff"]) == 1
        assert "diff" not in applyset_apply.run(Task(params))
        assert applyset_apply.run(Task(params, diff_mode=True))["diff"] == []


def options(connection: dict[str, Any], **given: Any) -> dict[str, Any]:
    defaults = {
        "state": "present",
        "force_conflicts": False,
        "render": None,
        "render_ordering": "none",
        "render_flux": dict.fromkeys(FLUX_OPTIONS),
        "objects": [],
        "replaces": [],
        "checksums_of": {},
        "dry_run_digest": "",
    }
    return {**connection, "release": "airflow", "set": "web", "namespace": "airflow", **defaults, **given}


class TestRender:
    def test_writes_a_file_an_object_and_removes_the_sets_old_ones(self, tmp_path: Path) -> None:
        def files(*given: Manifest) -> list[str]:
            render(prepare(given, "airflow", "web", "data"), tmp_path, options({}))
            return sorted(path.name for path in (tmp_path / "web").iterdir())

        assert files(thing("Service", "web"), thing("ConfigMap", "web")) == [
            "1-configmap-web.yaml",
            "2-service-web.yaml",
        ]
        assert files(thing("Service", "other")) == ["2-service-other.yaml"]

    def test_removes_what_was_written_of_the_sets_it_replaces(self, connection: dict[str, Any], tmp_path: Path) -> None:
        wanted = {"render": str(tmp_path), "objects": [thing("Service", "web")]}
        applyset_apply.run(Task(options(connection, **wanted) | {"set": "one"}))
        params = options(connection, **wanted, replaces=["one", "never-written"])
        assert applyset_apply.run(Task(params))["changed"] is True
        assert [path.name for path in tmp_path.rglob("*.yaml")] == ["2-service-web.yaml"]
        assert not (tmp_path / "never-written").exists()
        assert applyset_apply.run(Task(params))["changed"] is False

    def test_is_what_would_be_applied(self, tmp_path: Path) -> None:
        manifests = prepare([thing("Service", "web", spec={"ports": [{"port": 80}]})], "airflow", "web", "data")
        render(manifests, tmp_path, options({}))
        assert yaml.safe_load((tmp_path / "web" / "2-service-web.yaml").read_text()) == manifests[0]

    def test_has_checksums_of_further_values(self, connection: dict[str, Any], tmp_path: Path) -> None:
        def told(value: str) -> Any:
            given = {"objects": [thing("ConfigMap", "config")], "render": str(tmp_path)}
            return applyset_apply.run(Task(options(connection, **given, checksums_of={"part": {"key": value}})))[
                "checksums"
            ]

        assert told("a").keys() == {"config", "part"}
        assert told("a") == told("a")
        assert told("a")["config"] == told("b")["config"]
        assert told("a")["part"] != told("b")["part"]

    def test_tells_whether_a_file_changed(self, tmp_path: Path) -> None:
        manifests = prepare([thing("Service", "web")], "airflow", "web", "data")
        assert render(manifests, tmp_path, options({}))["changed"] is True
        assert render(manifests, tmp_path, options({}))["changed"] is False
        assert render([], tmp_path, options({}))["changed"] is True

    def test_writes_nothing_in_check_mode(self, tmp_path: Path) -> None:
        manifests = prepare([thing("Service", "web")], "airflow", "web", "data")
        assert render(manifests, tmp_path, options({}), check_mode=True)["changed"] is True
        assert list(tmp_path.iterdir()) == []

    def test_asks_no_cluster(self, connection: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(params: Any, *rest: Any) -> None:
            raise AssertionError("a cluster was asked")

        monkeypatch.setattr(applyset_apply, "Client", refuse)
        params = options(connection, objects=[thing("Service", "web")], render=str(tmp_path))
        assert applyset_apply.run(Task(params))["files"] == [str(tmp_path / "web" / "2-service-web.yaml")]


def test_checksums_of_configuration_change_with_its_content() -> None:
    def of(value: str) -> dict[str, str]:
        return applyset_prepare.checksums([thing("ConfigMap", "config", data={"key": value}), thing("Service", "web")])

    assert of("a") == of("a")
    assert of("a").keys() == {"config"}
    assert of("a") != of("b")
