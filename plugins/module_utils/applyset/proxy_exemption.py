# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the release asks of itself never goes through a proxy that its environment names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..core.names import RESERVED_GROUPS

PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
EXEMPTIONS = ("NO_PROXY", "no_proxy")
#: Where the token of a container lies that calls the Kubernetes API, and what the kubelet puts its address for.
_TOKEN_FOLDER, _KUBERNETES_API = "/var/run/secrets/kubernetes.io/serviceaccount", "$(KUBERNETES_SERVICE_HOST)"
#: What is never outside: this pod, and all names of the cluster's Services as its DNS completes them.
#: Nor are the addresses at which clouds give identities to pods.
NEAR = (
    "localhost",
    "127.0.0.1",
    "::1",
    ".svc",
    ".cluster.local",
    "169.254.169.254",
    "metadata.google.internal",
    "169.254.170.23",
    "fd00:ec2::23",
)
_TAKEN = "AIRFLOW_KUBERNETES_"


def exempt_services(
    env: Iterable[Mapping[str, Any]], release: str, namespace: str, others: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Return the environment of a container in which nothing of the release is reached through a proxy.

    Where it has no proxy, it is returned as it is. Both spellings of ``NO_PROXY`` are set, since libraries differ in
    which one they read; what the user exempts stays exempt.

    :param env: as a container has it, each name once.
    :param others: further hosts that are not outside.
    """
    given = [dict(variable) for variable in env]
    if not any(variable["name"].upper() in PROXIES for variable in given):
        return given
    users = [variable["value"] for variable in given if variable["name"] in EXEMPTIONS and variable.get("value")]
    # What a Secret or ConfigMap exempts is put in by the kubelet.
    taken = [
        {**variable, "name": f"{_TAKEN}{variable['name']}"}
        for variable in given
        if variable["name"] in EXEMPTIONS and "valueFrom" in variable
    ]
    users += [f"$({variable['name']})" for variable in taken]
    entries = [entry.strip() for value in users for entry in str(value).split(",") if entry.strip()]
    services = sorted(f"{release}-{service}" for service in RESERVED_GROUPS)
    # Not all that ends with the namespace, which may be called like a domain: dev.
    own = [name for service in services for name in (service, f"{service}.{namespace}")]
    value = ",".join(dict.fromkeys([*entries, *NEAR, *own, *others]))
    kept = [variable for variable in given if variable["name"] not in EXEMPTIONS]
    return [*kept, *taken, *({"name": name, "value": value} for name in EXEMPTIONS)]


def exempt_in_pods(manifest: dict[str, Any], release: str, namespace: str) -> None:
    """Do that for all containers of a workload, in place."""
    spec = manifest.get("spec")
    if not isinstance(spec, dict):
        return
    job = spec.get("jobTemplate") or {}
    template = (job.get("spec") or {}).get("template") or spec.get("template") or {}
    pod = template.get("spec") if isinstance(template, dict) else None
    exempt_in_pod(pod or {}, release, namespace)


def exempt_in_pod(spec: dict[str, Any], release: str, namespace: str) -> None:
    """Do that for all containers of a pod, in place."""
    for kind in ("containers", "initContainers"):
        for container in spec.get(kind) or ():
            if container.get("env"):
                mounted = [mount.get("mountPath") for mount in container.get("volumeMounts") or ()]
                others = [_KUBERNETES_API] if _TOKEN_FOLDER in mounted else []
                container["env"] = exempt_services(container["env"], release, namespace, others)
