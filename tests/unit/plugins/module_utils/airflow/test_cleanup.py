# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Only what nothing uses is listed, and only what is listed and named is removed."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.cleanup import (
    Table,
    Unused,
    archived,
    choose,
    text,
    unused_of,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.tables_program import answer
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.reference import Reference
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure

COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}


def job(name: str, status: Any = COMPLETE, **metadata: Any) -> dict[str, Any]:
    return {"kind": "Job", "metadata": {"name": name, **metadata}, "spec": {}, "status": status}


def claim(name: str) -> dict[str, Any]:
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": name}, "status": {"capacity": {"storage": "1Gi"}}}


def mounting(name: str) -> dict[str, Any]:
    return {"spec": {"volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": name}}, {"emptyDir": {}}]}}


def names(*found: Any, **users: Any) -> list[str]:
    jobs = [obj for obj in found if obj["kind"] == "Job"]
    claims = [obj for obj in found if obj["kind"] != "Job"]
    inventory = [Reference("batch/v1", "Job", "new", "a"), Reference("v1", "PersistentVolumeClaim", "applied", "a")]
    keys = {
        "pods": "Pod",
        "sets": "apps/v1 StatefulSet",
        "cron": "batch/v1 CronJob",
        "deployments": "apps/v1 Deployment",
    }
    return [str(one) for one in unused_of(inventory, jobs, claims, {keys[key]: objs for key, objs in users.items()})]


class TestUnused:
    def test_a_job_that_no_deploy_needs_is(self) -> None:
        assert names(job("new"), job("old")) == ["Job/old"]

    def test_a_job_that_runs_or_belongs_to_a_cron_job_is_not(self) -> None:
        owned = job("of-cron", ownerReferences=[{"kind": "CronJob", "name": "x", "controller": True}])
        assert names(job("runs", {}), owned) == []

    def test_a_claim_that_nothing_names_is(self) -> None:
        assert names(claim("applied"), claim("left")) == ["PersistentVolumeClaim/left"]

    def test_a_claim_that_a_pod_or_a_workload_mounts_is_not(self) -> None:
        found = [claim("of-pod"), claim("of-cron"), claim("of-deployment")]
        cron = {"metadata": {"name": "c"}, "spec": {"jobTemplate": {"spec": {"template": mounting("of-cron")}}}}
        deployment = {"metadata": {"name": "d"}, "spec": {"template": mounting("of-deployment")}}
        users = {"pods": [mounting("of-pod")], "cron": [cron], "deployments": [deployment]}
        assert names(*found, **users) == []
        assert len(names(*found)) == 3

    def test_a_claim_of_a_stateful_set_without_pods_is_not(self) -> None:
        templates = [{"metadata": {"name": "logs"}}]
        worker = {"metadata": {"name": "airflow-worker"}, "spec": {"replicas": 0, "volumeClaimTemplates": templates}}
        found = [claim("logs-airflow-worker-2"), claim("logs-airflow-worker-big-0")]
        assert names(*found, sets=[worker]) == ["PersistentVolumeClaim/logs-airflow-worker-big-0"]


class TestChoice:
    UNUSED = (Unused("Job", "old"), Unused("Table", "_airflow_deleted__log__1"))

    def test_nothing_is_removed_that_is_not_named(self) -> None:
        assert choose(self.UNUSED, [], "") == []
        assert choose(self.UNUSED, ["Job/old", "Job/old"], "") == [self.UNUSED[0]]

    @pytest.mark.parametrize("named", ["Job/new", "PersistentVolumeClaim/airflow-dags", "Table/dag_run", "old"])
    def test_what_is_in_use_or_not_there_is_refused_with_all_others(self, named: str) -> None:
        with pytest.raises(Failure, match=f"Nothing was removed: {named} is not there or is in use"):
            choose(self.UNUSED, ["Job/old", named], "")

    def test_why_the_tables_are_not_known_is_told(self) -> None:
        with pytest.raises(Failure, match="The tables are not known: no pod"):
            choose([], ["Table/_airflow_deleted__log__1"], "no pod")


def test_only_archived_tables_are_unused() -> None:
    tables = [Table("_airflow_deleted__log__1", 2**20, 5), Table("log", 2**30, 9)]
    assert [str(one) for one in archived(tables)] == ["Table/_airflow_deleted__log__1"]


def test_the_largest_tables_are_shown() -> None:
    tables = [Table(f"table{number}", number * 2**20, number) for number in range(9)]
    lines = list(text([Unused("Job", "old", "why")], [Unused("Job", "old", "why")], tables, ""))
    assert lines[:2] == ["removed: Job/old (why)", "table: table8 8.0 MiB, about 8 rows"]
    assert len(lines) == 6


def test_the_program_drops_what_is_there_and_named() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for name in ("_airflow_deleted__log__1", "_airflow_deleted__log__2", "log"):
            connection.execute(f"CREATE TABLE {name} (id INT)")
        sizes = "SELECT name, 8192, NULL FROM sqlite_master"
        found = answer(connection.cursor(), sizes, ["_airflow_deleted__log__1", "_airflow_deleted__gone"])
    assert found["dropped"] == ["_airflow_deleted__log__1"]
    assert [table["name"] for table in found["tables"]] == ["_airflow_deleted__log__2", "log"]
    assert found["tables"][0] == {"name": "_airflow_deleted__log__2", "bytes": 8192, "rows": 0}
