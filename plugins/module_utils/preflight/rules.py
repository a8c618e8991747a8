# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules of input that need no cluster: names of objects, and options of Airflow that are not for airflow_config."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..core.names import RESERVED_GROUPS

#: The inventory groups of releases.
ARCHITECTURES = ("separated_services", "master_worker")
#: Characters that the controller of StatefulSets adds to their names for a label of pods, ``controller-revision-hash``,
#: and that of CronJobs for its Jobs; and the longest label and name of a Job.
REVISION, CRON_JOB, LONGEST = 11, 11, 63
#: What airflow_executors may have; the first of it is always there.
EXECUTORS = ("celery", "kubernetes")
#: Characters of the checksum in the name of the migration's Job.
CHECKSUM = 10


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
_VALUE_OR_FROM = "Set {0}, or name a key of a Secret of your own in {0}_from."

#: By environment variable.
OWNED: Mapping[str, Owned] = {
    "AIRFLOW__API_AUTH__JWT_SECRET": Owned(_VALUE_OR_FROM.format("airflow_jwt_secret")),
    "AIRFLOW__API__PORT": Owned(_PORT, "8080"),
    "AIRFLOW__API__SECRET_KEY": Owned(_VALUE_OR_FROM.format("airflow_api_secret_key")),
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
    "AIRFLOW__CORE__FERNET_KEY": Owned(_VALUE_OR_FROM.format("airflow_fernet_key")),
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

#: What the key of an option says whose value is a secret (``sensitive: true`` in Airflow's config.yml, and providers');
#: not of those that only tell where it is: ``_cmd`` runs a command, ``_secret`` asks a secrets backend.
_SECRET_KEY = re.compile(r"(PASSWORD|PASSWD|SECRET|SECRET_KEY|ACCESS_KEY|TOKEN|API_KEY|FERNET_KEY|_DSN|BASIC_AUTH)$")
_REFERENCE = re.compile(r"_(CMD|SECRET)$")


def check_owned_options(options: Mapping[str, str]) -> Iterator[str]:
    """Refuse options that the collection sets itself, for which other things go by what it sets.

    :param options: by environment variable, such as ``AIRFLOW__CORE__EXECUTOR``.
    """
    for variable, value in options.items():
        owned = OWNED.get(variable) or OWNED.get(_REFERENCE.sub("", variable))
        if owned and not (owned.allowed and value.lower() == owned.allowed.lower()):
            yield f"airflow_config has {option_name(variable)}, which the collection sets itself. {owned.instead}"


def check_secret_options(options: Mapping[str, str], given: Mapping[str, Any]) -> Iterator[str]:
    """Refuse secrets in airflow_config, which is a ConfigMap that many may read.

    :param given: the options as they were written, whose numbers and booleans are no secrets.
    """
    texts = {_plain(name) for name, value in given.items() if isinstance(value, str) and value}
    for variable in options:
        if variable in OWNED or _REFERENCE.search(variable) or _plain(variable) not in texts:
            continue
        if _SECRET_KEY.search(variable):
            yield (
                f"airflow_config has {option_name(variable)}, whose name says that it is a secret; a ConfigMap is "
                "readable for many. Put it into a Secret, and name that in airflow_environment: "
                f"[{{name: {variable}, valueFrom: {{secretKeyRef: {{name: <Secret>, key: <key>}}}}}}]."
            )


def option_name(variable: str) -> str:
    """Return how an option is written in airflow_config: ``core__executor`` for ``AIRFLOW__CORE__EXECUTOR``."""
    return variable.removeprefix("AIRFLOW__").lower()


def _plain(name: str) -> str:
    return str(name).upper().removeprefix("AIRFLOW__")


def check_executors(executors: Iterable[str]) -> Iterator[str]:
    """Refuse what is no combination of executors: Celery is always there, since its workers and broker are.

    :param executors: as in airflow_executors.
    """
    names = [str(name) for name in executors]
    combinations = "[celery], [celery, kubernetes] or [kubernetes, celery]; the first runs what names no executor"
    if unknown := sorted(set(names) - set(EXECUTORS)):
        yield f"airflow_executors has {', '.join(unknown)}, which is no executor of the roles. Write {combinations}."
    elif EXECUTORS[0] not in names:
        yield (
            f"airflow_executors is [{', '.join(names)}], but a release always has Celery's workers. Write "
            f"{combinations}."
        )
    elif len(set(names)) < len(names):
        yield f"airflow_executors has an executor twice. Write {combinations}."


def check_object_names(release: str, version: str, groups: Iterable[str]) -> Iterator[str]:
    """Refuse names of which objects with too long a name, or with another object's, would be made.

    :param release: a DNS label.
    :param version: of Airflow; it is part of the name of the migration's Job.
    :param groups: names of worker groups, DNS labels.
    """
    job = f"{release}-migrations-{re.sub('[^a-z0-9]', '-', version.lower())}-"
    for what, name, longest in (
        ("the Job", job, LONGEST - CHECKSUM),
        ("the CronJob", f"{release}-log-retention", LONGEST - CRON_JOB),
        ("the StatefulSet", f"{release}-postgresql", LONGEST - REVISION),
    ):
        if len(name) > longest:
            yield (
                f"airflow_name is {release!r}, of which {what} {name}... is made: that is too long by "
                f"{len(name) - longest} characters. Take a name of at most {len(release) - len(name) + longest}."
            )
            return
    for group in groups:
        if group in RESERVED_GROUPS:
            yield (
                f"workers_groups has a group named {group}, which would take the place of {release}-{group}, "
                "another part of the release. Give it another name."
            )
        elif (over := len(f"{release}-{group}") - (LONGEST - REVISION)) > 0:
            yield (
                f"workers_groups has a group named {group}, of which the StatefulSet {release}-{group} is made: "
                f"that is too long by {over} characters. Take a name of at most {len(group) - over}, or a shorter "
                "airflow_name."
            )


def check_architecture(groups: Iterable[str]) -> Iterator[str]:
    """Refuse a host in both inventory groups, whose release would be deployed twice in one run."""
    if set(ARCHITECTURES) <= set(groups):
        yield (
            "This host is in the inventory groups separated_services and master_worker. Take it out of one of them: a "
            "release has one architecture."
        )


def check_hosts(release: str, namespace: str, others: Sequence[str]) -> Iterator[str]:
    """Refuse a release that other hosts of the inventory name, too: each would undo what the other deploys.

    :param others: these hosts.
    """
    if others:
        yield (
            f"The release {namespace}/{release} is also named by {', '.join(others)} in the inventory. Give each host "
            "an airflow_name or an airflow_namespace of its own, or airflow_context where their clusters differ."
        )


def check_computed_variables(names: Iterable[str], computed: Iterable[str]) -> Iterator[str]:
    """Refuse what an inventory sets that the roles compute, which Ansible would pass over without a word.

    :param names: variables that the user has set.
    :param computed: variables that the roles' vars define.
    """
    for name in sorted(set(names) & set(computed)):
        yield f"The variable {name} is computed by the collection, and what an inventory sets is ignored. Leave it out."
