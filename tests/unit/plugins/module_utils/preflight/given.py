# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Input with which nothing is wrong."""

from __future__ import annotations

from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.rules import check_input
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.values import DEFAULTS

#: What the role passes beside the other options.
VALUES: dict[str, Any] = {
    **DEFAULTS,
    "network_components": ["api-server", "worker"],
    "secret_origins": [{"variable": "airflow_fernet_key", "given": False, "secret": ""}],
}

GOOD: dict[str, Any] = {
    "release": "airflow",
    "namespace": "airflow",
    "create_namespace": True,
    "version": "3.1.0",
    "image": "registry.example.com/airflow:ours",
    "config": {},
    "worker_groups": [{"name": "worker"}],
    "worker_replicas": 1,
    "worker_overrides": {},
    "dag_bundles": [],
    "executors": ["celery"],
    "packages": [],
    "storage_classes": {},
    "volumes": [],
    "log_retention": {},
    "node_selector": {},
    "tolerations": [],
    "affinity": {},
    "permissions": [],
    "secrets": [],
    "certificates": [],
    "kinds": [],
    "native_sidecars": [],
    "services": [],
    "probe_pod": {},
    "namespace_object": {},
    "service_accounts": [],
    "run_as_user": "50000",
    "same_release": [],
    "separate_results": False,
    "variables": [],
    "known_variables": [],
    "computed_variables": [],
    "set_variables": [],
    "groups": [],
    "digest": "d1",
    "render": None,
    "values": VALUES,
}


def check(**given: Any) -> tuple[list[str], list[str]]:
    """Return the problems and warnings of input that is good but for what is given, an option or one of the values."""
    values = {**VALUES, **{name: value for name, value in given.items() if name in VALUES}}
    options = {name: value for name, value in given.items() if name not in VALUES}
    return check_input({**GOOD, **options, "values": values})
