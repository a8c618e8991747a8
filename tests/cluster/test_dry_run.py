# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an API server says of whole releases that are only tried, where their namespace is there and where it is not.

Environment: ``KUBECONFIG``, and ``AIRFLOW_CONTEXT`` for another of its contexts than the one of this repository's
cluster.
"""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest
import yaml
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import dry_run
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.client import Client
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task
from tools.checks.rendered import RENDERED

CONTEXT = os.environ.get("AIRFLOW_CONTEXT") or "kind-airflow"
#: One that every cluster has, in which nothing of a release is, and one that none has.
PRESENT, ABSENT = "kube-public", "airflow-dry-run-absent"

Manifest = dict[str, Any]
Sets = dict[str, list[Manifest]]
CONNECTION = {**dict.fromkeys(AUTH_ARG_SPEC), "context": CONTEXT}


def sets_of(release: str, namespace: str) -> Sets:
    """Return the objects of a rendered release by their sets, but for kinds that Kubernetes does not have."""
    sets: Sets = {}
    for file in sorted((RENDERED / release).glob("*/*.yaml")):
        manifest = yaml.safe_load(file.read_text())
        if "gateway" in manifest["apiVersion"] or (manifest["kind"] == "Namespace" and namespace == PRESENT):
            continue
        key = "name" if manifest["kind"] == "Namespace" else "namespace"
        if manifest["kind"] != "PersistentVolume":
            manifest["metadata"][key] = namespace
        sets.setdefault(file.parent.name, []).append(manifest)
    return sets


def refused(sets: Sets, namespace: str) -> list[str]:
    params = {
        **CONNECTION,
        "release": "airflow",
        "namespace": namespace,
        "sets": sets,
        "secrets": [],
        "variables": {},
        "force_conflicts": False,
        "render": None,
    }
    try:
        dry_run.run(Task(params))
    except Failure as failure:
        return failure.message.splitlines()
    return []


@pytest.mark.parametrize("namespace", [PRESENT, ABSENT])
@pytest.mark.parametrize("release", ["everything", "mysql", "master"])
def test_nothing_is_refused_of_what_is_right(release: str, namespace: str) -> None:
    assert refused(sets_of(release, namespace), namespace) == []


@pytest.mark.parametrize("namespace", [PRESENT, ABSENT])
def test_everything_is_refused_that_is_wrong(namespace: str) -> None:
    sets = copy.deepcopy(sets_of("defaults", namespace))
    objects = {(item["kind"], item["metadata"]["name"]): item for items in sets.values() for item in items}
    objects["Service", "airflow-api-server"]["spec"]["ports"][0]["nodePort"] = 30999
    worker = objects["StatefulSet", "airflow-worker"]["spec"]["template"]["spec"]
    worker["containers"][0]["resources"] = {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}
    objects["Deployment", "airflow-flower"]["spec"]["replica"] = 2
    (job,) = [name for kind, name in objects if kind == "Job"]
    objects["Job", job]["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    sets["extra_objects"] = [{"apiVersion": "example.com/v1", "kind": "Bucket", "metadata": {"name": "logs"}}]
    problems = refused(sets, namespace)
    expected = {
        "The cluster context": "no kind Bucket in example.com/v1",
        "Service/airflow-api-server: the cluster refuses it": "may not be used when `type` is 'ClusterIP'",
        "StatefulSet/airflow-worker: the cluster refuses it": "must be less than or equal to memory limit",
        "Deployment/airflow-flower: the cluster refuses it": "replica",
        f"Job/{job}: the cluster refuses it": "restartPolicy",
    }
    assert len(problems) == len(expected)
    for beginning, reason in expected.items():
        (problem,) = [problem for problem in problems if problem.startswith(beginning)]
        assert reason in problem


def test_nothing_was_left_behind() -> None:
    client = Client(CONNECTION)
    assert client.get("v1", "Namespace", ABSENT) is None
    for namespace in ("default", PRESENT):
        assert client.list("apps/v1", "Deployment", namespace, "airflow.kubernetes/release=airflow")["items"] == []
