# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuse bad input before anything is touched: what was wrong, where it was set, what to write instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from ..applyset.dry_runs import DryRuns, read_dry_runs
from ..change_version.phases import DEPLOY, RESTORE, ROLLBACK, UPGRADE
from ..core.errors import Failure
from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.permissions import PERMISSIONS_OPTIONS, missing
from ..kube.retries import FIRST_PATIENCE
from ..kube.task import Task
from ..readiness.options import WAIT_OPTIONS
from ..secrets import secret as _secret
from . import volumes as _volumes
from .cluster import Cluster
from .rules import check_input
from .shared_volume import SharedVolume
from .volumes import Storage

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **PERMISSIONS_OPTIONS,
    **WAIT_OPTIONS,
    "release": {"type": "raw", "required": True},
    "namespace": {"type": "raw", "required": True},
    "create_namespace": {"type": "bool", "default": True},
    "version": {"type": "raw", "required": True},
    "operation": {"type": "str", "choices": [DEPLOY, UPGRADE, ROLLBACK, RESTORE], "default": DEPLOY},
    "image": {"type": "str", "default": ""},
    "config": {"type": "dict", "default": {}},
    "worker_groups": {"type": "list", "elements": "dict", "default": []},
    "worker_replicas": {"type": "raw", "default": 1},
    "worker_overrides": {"type": "dict", "default": {}},
    "dag_bundles": {"type": "list", "elements": "dict", "default": []},
    "executors": {"type": "list", "elements": "str", "default": ["celery"]},
    "packages": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "package": {"type": "str", "required": True},
            "variable": {"type": "str", "required": True},
            "option": {"type": "str", "required": True},
            "value": {"type": "str", "required": True},
        },
    },
    "storage_classes": {"type": "dict", "default": {}},
    "volumes": {"type": "list", "elements": "dict", "default": [], "options": _volumes.OPTIONS},
    "log_retention": {"type": "dict", "default": {}},
    "node_selector": {"type": "dict", "default": {}},
    "tolerations": {"type": "list", "elements": "dict", "default": []},
    "affinity": {"type": "dict", "default": {}},
    "secrets": _secret.OPTIONS["secrets"] | {"required": False, "default": []},
    "certificates": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "kind": {"type": "str", "choices": ["ConfigMap", "Secret"], "required": True},
            "name": {"type": "str", "required": True},
            "key": {"type": "str", "required": True, "no_log": False},
            "variable": {"type": "str", "required": True},
            "file": {"type": "str"},
        },
    },
    "kinds": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "api_version": {"type": "str", "required": True},
            "kind": {"type": "str", "required": True},
            "variable": {"type": "str", "required": True},
        },
    },
    "native_sidecars": {"type": "list", "elements": "str", "default": []},
    "services": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "what": {"type": "str", "required": True},
            "kind": {"type": "str", "choices": ["broker", "database", "logs", "results"], "required": True},
            "secret": {"type": "str", "required": True, "no_log": False},
            "key": {"type": "str", "required": True, "no_log": False},
            "async_key": {"type": "str", "no_log": False},
            "sentinel_key": {"type": "str", "no_log": False},
            "settings_key": {"type": "str", "no_log": False},
            "pod": {"type": "dict", "default": {}},
            "options": {"type": "dict", "default": {}},
        },
    },
    "probe_pod": {"type": "dict", "default": {}},
    "namespace_object": {"type": "dict", "default": {}},
    "service_accounts": {"type": "list", "elements": "dict", "default": []},
    "run_as_user": {"type": "str", "default": ""},
    "values": {"type": "dict", "default": {}},
    "separate_results": {"type": "bool", "default": False},
    "variables": {"type": "list", "elements": "str", "default": []},
    "known_variables": {"type": "list", "elements": "str", "default": []},
    "computed_variables": {"type": "list", "elements": "str", "default": []},
    "set_variables": {"type": "list", "elements": "str", "default": []},
    "groups": {"type": "list", "elements": "str", "default": []},
    "same_release": {"type": "list", "elements": "str", "default": []},
    "digest": {"type": "str", "default": ""},
    "render": {"type": "path"},
}


def run(task: Task) -> dict[str, Any]:
    """Check input and cluster; the result holds ``warnings``, the ``version`` that runs, which dry run is due, and
    which groups of workers get fewer pods.

    Where objects are only written as files, no cluster is asked.
    """
    params = task.params
    problems, warnings = check_input(params)
    if problems:
        raise Failure("\n".join(problems))
    if params["render"]:
        certificates = dict.fromkeys(_files(params["certificates"]), "rendered")
        known = {"version": "", "warnings": warnings, "certificates": certificates, "fewer_workers": {}}
        return {"changed": False, **known, **asdict(DryRuns(params["digest"]))}
    client = Client(params, task.say, FIRST_PATIENCE)
    storage = Storage(client, params["namespace"], params["release"], params)
    running = Cluster(client, params["namespace"], params["release"], storage)
    with ThreadPoolExecutor(max_workers=6) as pool:
        checks = [
            pool.submit(running.check_namespace, params["create_namespace"]),
            pool.submit(missing, client, params["namespace"], params["permissions"]),
            pool.submit(running.check_storage_classes, params["storage_classes"]),
            pool.submit(storage.check, [SharedVolume(**given) for given in params["volumes"]]),
            pool.submit(running.check_version, params["version"], params["operation"]),
            pool.submit(running.check_secrets, params["secrets"], params["separate_results"]),
            pool.submit(running.check_certificates, params["certificates"]),
            pool.submit(running.check_kinds, params["kinds"]),
            pool.submit(
                running.check_openshift,
                params["run_as_user"],
                params["namespace_object"] if params["create_namespace"] else {},
            ),
            pool.submit(running.check_native_sidecars, params["native_sidecars"]),
            pool.submit(running.check_neighbours, params["executors"]),
            pool.submit(
                running.check_workers, params["worker_groups"], params["worker_replicas"], params["worker_overrides"]
            ),
        ]
        dry_runs = pool.submit(read_dry_runs, client, params["release"], params["namespace"], params["digest"])
        problems = [problem for check in checks for problem in check.result()]
    if not problems and not task.check_mode:
        problems = running.try_services(params)
    if problems:
        raise Failure("\n".join(problems))
    return {
        "changed": False,
        "version": running.version,
        "warnings": warnings + storage.warnings,
        "certificates": {**dict.fromkeys(_files(params["certificates"]), ""), **running.certificates},
        "fewer_workers": running.fewer_workers,
        **asdict(dry_runs.result()),
    }


def _files(certificates: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the files that certificates become in pods."""
    return [certificate["file"] for certificate in certificates if certificate.get("file")]
