# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nothing of a release is reached through a proxy, whatever the user exempts."""

from __future__ import annotations

from typing import Any
from urllib.request import proxy_bypass_environment

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.prepare import prepare
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.proxy_exemption import exempt_services
from ansible_collections.airflow.kubernetes.plugins.module_utils.network.proxies import proxies_of

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


def test_what_a_config_map_exempts_stays_exempt() -> None:
    source = {"configMapKeyRef": {"name": "company", "key": "no_proxy"}}
    made = exempt_services([PROXY, {"name": "NO_PROXY", "valueFrom": source}], "airflow", "data")
    taken = {"name": "AIRFLOW_KUBERNETES_NO_PROXY", "valueFrom": source}
    names = [variable["name"] for variable in made]
    assert taken in made
    # The kubelet knows of variables that stand before.
    assert names.index(taken["name"]) < names.index("NO_PROXY")
    for spelling in ("NO_PROXY", "no_proxy"):
        (value,) = (variable["value"] for variable in made if variable["name"] == spelling)
        assert value.startswith("$(AIRFLOW_KUBERNETES_NO_PROXY),localhost,")


def variable(value: str, name: str = "HTTP_PROXY") -> dict[str, Any]:
    return {"name": name, "value": value}


class TestProxiesOf:
    def rules(self, *env: dict[str, Any]) -> list[Any]:
        found = proxies_of({"worker": {"airflow_environment": env}})
        assert found.wrong == []
        assert found.unread == {}
        return found.rules["worker"]

    @pytest.mark.parametrize(
        ("url", "port"),
        [
            ("http://proxy.example.com:3128", 3128),
            ("http://proxy.example.com", 80),
            ("https://proxy.example.com/", 443),
            ("socks5h://proxy.example.com", 1080),
            ("proxy.example.com:3128", 3128),
            ("proxy.example.com", 80),
            ("http://me:p%40ss@proxy.web.svc:8080", 8080),
            ("http://$(LOGIN)@proxy.example.com:3128", 3128),
        ],
    )
    def test_a_name_is_let_through_at_its_port(self, url: str, port: int) -> None:
        assert self.rules(variable(url)) == [{"ports": [{"port": port, "protocol": "TCP"}]}]

    @pytest.mark.parametrize(
        ("url", "cidr"),
        [
            ("http://10.1.2.3:3128", "10.1.2.3/32"),
            ("10.1.2.3:3128", "10.1.2.3/32"),
            ("http://[fd00::9]:3128", "fd00::9/128"),
        ],
    )
    def test_an_address_is_let_through_alone(self, url: str, cidr: str) -> None:
        ports = [{"port": 3128, "protocol": "TCP"}]
        assert self.rules(variable(url)) == [{"to": [{"ipBlock": {"cidr": cidr}}], "ports": ports}]

    @pytest.mark.parametrize(
        "name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
    )
    def test_every_spelling_counts(self, name: str) -> None:
        assert len(self.rules(variable("http://10.1.2.3:3128", name))) == 1

    def test_one_for_all_is_let_through_once_and_two_are_both(self) -> None:
        same = [variable("http://10.1.2.3:3128", name) for name in ("HTTP_PROXY", "HTTPS_PROXY")]
        assert len(self.rules(*same)) == 1
        assert len(self.rules(*same, variable("http://10.1.2.4:3128", "ALL_PROXY"))) == 2

    @pytest.mark.parametrize(
        "env",
        [
            [],
            [variable("files.example.com", "NO_PROXY")],
            [variable("")],
            [variable("http://localhost:3128")],
            [variable("http://127.0.0.1:3128")],
            [variable("http://[::1]:3128")],
        ],
    )
    def test_without_a_proxy_outside_of_the_pod_nothing_is_opened(self, env: list[dict[str, Any]]) -> None:
        assert self.rules(*env) == []

    def test_only_components_that_have_one_get_a_rule_and_the_later_variable_counts(self) -> None:
        shared, own = [variable("http://10.1.2.3:3128")], [variable("http://10.1.2.4:3128")]
        found = proxies_of(
            {
                "scheduler": {"airflow_environment": shared, "scheduler_environment": []},
                "worker": {"airflow_environment": shared, "workers_environment": own},
                "flower": {"airflow_environment": shared, "flower_environment": [variable("")]},
                "triggerer": {"airflow_environment": [], "triggerer_environment": []},
            }
        )
        cidrs = {name: [rule["to"][0]["ipBlock"]["cidr"] for rule in rules] for name, rules in found.rules.items()}
        assert cidrs == {"scheduler": ["10.1.2.3/32"], "worker": ["10.1.2.4/32"], "flower": [], "triggerer": []}

    @pytest.mark.parametrize(
        "url", ["http://", "http://me:hush/hush@proxy:3128", "ftp://proxy", "http://proxy:port", "http://[::1", "a b"]
    )
    def test_what_is_no_address_is_found_once(self, url: str) -> None:
        env = {"airflow_environment": [variable(url)]}
        assert proxies_of({"worker": env, "flower": env}).wrong == [("airflow_environment", "HTTP_PROXY")]

    @pytest.mark.parametrize(
        "entry",
        [
            {"name": "HTTP_PROXY", "valueFrom": {"secretKeyRef": {"name": "company", "key": "proxy"}}},
            variable("$(COMPANY_PROXY)"),
            variable("http://proxy.example.com:$(PORT)"),
        ],
    )
    def test_what_cannot_be_read_is_found_where_nothing_is_opened(self, entry: dict[str, Any]) -> None:
        env = {"airflow_environment": [entry]}
        found = proxies_of({"worker": env, "flower": env})
        assert found.rules == {"worker": [], "flower": []}
        proxy = "airflow_environment", "HTTP_PROXY"
        assert found.closed([]) == {proxy: ["worker", "flower"]}
        assert found.closed(["worker"]) == {proxy: ["flower"]}
        assert found.closed({"worker": [{}], "flower": [{}]}) == {}


TOKEN = {"name": "kubernetes-api", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}


@pytest.mark.parametrize(("mounts", "is_exempt"), [([TOKEN], True), ([{"name": "dags", "mountPath": "/dags"}], False)])
def test_who_calls_the_kubernetes_api_reaches_it_through_no_proxy(mounts: list[Any], is_exempt: bool) -> None:
    container = {"name": "scheduler", "env": [dict(PROXY)], "volumeMounts": mounts}
    given = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "a"}}
    (made,) = prepare([{**given, "spec": {"template": {"spec": {"containers": [container]}}}}], "a", "s", "data")
    env = {entry["name"]: entry["value"] for entry in made["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert ("$(KUBERNETES_SERVICE_HOST)" in env["NO_PROXY"].split(",")) is is_exempt
