# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Input that can never work is refused with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.names import RESERVED_GROUPS
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.bundle_rules import BUNDLE_RULES
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.owned_options import OWNED
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.rules import RULES, Rule, check_input
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.volume_rules import VOLUME_RULES
from tests.unit.plugins.module_utils.preflight.given import GOOD, VALUES, check
from tools.checks.rendered import RENDERED
from tools.common.paths import ROLES


def manifests() -> Iterator[dict[str, Any]]:
    for path in RENDERED.glob("*/*/*.yaml"):
        yield yaml.safe_load(path.read_text(encoding="utf-8"))


def environments() -> Iterator[dict[str, Any]]:
    """Yield the variables of all containers of all rendered releases."""
    for manifest in manifests():
        spec = ((manifest.get("spec") or {}).get("template") or {}).get("spec") or {}
        for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
            yield from container.get("env", [])


def of_config(**config: Any) -> list[str]:
    return check(config=config)[0]


def names(release: str, *groups: str, version: str = "3.1.0") -> list[str]:
    return check(release=release, worker_groups=[{"name": name} for name in groups], version=version)[0]


CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def route(**changes: Any) -> dict[str, Any]:
    """Return a Route of the API server as the role passes it, with changes."""
    route = {
        "role": "api_server",
        "own_port": 8080,
        "address_variable": "airflow_base_url",
        "base_url": "https://a.example.com",
        "termination": "edge",
        "insecure_policy": "Redirect",
        "certificate_secret": "",
        "tls_port": "",
        "destination_ca_certificate": "",
    }
    return {"routes": [{**route, **changes}]}


EXTERNAL = {"name": "login", "store": "vault", "data": {"password": "prod/airflow#password"}}


def external(**changes: Any) -> dict[str, Any]:
    return {"external_secrets": [{**EXTERNAL, **changes}]}


#: What violates each rule, by when it applies.
VIOLATIONS: dict[str, dict[str, Any]] = {
    "a role is named without a kind of identity": {"worker_groups": [{"name": "worker", "identity_role": "a"}]},
    "the kind of identity takes a role, and none is named": {
        "airflow_identity": "irsa",
        "identity_roles": {"airflow_identity_role": ""},
    },
    "a role is none of the kind of identity": {
        "airflow_identity": "gke",
        "identity_roles": {"airflow_identity_role": "arn:aws:iam::111122223333:role/airflow"},
    },
    "a component in the master's pod has a role of its own": {
        "airflow_identity": "eks_pod_identity",
        "is_master_worker": True,
        "identity_roles": {"triggerer_identity_role": "arn:aws:iam::111122223333:role/airflow"},
    },
    "airflow_identity is azure, and it is no tenant ID": {
        "airflow_identity": "azure",
        "identity_roles": {"airflow_identity_role": "11111111-2222-3333-4444-555555555555"},
        "airflow_identity_tenant": "acme",
    },
    "it is too short or too long": {"airflow_identity_expiration": 60},
    "it is no URL of an object store for backups": {"airflow_backup_destination": "https://bucket"},
    "nobody could decrypt the Secrets in backups": {"airflow_backup_secrets": True},
    "backups would be in two places": {"airflow_backup_destination": "s3://bucket", "airflow_backup_claim": "team"},
    "it is no URL of an object store": {"airflow_remote_logs": "https://bucket"},
    "an object store is described, and none is named": {"airflow_remote_logs_endpoint": "https://store:9000"},
    "it is no URL, or has a path": {
        "airflow_remote_logs": "s3://logs",
        "airflow_remote_logs_endpoint": "https://store:9000/path",
    },
    "the store is Google's, whose address cannot be changed": {
        "airflow_remote_logs": "gs://logs",
        "airflow_remote_logs_endpoint": "https://store:9000",
    },
    "the store is Azure's, and its storage account is not named": {"airflow_remote_logs": "wasb://logs/airflow"},
    "a certificate is given for another store than S3": {
        "airflow_remote_logs": "gs://logs",
        "has_remote_logs_ca": True,
    },
    "airflow_config has an option that airflow_remote_logs sets": {
        "airflow_remote_logs": "s3://logs/airflow",
        "config": {"logging__remote_log_conn_id": "aws_logs"},
    },
    "two hosts name the same release of the same cluster": {"same_release": ["other"]},
    "a host is in both inventory groups": {"groups": ["master_worker", "separated_services"]},
    "an inventory sets a variable that the collection computes": {
        "set_variables": ["__airflow_volumes"],
        "computed_variables": ["__airflow_volumes"],
    },
    "the name of a variable is nearly that of one of a role": {
        "variables": ["scheduler_replica"],
        "known_variables": ["scheduler_replicas"],
    },
    "the name of a variable starts with that of a role, which has no such variable": {"variables": ["airflow_x"]},
    "a name is no text": {"release": 7},
    "a name is no DNS label": {"namespace": "A"},
    "the name of an object that is made of it is too long": {"release": "a" * 36},
    "it is no text": {"version": 3.1},
    "it has not three numbers": {"version": "3.1"},
    "it is older than 3.1.0": {"version": "3.0.6"},
    "the tag of the image begins with another version": {"image": "apache/airflow:3.2.0"},
    "two groups have one name": {"worker_groups": [{"name": "a"}, {"name": "a"}]},
    "a group has the name of another part of the release": {"worker_groups": [{"name": "redis"}]},
    "the name of a group's StatefulSet is too long": {"release": "a" * 25, "worker_groups": [{"name": "b" * 39}]},
    "it has what is no executor": {"executors": ["celery", "local"]},
    "Celery is not among them": {"executors": ["kubernetes"]},
    "it has an executor twice": {"executors": ["celery", "celery"]},
    "airflow_executors has kubernetes and airflow_config names an executor": {
        "executors": ["celery", "kubernetes"],
        "config": {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor"},
    },
    "logs of pods of tasks are kept nowhere": {"executors": ["celery", "kubernetes"], "logs_are_in_pods": True},
    "workers have no access to the database, and results are kept in it": {"workers_database_access": False},
    "it is no address": {"airflow_result_backend_address": "redis://results:6379"},
    "the name of an option is none": {"config": {"parallelism": 4}},
    "it has an option that the collection sets itself": {"config": {"core__fernet_key": "a"}},
    "it has a secret": {"config": {"smtp__smtp_password": "hunter2"}},
    "airflow_config has the base URL, and airflow_base_url is not set": {"config": {"api__base_url": "http://a"}},
    "it is no whole address": {"airflow_base_url": "airflow.example.com", "flower_base_url": "http://a?b"},
    "the API server has an Ingress, an HTTPRoute or a Route without it": {"exposes_api_server": True},
    "Flower has an Ingress, an HTTPRoute or a Route without it": {"exposes_flower": True},
    "it is passthrough, and the base URL has a path": route(
        base_url="https://a.example.com/airflow", termination="passthrough", tls_port="8443"
    ),
    "pods have to serve TLS, and no port does": route(termination="reencrypt"),
    "it is set, and TLS ends at the router": route(tls_port="8443"),
    "it is no port, or the role's own, which serves no TLS": route(termination="reencrypt", tls_port="8080"),
    "it is Allow with passthrough": route(termination="passthrough", tls_port="8443", insecure_policy="Allow"),
    "the router shall show a certificate, and passes TLS through": route(
        termination="passthrough", tls_port="8443", certificate_secret="certificate"
    ),
    "the router shall show a certificate, and the base URL is http": route(
        base_url="http://a.example.com", certificate_secret="certificate"
    ),
    "it is set without reencrypt": route(destination_ca_certificate=CERTIFICATE),
    "it is no certificate, or has a private key": route(
        termination="reencrypt",
        tls_port="8443",
        destination_ca_certificate=f"{CERTIFICATE}-----BEGIN PRIVATE KEY-----",
    ),
    "a file of your own and the collection's options are both given": {
        "airflow_webserver_config": True,
        "has_auth_options": True,
    },
    "airflow_auth_type is ldap without it": {"airflow_auth_type": "ldap"},
    "a user looks others up without a password or a place to look": {
        "airflow_auth_type": "ldap",
        "airflow_auth_ldap_server": "ldaps://a",
        "ldap_bind_is_incomplete": True,
    },
    "airflow_auth_type is oauth without it": {"airflow_auth_type": "oauth"},
    "the database's certificate is verified without a CA": {"database_tls": "verify-full"},
    "it is verify-ca for MySQL": {
        "database_tls": "verify-ca",
        "database_ca": "ca",
        "database_is_mysql_with_tls": True,
    },
    "a key of no Secret is named": {"airflow_database_url_key": "url"},
    "only the asynchronous URL is given": {"airflow_database_async_url_key": "async"},
    "Airflow is older than 3.2": {"triggerer_queues": ["a"], "config": {"triggerer__queues_enabled": True}},
    "airflow_config does not enable them": {"triggerer_queues": ["a"], "version": "3.3.2"},
    "it is true for MySQL": {"migrations_terminate_blockers": True, "airflow_database_backend": "mysql"},
    "the database is not PostgreSQL": {"airflow_pgbouncer_enabled": True, "airflow_database_backend": "mysql"},
    "the database is given as a URL": {
        "airflow_pgbouncer_enabled": True,
        "airflow_database_url_key": "url",
        "airflow_database_secret": "database",
    },
    "it is no name of an instance": {"airflow_cloud_sql_instance": "airflow"},
    "the database is also given by a host or a URL": {
        "airflow_cloud_sql_instance": "acme:europe-west1:airflow",
        "airflow_database_host": "db.example.com",
    },
    "TLS with the database is asked for": {
        "airflow_cloud_sql_instance": "acme:europe-west1:airflow",
        "airflow_database_tls_mode": "verify-full",
    },
    "there is no instance": {"airflow_cloud_sql_iam_user": "airflow@acme.iam"},
    "a password is given": {
        "airflow_cloud_sql_instance": "acme:europe-west1:airflow",
        "airflow_cloud_sql_iam_user": "airflow@acme.iam",
        "database_password": "airflow_database_secret",
    },
    "Redis is the release's own": {"airflow_redis_tls": True},
    "Redis is found through Sentinels": {
        "airflow_redis_tls": True,
        "has_own_redis": False,
        "airflow_redis_sentinels": ["a:26379"],
    },
    "both are set": {"airflow_redis_host": "redis", "airflow_redis_sentinels": ["a:26379"]},
    "the password of no Sentinels is set": {"sentinel_login": "airflow_redis_sentinel_secret"},
    "rules are of no component": {"network_rules_of": ["workers"]},
    "a proxy has no address": {
        "proxies": {"wrong": [{"variable": "airflow_environment", "name": "HTTP_PROXY"}], "unread": []}
    },
    "the address of a proxy cannot be read, and no rule lets it through": {
        "proxies": {
            "wrong": [],
            "unread": [{"variable": "airflow_environment", "name": "HTTP_PROXY", "components": "worker"}],
        }
    },
    "a name is none of a Secret": external(name="Login"),
    "two have one name": {"external_secrets": [EXTERNAL, EXTERNAL]},
    "one has the name of a Secret of the release": {"external_secrets": [EXTERNAL], "own_secrets": ["login"]},
    "one has no keys": external(data={}),
    "the place of a key is none": external(data={"password": {"key": "prod"}}),
    "the value and a Secret that holds it are both given": {
        "secret_origins": [{"variable": "airflow_fernet_key", "given": True, "secret": "mine"}]
    },
    "a Secret would be written to a file for a GitOps tool": {"rendered_secrets": ["login"]},
}
#: Rules of one bundle or volume, which have tests of their own.
ELSEWHERE = {*BUNDLE_RULES, *VOLUME_RULES}


def describe(rule: Rule) -> str:
    return f"{rule.variables.partition(' ')[0]}: {rule.when}"


@pytest.mark.parametrize("rule", RULES, ids=describe)
def test_good_input_violates_no_rule(rule: Rule) -> None:
    assert list(rule.messages({**GOOD, **VALUES})) == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in ELSEWHERE], ids=describe)
def test_what_violates_a_rule_is_told_once_and_nothing_else_is(rule: Rule) -> None:
    violation = VIOLATIONS[rule.when]
    (message,) = rule.messages({**GOOD, **VALUES, **violation})
    problems, warnings = check(**violation)
    assert message in (warnings if rule.is_warning else problems)
    assert len(problems + warnings) == 1 or rule.when == "it is no whole address"


def test_a_task_need_not_give_the_values_of_the_role() -> None:
    """As in the example of the module's documentation."""
    assert check_input({**GOOD, "values": {}}) == ([], [])


def test_every_violation_is_of_a_rule() -> None:
    assert VIOLATIONS.keys() == {rule.when for rule in RULES if rule not in ELSEWHERE}


def test_the_role_passes_all_that_rules_look_at() -> None:
    file = ROLES / "airflow" / "vars" / "main" / "preflight.yml"
    assert yaml.safe_load(file.read_text())["__airflow_rule_values"].keys() == VALUES.keys()


def test_no_role_has_sentences_about_its_input() -> None:
    """They are in the table, and a role passes values."""
    sentence = re.compile(r"(?:Set|Write|Leave out|Take|Give|Name) (?:[a-z]+_[a-z_]+|one of)")
    found = [path for path in ROLES.glob("*/vars/**/*.yml") if sentence.search(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("option", "value", "instead"),
    [
        ("core__fernet_key", "abc", "airflow_fernet_key"),
        ("celery__worker_concurrency", 4, "workers_concurrency"),
        ("AIRFLOW__CELERY__BROKER_URL", "redis://a", "airflow_redis_host"),
        ("celery__broker_url_cmd", "cat /url", "airflow_redis_host"),
        ("core__auth_manager", "airflow.api_fastapi.auth.managers.simple.SimpleAuthManager", "airflow_auth_type"),
        ("core__executor", "CeleryExecutor,KubernetesExecutor", "airflow_executors"),
        ("scheduler__enable_health_check", False, "probes"),
    ],
)
def test_an_option_that_the_collection_sets_is_refused(option: str, value: Any, instead: str) -> None:
    (problem,) = of_config(**{option: value})
    assert option.lower().removeprefix("airflow__") in problem
    assert instead in problem


def test_what_changes_nothing_is_let_through() -> None:
    assert of_config(core__executor="CeleryExecutor", scheduler__enable_health_check=True, api__port=8080) == []
    assert of_config(core__parallelism=4, celery__task_track_started=True) == []


def test_every_option_that_containers_are_given_from_a_secret_is_owned() -> None:
    given = {
        variable["name"]
        for variable in environments()
        if variable["name"].startswith("AIRFLOW__") and "secretKeyRef" in variable.get("valueFrom", {})
    }
    assert len(given) > 5
    assert given - OWNED.keys() == set()


@pytest.mark.parametrize("option", ["smtp__smtp_password", "sentry__sentry_dsn", "opensearch__password"])
def test_a_secret_is_refused_with_the_way_by_a_secret(option: str) -> None:
    (problem,) = of_config(**{option: "hunter2"})
    assert option in problem
    assert f"AIRFLOW__{option.upper()}, valueFrom" in problem
    assert "hunter2" not in problem


def test_what_only_leads_to_a_secret_is_none() -> None:
    assert of_config(smtp__smtp_password_cmd="cat /password", smtp__smtp_password_secret="smtp") == []
    assert of_config(smtp__smtp_password="", core__hide_sensitive_var_conn_fields=True, fab__enable_token=True) == []


def test_a_name_of_which_an_object_would_be_too_long() -> None:
    (problem,) = names("customer-analytics-production-airflow-01")
    assert "Job" in problem
    assert "at most 35" in problem
    assert names("a" * 35) == []
    assert names("a" * 35, version="3.10.10") != []


def test_a_group_of_which_an_object_would_be_too_long() -> None:
    (problem,) = names("analytics-production", "memory-optimized-spot-instances-eu")
    assert "analytics-production-memory-optimized-spot-instances-eu" in problem
    assert names("analytics-production", "a" * 31) == []
    assert names("analytics-production", "a" * 32) != []


@pytest.mark.parametrize("group", ["redis", "scheduler", "api-server"])
def test_a_group_that_would_take_the_place_of_another_object(group: str) -> None:
    (problem,) = names("airflow", "worker", group)
    assert f"airflow-{group}" in problem


def test_every_workload_and_service_of_a_release_is_reserved() -> None:
    made = set()
    for manifest in manifests():
        labels = manifest["metadata"].get("labels", {})
        is_named = manifest["kind"] in ("Deployment", "StatefulSet", "Service", "CronJob")
        if is_named and labels.get("app.kubernetes.io/component") != "worker":
            made.add(manifest["metadata"]["name"].removeprefix(f"{labels['airflow.kubernetes/release']}-"))
    assert len(made) > 8
    assert made - RESERVED_GROUPS == set()


class TestExecutors:
    """Celery is always there, and the first runs what names none."""

    @pytest.mark.parametrize("executors", [["celery"], ["celery", "kubernetes"], ["kubernetes", "celery"]])
    def test_combinations_that_there_are(self, executors: list[str]) -> None:
        assert check(executors=executors) == ([], [])

    @pytest.mark.parametrize(
        ("executors", "message"),
        [
            (["celery", "local"], "has local, which is no executor of the roles. Write .celery., .celery, kubernetes."),
            (["CeleryExecutor"], "has CeleryExecutor, which is no executor"),
            (["kubernetes"], "is .kubernetes., but a release always has Celery's workers. Write .celery., "),
            (["celery", "celery"], "has an executor twice"),
        ],
    )
    def test_others_are_refused_with_those_that_there_are(self, executors: list[str], message: str) -> None:
        ((problem,), _warnings) = check(executors=executors)
        assert re.match(f"airflow_executors {message}", problem)
        assert "[kubernetes, celery]" in problem

    @pytest.mark.parametrize(
        ("option", "value", "instead"),
        [
            ("core__executor", "CeleryExecutor,KubernetesExecutor", "Set airflow_executors."),
            ("kubernetes_executor__namespace", "tasks", "set airflow_namespace"),
            ("kubernetes_executor__multi_namespace_mode", True, "set airflow_namespace"),
            ("kubernetes_executor__in_cluster", False, "own account"),
            ("kubernetes_executor__pod_template_file", "/pod.yaml", "airflow_task_pod_overrides"),
            ("kubernetes_executor__worker_container_repository", "airflow", "Set airflow_image."),
        ],
    )
    def test_what_airflow_executors_sets_is_not_for_airflow_config(
        self, option: str, value: object, instead: str
    ) -> None:
        (problem,) = of_config(**{option: value})
        assert problem.startswith(f"airflow_config has {option}, which the collection sets itself.")
        assert instead in problem

    def test_how_airflow_keeps_pods_is_the_users_choice(self) -> None:
        assert of_config(kubernetes_executor__delete_worker_pods_on_failure=False) == []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"base_url": "http://a.example.com/airflow"},
        {"base_url": "https://a.example.com/airflow", "certificate_secret": "certificate"},
        {"termination": "passthrough", "tls_port": "8443", "base_url": "https://a.example.com/"},
        {"termination": "reencrypt", "tls_port": "8443", "destination_ca_certificate": CERTIFICATE},
    ],
)
def test_routes_that_openshift_takes(changes: dict[str, Any]) -> None:
    assert check(**route(**changes)) == ([], [])


def test_the_message_about_a_route_names_its_own_role() -> None:
    (problem,), _warnings = check(**route(role="flower", termination="reencrypt"))
    assert problem.startswith("flower_route_termination is reencrypt")
    assert "api_server" not in problem


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"data": {"a": "prod", "b": "arn:aws:x:1:secret:prod#a"}},
        {"data": None, "extract": "prod"},
        {"name": "a.b-1"},
    ],
)
def test_external_secrets_that_the_operator_takes(changes: dict[str, Any]) -> None:
    assert check(**external(**changes), own_secrets=["airflow-secrets"]) == ([], [])


@pytest.mark.parametrize("place", ["", "#password", "prod#", 7])
def test_a_place_without_a_key_or_a_property_is_refused(place: Any) -> None:
    (problem,), _warnings = check(**external(data={"password": place}))
    assert "login with the key password" in problem
