# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the volumes for DAGs and logs cannot be is told before anything is touched, with the way out."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.shared_volume import (
    SharedVolume,
    quantity,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.volumes import Storage, check_bound
from tests.unit.plugins.module_utils.preflight.given import check

FORBIDDEN = ApiFailure("forbidden", 403, "Forbidden")
EVERYWHERE: dict[str, Any] = {"node_selector": {}, "tolerations": [], "affinity": {}}


def share(**given: Any) -> SharedVolume:
    return SharedVolume(**{"name": "dags", **given})


def claim(**given: Any) -> dict[str, Any]:
    """A claim that is bound, as a deploy has made it with the default class of the cluster."""
    size = given.pop("size", "1Gi")
    asked_for = given.pop("asked_for", ())
    spec = {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "standard",
        "volumeName": "pvc-1",
        "resources": {"requests": {"storage": size}},
        **given,
    }
    fields = [{"manager": "airflow.kubernetes", "fieldsV1": {"f:spec": {f"f:{field}": {} for field in asked_for}}}]
    return {
        "metadata": {"name": "airflow-dags", "managedFields": fields},
        "spec": spec,
        "status": {"phase": "Bound", "capacity": {"storage": size}},
    }


def storage_class(called: str, provisioner: str = "nfs.csi.k8s.io", **rest: Any) -> dict[str, Any]:
    default = {"storageclass.kubernetes.io/is-default-class": "true"} if rest.pop("default", False) else {}
    return {"metadata": {"name": called, "annotations": default}, "provisioner": provisioner, **rest}


def nothing_asked() -> list[Any]:
    raise AssertionError("the storage classes were asked for")


class TestInput:
    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"type": "none"},
            {"type": "existing_claim", "existing_claim": "mine", "sub_path": "team/dags"},
            {"type": "nfs", "nfs_server": "files.example.com", "nfs_path": "/export", "sub_path": "a..b"},
            {"type": "host_path", "host_path": "/srv/dags"},
            {"access_mode": "ReadWriteOnce", "size": "1.5Ti"},
        ],
    )
    def test_will_do(self, given: dict[str, Any]) -> None:
        assert check(volumes=[asdict(share(**given))]) == ([], [])

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            (
                {"type": "existing_claim"},
                "airflow_dags_volume is existing_claim, but no claim is named. Set airflow_dags_existing_claim to its "
                "name.",
            ),
            (
                {"type": "nfs", "nfs_path": "/export"},
                "airflow_dags_volume is nfs, but no server is named. Set airflow_dags_nfs_server to its host name or "
                "address.",
            ),
            (
                {"type": "nfs", "nfs_server": "files"},
                "airflow_dags_volume is nfs, but airflow_dags_nfs_path is ''. Set it to the full path of the exported "
                "folder.",
            ),
            (
                {"type": "nfs", "nfs_server": "files", "nfs_path": "export"},
                "airflow_dags_volume is nfs, but airflow_dags_nfs_path is 'export'. Set it to the full path of the "
                "exported folder.",
            ),
            (
                {"type": "host_path", "host_path": "dags"},
                "airflow_dags_volume is host_path, but airflow_dags_host_path is 'dags'. Set it to the full path of a "
                "folder of the node.",
            ),
            (
                {"type": "host_path", "host_path": "/srv/../etc"},
                "airflow_dags_volume is host_path, but airflow_dags_host_path is '/srv/../etc'. Set it to the full "
                "path of a folder of the node.",
            ),
            (
                {"sub_path": "/dags"},
                "airflow_dags_sub_path is '/dags'. Write a folder of the volume, relative and without '..'.",
            ),
            (
                {"sub_path": "a/../b"},
                "airflow_dags_sub_path is 'a/../b'. Write a folder of the volume, relative and without '..'.",
            ),
            (
                {"access_mode": "ReadWriteOncePod"},
                "airflow_dags_access_mode is 'ReadWriteOncePod', which several pods cannot use. Write ReadWriteMany, "
                "or ReadWriteOnce where all pods run on one node.",
            ),
            ({"size": "10 GB"}, "airflow_dags_size is '10 GB', which is no size. Write it as in 10Gi."),
        ],
    )
    def test_has_one_message(self, given: dict[str, Any], said: str) -> None:
        assert check(volumes=[asdict(share(**given))])[0] == [said]

    def test_both_that_nfs_needs_are_told(self) -> None:
        assert len(check(volumes=[asdict(share(type="nfs"))])[0]) == 2

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            (
                {"nfs_server": "files"},
                "airflow_logs_nfs_server is set, and without effect: airflow_logs_volume is claim",
            ),
            ({"existing_claim": "mine"}, "airflow_logs_existing_claim is set, and without effect"),
            ({"type": "none", "sub_path": "a"}, "airflow_logs_sub_path is set, and without effect"),
        ],
    )
    def test_what_has_no_effect_is_a_warning(self, given: dict[str, Any], said: str) -> None:
        problems, warnings = check(volumes=[asdict(share(name="logs", **given))])
        assert problems == []
        assert len(warnings) == 1
        assert warnings[0].startswith(said)


class TestRetention:
    @pytest.mark.parametrize("value", [0, "", "0", 30, "30", None])
    def test_will_do(self, value: Any) -> None:
        assert check(log_retention={"airflow_logs_retention_days": value})[0] == []

    @pytest.mark.parametrize("value", [-1, "a week", 1.5, True])
    def test_is_a_whole_number(self, value: Any) -> None:
        (problem,) = check(log_retention={"airflow_logs_retention_days": value})[0]
        assert problem.startswith(f"airflow_logs_retention_days is {value!r}. Write a whole number")

    def test_a_volume_is_not_more_than_full(self) -> None:
        (problem,) = check(log_retention={"airflow_logs_retention_percent": 100})[0]
        assert "up to 99" in problem


@pytest.mark.parametrize(
    ("text", "is_so_much"),
    [
        ("1Gi", 2**30),
        ("1.5Ki", 1536),
        ("2G", 2 * 10**9),
        ("5", 5),
        ("1e3", 1000),
        ("500m", Decimal("0.5")),
        (".5k", 500),
    ],
)
def test_a_quantity(text: str, is_so_much: Any) -> None:
    assert quantity(text) == is_so_much


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1GB", "-1Gi", "1Gib", "one"])
def test_no_quantity(text: str) -> None:
    assert quantity(text) is None


class TestBoundClaim:
    @pytest.mark.parametrize(
        ("given", "live"),
        [
            ({}, {}),
            ({"storage_class": "standard"}, {"asked_for": ["storageClassName"]}),
            ({"size": "1024Mi"}, {}),
            ({"type": "nfs"}, {"storageClassName": "", "asked_for": ["storageClassName", "volumeName"]}),
            # What was never bound holds nothing, and is made anew.
            ({"storage_class": "other", "size": "1Mi"}, {"volumeName": ""}),
        ],
    )
    def test_stays(self, given: dict[str, Any], live: dict[str, Any]) -> None:
        assert check_bound(share(**given), claim(**live), nothing_asked) == []

    @pytest.mark.parametrize(
        ("given", "live", "said"),
        [
            (
                {"storage_class": "fast"},
                {},
                "airflow_dags_storage_class is fast, but the claim airflow-dags is of the class standard, and the "
                "class of a claim cannot be changed. Set airflow_dags_storage_class to standard again.",
            ),
            (
                {},
                {"asked_for": ["storageClassName"]},
                "airflow_dags_storage_class is empty, which is the default class, but the claim airflow-dags is of the "
                "class standard,",
            ),
            (
                {"access_mode": "ReadWriteOnce"},
                {},
                "airflow_dags_access_mode is ReadWriteOnce, but the claim airflow-dags has ReadWriteMany, and the "
                "access mode of a claim cannot be changed. Set airflow_dags_access_mode to ReadWriteMany again.",
            ),
            (
                {"size": "900Mi"},
                {},
                "airflow_dags_size is 900Mi, but the claim airflow-dags has 1Gi, and a claim cannot shrink. Set "
                "airflow_dags_size to 1Gi again.",
            ),
            (
                {"type": "nfs"},
                {},
                "airflow_dags_volume is nfs, but its claim airflow-dags was made by the class standard, and what a "
                "claim is bound to cannot be changed. Set airflow_dags_volume to claim again.",
            ),
            (
                {},
                {"storageClassName": "", "asked_for": ["storageClassName", "volumeName"]},
                "airflow_dags_volume is claim, but its claim airflow-dags was made for a folder that was there "
                "already, and what a claim is bound to cannot be changed. Set airflow_dags_volume to nfs "
                "or host_path again.",
            ),
        ],
    )
    def test_cannot_become_what_is_wanted(self, given: dict[str, Any], live: dict[str, Any], said: str) -> None:
        (problem,) = check_bound(share(**given), claim(**live), nothing_asked)
        assert problem.startswith(said)
        assert "make a claim of another name than airflow-dags, copy the files" in problem
        assert "airflow_dags_existing_claim" in problem

    def test_a_folder_has_no_size(self) -> None:
        live = claim(storageClassName="", asked_for=["storageClassName", "volumeName"])
        (problem,) = check_bound(share(type="nfs", size="2Gi"), live, nothing_asked)
        assert problem.endswith("means nothing and cannot be changed. Set airflow_dags_size to 1Gi again.")

    def test_grows_where_its_class_lets_it(self) -> None:
        classes = [storage_class("standard", allowVolumeExpansion=True)]
        assert check_bound(share(size="2Gi"), claim(), lambda: classes) == []

    def test_does_not_grow_where_its_class_does_not_let_it(self) -> None:
        classes = [storage_class("other", allowVolumeExpansion=True), storage_class("standard", "disk.example.com")]
        (problem,) = check_bound(share(size="2Gi"), claim(), lambda: classes)
        assert problem.startswith(
            "airflow_dags_size is 2Gi, but the claim airflow-dags has 1Gi, and its class standard does not let a claim "
            "grow. Set airflow_dags_size to 1Gi again, or have the class allow it: kubectl patch storageclass standard "
            "-p '{\"allowVolumeExpansion\": true}', if its provisioner disk.example.com can."
        )

    def test_may_grow_where_nobody_knows(self) -> None:
        assert check_bound(share(size="2Gi"), claim(), lambda: None) == []

    @pytest.mark.parametrize(("size", "count"), [("6Gi", 0), ("5Gi", 1), ("4Gi", 1)])
    def test_a_growth_that_is_not_done_can_be_corrected(self, size: str, count: int) -> None:
        """Kubernetes documentation, "Recovering from Failure when Expanding Volumes": to more than its capacity."""
        live = claim(size="10Gi")
        live["status"]["capacity"]["storage"] = "5Gi"
        assert len(check_bound(share(size=size), live, nothing_asked)) == count


@pytest.fixture
def storage(cluster: Any) -> Any:
    """The checks on a cluster, which run pods where it says."""
    return lambda **placing: Storage(cluster, "airflow", "airflow", {**EVERYWHERE, **placing})


@pytest.fixture
def add_nodes(cluster: Any) -> Any:
    def add_nodes(*names: str, ready: str = "True", spec: Any = None, **labels: str) -> None:
        for called in names:
            status = {"conditions": [{"type": "Ready", "status": ready}]}
            metadata = {"labels": {"kubernetes.io/hostname": called, **labels}}
            cluster.add("Node", called, metadata=metadata, spec=spec or {}, status=status)

    return add_nodes


class TestNodes:
    once = share(access_mode="ReadWriteOnce")

    def test_one_is_enough_for_what_one_can_mount(self, storage: Any, add_nodes: Any) -> None:
        add_nodes("a")
        assert storage().check([self.once]) == []

    def test_of_several_the_message_has_both_ways_out(self, storage: Any, add_nodes: Any) -> None:
        add_nodes("a", "b", "c")
        assert storage().check([self.once]) == [
            "airflow_dags_access_mode is ReadWriteOnce, which only one node can mount, but pods may run on several "
            "nodes (a, b...). Set airflow_dags_access_mode to ReadWriteMany, of a class that can share (NFS, EFS, "
            'Filestore, CephFS); or keep all pods on one node: airflow_node_selector: {"kubernetes.io/hostname": "a"}.'
        ]

    def test_what_may_take_no_pod_does_not_count(self, storage: Any, add_nodes: Any) -> None:
        add_nodes("a")
        add_nodes("away", ready="Unknown")
        add_nodes("cordoned", spec={"unschedulable": True})
        add_nodes("control-plane", spec={"taints": [{"key": "node-role", "effect": "NoSchedule"}]})
        assert storage().check([self.once]) == []
        tolerations = [{"key": "node-role", "operator": "Exists"}]
        assert len(storage(tolerations=tolerations).check([self.once])) == 1

    def test_only_those_that_are_selected_count(self, storage: Any, add_nodes: Any) -> None:
        add_nodes("a", pool="airflow")
        add_nodes("b")
        assert storage(node_selector={"pool": "airflow"}).check([self.once]) == []

    def test_an_affinity_may_do_it(self, storage: Any, add_nodes: Any) -> None:
        add_nodes("a", "b")
        made = storage(affinity={"nodeAffinity": {}})
        assert made.check([self.once]) == []
        assert [warning.split(",")[0] for warning in made.warnings] == ["airflow_dags_access_mode is ReadWriteOnce"]

    def test_not_to_be_listed_is_a_warning_and_told_once(self, cluster: Any, storage: Any) -> None:
        cluster.refusals["list Node"] = FORBIDDEN
        made = storage()
        assert made.check([self.once, share(name="logs", access_mode="ReadWriteOnce")]) == []
        assert made.warnings == ["How many nodes mount the volumes could not be checked: no permission to list nodes."]

    @pytest.mark.parametrize(
        "given", [{}, {"type": "none"}, {"type": "nfs", "nfs_server": "files", "nfs_path": "/export"}]
    )
    def test_are_not_asked_for_where_all_can_mount(self, cluster: Any, storage: Any, given: dict[str, Any]) -> None:
        cluster.refusals["list Node"] = ApiFailure("nobody asks", 500)
        assert storage().check([share(**given)]) == []

    def test_a_folder_of_a_node_is_on_one(self, storage: Any, add_nodes: Any) -> None:
        add_nodes("a")
        folder = share(type="host_path", host_path="/srv")
        assert storage().check([folder]) == []
        add_nodes("b")
        (problem,) = storage().check([folder])
        assert problem.startswith("airflow_dags_volume is host_path, a folder of one node, but pods may run on several")


class TestExistingClaim:
    mine = share(type="existing_claim", existing_claim="mine")

    def put(self, cluster: Any, *modes: str) -> None:
        cluster.add("PersistentVolumeClaim", "mine", spec={"accessModes": list(modes), "volumeName": "v"})

    def test_that_is_not_there(self, storage: Any) -> None:
        assert storage().check([self.mine]) == [
            "airflow_dags_existing_claim is mine, but the namespace airflow has no such claim. Create it, or correct "
            "the name: kubectl -n airflow get pvc"
        ]

    def test_may_not_be_read(self, cluster: Any, storage: Any) -> None:
        cluster.refusals["get PersistentVolumeClaim/mine"] = FORBIDDEN
        assert storage().check([self.mine]) == []

    def test_that_one_node_can_mount(self, cluster: Any, storage: Any, add_nodes: Any) -> None:
        self.put(cluster, "ReadWriteOnce")
        add_nodes("a")
        assert storage().check([self.mine]) == []
        add_nodes("b")
        (problem,) = storage().check([self.mine])
        assert problem.startswith(
            "The claim mine of airflow_dags_existing_claim has ReadWriteOnce, which only one node can mount, but pods"
        )

    def test_that_one_pod_can_mount(self, cluster: Any, storage: Any, add_nodes: Any) -> None:
        self.put(cluster, "ReadWriteOncePod")
        add_nodes("a")
        (problem,) = storage().check([self.mine])
        assert "which only one pod can mount, and a release has several" in problem

    def test_that_all_can_mount(self, cluster: Any, storage: Any, add_nodes: Any) -> None:
        self.put(cluster, "ReadWriteOnce", "ReadWriteMany")
        add_nodes("a", "b")
        assert storage().check([self.mine]) == []


class TestRequests:
    def test_where_nothing_changes_only_the_claims_are_asked_for(self, cluster: Any, storage: Any) -> None:
        for called in ("airflow-dags", "airflow-logs"):
            cluster.add("PersistentVolumeClaim", called, **{key: claim()[key] for key in ("spec", "status")})
        for kind in ("Node", "StorageClass"):
            cluster.refusals[f"list {kind}"] = ApiFailure("nobody asks", 500)
        assert storage().check([share(), share(name="logs")]) == []

    def test_of_a_new_claim_the_class_is_looked_at(self, cluster: Any, storage: Any) -> None:
        cluster.add("StorageClass", "gp3", provisioner="ebs.csi.aws.com")
        (problem,) = storage().check([share(storage_class="gp3")])
        assert "the class gp3 makes volumes that only one node can mount" in problem

    def test_a_class_that_both_volumes_are_of_is_told_once(self, cluster: Any, storage: Any, add_nodes: Any) -> None:
        cluster.add(
            "StorageClass",
            "standard",
            provisioner="rancher.io/local-path",
            metadata={"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        )
        cluster.add("ConfigMap", "local-path-config", "local-path-storage", data={"config.json": '{"nodePathMap": []}'})
        add_nodes("airflow-control-plane")
        both = [share(), share(name="logs")]
        assert storage().check(both) == [
            "airflow_dags_access_mode and airflow_logs_access_mode are ReadWriteMany, but the default class standard "
            "makes volumes that only one node can mount (rancher.io/local-path). All pods run on one node here, so "
            "this will do: airflow_dags_access_mode: ReadWriteOnce, airflow_logs_access_mode: ReadWriteOnce. Or set "
            "airflow_dags_storage_class and airflow_logs_storage_class to a class that can share (NFS, EFS, Filestore, "
            "Azure Files, CephFS)."
        ]
        assert storage().check([share(name=each.name, access_mode="ReadWriteOnce") for each in both]) == []

    def test_a_provisioner_whose_configuration_may_not_be_read_is_a_warning(self, cluster: Any, storage: Any) -> None:
        cluster.add("StorageClass", "local", provisioner="rancher.io/local-path")
        cluster.refusals["get ConfigMap/local-path-config"] = FORBIDDEN
        made = storage()
        assert made.check([share(storage_class="local"), share(name="logs", storage_class="local")]) == []
        (warning,) = made.warnings
        assert warning.startswith("Whether the class local (rancher.io/local-path) can share volumes could not be read")

    def test_classes_not_to_be_listed_are_a_warning(self, cluster: Any, storage: Any) -> None:
        cluster.refusals["list StorageClass"] = FORBIDDEN
        made = storage()
        assert made.check([share()]) == []
        assert made.warnings == ["Storage classes could not be checked: no permission to list storageclasses."]
