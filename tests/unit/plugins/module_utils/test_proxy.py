# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nothing of a release is reached through a proxy, whatever the user exempts."""

from __future__ import annotations

from typing import Any
from urllib.request import proxy_bypass_environment

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils._apply_set import prepare
from ansible_collections.airflow.kubernetes.plugins.module_utils._proxy import exempt_services

PROXY = {"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"}


def exempt(*env: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in exempt_services(env, "airflow", "data")}


@pytest.mark.parametrize(
    "host",
    [
        "airflow-api-server",
        "airflow-api-server.data",
        "airflow-api-server.data.svc",
        "airflow-worker-0.airflow-worker.data.svc.cluster.local",
        "airflow-redis",
        "airflow-pgbouncer",
        "localhost",
        "127.0.0.1",
        "files.example.com",
    ],
)
@pytest.mark.parametrize("spelling", ["NO_PROXY", "no_proxy"])
def test_what_is_of_the_release_or_the_user_is_exempt(host: str, spelling: str) -> None:
    made = exempt(PROXY, {"name": spelling, "value": "files.example.com, .corp"})
    assert made["NO_PROXY"] == made["no_proxy"]
    assert proxy_bypass_environment(host, {"no": made["no_proxy"]})
    assert not proxy_bypass_environment(host, {"no": ""})


def test_what_is_outside_goes_through_the_proxy() -> None:
    made = exempt(PROXY)
    assert not proxy_bypass_environment("pypi.org", {"no": made["no_proxy"]})
    assert not proxy_bypass_environment("airflow-api-server.example.com", {"no": made["no_proxy"]})
    assert not proxy_bypass_environment("registry.data", {"no": made["no_proxy"]})
    assert made["HTTPS_PROXY"] == PROXY["value"]


def test_without_a_proxy_nothing_changes() -> None:
    assert exempt({"name": "TZ", "value": "UTC"}) == {"TZ": "UTC"}


def test_every_container_of_every_workload_is_looked_at() -> None:
    def pod() -> dict[str, Any]:
        return {"spec": {"containers": [{"env": [PROXY]}], "initContainers": [{"env": [PROXY]}]}}

    cron_job = {"jobTemplate": {"spec": {"template": pod()}}}
    given = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": pod()}},
        {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "a"}, "spec": cron_job},
    ]
    deployment, job = prepare(given, "airflow", "web", "data")
    for template in (deployment["spec"]["template"], job["spec"]["jobTemplate"]["spec"]["template"]):
        for kind in ("containers", "initContainers"):
            assert "no_proxy" in {variable["name"] for variable in template["spec"][kind][0]["env"]}
