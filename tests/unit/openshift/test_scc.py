# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every pod that the roles make is one that OpenShift admits under restricted-v2, and under restricted-v3."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.openshift.scc import (
    NAMESPACE_RANGE,
    RESTRICTED_V2,
    RESTRICTED_V3,
    Constraint,
    SecurityContextConstraints,
    Strategy,
    violations,
)
from tools.checks.rendered import RENDERED, ensure

#: All releases, as they are where the platform gives UIDs.
PLATFORM = RENDERED.with_name(f"{RENDERED.name}-platform-uids")
RELEASES = sorted(path.name for path in RENDERED.iterdir())
KINDS = ("Deployment", "StatefulSet", "Job", "CronJob", "Pod")
#: Containers of the users' own, which say a UID themselves.
USERS_OWN = {"everything": {"af-big: container exporter: runAsUser is 1"}}
EVERY_SCC = pytest.mark.parametrize("scc", [RESTRICTED_V2, RESTRICTED_V3], ids=lambda scc: scc.name)


@pytest.fixture(scope="module")
def rendered() -> Path:
    ensure(PLATFORM, {"airflow_run_as_user": ""})
    return PLATFORM


def pods(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the pods that the objects in a folder make, those of tasks among them, with what makes them."""
    for path in sorted(folder.rglob("*.yaml")):
        manifest = yaml.safe_load(path.read_text())
        name = manifest["metadata"]["name"]
        for key, text in (manifest.get("data") or {}).items():
            inner = yaml.safe_load(text) if key.endswith((".yaml", ".yml")) else None
            if isinstance(inner, dict) and inner.get("kind") == "Pod":
                yield f"{name}/{key}", inner["spec"]
        if manifest["kind"] == "Pod":
            yield name, manifest["spec"]
        elif manifest["kind"] in KINDS:
            spec = manifest["spec"]
            template = spec["jobTemplate"]["spec"]["template"] if manifest["kind"] == "CronJob" else spec["template"]
            yield name, template["spec"]


def for_scc(pod: dict[str, Any], scc: SecurityContextConstraints) -> dict[str, Any]:
    """Return a pod as it asks for a SCC: one without users of the node's is what restricted-v3 is for."""
    return pod if scc.host_users else {**pod, "hostUsers": False}


@EVERY_SCC
@pytest.mark.parametrize("release", RELEASES)
def test_openshift_admits_every_pod(rendered: Path, release: str, scc: SecurityContextConstraints) -> None:
    found = list(pods(rendered / release))
    assert len(found) >= 4
    refused = {f"{name}: {problem}" for name, pod in found for problem in violations(for_scc(pod, scc), scc)}
    assert refused == USERS_OWN.get(release, set())


def test_pods_of_tasks_are_looked_at(rendered: Path) -> None:
    names = [name for name, _pod in pods(rendered / "executors")]
    assert any("/" in name for name in names)


@EVERY_SCC
def test_it_refuses_the_uids_of_other_platforms(scc: SecurityContextConstraints) -> None:
    for name, pod in pods(RENDERED / "defaults"):
        said = " ".join(violations(for_scc(pod, scc), scc))
        # PostgreSQL's and Redis' UID 999 is in neither range, Airflow's is in that of user namespaces.
        assert ("fsGroup is" in said, "runAsUser is" in said) == (True, scc is RESTRICTED_V2 or "999" in said), name


GOOD: dict[str, Any] = {
    "hostUsers": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "main",
            "ports": [{"containerPort": 8080}],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
    "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "config", "configMap": {"name": "a"}}],
}


@EVERY_SCC
@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("hostNetwork", True, "hostNetwork is true"),
        ("hostPID", True, "hostPID is true"),
        ("hostIPC", True, "hostIPC is true"),
        ("securityContext.runAsUser", 0, "securityContext: runAsUser is 0"),
        ("securityContext.runAsUser", 999, "securityContext: runAsUser is 999"),
        ("securityContext.fsGroup", 0, "securityContext.fsGroup is 0"),
        ("securityContext.sysctls", [{"name": "net.a", "value": "1"}], "securityContext.sysctls has net.a"),
        ("securityContext.seccompProfile.type", "Unconfined", "securityContext: seccompProfile.type is Unconfined"),
        ("securityContext.seLinuxOptions", {"level": "s0"}, "securityContext: seLinuxOptions.level is s0"),
        ("containers.0.securityContext.runAsUser", 1, "container main: runAsUser is 1"),
        ("containers.0.securityContext.privileged", True, "container main: privileged is true"),
        (
            "containers.0.securityContext.allowPrivilegeEscalation",
            True,
            "container main: allowPrivilegeEscalation is true",
        ),
        (
            "containers.0.securityContext.capabilities.add",
            ["NET_BIND_SERVICE", "SYS_PTRACE"],
            "container main: adds the capability SYS_PTRACE",
        ),
        ("containers.0.ports.0.hostPort", 80, "container main: hostPort is 80"),
        ("initContainers", [{"name": "a", "securityContext": {"runAsUser": 0}}], "container a: runAsUser is 0"),
        ("volumes.0", {"name": "a", "hostPath": {"path": "/"}}, "volume a is of type hostPath"),
        ("volumes.0", {"name": "a", "nfs": {"server": "a", "path": "/"}}, "volume a is of type nfs"),
    ],
)
def test_it_refuses(path: str, value: Any, problem: str, scc: SecurityContextConstraints) -> None:
    assert violations(GOOD, scc) == []
    pod: Any = copy.deepcopy(GOOD)
    inner = pod
    *places, last = [int(place) if place.isdigit() else place for place in path.split(".")]
    for place in places:
        inner = inner[place]
    inner[last] = value
    assert violations(pod, scc) == [problem]


def test_restricted_v3_is_for_pods_with_users_of_their_own() -> None:
    pod = {key: value for key, value in GOOD.items() if key != "hostUsers"}
    assert violations(pod, RESTRICTED_V2) == []
    assert violations(pod, RESTRICTED_V3) == ["hostUsers is not false"]


@pytest.mark.parametrize(
    ("constraint", "allowed", "refused"),
    [
        (Constraint(Strategy.RUN_AS_ANY), [0, 1, 70_000], []),
        (Constraint(Strategy.MUST_RUN_AS_NON_ROOT), [1, 70_000], [0]),
        (Constraint(Strategy.MUST_RUN_AS_RANGE), [NAMESPACE_RANGE.start, NAMESPACE_RANGE.stop - 1], [0, 50_000]),
        (Constraint(Strategy.MUST_RUN_AS, range(5, 7)), [5, 6], [4, 7]),
        (RESTRICTED_V3.supplemental_groups, [1000, 65_534], [0, 999, 65_535]),
    ],
)
def test_strategies(constraint: Constraint, allowed: list[int], refused: list[int]) -> None:
    assert [value for value in allowed + refused if constraint.allows(value)] == allowed


def test_who_must_not_run_as_root_says_so() -> None:
    scc = replace(RESTRICTED_V2, run_as_user=Constraint(Strategy.MUST_RUN_AS_NON_ROOT))
    assert violations(GOOD, scc) == []
    pod = {**GOOD, "securityContext": {}}
    assert violations(pod, scc) == ["container main: neither runAsUser nor runAsNonRoot is set"]
    assert violations({**pod, "securityContext": {"runAsUser": 5}}, scc) == []
