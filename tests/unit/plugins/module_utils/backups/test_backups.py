"""Backups and restores of a release, with Jobs in memory."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.backups import age
from ansible_collections.airflow.kubernetes.plugins.module_utils.backups import backup as backups_backup
from ansible_collections.airflow.kubernetes.plugins.module_utils.backups import job as backups_job
from ansible_collections.airflow.kubernetes.plugins.module_utils.backups import restore as backups_restore
from ansible_collections.airflow.kubernetes.plugins.module_utils.backups.job import BackupJob
from ansible_collections.airflow.kubernetes.plugins.module_utils.backups.manifest import (
    Backup,
    fingerprints,
    size,
    summary,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.backups.manifest import (
    age as in_words,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task

MANIFEST: dict[str, Any] = {
    "format": 1,
    "name": "airflow-20260101T110000Z",
    "release": "airflow",
    "namespace": "team",
    "created": "2026-01-01T11:00:00Z",
    "airflow_version": "3.1.0",
    "database": {"backend": "postgresql", "server_version": "15.4 (Debian 15.4-1)"},
    "size": 3 * 1024 * 1024,
    "fernet": sorted(fingerprints("key-1")),
    "excluded": ["logs of tasks"],
}
IDENTITY = "AGE-SECRET-KEY-1MAK74XN9RJQL654406250U6U254KUDWZX7RY2395XGKDSQGHA5PSDS6CT8"
RECIPIENT = "age1rft470qq2y49za8m46sysxdhter0lp45l6uvxxfju4gfv4v8muzsy5j2c9"
RELEASE = {"airflow.kubernetes/release": "airflow"}
JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"labels": RELEASE}, "spec": {"template": {}}}


class Jobs:
    """Has a pod for each Job, as a controller would, and tells its log.

    :ivar status: of the pods, one after the other for each look; the last one stays.
    """

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        self.status: list[dict[str, Any]] = [{"phase": "Succeeded"}]
        self.log = ""
        self.has_pods = True
        self.events: list[dict[str, Any]] = []
        self.seconds = 0.0
        self.said: list[str] = []
        self._list, self._request = cluster.list, cluster.request
        cluster.list, cluster.request, cluster.text = self.list, self.request, self.text

    def list(self, api_version: str, kind: str, namespace: str | None = None, label_selector: str = "") -> Any:
        if kind == "Pod" and label_selector.startswith(backups_job.JOB_LABEL):
            if not self.has_pods:
                return {"items": []}
            status = self.status.pop(0) if len(self.status) > 1 else self.status[0]
            pod = {"metadata": {"name": "pod", "uid": "1"}, "spec": {"nodeName": "n", "containers": []}}
            return {"items": [{**pod, "status": status}]}
        return self._list(api_version, kind, namespace, label_selector)

    def request(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        if path.endswith("/log"):
            return self.log
        if path.endswith("/events"):
            return {"items": self.events}
        return self._request(method, path, body, **params)

    def text(self, _method: str, _path: str, **_params: Any) -> str:
        return self.log

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def answers(self, **found: Any) -> None:
        self.log = "a line for the user\n" + backups_job.ANSWER + json.dumps(found) + "\n"


@pytest.fixture
def jobs(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    cluster.add("Namespace", "airflow")
    for module in (backups_backup, backups_restore):
        monkeypatch.setattr(module, "Client", lambda params, *rest: cluster)
    return Jobs(cluster)


@pytest.fixture
def run_job(jobs: Jobs) -> Callable[[], dict[str, Any]]:
    job = BackupJob(
        jobs.cluster, "airflow", "airflow", jobs.said.append, lambda: None, 60, lambda: jobs.seconds, jobs.sleep
    )
    return lambda: job.run(JOB, "The backup")


def container(name: str, **state: Any) -> dict[str, Any]:
    return {"name": name, "state": state}


class TestJob:
    def test_its_answer_is_returned_and_nothing_stays(self, jobs: Jobs, run_job: Any) -> None:
        jobs.status = [
            {"phase": "Pending", "initContainerStatuses": [container("dump", running={})]},
            {"phase": "Succeeded"},
        ]
        jobs.answers(backup=MANIFEST)
        assert run_job() == {"backup": MANIFEST}
        assert jobs.said == ["dump runs, 0 s", "a line for the user"]
        assert jobs.cluster.names("Job") == []

    def test_what_a_killed_run_leaves_is_no_part_of_the_release(
        self, jobs: Jobs, run_job: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jobs.cluster, "delete", lambda *_rest: None)
        run_job()
        (name,) = jobs.cluster.names("Job")
        job = jobs.cluster.objects["Job", "airflow", name]
        assert job["metadata"]["labels"] == {}
        assert job["spec"]["ttlSecondsAfterFinished"] == 600

    def test_what_its_program_said_last_is_told(self, jobs: Jobs, run_job: Any) -> None:
        jobs.status = [{"phase": "Failed", "containerStatuses": [container("backup", terminated={"exitCode": 1})]}]
        jobs.log = "The dump of the backup x is damaged."
        with pytest.raises(Failure, match=r"^The backup failed: The dump of the backup x is damaged\.$"):
            run_job()
        assert jobs.cluster.names("Job") == []

    def test_without_a_pod_the_refusal_is_told(self, jobs: Jobs, run_job: Any) -> None:
        jobs.has_pods = False
        jobs.events = [{"reason": "FailedCreate", "message": "exceeded quota", "metadata": {}}]
        with pytest.raises(Failure, match="no pod was made for it: exceeded quota"):
            run_job()
        assert jobs.seconds < 30

    def test_one_that_does_not_end_is_told(self, jobs: Jobs, run_job: Any) -> None:
        jobs.status = [{"phase": "Running", "containerStatuses": [container("backup", running={})]}]
        with pytest.raises(Failure, match=r"has not ended after 60 s: backup runs\. Raise airflow_backup_timeout"):
            run_job()


def params(connection: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**connection, "release": "airflow", "namespace": "airflow", "job": JOB, "timeout": 60, **more}


class TestBackup:
    def test_the_release_is_held_meanwhile_and_given_back(self, jobs: Jobs, connection: Any) -> None:
        jobs.answers(backup=MANIFEST, deleted=["airflow-old"], fernet=MANIFEST["fernet"])
        result = backups_backup.run(Task(params(connection, action="create")))
        assert result["changed"]
        assert result["summary"] == [
            "airflow-20260101T110000Z: 1 h old, 3 MiB, release team/airflow, Airflow 3.1.0, postgresql 15.4, "
            "its Fernet key is that of this release",
            "Not in a backup: logs of tasks.",
            "Deleted: airflow-old",
        ]
        (lease,) = jobs.cluster.leases.values()
        assert lease["spec"].get("holderIdentity") is None

    def test_a_list_says_whose_key_is_missing(self, jobs: Jobs, connection: Any) -> None:
        jobs.answers(backups=[MANIFEST], fernet=["other"])
        result = backups_backup.run(Task(params(connection, action="list")))
        assert not result["changed"]
        assert result["summary"][0].endswith("its Fernet key is not here")

    def test_check_mode_makes_none(self, jobs: Jobs, connection: Any) -> None:
        backups_backup.run(Task(params(connection, action="create"), check_mode=True))
        assert jobs.cluster.writes == []


class TestRestore:
    def check(self, connection: Any, **more: Any) -> dict[str, Any]:
        options = {"phase": "check", "backup": MANIFEST["name"], "confirm": [], "fernet_key": "key-1"}
        options["fernet_secrets"] = [{"name": "airflow-fernet", "key": "F"}]
        options["age_identity"] = ""
        return backups_restore.run(Task(params(connection, **{**options, **more})))

    def running(self, cluster: Any) -> None:
        labels = {**RELEASE, "airflow.kubernetes/set": "scheduler"}
        template = {"metadata": {"labels": {**RELEASE, "airflow.kubernetes/scheduler": "true"}}}
        cluster.add("Deployment", "airflow-scheduler", metadata={"labels": labels}, spec={"template": template})

    def test_no_name_is_refused(self, jobs: Jobs, connection: Any) -> None:
        with pytest.raises(Failure, match="airflow_restore names no backup"):
            self.check(connection, backup=" ")

    def test_a_release_that_is_there_has_to_be_confirmed(self, jobs: Jobs, connection: Any) -> None:
        self.running(jobs.cluster)
        with pytest.raises(Failure, match=r"Deployment/airflow-scheduler.*-e airflow_restore_confirm=airflow/airflow"):
            self.check(connection, confirm=["airflow/other"])
        assert jobs.cluster.writes == []

    def test_its_components_go_once_the_backup_is_known_to_be_whole(self, jobs: Jobs, connection: Any) -> None:
        self.running(jobs.cluster)
        jobs.cluster.add(
            "ConfigMap",
            "airflow-apply-sets",
            data={"scheduler": "apps/v1 Deployment airflow-scheduler", "postgres": "apps/v1 StatefulSet db"},
        )
        jobs.answers(backup=MANIFEST)
        removed: list[str] = []
        jobs.cluster.delete, delete = (
            lambda version, kind, name, *rest, **more: (
                removed.append(f"{kind}/{name}"),
                delete(version, kind, name, *rest, **more),
            )[1],
            jobs.cluster.delete,
        )
        assert self.check(connection, confirm=["airflow/airflow"])["changed"]
        assert removed[0].startswith("Job/airflow-backup-")
        assert "Deployment/airflow-scheduler" in removed[1:]
        assert "StatefulSet/db" not in removed

    def test_a_damaged_dump_changes_nothing(self, jobs: Jobs, connection: Any) -> None:
        self.running(jobs.cluster)
        jobs.status = [{"phase": "Failed", "containerStatuses": [container("backup", terminated={"exitCode": 1})]}]
        jobs.log = "The dump is damaged."
        with pytest.raises(Failure, match="damaged"):
            self.check(connection, confirm=["airflow/airflow"])
        assert jobs.cluster.names("Deployment") == ["airflow-scheduler"]

    @pytest.mark.parametrize(("given", "told"), [("key-2", "airflow_fernet_key has another"), ("", "has none")])
    def test_a_dump_without_its_key_is_told_at_once(self, jobs: Jobs, connection: Any, given: str, told: str) -> None:
        jobs.answers(backup=MANIFEST)
        with pytest.raises(Failure, match=rf"{told}.*Nothing was changed\. Give the key that airflow had"):
            self.check(connection, fernet_key=given)

    def test_the_key_may_be_in_the_secret_of_the_release(self, jobs: Jobs, connection: Any) -> None:
        jobs.cluster.add("Secret", "airflow-fernet", data={"F": "a2V5LTE="})
        jobs.answers(backup=MANIFEST)
        assert self.check(connection, fernet_key="")["backup"] == MANIFEST

    @pytest.mark.parametrize("before", ["", "other"])
    def test_the_key_may_be_in_the_backup(self, jobs: Jobs, connection: Any, tmp_path: Path, before: str) -> None:
        (tmp_path / "key.txt").write_text(IDENTITY)
        if before:
            jobs.cluster.add("Secret", "airflow-fernet", metadata={"labels": RELEASE}, data={"F": "b3RoZXI="})
        items = [{"metadata": {"name": "old-fernet"}, "data": {"F": "a2V5LTE="}}]
        file = age.encrypt(json.dumps({"items": items}).encode(), [RECIPIENT])
        jobs.answers(backup=MANIFEST, secrets=base64.b64encode(file).decode())
        self.check(connection, fernet_key="", age_identity=str(tmp_path / "key.txt"))
        assert jobs.cluster.objects["Secret", "airflow", "airflow-fernet"]["data"]["F"] == "a2V5LTE="

    def test_one_that_cannot_be_decrypted_is_told(self, jobs: Jobs, connection: Any, tmp_path: Path) -> None:
        jobs.answers(backup=MANIFEST, secrets=base64.b64encode(b"nonsense").decode())
        (tmp_path / "key.txt").write_text(IDENTITY)
        with pytest.raises(
            Failure, match=r"airflow_restore_age_identity\): it is no file of age\. Nothing was changed"
        ):
            self.check(connection, fernet_key="", age_identity=str(tmp_path / "key.txt"))
        assert jobs.cluster.names("Secret") == []

    def test_the_database_is_restored_by_the_second_phase(self, jobs: Jobs, connection: Any) -> None:
        options = {
            "phase": "database",
            "backup": "x",
            "confirm": [],
            "fernet_key": "",
            "fernet_secrets": [],
            "age_identity": "",
        }
        jobs.cluster.add("ConfigMap", "airflow-upgrade", data={})
        assert backups_restore.run(Task(params(connection, **options)))["changed"]
        assert jobs.cluster.names("Job") == []
        assert [line for line in jobs.cluster.log if line.startswith("create Job/")]
        # An upgrade that was under way concerns a schema that is gone.
        assert jobs.cluster.names("ConfigMap") == []


class TestWords:
    @pytest.mark.parametrize(
        ("seconds", "told"), [(5, "5 s"), (65, "1 min"), (7300, "2 h"), (90000, "1 d"), (-3, "0 s")]
    )
    def test_age(self, seconds: int, told: str) -> None:
        assert in_words(timedelta(seconds=seconds)) == told

    @pytest.mark.parametrize(
        ("count", "told"), [(10, "10 B"), (2048, "2 KiB"), (1 << 20, "1 MiB"), (3 << 30, "3.0 GiB")]
    )
    def test_size(self, count: int, told: str) -> None:
        assert size(count) == told

    def test_none(self) -> None:
        assert summary([], datetime(2026, 1, 1, tzinfo=UTC), ()) == ["There is no backup."]

    def test_a_manifest_of_little_is_read(self) -> None:
        assert Backup.of({"name": "x"}).size == 0
