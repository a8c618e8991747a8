# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of identities in a cloud, and of logs in an object store."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..airflow.environment import environment
from ..core.errors import Failure
from .rule import Fields, Given, Rule

_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_GOOGLE = re.compile(r"[a-z0-9-]+@[a-z0-9.:-]+\.iam\.gserviceaccount\.com")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: What a role is, by the kind of the identity: its form, what it is called, and an example.
_ROLES = {
    "irsa": (_ARN, "the ARN of a role", "arn:aws:iam::111122223333:role/airflow"),
    "eks_pod_identity": (_ARN, "the ARN of a role", "arn:aws:iam::111122223333:role/airflow"),
    "gke": (_GOOGLE, "the e-mail address of a service account", "airflow@project.iam.gserviceaccount.com"),
    "azure": (_UUID, "a client ID", "11111111-2222-3333-4444-555555555555"),
}
#: The identities that are nothing without a role.
_WITH_ROLE = ("irsa", "azure")
#: Seconds that a token may be valid: at least what Kubernetes gives, at most what clouds take.
SHORTEST, LONGEST = 600, 86400

#: The components of which the master's pod is made, by the names of their roles.
_IN_MASTER = ("api_server", "dag_processor", "scheduler", "triggerer")
_LOGS = re.compile(r"(s3|gs|wasb)://[A-Za-z0-9][A-Za-z0-9._-]*(/[^/?#\s{}]+)*/?")
_BACKUPS = re.compile(r"(?:s3|gs)://[a-z0-9][a-z0-9._-]*(?:/[^\s?#]*)?")
_ENDPOINT = re.compile(r"https?://[^/?#@\s]+")


def _roles(given: Given) -> Iterator[tuple[str, str]]:
    """Yield the variables that set a role, with it."""
    yield from ((variable, role) for variable, role in given["identity_roles"].items() if role)
    for group in given["worker_groups"]:
        if group.get("identity_role"):
            yield f"identity_role of worker group {group.get('name')}", str(group["identity_role"])


def _roles_of_nothing(given: Given) -> Iterator[Fields]:
    return ({"variable": variable} for variable, _role in _roles(given) if not given["airflow_identity"])


def _wrong_roles(given: Given) -> Iterator[Fields]:
    if given["airflow_identity"] in _ROLES:
        form, what, example = _ROLES[given["airflow_identity"]]
        for variable, role in _roles(given):
            if not form.fullmatch(role):
                yield {"variable": variable, "role": role, "what": what, "example": example}


def _roles_in_master(given: Given) -> Iterator[Fields]:
    if given["is_master_worker"]:
        names = [f"{role}_identity_role" for role in _IN_MASTER]
        yield from ({"variable": name} for name in names if given["identity_roles"].get(name))


def _logs_in_config(given: Given) -> Iterator[Fields]:
    if given["airflow_remote_logs"]:
        try:
            options = environment(given["config"])
        except Failure:
            return
        names = ("AIRFLOW__LOGGING__REMOTE_", "AIRFLOW__LOGGING__DELETE_LOCAL_LOGS", "AIRFLOW__AZURE_REMOTE_LOGGING__")
        yield from ({"option": option} for option in options if option.startswith(names))


def _scheme(given: Given) -> str:
    return str(given["airflow_remote_logs"]).partition(":")[0]


CLOUD_RULES: tuple[Rule, ...] = (
    Rule(
        "airflow_identity airflow_identity_role workers_groups",
        "a role is named without a kind of identity",
        "{variable} is set, but airflow_identity is not, so that no pod gets an identity. Set airflow_identity to "
        "irsa, eks_pod_identity, gke or azure.",
        find=_roles_of_nothing,
    ),
    Rule(
        "airflow_identity airflow_identity_role",
        "the kind of identity takes a role, and none is named",
        "airflow_identity is {airflow_identity}, which takes a role in the cloud. Set airflow_identity_role.",
        lambda given: given["airflow_identity"] in _WITH_ROLE and not given["identity_roles"]["airflow_identity_role"],
    ),
    Rule(
        "airflow_identity_role workers_groups",
        "a role is none of the kind of identity",
        "{variable} is {role}, which is not {what}. Write it like {example}.",
        find=_wrong_roles,
    ),
    Rule(
        "api_server_identity_role dag_processor_identity_role scheduler_identity_role triggerer_identity_role "
        "master_identity_role",
        "a component in the master's pod has a role of its own",
        "{variable} is set, but in the architecture master_worker that component is in the pod of the master, which "
        "has one service account. Set master_identity_role instead.",
        find=_roles_in_master,
    ),
    Rule(
        "airflow_identity_tenant",
        "airflow_identity is azure, and it is no tenant ID",
        "airflow_identity is azure, but airflow_identity_tenant is not the ID of a tenant. Write it like "
        "11111111-2222-3333-4444-555555555555.",
        lambda given: given["airflow_identity"] == "azure" and not _UUID.fullmatch(given["airflow_identity_tenant"]),
    ),
    Rule(
        "airflow_identity_expiration",
        "it is too short or too long",
        f"airflow_identity_expiration is {{airflow_identity_expiration}}. Write seconds from {SHORTEST} to {LONGEST}.",
        lambda given: not SHORTEST <= given["airflow_identity_expiration"] <= LONGEST,
        cel="self.airflow_identity_expiration >= 600 && self.airflow_identity_expiration <= 86400",
    ),
    Rule(
        "airflow_remote_logs",
        "it is no URL of an object store",
        "airflow_remote_logs is {airflow_remote_logs}. Write s3://bucket/prefix, gs://bucket/prefix or "
        "wasb://container/prefix. For other stores, see Airflow's options in docs/storage.md.",
        lambda given: given["airflow_remote_logs"] and not _LOGS.fullmatch(given["airflow_remote_logs"]),
    ),
    Rule(
        "airflow_backup_destination",
        "it is no URL of an object store for backups",
        "airflow_backup_destination is {airflow_backup_destination}. Write s3://bucket/prefix or gs://bucket/prefix, "
        "or leave it out to keep backups on a claim.",
        lambda given: (
            given["airflow_backup_destination"] and not _BACKUPS.fullmatch(given["airflow_backup_destination"])
        ),
    ),
    Rule(
        "airflow_backup_secrets airflow_backup_age_recipients",
        "nobody could decrypt the Secrets in backups",
        "airflow_backup_secrets is true, but airflow_backup_age_recipients is empty. Make a key with age-keygen, and "
        "name its recipient, age1...",
        lambda given: given["airflow_backup_secrets"] and not given["airflow_backup_age_recipients"],
        cel="!{airflow_backup_secrets} || {airflow_backup_age_recipients}",
    ),
    Rule(
        "airflow_backup_destination airflow_backup_claim",
        "backups would be in two places",
        "airflow_backup_destination and airflow_backup_claim are both set. Leave one of them out.",
        lambda given: given["airflow_backup_destination"] and given["airflow_backup_claim"],
        cel="!({airflow_backup_destination} && {airflow_backup_claim})",
    ),
    Rule(
        "airflow_remote_logs airflow_remote_logs_endpoint airflow_remote_logs_ca_secret "
        "airflow_remote_logs_ca_config_map",
        "an object store is described, and none is named",
        "airflow_remote_logs_endpoint or a certificate for the object store is set, but airflow_remote_logs is not. "
        "Set it, or leave them out.",
        lambda given: (
            not given["airflow_remote_logs"] and (given["airflow_remote_logs_endpoint"] or given["has_remote_logs_ca"])
        ),
    ),
    Rule(
        "airflow_remote_logs_endpoint",
        "it is no URL, or has a path",
        "airflow_remote_logs_endpoint is {airflow_remote_logs_endpoint}. Write scheme, host and port alone: "
        "https://minio.storage.svc:9000.",
        lambda given: (
            given["airflow_remote_logs_endpoint"]
            and not _ENDPOINT.fullmatch(given["airflow_remote_logs_endpoint"].rstrip("/"))
        ),
    ),
    Rule(
        "airflow_remote_logs airflow_remote_logs_endpoint",
        "the store is Google's, whose address cannot be changed",
        "airflow_remote_logs begins with gs://, for which Airflow knows one address. Leave "
        "airflow_remote_logs_endpoint out.",
        lambda given: _scheme(given) == "gs" and given["airflow_remote_logs_endpoint"],
    ),
    Rule(
        "airflow_remote_logs airflow_remote_logs_endpoint airflow_remote_logs_secret",
        "the store is Azure's, and its storage account is not named",
        "airflow_remote_logs begins with wasb://, but no storage account is named. Set airflow_remote_logs_endpoint, "
        "for example https://account.blob.core.windows.net, or airflow_remote_logs_secret.",
        lambda given: (
            _scheme(given) == "wasb" and not (given["airflow_remote_logs_endpoint"] or given["has_remote_logs_secret"])
        ),
    ),
    Rule(
        "airflow_remote_logs airflow_remote_logs_ca_secret airflow_remote_logs_ca_config_map",
        "a certificate is given for another store than S3",
        "airflow_remote_logs does not begin with s3://, and only for that Airflow takes a certificate. Leave "
        "airflow_remote_logs_ca_secret and airflow_remote_logs_ca_config_map out.",
        lambda given: _scheme(given) in ("gs", "wasb") and given["has_remote_logs_ca"],
    ),
    Rule(
        "airflow_remote_logs airflow_config",
        "airflow_config has an option that airflow_remote_logs sets",
        "airflow_config has {option}, which airflow_remote_logs sets itself. Leave one of them out.",
        find=_logs_in_config,
    ),
)
