# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When applying an object would change nothing; tests/cluster asks an API server the same."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.applied import is_applied

Manifest = dict[str, Any]

MANIFEST: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "data", "labels": {"app": "web"}, "finalizers": ["ours/hold"]},
    "spec": {
        "replicas": 1,
        "template": {
            "spec": {
                "nodeSelector": {"disk": "fast"},
                "containers": [
                    {
                        "name": "web",
                        "args": ["--port", "80"],
                        "tty": True,
                        "env": [{"name": "ONE", "value": "1"}, {"name": "TWO", "value": "2"}],
                        "ports": [{"containerPort": 80}],
                    }
                ],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            }
        },
        "empty": [],
    },
}
#: As an API server keeps them: a list by the keys of its items, a set by its values, the rest as a whole.
FIELDS: Manifest = {
    "f:metadata": {"f:labels": {"f:app": {}}, "f:finalizers": {".": {}, 'v:"ours/hold"': {}}},
    "f:spec": {
        "f:replicas": {},
        "f:empty": {},
        "f:template": {
            "f:spec": {
                "f:nodeSelector": {},
                "f:containers": {
                    'k:{"name":"web"}': {
                        ".": {},
                        "f:name": {},
                        "f:args": {},
                        "f:tty": {},
                        "f:env": {
                            'k:{"name":"ONE"}': {".": {}, "f:name": {}, "f:value": {}},
                            'k:{"name":"TWO"}': {".": {}, "f:name": {}, "f:value": {}},
                        },
                        "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
                    }
                },
                "f:volumes": {'k:{"name":"tmp"}': {".": {}, "f:name": {}, "f:emptyDir": {}}},
            }
        },
    },
}


def entry(**rest: Any) -> Manifest:
    own = {"manager": "us", "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1"}
    return {**own, "fieldsV1": FIELDS, **rest}


@pytest.fixture
def live() -> Manifest:
    """Return the object with what the API server adds to it."""
    found = copy.deepcopy(MANIFEST)
    status = entry(manager="kube-controller-manager", operation="Update", subresource="status", fieldsV1={})
    found["metadata"] |= {"uid": "1", "managedFields": [entry(), status]}
    found["spec"] |= {"revisionHistoryLimit": 10}
    del found["spec"]["empty"]
    container(found)["ports"][0]["protocol"] = "TCP"
    container(found)["imagePullPolicy"] = "Always"
    return found


def pod(manifest: Manifest) -> Manifest:
    spec: Manifest = manifest["spec"]["template"]["spec"]
    return spec


def container(manifest: Manifest) -> Manifest:
    found: Manifest = pod(manifest)["containers"][0]
    return found


def test_what_was_applied_is(live: Manifest) -> None:
    assert is_applied(MANIFEST, live, "us")


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["spec"].update(replicas=2),
        lambda it: it["spec"].update(replicas=True),
        lambda it: it["spec"].pop("replicas"),
        lambda it: it["spec"].update(paused=False),
        lambda it: it["spec"].pop("empty"),
        lambda it: it["metadata"].update(annotations={}),
        lambda it: it["metadata"].pop("labels"),
        lambda it: it["metadata"]["finalizers"].append("theirs/hold"),
        lambda it: it["metadata"].update(finalizers=["theirs/hold"]),
        lambda it: pod(it)["nodeSelector"].clear(),
        lambda it: container(it)["args"].pop(),
        lambda it: container(it).update(args=[]),
        lambda it: container(it)["args"].reverse(),
        lambda it: container(it).update(tty=1),
        lambda it: container(it)["env"].reverse(),
        lambda it: container(it)["env"].pop(),
        lambda it: container(it)["env"].append({"name": "THREE", "value": "3"}),
        lambda it: container(it)["env"].append(container(it)["env"][0]),
        lambda it: container(it)["env"][1].pop("value"),
        lambda it: container(it)["ports"][0].update(protocol="UDP"),
        lambda it: container(it)["ports"][0].update(containerPort=81),
        lambda it: pod(it)["volumes"][0].update(emptyDir={"medium": "Memory"}),
        lambda it: pod(it).update(containers={}),
        lambda it: pod(it).update(containers=None),
        lambda it: it.update(apiVersion="apps/v2"),
    ],
)
def test_another_manifest_is_not(live: Manifest, change: Callable[[Manifest], Any]) -> None:
    manifest = copy.deepcopy(MANIFEST)
    change(manifest)
    assert not is_applied(manifest, live, "us")


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["spec"].update(replicas=2),
        lambda it: it["spec"].update(empty=["something"]),
        lambda it: pod(it)["nodeSelector"].update(zone="a"),
        lambda it: container(it)["args"].append("--more"),
        lambda it: container(it)["env"].reverse(),
        lambda it: container(it)["env"].pop(),
        lambda it: container(it)["env"][0].update(value="other"),
        lambda it: container(it)["env"].append({"name": "ONE", "value": "1"}),
        lambda it: pod(it)["volumes"][0].pop("emptyDir"),
        lambda it: pod(it).pop("containers"),
    ],
)
def test_an_object_that_somebody_has_changed_is_not(live: Manifest, change: Callable[[Manifest], Any]) -> None:
    change(live)
    assert not is_applied(MANIFEST, live, "us")


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["metadata"].update(annotations={"theirs": "x"}),
        lambda it: it["metadata"]["labels"].update(theirs="x"),
        lambda it: it["metadata"]["finalizers"].insert(0, "theirs/hold"),
        lambda it: pod(it)["containers"].append({"name": "sidecar"}),
        lambda it: container(it)["env"].insert(1, {"name": "THEIRS", "value": "x"}),
        lambda it: it.update(status={"replicas": 0}),
    ],
)
def test_what_others_add_is_theirs(live: Manifest, change: Callable[[Manifest], Any]) -> None:
    change(live)
    assert is_applied(MANIFEST, live, "us")


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [entry(manager="kubectl")],
        [entry(operation="Update")],
        [entry(subresource="status")],
        [entry(apiVersion="apps/v1beta1")],
        [entry(fieldsType="FieldsV2")],
        [entry(), entry(apiVersion="apps/v1beta1")],
    ],
)
def test_without_what_the_manager_has_applied_nothing_is(live: Manifest, entries: list[Manifest]) -> None:
    live["metadata"]["managedFields"] = entries
    assert not is_applied(MANIFEST, live, "us")


def test_an_object_of_nothing_but_its_name(live: Manifest) -> None:
    """Nothing is owned of it, so that it cannot be told."""
    manifest = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}}
    found = {**manifest, "metadata": {"name": "web", "managedFields": [entry(apiVersion="v1", fieldsV1={})]}}
    assert not is_applied(manifest, found, "us")
