# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Try an object store of logs from where Airflow will run: with its image, its identity and its own libraries."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

from .answers import CONNECT_SECONDS, in_one_line

#: The connection to the object store of logs, and the variable that Airflow finds it in.
LOGS_CONNECTION = "airflow_kubernetes_logs"
LOGS_VARIABLE = f"AIRFLOW_CONN_{LOGS_CONNECTION.upper()}"
#: What in the ``extra`` of such a connection is secret.
SECRET_EXTRAS = ("keyfile_dict", "connection_string", "sas_token", "shared_access_key", "aws_session_token")
#: What clouds say where an identity is not given, with what to do: IAM of AWS, GKE's metadata server, Microsoft Entra.
NO_IDENTITY = {
    "AssumeRole": "Let the trust policy of its role name this service account",
    "iam.serviceAccounts.getAccessToken": "Grant this Kubernetes service account roles/iam.workloadIdentityUser on "
    "the Google service account of its role",
    "AADSTS7002": "Add a federated credential for this service account to the managed identity of its role",
}
#: What stores say where a right or an object is missing.
REFUSED = re.compile(r"AccessDenied|AuthorizationFailure|AuthorizationPermissionMismatch|\b403\b|Forbidden")
NOT_FOUND = re.compile(r"NoSuchKey|BlobNotFound|\b404\b(?!.*(bucket|container) does not exist)", re.IGNORECASE)


def secrets_of(connection: str) -> list[str]:
    """Return the values in a connection of Airflow that are secret."""
    given = json.loads(connection)
    extra = given.get("extra") or {}
    return [str(value) for value in (given.get("password"), *map(extra.get, SECRET_EXTRAS)) if value]


def try_logs(service: dict[str, Any]) -> Iterator[str]:
    """Write, list and read an object where logs will be, with the library and the connection of Airflow's handler."""
    os.environ.update({LOGS_VARIABLE: service["url"], "AIRFLOW_HOME": "/tmp", "AIRFLOW_CONFIG": "/tmp/airflow.cfg"})  # noqa: S108
    options = service["options"]
    open_store, package, rights = STORES[options["scheme"]]
    name = "/".join(filter(None, (options["prefix"], ".airflow-kubernetes-probe")))
    place = {"bucket": options["bucket"], "prefix": f"{options['prefix']}/".lstrip("/")}
    try:
        steps = open_store(options["bucket"], name)
    except ImportError as error:
        yield f"the image has no package {package}, for which airflow_remote_logs asks ({error.name})"
        return
    for what, send in steps.items():
        # Who only reads logs may find none yet.
        if what in ("write", "overwrite") and not options["writes"]:
            continue
        try:
            send()
        except Exception as error:  # noqa: BLE001 whatever a library raises is the answer
            message = in_one_line(error)
            if what == "read" and not options["writes"] and is_not_found(message):
                continue
            advice = next((advice for sign, advice in NO_IDENTITY.items() if sign in message), "")
            if is_refused(message) and not advice:
                yield f"it may not {what} logs; give it {rights[what].format_map(place)}: {message}"
            else:
                yield ". ".join(filter(None, (f"it cannot {what} logs: {message.rstrip('.')}", advice)))
            return


def is_refused(message: str) -> bool:
    """Tell whether an answer is that of a missing permission."""
    return bool(REFUSED.search(message))


def is_not_found(message: str) -> bool:
    return bool(NOT_FOUND.search(message))


def open_s3(bucket: str, name: str) -> dict[str, Callable[[], Any]]:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook  # noqa: PLC0415 one of three
    from botocore.config import Config  # noqa: PLC0415

    hook = S3Hook(aws_conn_id=LOGS_CONNECTION)
    limits = Config(connect_timeout=CONNECT_SECONDS, read_timeout=CONNECT_SECONDS, retries={"max_attempts": 2})
    client: Any = None

    def s3() -> Any:
        nonlocal client
        client = client or hook.get_client_type(config=(hook.config or Config()).merge(limits))
        return client

    return {
        "write": lambda: s3().put_object(Bucket=bucket, Key=name, Body=b"probe"),
        "list": lambda: s3().list_objects_v2(Bucket=bucket, Prefix=name, MaxKeys=1),
        "read": lambda: s3().get_object(Bucket=bucket, Key=name),
    }


def open_gcs(bucket: str, name: str) -> dict[str, Callable[[], Any]]:
    from airflow.providers.google.cloud.hooks.gcs import GCSHook  # noqa: PLC0415 one of three
    from google.cloud import storage  # noqa: PLC0415

    client: Any = None

    def blob() -> Any:
        nonlocal client
        if client is None:
            credentials, project = GCSHook(gcp_conn_id=LOGS_CONNECTION).get_credentials_and_project_id()
            client = storage.Client(credentials=credentials, project=project)
        return client.bucket(bucket).blob(name)

    limits = {"timeout": CONNECT_SECONDS, "retry": None}

    def write() -> None:
        blob().upload_from_string(b"probe", **limits)

    return {
        "write": write,
        # A log is written anew when its task is resumed.
        "overwrite": write,
        "list": lambda: list(blob().client.list_blobs(bucket, prefix=name, max_results=1, **limits)),
        "read": lambda: blob().download_as_bytes(**limits),
    }


def open_wasb(container: str, name: str) -> dict[str, Callable[[], Any]]:
    from airflow.providers.microsoft.azure.hooks.wasb import WasbHook  # noqa: PLC0415 one of three

    def blob() -> Any:
        return WasbHook(wasb_conn_id=LOGS_CONNECTION).get_conn().get_blob_client(container, f"wasb-{name}")

    def listed() -> Any:
        client = WasbHook(wasb_conn_id=LOGS_CONNECTION).get_conn().get_container_client(container)
        return next(iter(client.list_blobs(name_starts_with=f"wasb-{name}")), None)

    limits = {"timeout": CONNECT_SECONDS, "retry_total": 1}
    return {
        "write": lambda: blob().upload_blob(b"probe", overwrite=True, **limits),
        "list": listed,
        "read": lambda: blob().download_blob(**limits).readall(),
    }


#: How an object store is opened, by the scheme of its URL, the package that it takes, and the rights of each step.
STORES: dict[str, tuple[Callable[[str, str], dict[str, Callable[[], Any]]], str, dict[str, str]]] = {
    "s3": (
        open_s3,
        "apache-airflow-providers-amazon",
        {
            "write": "s3:PutObject on arn:aws:s3:::{bucket}/{prefix}*",
            "list": "s3:ListBucket on arn:aws:s3:::{bucket}",
            "read": "s3:GetObject on arn:aws:s3:::{bucket}/{prefix}*",
        },
    ),
    "gs": (
        open_gcs,
        "apache-airflow-providers-google",
        {
            "write": "storage.objects.create on the bucket {bucket} (roles/storage.objectUser)",
            "overwrite": "storage.objects.delete on the bucket {bucket} (roles/storage.objectUser)",
            "list": "storage.objects.list on the bucket {bucket} (roles/storage.objectViewer)",
            "read": "storage.objects.get on the bucket {bucket} (roles/storage.objectViewer)",
        },
    ),
    "wasb": (
        open_wasb,
        "apache-airflow-providers-microsoft-azure",
        {
            "write": "the role Storage Blob Data Contributor on the container {bucket}",
            "list": "the role Storage Blob Data Reader on the container {bucket}",
            "read": "the role Storage Blob Data Reader on the container {bucket}",
        },
    ),
}
