# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether an OpenShift admits a pod under its SecurityContextConstraints (SCC).

OpenShift completes a pod by a SCC, and then compares it: what is left out always fits, what is set has to. So a pod is
compared as it was written. https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/
authentication_and_authorization/managing-pod-security-policies
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

#: The UIDs and groups of a namespace, as its annotation openshift.io/sa.scc.uid-range has them: 1000650000/10000.
NAMESPACE_RANGE = range(1_000_650_000, 1_000_660_000)
#: The SELinux level of a namespace, openshift.io/sa.scc.mcs.
NAMESPACE_LEVEL = "s0:c26,c5"

Manifest = Mapping[str, Any]


class Strategy(StrEnum):
    """How a SCC compares a UID, a group or a SELinux context."""

    RUN_AS_ANY = "RunAsAny"
    MUST_RUN_AS = "MustRunAs"
    MUST_RUN_AS_RANGE = "MustRunAsRange"
    MUST_RUN_AS_NON_ROOT = "MustRunAsNonRoot"


@dataclass(frozen=True)
class Constraint:
    """One strategy.

    :param ids: what it allows; ``None``: those of the namespace.
    """

    strategy: Strategy
    ids: range | None = None

    def allows(self, value: int) -> bool:
        """Tell whether a UID or a group is allowed."""
        if self.strategy == Strategy.RUN_AS_ANY:
            return True
        if self.strategy == Strategy.MUST_RUN_AS_NON_ROOT:
            return value != 0
        return value in (NAMESPACE_RANGE if self.ids is None else self.ids)


@dataclass(frozen=True)
class SecurityContextConstraints:
    """The fields of a SCC that restrict what a pod may say.

    :param allowed_capabilities: what a container may add.
    :param volumes: types of volumes, as the fields of a pod's volumes are called.
    :param seccomp_profiles: types of profiles.
    :param host_users: whether pods may share the node's users.
    """

    name: str
    run_as_user: Constraint
    fs_group: Constraint
    supplemental_groups: Constraint
    selinux_context: Constraint = Constraint(Strategy.MUST_RUN_AS)
    allow_privileged: bool = False
    allow_privilege_escalation: bool = False
    allow_host: bool = False
    allowed_capabilities: frozenset[str] = frozenset({"NET_BIND_SERVICE"})
    volumes: frozenset[str] = field(
        default=frozenset(
            {
                "configMap",
                "csi",
                "downwardAPI",
                "emptyDir",
                "ephemeral",
                "image",
                "persistentVolumeClaim",
                "projected",
                "secret",
            }
        )
    )
    seccomp_profiles: frozenset[str] = frozenset({"RuntimeDefault"})
    host_users: bool = True


_OF_A_USER_NAMESPACE = range(1000, 65535)
#: What every authenticated user may use, as OpenShift 4.20 has them.
RESTRICTED_V2 = SecurityContextConstraints(
    name="restricted-v2",
    run_as_user=Constraint(Strategy.MUST_RUN_AS_RANGE),
    fs_group=Constraint(Strategy.MUST_RUN_AS),
    supplemental_groups=Constraint(Strategy.RUN_AS_ANY),
)
RESTRICTED_V3 = SecurityContextConstraints(
    name="restricted-v3",
    run_as_user=Constraint(Strategy.MUST_RUN_AS_RANGE, _OF_A_USER_NAMESPACE),
    fs_group=Constraint(Strategy.MUST_RUN_AS, _OF_A_USER_NAMESPACE),
    supplemental_groups=Constraint(Strategy.MUST_RUN_AS, _OF_A_USER_NAMESPACE),
    host_users=False,
)


def violations(pod: Manifest, scc: SecurityContextConstraints) -> list[str]:
    """Return what of a pod's ``spec`` a SCC refuses, each with the field that says so."""
    return [*_of_pod(pod, scc), *_of_volumes(pod, scc), *_of_containers(pod, scc)]


def _of_pod(pod: Manifest, scc: SecurityContextConstraints) -> Iterator[str]:
    context = pod.get("securityContext") or {}
    for host in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(host) and not scc.allow_host:
            yield f"{host} is true"
    if not scc.host_users and pod.get("hostUsers", True):
        yield "hostUsers is not false"
    if "fsGroup" in context and not scc.fs_group.allows(context["fsGroup"]):
        yield f"securityContext.fsGroup is {context['fsGroup']}"
    for group in context.get("supplementalGroups") or ():
        if not scc.supplemental_groups.allows(group):
            yield f"securityContext.supplementalGroups has {group}"
    for sysctl in context.get("sysctls") or ():
        yield f"securityContext.sysctls has {sysctl['name']}"
    yield from _of_context("securityContext", context, scc)


def _of_volumes(pod: Manifest, scc: SecurityContextConstraints) -> Iterator[str]:
    for volume in pod.get("volumes") or ():
        for kind in sorted(volume.keys() - {"name"} - scc.volumes):
            yield f"volume {volume['name']} is of type {kind}"


def _of_containers(pod: Manifest, scc: SecurityContextConstraints) -> Iterator[str]:
    shared = pod.get("securityContext") or {}
    for container in [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]:
        where = f"container {container['name']}"
        context = container.get("securityContext") or {}
        if context.get("privileged") and not scc.allow_privileged:
            yield f"{where}: privileged is true"
        if context.get("allowPrivilegeEscalation") and not scc.allow_privilege_escalation:
            yield f"{where}: allowPrivilegeEscalation is true"
        for capability in (context.get("capabilities") or {}).get("add") or ():
            if capability not in scc.allowed_capabilities:
                yield f"{where}: adds the capability {capability}"
        for port in container.get("ports") or ():
            if port.get("hostPort") and not scc.allow_host:
                yield f"{where}: hostPort is {port['hostPort']}"
        yield from _of_context(where, context, scc)
        if (
            scc.run_as_user.strategy == Strategy.MUST_RUN_AS_NON_ROOT
            and "runAsUser" not in {**shared, **context}
            and not {**shared, **context}.get("runAsNonRoot")
        ):
            yield f"{where}: neither runAsUser nor runAsNonRoot is set"


def _of_context(where: str, context: Manifest, scc: SecurityContextConstraints) -> Iterator[str]:
    """Yield what is wrong with the fields that pods and containers have in common."""
    if "runAsUser" in context and not scc.run_as_user.allows(context["runAsUser"]):
        yield f"{where}: runAsUser is {context['runAsUser']}"
    level = (context.get("seLinuxOptions") or {}).get("level", NAMESPACE_LEVEL)
    if scc.selinux_context.strategy == Strategy.MUST_RUN_AS and level != NAMESPACE_LEVEL:
        yield f"{where}: seLinuxOptions.level is {level}"
    profile = (context.get("seccompProfile") or {}).get("type")
    if profile and profile not in scc.seccomp_profiles:
        yield f"{where}: seccompProfile.type is {profile}"
