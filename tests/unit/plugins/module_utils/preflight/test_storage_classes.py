# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A class that makes volumes of one node is refused for volumes that all pods mount, with what to set instead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.shared_volume import SharedVolume
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.storage_classes import (
    LOCAL_PATH,
    NODE_FOLDERS,
    ONE_NODE_DISKS,
    LocalPath,
    check_classes,
)

PATHS = [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/var/local-path-provisioner"]}]


def share(**given: Any) -> SharedVolume:
    return SharedVolume(**{"name": "dags", **given})


def storage_class(called: str, provisioner: str = "nfs.csi.k8s.io", default: bool = False) -> dict[str, Any]:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {"metadata": {"name": called, "annotations": annotations}, "provisioner": provisioner}


def nodes(*names: str) -> list[dict[str, Any]]:
    return [{"metadata": {"name": called, "labels": {"kubernetes.io/hostname": f"{called}.local"}}} for called in names]


def check(
    *shares: SharedVolume, classes: list[Any], on: tuple[str, ...] = ("a", "b"), shared: bool = False
) -> list[str]:
    return check_classes(shares, classes, lambda: nodes(*on), lambda called: shared)


@pytest.mark.parametrize("on", [("a",), ("a", "b")])
@pytest.mark.parametrize("provisioner", sorted(ONE_NODE_DISKS))
def test_disks_cannot_be_shared(provisioner: str, on: tuple[str, ...]) -> None:
    (problem,) = check(share(storage_class="disk"), classes=[storage_class("disk", provisioner)], on=on)
    assert problem.startswith(
        "airflow_dags_access_mode is ReadWriteMany, but the class disk makes volumes that only one node can mount "
        f"({provisioner}). "
    )


@pytest.mark.parametrize("provisioner", sorted(NODE_FOLDERS))
def test_folders_of_a_node_are_shared_by_the_pods_of_one(provisioner: str) -> None:
    classes = [storage_class("standard", provisioner, default=True)]
    assert check(share(), share(name="logs"), classes=classes, on=("minikube",)) == []
    assert len(check(share(), share(name="logs"), classes=classes)) == 1


@pytest.mark.parametrize("shared", [True, False])
def test_local_path_shares_where_it_is_set_up_to(shared: bool) -> None:
    classes = [storage_class("standard", LOCAL_PATH, default=True)]
    assert len(check(share(), classes=classes, shared=shared)) == (0 if shared else 1)


def test_of_several_nodes_one_may_be_chosen() -> None:
    classes = [storage_class("nfs"), storage_class("gp3", "ebs.csi.aws.com", default=True)]
    assert check(share(), share(name="logs"), classes=classes) == [
        "airflow_dags_access_mode and airflow_logs_access_mode are ReadWriteMany, but the default class gp3 makes "
        "volumes that only one node can mount (ebs.csi.aws.com). Set airflow_dags_storage_class and "
        "airflow_logs_storage_class to a class that can share (NFS, EFS, Filestore, Azure Files, CephFS). Or keep all "
        "pods on one node: airflow_dags_access_mode: ReadWriteOnce, airflow_logs_access_mode: ReadWriteOnce, "
        'airflow_node_selector: {"kubernetes.io/hostname": "a.local"}.'
    ]


def test_nodes_that_may_not_be_listed_are_not_named() -> None:
    classes = [storage_class("gp3", "ebs.csi.aws.com")]
    (problem,) = check_classes([share(storage_class="gp3")], classes, lambda: None, lambda called: False)
    assert 'airflow_node_selector: {"kubernetes.io/hostname": "<node>"}' in problem


def test_two_classes_are_two_problems() -> None:
    classes = [storage_class("gp3", "ebs.csi.aws.com", default=True), storage_class("io2", "ebs.csi.aws.com")]
    problems = check(share(), share(name="logs", storage_class="io2"), classes=classes)
    assert [problem.split(" is ")[0] for problem in problems] == [
        "airflow_dags_access_mode",
        "airflow_logs_access_mode",
    ]


@pytest.mark.parametrize(
    ("given", "classes"),
    [
        ({"storage_class": "nfs"}, [storage_class("gp3", "ebs.csi.aws.com", default=True), storage_class("nfs")]),
        ({"access_mode": "ReadWriteOnce"}, [storage_class("gp3", "ebs.csi.aws.com", default=True)]),
        ({}, [storage_class("gp3", "ebs.csi.aws.com")]),
        ({}, []),
    ],
)
def test_will_do(given: dict[str, Any], classes: list[Any]) -> None:
    assert check(share(**given), classes=classes) == []


@pytest.mark.parametrize(
    ("config", "shared"),
    [
        ({"nodePathMap": PATHS}, False),
        ({"sharedFileSystemPath": "/shared"}, True),
        ({"storageClassConfigs": {"shared": {"sharedFileSystemPath": "/s"}}}, True),
        ({"storageClassConfigs": {"shared": {"nodePathMap": PATHS}}, "sharedFileSystemPath": "/s"}, False),
        ({"storageClassConfigs": {"other": {"sharedFileSystemPath": "/s"}}, "nodePathMap": PATHS}, False),
        ([], True),
    ],
)
@pytest.mark.parametrize("namespace", ["local-path-storage", "kube-system"])
def test_local_path_is_asked_in_its_configuration(cluster: Any, namespace: str, config: Any, shared: bool) -> None:
    cluster.add("ConfigMap", "local-path-config", namespace, data={"config.json": json.dumps(config)})
    local_path = LocalPath(cluster)
    assert local_path.may_share("shared") is shared
    assert local_path.warnings == []


def test_local_path_without_a_configuration_may_share(cluster: Any) -> None:
    local_path = LocalPath(cluster)
    assert local_path.may_share("standard")
    assert len(local_path.warnings) == 1
