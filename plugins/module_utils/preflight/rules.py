# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of input that need no cluster, in one table, from which docs/input-rules.md is written.

The role passes values. Each rule says when it applies, and what is wrong and what to write instead.
"""

from __future__ import annotations

from ..airflow.versions import parts
from . import conditions as on
from .bundle_rules import BUNDLE_RULES
from .cloud_rules import CLOUD_RULES
from .external_secret_rules import EXTERNAL_SECRET_RULES
from .login_rules import LOGIN_RULES
from .route_rules import ROUTE_RULES
from .rule import Given, Rule
from .values import DEFAULTS
from .version_rules import VERSION_RULES
from .volume_rules import VOLUME_RULES


def check_input(params: Given) -> tuple[list[str], list[str]]:
    """Check what needs no cluster; return problems and warnings."""
    given = {**params, **DEFAULTS, **params["values"]}
    problems: list[str] = []
    warnings: list[str] = []
    for rule in RULES:
        (warnings if rule.is_warning else problems).extend(rule.messages(given))
    return problems, warnings


_COMBINATIONS = "Write [celery], [celery, kubernetes] or [kubernetes, celery]; the first runs what names no executor."
_WHOLE_ADDRESS = "Write the whole address that users see, without login, query or spaces: "
_EXPOSED = (
    "shall have an Ingress, an HTTPRoute or a Route, but {0} does not say for which host and path. Set {0}, for "
    "example "
)

RULES: tuple[Rule, ...] = (
    # The inventory.
    Rule(
        "",
        "a host is in both inventory groups",
        "This host is in the inventory groups separated_services and master_worker. Take it out of one of them: a "
        "release has one architecture.",
        lambda given: set(on.ARCHITECTURES) <= set(given["groups"]),
    ),
    Rule(
        "airflow_name airflow_namespace airflow_context",
        "two hosts name the same release of the same cluster",
        "The release {namespace}/{release} is also named by {others} in the inventory. Give each host an airflow_name "
        "or an airflow_namespace of its own, or airflow_context where their clusters differ.",
        find=lambda given: [{"others": ", ".join(given["same_release"])}] if given["same_release"] else [],
    ),
    Rule(
        "",
        "an inventory sets a variable that the collection computes",
        "The variable {name} is computed by the collection, and what an inventory sets is ignored. Leave it out.",
        find=on.computed_variables,
    ),
    Rule(
        "",
        "the name of a variable is nearly that of one of a role",
        "There is no variable {name}. Did you mean {close}?",
        find=lambda given: (fields for fields in on.unknown_variables(given) if fields["close"]),
    ),
    Rule(
        "",
        "the name of a variable starts with that of a role, which has no such variable",
        "No role of this collection reads the variable {name}.",
        find=lambda given: (fields for fields in on.unknown_variables(given) if not fields["close"]),
        is_warning=True,
    ),
    # Names and version.
    Rule(
        "airflow_name airflow_namespace workers_groups",
        "a name is no text",
        "{variable} is {name!r}, a {type}. Quote it where it is set.",
        find=lambda given: (name for name in on.names(given) if name["type"] != "str"),
    ),
    Rule(
        "airflow_name airflow_namespace workers_groups",
        "a name is no DNS label",
        "{variable} is {name!r}, which is no DNS label of at most {longest} characters: lower-case letters, digits and "
        "hyphens, starting with a letter and ending with a letter or digit.",
        find=lambda given: (name for name in on.names(given) if name["type"] == "str" and not on.is_label(name)),
    ),
    Rule(
        "airflow_name airflow_version",
        "the name of an object that is made of it is too long",
        "airflow_name is {release!r}, of which {what} {object}... is made: that is too long by {over} characters. Take "
        "a name of at most {longest}.",
        find=on.long_object_names,
    ),
    *VERSION_RULES,
    # Workers and executors.
    Rule(
        "workers_groups",
        "two groups have one name",
        "workers_groups has more than one group named {name}. Give each group a name of its own.",
        find=lambda given: ({"name": name} for name in on.twice(group.get("name") for group in given["worker_groups"])),
    ),
    Rule(
        "workers_groups",
        "a group has the name of another part of the release",
        "workers_groups has a group named {name}, which would take the place of {release}-{name}, another part of the "
        "release. Give it another name.",
        find=on.groups_with_reserved_names,
    ),
    Rule(
        "workers_groups airflow_name",
        "the name of a group's StatefulSet is too long",
        "workers_groups has a group named {name}, of which the StatefulSet {release}-{name} is made: that is too long "
        "by {over} characters. Take a name of at most {longest}, or a shorter airflow_name.",
        find=on.groups_with_long_names,
    ),
    Rule(
        "airflow_executors",
        "it has what is no executor",
        "airflow_executors has {unknown}, which is no executor of the roles. " + _COMBINATIONS,
        find=on.unknown_executors,
    ),
    Rule(
        "airflow_executors",
        "Celery is not among them",
        "airflow_executors is [{executors}], but a release always has Celery's workers. " + _COMBINATIONS,
        find=on.executors_without_celery,
        cel="!has(self.airflow_executors) || 'celery' in self.airflow_executors",
    ),
    Rule(
        "airflow_executors",
        "it has an executor twice",
        "airflow_executors has an executor twice. " + _COMBINATIONS,
        lambda given: on.twice(given["executors"]),
    ),
    Rule(
        "airflow_executors airflow_config",
        "airflow_executors has kubernetes and airflow_config names an executor",
        "airflow_executors has {executors}, and airflow_config has {option}, which takes its place. Leave it out of "
        "airflow_config.",
        find=on.executors_in_config,
    ),
    Rule(
        "airflow_executors airflow_logs_volume",
        "logs of pods of tasks are kept nowhere",
        "airflow_executors has kubernetes, and airflow_logs_volume is none: the log of a task would go with its pod. "
        "Set airflow_logs_volume to a volume that all pods share, or airflow_remote_logs to an object store.",
        lambda given: "kubernetes" in given["executors"] and given["logs_are_in_pods"],
    ),
    Rule(
        "workers_database_access airflow_result_backend_secret",
        "workers have no access to the database, and results are kept in it",
        "workers_database_access is false, but workers write the results of tasks to Airflow's database. Set "
        "airflow_result_backend_secret to a Secret with the URL of another database or of a Redis, or leave "
        "workers_database_access out.",
        lambda given: not given["workers_database_access"] and not given["airflow_result_backend_secret"],
        cel="self.workers_database_access || {airflow_result_backend_secret}",
    ),
    Rule(
        "triggerer_queues airflow_version",
        "Airflow is older than 3.2",
        "triggerer_queues is set, but the triggerer of Airflow {version} runs the triggers of all queues. Remove it.",
        lambda given: given["triggerer_queues"] and () < parts(given["version"]) < (3, 2),
    ),
    Rule(
        "triggerer_queues airflow_config",
        "airflow_config does not enable them",
        "triggerer_queues needs triggerer__queues_enabled: true in airflow_config. Triggers then wait for a "
        "triggerer with the queue of their task.",
        lambda given: given["triggerer_queues"] and not on.has_triggerer_queues(given),
    ),
    Rule(
        "airflow_result_backend_address",
        "it is no address",
        "airflow_result_backend_address is no address. Write host and port alone, without a login: "
        "results.example.com:6379, or :6379 for every host.",
        lambda given: not on.is_address(given["airflow_result_backend_address"]),
    ),
    # Airflow's options.
    Rule(
        "airflow_config",
        "the name of an option is none",
        "{problem}",
        find=on.wrong_options,
    ),
    Rule(
        "airflow_config",
        "it has an option that the collection sets itself",
        "airflow_config has {option}, which the collection sets itself. {instead}",
        find=on.owned_options,
    ),
    Rule(
        "airflow_config airflow_environment",
        "it has a secret",
        "airflow_config has {option}, whose name says that it is a secret; a ConfigMap is readable for many. Put it "
        "into a Secret, and name that in airflow_environment: [{{name: {variable}, valueFrom: {{secretKeyRef: {{name: "
        "<Secret>, key: <key>}}}}}}].",
        find=on.secret_options,
    ),
    Rule(
        "airflow_config airflow_base_url",
        "airflow_config has the base URL, and airflow_base_url is not set",
        "airflow_config has {option}, which probes, workers and playbooks would not know of. Set airflow_base_url "
        "instead.",
        find=on.base_url_in_config,
    ),
    # How users reach it.
    Rule(
        "airflow_base_url",
        "it is no whole address",
        "airflow_base_url is {airflow_base_url}. " + _WHOLE_ADDRESS + "https://airflow.example.com/airflow.",
        lambda given: not on.is_base_url(given["airflow_base_url"]),
        cel="!{airflow_base_url} || self.airflow_base_url.matches('^https?://[^/@?# ]+[^@?# ]*$')",
    ),
    Rule(
        "flower_base_url",
        "it is no whole address",
        "flower_base_url is {flower_base_url}. " + _WHOLE_ADDRESS + "https://airflow.example.com/flower.",
        lambda given: not on.is_base_url(given["flower_base_url"]),
        cel="!{flower_base_url} || self.flower_base_url.matches('^https?://[^/@?# ]+[^@?# ]*$')",
    ),
    Rule(
        "airflow_base_url api_server_ingress_enabled api_server_http_route_parent_refs api_server_route_enabled",
        "the API server has an Ingress, an HTTPRoute or a Route without it",
        "The API server " + _EXPOSED.format("airflow_base_url") + "https://airflow.example.com/.",
        lambda given: given["exposes_api_server"] and not given["airflow_base_url"],
    ),
    Rule(
        "flower_base_url flower_ingress_enabled flower_http_route_parent_refs flower_route_enabled",
        "Flower has an Ingress, an HTTPRoute or a Route without it",
        "Flower " + _EXPOSED.format("flower_base_url") + "https://airflow.example.com/flower.",
        lambda given: given["exposes_flower"] and not given["flower_base_url"],
    ),
    *ROUTE_RULES,
    *LOGIN_RULES,
    # Database.
    Rule(
        "airflow_database_tls_mode airflow_database_ca_secret airflow_database_ca_config_map airflow_ca_config_map",
        "the database's certificate is verified without a CA",
        "airflow_database_tls_mode is {database_tls}, which takes the certificate of the CA that signed the "
        "database's. Set airflow_database_ca_secret or airflow_database_ca_config_map, or airflow_ca_config_map for "
        "all certificates.",
        lambda given: given["database_tls"].startswith("verify-") and not given["database_ca"],
        cel="!{airflow_database_tls_mode} || !self.airflow_database_tls_mode.startsWith('verify-') || "
        "{airflow_database_ca_secret} || {airflow_database_ca_config_map} || {airflow_ca_config_map}",
    ),
    Rule(
        "airflow_database_tls_mode airflow_database_backend",
        "it is verify-ca for MySQL",
        "airflow_database_tls_mode is verify-ca, but the MySQL client in Airflow's image verifies the host name too. "
        "Set verify-full, and connect by a name that the certificate has; or require, which verifies nothing.",
        lambda given: given["database_is_mysql_with_tls"] and given["database_tls"] == "verify-ca",
    ),
    Rule(
        "migrations_terminate_blockers airflow_database_backend",
        "it is true for MySQL",
        "migrations_terminate_blockers is true, but airflow_database_backend is {airflow_database_backend}, which does "
        "not tell Airflow's user who blocks a migration. Leave migrations_terminate_blockers out.",
        lambda given: given["migrations_terminate_blockers"] and given["airflow_database_backend"] != "postgresql",
        cel="!{migrations_terminate_blockers} || self.airflow_database_backend == 'postgresql'",
    ),
    Rule(
        "airflow_database_url_key airflow_database_secret",
        "a key of no Secret is named",
        "airflow_database_url_key is {airflow_database_url_key}, but no Secret is named. Set airflow_database_secret.",
        lambda given: given["airflow_database_url_key"] and not given["airflow_database_secret"],
        cel="!{airflow_database_url_key} || {airflow_database_secret}",
    ),
    Rule(
        "airflow_database_async_url_key airflow_database_url_key",
        "only the asynchronous URL is given",
        "airflow_database_async_url_key is set, but airflow_database_url_key is not. Set both, or neither.",
        lambda given: given["airflow_database_async_url_key"] and not given["airflow_database_url_key"],
        cel="!{airflow_database_async_url_key} || {airflow_database_url_key}",
    ),
    Rule(
        "airflow_pgbouncer_enabled airflow_database_backend",
        "the database is not PostgreSQL",
        "airflow_pgbouncer_enabled is true, but airflow_database_backend is {airflow_database_backend}, which "
        "PgBouncer does not speak. Leave airflow_pgbouncer_enabled out.",
        lambda given: given["airflow_pgbouncer_enabled"] and given["airflow_database_backend"] != "postgresql",
        cel="!{airflow_pgbouncer_enabled} || self.airflow_database_backend == 'postgresql'",
    ),
    Rule(
        "airflow_pgbouncer_enabled airflow_database_url_key",
        "the database is given as a URL",
        "airflow_pgbouncer_enabled is true, but airflow_database_url_key gives a whole URL, of which PgBouncer cannot "
        "be made. Give airflow_database_host, airflow_database_user and airflow_database_secret_key instead.",
        lambda given: given["airflow_pgbouncer_enabled"] and given["airflow_database_url_key"],
        cel="!({airflow_pgbouncer_enabled} && {airflow_database_url_key})",
    ),
    Rule(
        "airflow_cloud_sql_instance",
        "it is no name of an instance",
        "airflow_cloud_sql_instance is {airflow_cloud_sql_instance}. Write the instance's connection name, "
        "<project>:<region>:<name>, which gcloud sql instances describe shows as connectionName.",
        lambda given: not on.is_cloud_sql_instance(given["airflow_cloud_sql_instance"]),
    ),
    Rule(
        "airflow_cloud_sql_instance airflow_database_host airflow_database_url_key",
        "the database is also given by a host or a URL",
        "airflow_cloud_sql_instance is set, and so is {other}, but the pods reach the instance through the auth proxy "
        "at 127.0.0.1. Leave out one of them.",
        find=on.hosts_beside_cloud_sql,
    ),
    Rule(
        "airflow_cloud_sql_instance airflow_database_tls_mode",
        "TLS with the database is asked for",
        "airflow_database_tls_mode is {airflow_database_tls_mode}, but the auth proxy to airflow_cloud_sql_instance "
        "encrypts and verifies by itself, and takes connections of its own pod without TLS. Leave it out.",
        lambda given: given["airflow_cloud_sql_instance"] and given["airflow_database_tls_mode"] not in ("", "disable"),
    ),
    Rule(
        "airflow_cloud_sql_iam_user airflow_cloud_sql_instance",
        "there is no instance",
        "airflow_cloud_sql_iam_user is set, but airflow_cloud_sql_instance is not, and only the auth proxy logs in "
        "without a password. Set both, or neither.",
        lambda given: given["airflow_cloud_sql_iam_user"] and not given["airflow_cloud_sql_instance"],
        cel="!{airflow_cloud_sql_iam_user} || {airflow_cloud_sql_instance}",
    ),
    Rule(
        "airflow_cloud_sql_iam_user airflow_database_secret airflow_database_password",
        "a password is given",
        "airflow_cloud_sql_iam_user logs in without a password, but {database_password} is set. Leave out one of them.",
        lambda given: given["airflow_cloud_sql_iam_user"] and given["database_password"],
    ),
    # Broker.
    Rule(
        "airflow_redis_tls airflow_redis_host",
        "Redis is the release's own",
        "airflow_redis_tls is true, but Redis is the release's own, which serves its pods without TLS. Set "
        "airflow_redis_host, or leave airflow_redis_tls out.",
        lambda given: given["airflow_redis_tls"] and given["has_own_redis"],
        cel="!{airflow_redis_tls} || {airflow_redis_host} || {airflow_redis_sentinels}",
    ),
    Rule(
        "airflow_redis_tls airflow_redis_sentinels",
        "Redis is found through Sentinels",
        "airflow_redis_tls is true, but Redis is found through airflow_redis_sentinels, where TLS is not supported. "
        "Set airflow_redis_host to a Redis with TLS, or leave airflow_redis_tls out.",
        lambda given: given["airflow_redis_tls"] and given["airflow_redis_sentinels"],
        cel="!({airflow_redis_tls} && {airflow_redis_sentinels})",
    ),
    Rule(
        "airflow_redis_host airflow_redis_sentinels",
        "both are set",
        "airflow_redis_host and airflow_redis_sentinels are both set. Leave out the one that is not to be asked.",
        lambda given: given["airflow_redis_host"] and given["airflow_redis_sentinels"],
        cel="!({airflow_redis_host} && {airflow_redis_sentinels})",
    ),
    Rule(
        "airflow_redis_sentinel_secret airflow_redis_sentinel_password airflow_redis_sentinels",
        "the password of no Sentinels is set",
        "{sentinel_login} is set, but no Sentinels are named. Set airflow_redis_sentinels, or "
        "airflow_redis_secret for the password of Redis itself.",
        lambda given: given["sentinel_login"] and not given["airflow_redis_sentinels"],
    ),
    # Network.
    Rule(
        "airflow_network_ingress airflow_network_egress",
        "rules are of no component",
        "airflow_network_ingress or airflow_network_egress has rules of {unknown}, which is no component. Write one of "
        "{known}.",
        find=on.unknown_components,
    ),
    Rule(
        "airflow_environment",
        "a proxy has no address",
        "{variable} sets {name} to what is no address of a proxy. Write http://<host>:<port>, or "
        "http://<user>:<password>@<host>:<port> with user and password percent-encoded.",
        find=lambda given: given["proxies"]["wrong"],
    ),
    Rule(
        "airflow_environment airflow_network_egress",
        "the address of a proxy cannot be read, and no rule lets it through",
        "{variable} takes {name} from where its value cannot be read, so that no network policy lets the proxy "
        "through. Add its address and port to airflow_network_egress, for {components}.",
        find=lambda given: given["proxies"]["unread"] if given["has_network_policies"] else [],
        is_warning=True,
    ),
    # Secrets.
    Rule(
        "airflow_fernet_key airflow_api_secret_key airflow_jwt_secret airflow_admin_password flower_password",
        "the value and a Secret that holds it are both given",
        "{variable} is given, and so is {variable}_secret, which names a Secret that holds it. Leave out one of them.",
        find=on.secrets_given_twice,
    ),
    Rule(
        "airflow_extra_objects airflow_render_ordering",
        "a Secret would be written to a file for a GitOps tool",
        "airflow_extra_objects has the Secret {name}, whose values would be in git. Take it out, and have External "
        "Secrets or Sealed Secrets make it.",
        find=lambda given: ({"name": name} for name in given["rendered_secrets"]),
    ),
    *EXTERNAL_SECRET_RULES,
    *BUNDLE_RULES,
    *CLOUD_RULES,
    *VOLUME_RULES,
)
