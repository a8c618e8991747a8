# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The work of the module restore: check a backup and stop the release, then restore the database.

Between the two phases the playbook applies the Secrets and the database server of the release; after the second it
goes on with the deploy. Nothing is changed before the backup has been read whole.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..applyset.apply_set import ApplySet
from ..core.confirmation import lacks_confirmation
from ..core.errors import Failure
from ..core.labels import RELEASE_LABEL
from ..core.names import FIELD_MANAGER, upgrade_record_name
from ..core.objects import labels
from ..kube.client import CONNECTION_OPTIONS, Client, Manifest
from ..kube.ending_pods import wait_until_ended
from ..kube.lease import LEASE_OPTIONS, Lease, held
from ..kube.permissions import PERMISSIONS_OPTIONS, require
from ..kube.retries import PATIENCE
from ..kube.task import Task
from ..secrets import secret as _secret
from ..secrets import values as _values
from . import age
from .job import BackupJob
from .manifest import Backup, fingerprints

PHASES = ("check", "database")

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    **PERMISSIONS_OPTIONS,
    "release": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "phase": {"type": "str", "required": True, "choices": list(PHASES)},
    "backup": {"type": "str", "required": True},
    "confirm": {"type": "list", "elements": "str", "default": []},
    "job": {"type": "dict", "required": True},
    "timeout": {"type": "int", "default": 3600},
    "fernet_key": {"type": "str", "default": "", "no_log": True},
    "age_identity": {"type": "path", "default": ""},
    "fernet_secrets": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": {
            "name": {"type": "str", "required": True},
            "key": {"type": "str", "required": True, "no_log": False},
        },
    },
}

#: The sets of the components that use the database, in the order in which they are removed: a worker ends its tasks
#: only while the API server, the database and the broker are there.
USERS = (
    ("workers",),
    ("master", "api_server", "scheduler", "dag_processor", "triggerer", "flower", "migrations", "pgbouncer"),
)
#: Labels of their pods.
USER_LABELS = (
    ("worker",),
    ("api-server", "scheduler", "dag-processor", "triggerer", "flower", "migrations", "pgbouncer", "task-pod"),
)
#: Seconds that pods may take beyond the grace that they have.
GRACE = 60


def run(task: Task) -> dict[str, Any]:
    """Do one phase."""
    params = task.params
    client = Client(params, task.say, PATIENCE)
    if not params["backup"].strip():
        raise Failure(
            "airflow_restore names no backup. List them with playbooks/backup.yml -e airflow_backup_list=true, "
            "then give the name of one: -e airflow_restore=NAME"
        )
    if params["phase"] == PHASES[0]:
        require(client, params)
    restoration = Restoration(client, task)
    if params["phase"] == PHASES[0]:
        return restoration.check()
    return restoration.restore()


class Restoration:
    """The restore of one release."""

    def __init__(self, client: Client, task: Task) -> None:
        self.client = client
        self.task = task
        self.params = task.params
        self.release: str = task.params["release"]
        self.namespace: str = task.params["namespace"]

    def check(self) -> dict[str, Any]:
        """Refuse what cannot be restored; then remove the components that use the database."""
        running = self._running()
        if running:
            require_confirmation(self.release, self.namespace, self.params["confirm"], running)
        with held(self.client, self.task) as lease:
            answer = self._run(lease, f"The check of the backup {self.params['backup']}")
            manifest = answer["backup"]
            backup = Backup.of(manifest)
            if not self._take_key(backup, answer.get("secrets") or ""):
                self._require_key(backup)
            self.task.say(
                f"the backup {backup.name} is whole: release {backup.namespace}/{backup.release}, "
                f"Airflow {backup.airflow_version}, {backup.created:%Y-%m-%d %H:%M} UTC"
            )
            if not self.task.check_mode:
                self._stop(lease)
        return {"changed": bool(running), "backup": manifest}

    def restore(self) -> dict[str, Any]:
        """Restore the database of a release whose components are not there."""
        if self.task.check_mode:
            return {"changed": True, "backup": {}}
        with held(self.client, self.task) as lease:
            self._run(lease, f"The restore of the backup {self.params['backup']}")
            # An upgrade that had not ended is of a schema that is no longer there.
            record = upgrade_record_name(self.release)
            if self.client.get("v1", "ConfigMap", record, self.namespace):
                self.client.delete("v1", "ConfigMap", record, self.namespace)
        return {"changed": True, "backup": {}}

    def _run(self, lease: Lease, what: str) -> dict[str, Any]:
        timeout = self.params["timeout"]
        job = BackupJob(self.client, self.release, self.namespace, self.task.say, lease.keep, timeout)
        return job.run(self.params["job"], what)

    def _running(self) -> list[str]:
        """Return the names of the workloads that use the database."""
        found = []
        for kind in ("Deployment", "StatefulSet"):
            selector = f"{RELEASE_LABEL}={self.release}"
            for workload in self.client.list("apps/v1", kind, self.namespace, selector)["items"]:
                marked = labels(workload["spec"]["template"])
                if any(marked.get(f"airflow.kubernetes/{mark}") for marks in USER_LABELS for mark in marks):
                    found.append(f"{kind}/{workload['metadata']['name']}")
        return found

    def _take_key(self, backup: Backup, secrets: str) -> bool:
        """Give the release the Fernet key that is in the backup, where it has another; tell whether it has it then.

        :param secrets: the file of age with the values of Secrets, in Base64; empty where it is not in the backup.
        :raises Failure: it cannot be decrypted.
        """
        identity, sources = self.params["age_identity"], self.params["fernet_secrets"]
        if not identity or not secrets or self.params["fernet_key"]:
            return False
        name, key = sources[0]["name"], sources[0]["key"]
        live = _values.Secret(name, [], live=self.client.get("v1", "Secret", name, self.namespace))
        if set(backup.fernet) <= fingerprints(live.existing.get(key, "")):
            return True
        if live.is_external(self.release):
            return False
        try:
            found = json.loads(age.decrypt(base64.b64decode(secrets), Path(identity).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise Failure(
                f"The Secrets in the backup {backup.name} cannot be decrypted with {identity} "
                f"(airflow_restore_age_identity): {error}. Nothing was changed."
            ) from error
        values = [item["data"][key] for item in found["items"] if key in item["data"]]
        keys = base64.b64decode(values[0]).decode() if values else ""
        if not set(backup.fernet) <= fingerprints(keys):
            return False
        if not self.task.check_mode:
            self._write_key(name, key, keys, is_new=live.live is None)
        return True

    def _write_key(self, name: str, key: str, keys: str, is_new: bool) -> None:
        self.task.say(f"takes the Fernet key of the backup into the Secret {name}")
        if is_new:
            metadata = {"name": name, "namespace": self.namespace, "labels": {RELEASE_LABEL: self.release}}
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {key: _values.encode(keys)}}
            self.client.create(secret, FIELD_MANAGER)
        else:
            _secret.patch(self.client, self.namespace, name, {key: keys})

    def _require_key(self, backup: Backup) -> None:
        """Make sure that the release will have the Fernet key of the backup.

        :raises Failure: it will not; says what to give.
        """
        sources = self.params["fernet_secrets"]
        keys = self.params["fernet_key"] or ",".join(self._value(each["name"], each["key"]) for each in sources)
        if set(backup.fernet) <= fingerprints(keys):
            return
        names = ", ".join(f"the Secret {each['name']} (key {each['key']})" for each in sources)
        where = "airflow_fernet_key" if self.params["fernet_key"] else names
        raise Failure(
            f"The connections and Variables in the backup {backup.name} are encrypted with the Fernet key of "
            f"{backup.namespace}/{backup.release} (fingerprint {', '.join(backup.fernet)}), "
            f"and {where} has {'another one' if keys.strip(',') else 'none'}. Nothing was changed. Give the key that "
            f"{backup.release} had: as airflow_fernet_key, or in a Secret named by airflow_fernet_key_secret"
            + ("; or airflow_restore_age_identity, which decrypts it." if backup.has_secrets else ".")
        )

    def _value(self, name: str, key: str) -> str:
        secret = self.client.get("v1", "Secret", name, self.namespace)
        return str(_values.Secret(name, [], live=secret).existing.get(key, ""))

    def _stop(self, lease: Lease) -> None:
        """Remove the components that use the database, and wait until their pods have ended."""
        for sets, marks in zip(USERS, USER_LABELS, strict=True):
            for name in sets:
                outcomes = ApplySet(self.client, self.release, name, self.namespace).apply([])
                if any(outcome.result == "deleted" for outcome in outcomes):
                    self.task.say(f"removed the {name.replace('_', ' ')} until the database is restored")
            self._wait_for_pods(marks, lease)

    def _wait_for_pods(self, marks: Sequence[str], lease: Lease) -> None:
        wanted = {f"airflow.kubernetes/{mark}" for mark in marks}

        def left() -> list[Manifest]:
            pods = self.client.list("v1", "Pod", self.namespace, f"{RELEASE_LABEL}={self.release}")["items"]
            return [pod for pod in pods if any(labels(pod).get(mark) == "true" for mark in wanted)]

        def late(seconds: float, names: str) -> str:
            return (
                f"After {seconds:.0f} s these pods of {self.release} have not ended: {names}. The database is as it "
                "was. Look at what they still do, and run this again."
            )

        wait_until_ended(left, GRACE, lease.keep, late)


def require_confirmation(release: str, namespace: str, confirmed: Sequence[str], running: Sequence[str]) -> None:
    """Make sure that whoever replaces a database means this release.

    :param confirmed: releases, each as ``namespace/name``.
    :raises Failure: it is not among them.
    """
    wanted = f"{namespace}/{release}"
    lack = lacks_confirmation("airflow_restore_confirm", release, namespace, confirmed)
    if not lack:
        return
    raise Failure(
        f"Nothing was changed: the release {wanted} is there ({', '.join(running)}), all that is in its database would "
        f"be replaced, and {lack}. If you mean it: -e airflow_restore_confirm={wanted}"
    )
