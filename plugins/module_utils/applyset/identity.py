# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The identity of pods in a cloud: a projected service account token, and the environment by which SDKs find it.

What a cloud's webhook would add to a pod is in its specification from the start: that needs no webhook, gives the token
to the containers that need it, and replaces the pods when the role changes. Audiences, paths and variables are those
of the webhooks: https://github.com/aws/amazon-eks-pod-identity-webhook,
https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html,
https://azure.github.io/azure-workload-identity/docs/. On GKE a metadata server answers by the pod's service account:
https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .pod_extras import MASTER, TASK_POD

#: The volume of the token.
VOLUME = "identity"
#: The role of worker groups, and that of who reads logs.
WORKERS, READER = "workers", "api_server"
#: The components that the pod of the master may hold.
IN_MASTER = frozenset({"api_server", "dag_processor", "flower", "scheduler", "triggerer"})


@dataclass(frozen=True)
class Identity:
    """What all identities of a release have in common.

    :param kind: ``irsa``, ``eks_pod_identity``, ``gke`` or ``azure``.
    :param region: of the cloud, for SDKs; "" where they find it out or need none.
    :param tenant: of Azure.
    :param audience: of the token; "" for the cloud's own.
    :param expiration: seconds that a token is valid; the kubelet renews it after 80 % of them.
    :param annotate: whether service accounts have the annotations that a cloud's webhook reads.
    """

    kind: str
    region: str = ""
    tenant: str = ""
    audience: str = ""
    expiration: int = 3600
    annotate: bool = False


@dataclass(frozen=True)
class Token:
    """Where a cloud's SDKs look for the token.

    :param audience: for whom it is issued.
    :param environment: from the identity, the role and the path of the token.
    """

    audience: str
    folder: str
    file: str
    environment: Callable[[Identity, str, str], Mapping[str, str]]


def _irsa(identity: Identity, role: str, path: str) -> dict[str, str]:
    return {
        "AWS_ROLE_ARN": role,
        "AWS_WEB_IDENTITY_TOKEN_FILE": path,
        "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        **_region(identity),
    }


def _eks_pod_identity(identity: Identity, _role: str, path: str) -> dict[str, str]:
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": path,
        **_region(identity),
    }


def _azure(identity: Identity, role: str, path: str) -> dict[str, str]:
    return {
        "AZURE_CLIENT_ID": role,
        "AZURE_TENANT_ID": identity.tenant,
        "AZURE_FEDERATED_TOKEN_FILE": path,
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
    }


def _region(identity: Identity) -> dict[str, str]:
    """Both names: some SDKs read the one, some the other."""
    return {"AWS_REGION": identity.region, "AWS_DEFAULT_REGION": identity.region} if identity.region else {}


TOKENS: Mapping[str, Token] = {
    "irsa": Token("sts.amazonaws.com", "/var/run/secrets/eks.amazonaws.com/serviceaccount", "token", _irsa),
    "eks_pod_identity": Token(
        "pods.eks.amazonaws.com",
        "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount",
        "eks-pod-identity-token",
        _eks_pod_identity,
    ),
    "azure": Token("api://AzureADTokenExchange", "/var/run/secrets/azure/tokens", "azure-identity-token", _azure),
}


def identities(
    identity: Identity,
    release: str,
    roles: Mapping[str, str],
    groups: Sequence[Mapping[str, Any]],
    shared: str,
    accounts: Mapping[str, str],
) -> dict[str, Any]:
    """Return what pods and service accounts of a release have of its identities.

    :param roles: of the cloud, by the roles of this collection whose containers have an identity, ``workers`` for
        groups that have none of their own; "" where the service account itself has the rights. With ``master``, that
        is the one of all components in its pod.
    :param shared: the role of the service account that all pods have which need none of their own.
    :param accounts: the service accounts that pods have for another reason, by the roles that make these pods.
    :return: ``pods`` and ``groups``, whose values are fields of :class:`pod_extras.Extras`; ``accounts``, the
        annotations of each service account, by its name; ``components`` that have an identity.
    """
    annotations: dict[str, dict[str, str]] = {release: _annotations(identity, shared)}

    def fields(role: str, name: str, account: str = "") -> dict[str, Any]:
        account = account or (release if role == shared else f"{release}-{name}")
        annotations[account] = _annotations(identity, role)
        return {**_fields(identity, role), "service_account_name": account}

    def of_pod(own: str) -> dict[str, Any]:
        pod = MASTER if MASTER in roles and own in IN_MASTER else own
        return fields(roles[pod], component(pod), accounts.get(pod, ""))

    of_pods = {own: of_pod(own) for own in roles if own not in (MASTER, WORKERS)}
    of_groups = {
        str(group["name"]): fields(group.get("identity_role") or roles[WORKERS], str(group["name"])) for group in groups
    }
    return {
        "pods": of_pods,
        "groups": of_groups,
        "accounts": annotations,
        "components": sorted(component(own) for own in roles if own != MASTER),
        "log_users": list(_log_users(of_pods, of_groups)),
    }


def _log_users(
    pods: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield for each service account of those who write or read logs whose identity it is, and whether it writes."""
    writers = {**groups, **{own: pods[own] for own in ("triggerer", TASK_POD) if own in pods}}
    seen = set()
    for own, fields in (*writers.items(), (READER, pods[READER])):
        account = fields["service_account_name"]
        if account not in seen:
            seen.add(account)
            yield {"identity_of": own, "account": account, "writes": own in writers}


def component(role: str) -> str:
    """Return what a role of this collection calls its component."""
    return "worker" if role == WORKERS else role.removeprefix("airflow_").replace("_", "-")


def _fields(identity: Identity, role: str) -> dict[str, Any]:
    token = TOKENS.get(identity.kind)
    if token is None:
        return {}
    source = {
        "audience": identity.audience or token.audience,
        "expirationSeconds": identity.expiration,
        "path": token.file,
    }
    env = token.environment(identity, role, f"{token.folder}/{token.file}")
    return {
        "extra_volumes": [{"name": VOLUME, "projected": {"sources": [{"serviceAccountToken": source}]}}],
        "extra_volume_mounts": [{"name": VOLUME, "mountPath": token.folder, "readOnly": True}],
        "env": [{"name": name, "value": value} for name, value in env.items()],
        **({"labels": {"azure.workload.identity/use": "true"}} if _has_label(identity) else {}),
    }


def _has_label(identity: Identity) -> bool:
    return identity.kind == "azure" and identity.annotate


def _annotations(identity: Identity, role: str) -> dict[str, str]:
    return dict(_annotations_of(identity, role)) if role else {}


def _annotations_of(identity: Identity, role: str) -> Iterator[tuple[str, str]]:
    """Yield those without which there is no identity, and where they are wanted those that a webhook reads."""
    if identity.kind == "gke":
        yield "iam.gke.io/gcp-service-account", role
    elif identity.annotate and identity.kind == "irsa":
        yield "eks.amazonaws.com/role-arn", role
        yield "eks.amazonaws.com/token-expiration", str(identity.expiration)
        yield "eks.amazonaws.com/sts-regional-endpoints", "true"
    elif identity.annotate and identity.kind == "azure":
        yield "azure.workload.identity/client-id", role
        yield "azure.workload.identity/tenant-id", identity.tenant
