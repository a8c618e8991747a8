# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make, list, check and fetch backups of the metadata database, in the pod of a Job, without importing Airflow.

The dump itself is made and restored by the database's own client in another container of the pod. Its login is written
to files in memory, because a password in a command line or URL argument could be read by others.

A backup is two files in one folder of a volume or an object store: ``<name>.dump``, and ``<name>.json``, the manifest,
which is written last; where the values of Secrets are asked for, ``<name>.secrets.age`` has them. What has no manifest
is no backup, and is neither listed nor deleted.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import database
import wait_for_schema

#: The volume of the backups, or what stands in for it while a dump is on its way to an object store.
FOLDER = Path(os.environ.get("BACKUP_FOLDER", "/backups"))
#: In memory: the login, and what the client has found out.
RUN = Path(os.environ.get("BACKUP_RUN", "/run/airflow-backup"))
#: A folder for each Secret of the release, where their values are asked for.
SECRETS = Path(os.environ.get("BACKUP_SECRETS_FOLDER", "/secrets"))
#: Begins the line with the answer.
ANSWER = "ANSWER "
#: Version of the manifest's form.
FORMAT = 1
#: What a user could expect in a backup and is not in it.
EXCLUDED = (
    "logs of tasks",
    "the volume for DAGs",
    "queued messages in Redis",
)
EXCLUDED_SECRETS = "values of Secrets"
SUFFIX, SECRETS_SUFFIX, PART = ".dump", ".secrets.age", ".part"
#: Seconds in which a new pod must reach its neighbours: network policies let it through some moments after it started.
NETWORK_SECONDS = 60.0
#: Seconds after which the unfinished file of a run that was killed is deleted.
PART_AGE = 86400.0

Manifest = dict[str, Any]


class Store(Protocol):
    """Where backups are kept."""

    def names(self) -> list[str]:
        """Return the names of all files."""

    def read(self, name: str) -> bytes | None:
        """Return what a small file holds, None if there is no such file."""

    def fetch(self, name: str) -> Path:
        """Return the path in this pod of a file, which may have to be downloaded."""

    def put(self, file: Path, name: str) -> None:
        """Keep a file of this pod under a name."""

    def delete(self, name: str) -> None: ...


class Volume:
    """A folder of a volume that is mounted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        return [file.name for file in self.folder.iterdir() if file.is_file()]

    def read(self, name: str) -> bytes | None:
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / name).read_bytes()
        return None

    def fetch(self, name: str) -> Path:
        return self.folder / name

    def put(self, file: Path, name: str) -> None:
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
        if file.parent == self.folder:
            file.replace(self.folder / name)
        else:
            part = self.folder / f".{name}{PART}"
            shutil.copyfile(file, part)
            part.replace(self.folder / name)

    def delete(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)


class S3:
    """A folder of a bucket of S3, or of what speaks its protocol."""

    def __init__(self, bucket: str, prefix: str) -> None:
        import boto3

        self.bucket, self.prefix = bucket, prefix
        self.client = boto3.client("s3", endpoint_url=value("BACKUP_ENDPOINT") or None)

    def names(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        keys = [found["Key"].removeprefix(self.prefix) for page in pages for found in page.get("Contents", ())]
        return [key for key in keys if "/" not in key]

    def read(self, name: str) -> bytes | None:
        try:
            found: bytes = self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None
        return found

    def fetch(self, name: str) -> Path:
        self.client.download_file(self.bucket, self.prefix + name, str(FOLDER / name))
        return FOLDER / name

    def put(self, file: Path, name: str) -> None:
        self.client.upload_file(str(file), self.bucket, self.prefix + name)

    def delete(self, name: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=self.prefix + name)


class CloudStorage:
    """A folder of a bucket of Google's."""

    def __init__(self, bucket: str, prefix: str) -> None:
        from google.cloud import storage

        options = {"client_options": {"api_endpoint": value("BACKUP_ENDPOINT")}} if value("BACKUP_ENDPOINT") else {}
        key = value("BACKUP_GOOGLE_KEY")
        if key:
            client = storage.Client.from_service_account_info(json.loads(key), **options)
        else:
            credentials, project = google_identity()
            client = storage.Client(project=project, credentials=credentials, **options)
        self.bucket, self.prefix = client.bucket(bucket), prefix

    def names(self) -> list[str]:
        names = [blob.name.removeprefix(self.prefix) for blob in self.bucket.list_blobs(prefix=self.prefix)]
        return [name for name in names if "/" not in name]

    def read(self, name: str) -> bytes | None:
        blob = self.bucket.get_blob(self.prefix + name)
        return blob.download_as_bytes() if blob else None

    def fetch(self, name: str) -> Path:
        self.bucket.blob(self.prefix + name).download_to_filename(str(FOLDER / name))
        return FOLDER / name

    def put(self, file: Path, name: str) -> None:
        self.bucket.blob(self.prefix + name).upload_from_filename(str(file))

    def delete(self, name: str) -> None:
        self.bucket.blob(self.prefix + name).delete()


def google_identity() -> tuple[Any, str | None]:
    """Return the credentials of the pod's identity, and its project.

    GKE's metadata server answers a new pod after some seconds
    (https://cloud.google.com/kubernetes-engine/docs/troubleshooting/authentication).
    """
    import google.auth
    import google.auth.exceptions

    end = time.monotonic() + NETWORK_SECONDS
    while True:
        try:
            found: tuple[Any, str | None] = google.auth.default(
                scopes=["https://www.googleapis.com/auth/devstorage.read_write"]
            )
            return found
        except google.auth.exceptions.DefaultCredentialsError:
            if time.monotonic() >= end:
                raise
        time.sleep(1)


#: The stores by the schemes of airflow_backup_destination, each with the package that has to be in the image.
STORES: dict[str, tuple[Callable[[str, str], Store], str]] = {
    "s3": (S3, "apache-airflow-providers-amazon"),
    "gs": (CloudStorage, "apache-airflow-providers-google"),
}


def open_store() -> Store:
    """Return where backups are kept: the volume, or what BACKUP_DESTINATION names."""
    destination = urlsplit(value("BACKUP_DESTINATION"))
    if not destination.scheme:
        return Volume(FOLDER)
    if destination.scheme not in STORES or not destination.netloc:
        fail(f"airflow_backup_destination is {destination.geturl()}. Write s3://bucket/prefix or gs://bucket/prefix.")
    open_bucket, package = STORES[destination.scheme]
    prefix = destination.path.strip("/")
    try:
        return open_bucket(destination.netloc, f"{prefix}/" if prefix else "")
    except ImportError as error:
        sys.exit(f"The image cannot use {destination.geturl()} ({error}): airflow_image has to have {package}.")


def value(name: str, fallback: str = "") -> str:
    return os.environ.get(name, fallback)


def fail(message: str) -> None:
    sys.exit(message)


def answer(**found: Any) -> None:
    print(ANSWER + json.dumps(found), flush=True)


# The login, as the clients read it.


def login(url: str) -> dict[str, str]:
    """Return the parts of a URL as SQLAlchemy has it: host, port, user, password, name, and its options."""
    parts = urlsplit(url)
    return {
        **dict(parse_qsl(parts.query)),
        "host": parts.hostname or "",
        "port": str(parts.port or ("3306" if url.startswith("mysql") else "5432")),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "name": unquote(parts.path.removeprefix("/")),
    }


def postgresql_files(parts: Mapping[str, str]) -> dict[str, str]:
    """Return the files that libpq reads; https://www.postgresql.org/docs/current/libpq-pgpass.html."""
    options = {
        "host": parts["host"],
        "port": parts["port"],
        "dbname": parts["name"],
        "user": parts["user"],
        **{name: parts[name] for name in ("sslmode", "sslrootcert", "options") if name in parts},
    }
    service = "[airflow]\n" + "".join(f"{name}={text}\n" for name, text in options.items())
    password = parts["password"].replace("\\", "\\\\").replace(":", "\\:")
    return {"pg_service.conf": service, "pgpass": f"*:*:*:*:{password}\n"}


def mysql_files(parts: Mapping[str, str]) -> dict[str, str]:
    """Return the option file of MySQL's clients; https://dev.mysql.com/doc/refman/8.4/en/option-files.html."""

    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    options = {name: parts[name] for name in ("host", "port", "user", "password")}
    options |= {"ssl-" + name[4:]: parts[name] for name in ("ssl_mode", "ssl_ca") if name in parts}
    client = "[client]\n" + "".join(f"{name}={quoted(text)}\n" for name, text in options.items())
    return {"client.cnf": client, "database": parts["name"]}


def write_login() -> None:
    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    files = mysql_files(login(url)) if url.startswith("mysql") else postgresql_files(login(url))
    for name, text in files.items():
        path = RUN / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


# What a manifest says.


def fingerprints(keys: str) -> list[str]:
    """Return what tells Fernet keys apart and tells nobody what they are; each is 256 random bits."""
    return [hashlib.sha256(key.strip().encode()).hexdigest()[:16] for key in keys.split(",") if key.strip()]


def checksum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def heads(text: str) -> dict[str, str]:
    """Return the revision of each table of Alembic's, from the statements that write it.

    :param text: PostgreSQL's ``COPY`` with its rows, or MySQL's ``INSERT``.
    """
    found: dict[str, str] = {}
    for table, revision in re.findall(r"^COPY \S*?\b(alembic_version\w*) [^\n]*\n(\w+)\n", text, re.MULTILINE):
        found[table] = revision
    for table, revision in re.findall(r"^INSERT INTO `(alembic_version\w*)` VALUES \('(\w+)'\)", text, re.MULTILINE):
        found[table] = revision
    return found


def make_manifest(dump: Path, now: datetime) -> Manifest:
    return {
        "format": FORMAT,
        "name": f"{value('BACKUP_RELEASE')}-{now:%Y%m%dT%H%M%SZ}",
        "release": value("BACKUP_RELEASE"),
        "namespace": value("BACKUP_NAMESPACE"),
        "created": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "airflow_version": value("BACKUP_AIRFLOW_VERSION"),
        "heads": heads((RUN / "heads.sql").read_text(encoding="utf-8")),
        "database": {
            "backend": value("BACKUP_BACKEND"),
            "server_version": (RUN / "server_version").read_text(encoding="utf-8").strip(),
        },
        "size": dump.stat().st_size,
        "sha256": checksum(dump),
        "fernet": fingerprints(value("AIRFLOW__CORE__FERNET_KEY")),
        "secrets": json.loads(value("BACKUP_SECRETS", "[]")),
        "has_secrets": bool(recipients()),
        "excluded": [*EXCLUDED, *([] if recipients() else [EXCLUDED_SECRETS])],
    }


def recipients() -> list[str]:
    """Return whom the values of Secrets are encrypted for; nobody: they are not in the backup."""
    found: list[str] = json.loads(value("BACKUP_AGE_RECIPIENTS", "[]"))
    return found


def encrypted_secrets() -> bytes:
    """Return the Secrets of the release as ``kubectl apply`` takes them, encrypted before they are written anywhere."""
    import age

    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": folder.name},
            "data": {
                file.name: base64.b64encode(file.read_bytes()).decode()
                for file in sorted(folder.iterdir())
                if not file.name.startswith("..")
            },
        }
        for folder in sorted(SECRETS.iterdir())
    ]
    secrets = {"apiVersion": "v1", "kind": "List", "items": [item for item in items if item["data"]]}
    try:
        return age.encrypt(json.dumps(secrets).encode(), recipients())
    except ValueError as error:
        sys.exit(f"airflow_backup_age_recipients cannot be used: {error}. Nothing was kept.")


def manifests(store: Store) -> Iterator[Manifest]:
    """Yield the manifests, the newest first; what cannot be read as one is somebody else's file."""
    found = []
    for name in store.names():
        if name.endswith(".json") and not name.startswith("."):
            with contextlib.suppress(ValueError):
                manifest = json.loads(store.read(name) or b"null")
                if isinstance(manifest, dict) and manifest.get("format") and f"{manifest.get('name')}.json" == name:
                    found.append(manifest)
    yield from sorted(found, key=lambda manifest: str(manifest.get("created")), reverse=True)


# Retention.


def outdated(found: list[Manifest], keep: int, days: int, now: datetime) -> list[tuple[Manifest, str]]:
    """Return the backups to delete, each with the reason; never the newest one.

    :param found: those of one release, the newest first.
    :param keep: how many to keep; 0 means all.
    :param days: how old they may be; 0 means any age.
    """
    deleted = []
    for number, manifest in enumerate(found[1:], 2):
        age = now - datetime.fromisoformat(manifest["created"])
        if keep and number > keep:
            deleted.append((manifest, f"airflow_backup_keep is {keep}"))
        elif days and age > timedelta(days=days):
            deleted.append((manifest, f"it is {age.days} days old, airflow_backup_keep_days is {days}"))
    return deleted


def retain(store: Store, now: datetime) -> list[str]:
    """Delete the outdated backups of this release, and return their names."""
    ours = [
        manifest
        for manifest in manifests(store)
        if (manifest["release"], manifest["namespace"]) == (value("BACKUP_RELEASE"), value("BACKUP_NAMESPACE"))
    ]
    deleted = outdated(ours, int(value("BACKUP_KEEP", "0")), int(value("BACKUP_KEEP_DAYS", "0")), now)
    for manifest, reason in deleted:
        print(f"Deleting the backup {manifest['name']}: {reason}", flush=True)
        # The manifest goes first: a dump without one is no backup.
        store.delete(f"{manifest['name']}.json")
        store.delete(f"{manifest['name']}{SUFFIX}")
        if manifest.get("has_secrets"):
            store.delete(f"{manifest['name']}{SECRETS_SUFFIX}")
    return [manifest["name"] for manifest, _reason in deleted]


# What is done.


def prepare() -> None:
    """Write the login for the client once the database answers; delete unfinished files of runs that were killed."""
    for file in FOLDER.glob(f".*{PART}"):
        if time.time() - file.stat().st_mtime > PART_AGE:
            print(f"Deleting {file.name}, which was never finished", flush=True)
            file.unlink()
    server_version(NETWORK_SECONDS)
    write_login()


def store_dump() -> None:
    """Keep what the client has dumped, with its manifest."""
    store, now = open_store(), datetime.now(UTC)
    dump = FOLDER / f".{value('HOSTNAME')}{PART}"
    manifest = make_manifest(dump, now)
    if not manifest["heads"].get("alembic_version"):
        dump.unlink()
        fail("The dump has no table alembic_version: this is no database of Airflow. Nothing was kept.")
    if manifest["has_secrets"]:
        secrets = RUN / f"{manifest['name']}{SECRETS_SUFFIX}"
        secrets.write_bytes(encrypted_secrets())
        store.put(secrets, secrets.name)
    store.put(dump, manifest["name"] + SUFFIX)
    written = RUN / f"{manifest['name']}.json"
    written.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    store.put(written, written.name)
    answer(backup=manifest, deleted=retain(store, now), fernet=manifest["fernet"])


def archive() -> None:
    """Keep the rows that were deleted from the database: the CSV files of a folder, one for each table of them."""
    store, now = open_store(), datetime.now(UTC)
    for file in sorted(Path(sys.argv[2]).glob("*.csv")):
        name = f"{value('BACKUP_RELEASE')}-{now:%Y%m%dT%H%M%SZ}-{file.name.lstrip('_')}"
        store.put(file, name)
        print(f"Kept {name}", flush=True)


def list_all() -> None:
    answer(backups=list(manifests(open_store())), fernet=fingerprints(value("AIRFLOW__CORE__FERNET_KEY")))


def wanted_backup(store: Store) -> Manifest:
    """Return the manifest of the backup to restore."""
    name = value("RESTORE_NAME")
    text = store.read(f"{name}.json")
    if text is None:
        names = [manifest["name"] for manifest in manifests(store)]
        fail(f"There is no backup {name}. There are: {', '.join(names) or 'none'}.")
    manifest: Manifest = json.loads(text or b"{}")
    if manifest.get("format") != FORMAT:
        fail(f"The backup {name} has the format {manifest.get('format')}, and only {FORMAT} is known here.")
    return manifest


def check_dump(manifest: Manifest, dump: Path) -> None:
    """End where the dump is not what its manifest says."""
    name = manifest["name"]
    if not dump.is_file():
        fail(f"The dump of the backup {name} is missing ({dump.name}).")
    size = dump.stat().st_size
    if size != manifest["size"]:
        fail(f"The dump of the backup {name} is damaged: it has {size} bytes, and had {manifest['size']}.")
    if checksum(dump) != manifest["sha256"]:
        fail(f"The dump of the backup {name} is damaged: its SHA-256 checksum is not that of its manifest.")


def check_backend(manifest: Manifest) -> None:
    backend = manifest["database"]["backend"]
    if backend != value("BACKUP_BACKEND"):
        fail(f"The backup {manifest['name']} is of {backend}, and airflow_database_backend is another one.")


def check_heads(manifest: Manifest) -> None:
    """End where a newer Airflow has made the schema than the one in this image."""
    for table, folders in wait_for_schema.migration_folders().items():
        revision = manifest["heads"].get(table)
        known = {each for folder in folders for each in wait_for_schema.revisions(folder)[0]}
        if revision and known and revision not in known:
            fail(
                f"The backup {manifest['name']} has the schema {revision} ({table}), of Airflow "
                f"{manifest['airflow_version']}, which the image of airflow_version "
                f"{value('BACKUP_AIRFLOW_VERSION')} does not know. Restore it with that version or a newer one."
            )


def major(version: str) -> int:
    return int((re.search(r"\d+", version) or ["0"])[0])


def server_version(timeout: float) -> str:
    """Return the version of the database's server, or end where it does not answer in time.

    :param timeout: seconds to wait for it; 0: one that does not answer is not there yet, which gives an empty text.
    """
    end = time.monotonic() + timeout
    while True:
        try:
            with database.connected() as cursor:
                return str(cursor.row("SELECT version()")[0])
        except database.Unavailable as error:
            if not timeout:
                return ""
            if error.permanent or time.monotonic() >= end:
                fail(f"The database cannot be used: {error}")
        time.sleep(1)


def check_server(manifest: Manifest, timeout: float) -> None:
    """End where the server is older than the one that was dumped; one that is not there yet is no error."""
    version = server_version(timeout)
    dumped = manifest["database"]["server_version"]
    if version and major(version) < major(dumped):
        fail(
            f"The backup {manifest['name']} is of a server of version {dumped}, and the server here is older: "
            f"{version}. Restore it to that version or a newer one."
        )


def verify() -> None:
    """Check the backup without changing anything."""
    store = open_store()
    manifest = wanted_backup(store)
    check_backend(manifest)
    check_heads(manifest)
    check_dump(manifest, store.fetch(manifest["name"] + SUFFIX))
    if value("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"):
        check_server(manifest, 0)
    secrets = store.read(manifest["name"] + SECRETS_SUFFIX) if manifest.get("has_secrets") else None
    answer(backup=manifest, secrets=base64.b64encode(secrets or b"").decode())


def fetch() -> None:
    """Check the backup once more, and have it ready for the client."""
    store = open_store()
    manifest = wanted_backup(store)
    check_server(manifest, float(value("DATABASE_TIMEOUT", "300")))
    missing = set(manifest["fernet"]) - set(fingerprints(value("AIRFLOW__CORE__FERNET_KEY")))
    if missing:
        fail(f"The Fernet key of this release is not that of the backup {manifest['name']}. Nothing was restored.")
    dump = store.fetch(manifest["name"] + SUFFIX)
    check_dump(manifest, dump)
    write_login()
    (RUN / "dump").symlink_to(dump)


ACTIONS = {
    "prepare": prepare,
    "store": store_dump,
    "archive": archive,
    "list": list_all,
    "verify": verify,
    "fetch": fetch,
}


def main() -> None:
    try:
        ACTIONS[sys.argv[1]]()
    except Exception as error:
        # What SDKs of object stores raise has no class in common.
        destination = value("BACKUP_DESTINATION")
        if not destination:
            raise
        sys.exit(f"{destination} cannot be used: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
