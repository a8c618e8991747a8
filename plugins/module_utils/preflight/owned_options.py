# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of Airflow that the collection sets itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Owned(NamedTuple):
    """An option of Airflow that the collection sets itself.

    :param instead: the next step.
    :param allowed: a value that changes nothing.
    """

    instead: str
    allowed: str = ""


_FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
_PORT = "Services, probes and network policies go by its port, which cannot be changed. Leave it out."
_RELEASES_NAMESPACE = Owned("Pods of tasks are in the release's namespace. Leave it out, and set airflow_namespace.")
_OWN_VALUE = "Set {0}, or name a Secret of your own in {0}_secret."

#: By environment variable.
OWNED: Mapping[str, Owned] = {
    "AIRFLOW__API_AUTH__JWT_SECRET": Owned(_OWN_VALUE.format("airflow_jwt_secret")),
    "AIRFLOW__API__PORT": Owned(_PORT, "8080"),
    "AIRFLOW__API__SECRET_KEY": Owned(_OWN_VALUE.format("airflow_api_secret_key")),
    "AIRFLOW__CELERY__BROKER_URL": Owned(
        "Set airflow_redis_host and airflow_redis_secret, or airflow_redis_sentinels."
    ),
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__SENTINEL_KWARGS": Owned("Set airflow_redis_sentinel_secret."),
    "AIRFLOW__CELERY__FLOWER_BASIC_AUTH": Owned("Set flower_username and flower_password."),
    "AIRFLOW__CELERY__FLOWER_PORT": Owned(_PORT, "5555"),
    "AIRFLOW__CELERY__FLOWER_URL_PREFIX": Owned("Set flower_base_url."),
    "AIRFLOW__CELERY__RESULT_BACKEND": Owned("Set airflow_result_backend_secret."),
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": Owned(
        "Set workers_concurrency, or concurrency of a group in workers_groups."
    ),
    "AIRFLOW__CORE__AUTH_MANAGER": Owned(
        "The administrator, logins and roles are those of FabAuthManager. Leave it out, and set airflow_auth_type.",
        _FAB,
    ),
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": Owned(
        "It follows from airflow_name and airflow_base_url. Leave it out."
    ),
    "AIRFLOW__CORE__EXECUTOR": Owned("Set airflow_executors.", "CeleryExecutor"),
    "AIRFLOW__CORE__FERNET_KEY": Owned(_OWN_VALUE.format("airflow_fernet_key")),
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": Owned("Set airflow_database_host and airflow_database_secret."),
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": Owned("Set airflow_database_async_url_key."),
    "AIRFLOW__FAB__CONFIG_FILE": Owned("Set airflow_webserver_config."),
    **{
        f"AIRFLOW__KUBERNETES_EXECUTOR__{key}": owned
        for keys, owned in (
            (("NAMESPACE",), _RELEASES_NAMESPACE),
            (("MULTI_NAMESPACE_MODE",), _RELEASES_NAMESPACE._replace(allowed="false")),
            (("IN_CLUSTER",), Owned("The scheduler's own account is used. Leave it out.", "true")),
            (("CONFIG_FILE", "CLUSTER_CONTEXT"), Owned("The scheduler's own account is used. Leave it out.")),
            (("POD_TEMPLATE_FILE",), Owned("Set airflow_task_pod_overrides and the others of airflow_task_pod_*.")),
            (("WORKER_CONTAINER_REPOSITORY", "WORKER_CONTAINER_TAG"), Owned("Set airflow_image.")),
        )
        for key in keys
    },
    "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": Owned(_PORT, "8794"),
    "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": Owned(_PORT, "8793"),
    "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": Owned("The scheduler's probes ask it. Leave it out.", "true"),
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": Owned(_PORT, "8974"),
}
