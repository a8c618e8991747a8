# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A company's proxy for what pods fetch from outside, and never for what the release asks of itself.

A worker that sends its calls of the API server to a proxy looks healthy, and every task fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils._input_rules import RESERVED_GROUPS

PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
EXEMPTIONS = ("NO_PROXY", "no_proxy")
#: What is never outside: this pod, and all names of the cluster's Services as its DNS completes them.
NEAR = ("localhost", "127.0.0.1", "::1", ".svc", ".cluster.local")


def exempt_services(env: Iterable[Mapping[str, Any]], release: str, namespace: str) -> list[dict[str, Any]]:
    """Return the environment of a container in which nothing of the release is reached through a proxy.

    Where it has no proxy, it is returned as it is. Both spellings of ``NO_PROXY`` are set, since libraries differ in
    which one they read; what the user exempts stays exempt.

    :param env: as a container has it, each name once.
    """
    given = [dict(variable) for variable in env]
    if not any(variable["name"].upper() in PROXIES for variable in given):
        return given
    users = [variable["value"] for variable in given if variable["name"] in EXEMPTIONS and variable.get("value")]
    entries = [entry.strip() for value in users for entry in str(value).split(",") if entry.strip()]
    services = sorted(f"{release}-{service}" for service in RESERVED_GROUPS)
    # Not all that ends with the namespace, which may be called like a domain: dev.
    own = [name for service in services for name in (service, f"{service}.{namespace}")]
    value = ",".join(dict.fromkeys([*entries, *NEAR, *own]))
    others = [variable for variable in given if variable["name"] not in EXEMPTIONS]
    return [*others, *({"name": name, "value": value} for name in EXEMPTIONS)]


def exempt_in_pods(manifest: dict[str, Any], release: str, namespace: str) -> None:
    """Do that for all containers of a workload, in place."""
    spec = manifest.get("spec")
    if not isinstance(spec, dict):
        return
    job = spec.get("jobTemplate") or {}
    template = (job.get("spec") or {}).get("template") or spec.get("template") or {}
    pod = template.get("spec") if isinstance(template, dict) else None
    for kind in ("containers", "initContainers"):
        for container in (pod or {}).get(kind) or ():
            if container.get("env"):
                container["env"] = exempt_services(container["env"], release, namespace)
