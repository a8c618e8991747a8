# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of a release is judged."""

from __future__ import annotations

from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.cache import LISTED, Change, ObjectCache
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.verdict import Key


def thing(name: str, owner: tuple[str, str] | None = None, **rest: Any) -> dict[str, Any]:
    owners = [{"kind": owner[0], "name": owner[1], "uid": owner[1], "controller": True}] if owner else []
    labels = {"airflow.kubernetes/release": "airflow"}
    return {"metadata": {"name": name, "uid": name, "labels": labels, "ownerReferences": owners}, **rest}


def test_what_runs_by_the_clock_neither_fails_a_deploy_nor_is_waited_for() -> None:
    """A Job of a CronJob comes and goes, and the next one may well succeed."""
    cache = ObjectCache("airflow")
    failed = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}], "failed": 1}
    by_the_clock = thing("airflow-log-retention-1", ("CronJob", "airflow-log-retention"), spec={}, status=failed)
    cache.take(Change("Job", LISTED, [by_the_clock, thing("airflow-migrations", spec={}, status={})]))
    pod = thing("airflow-log-retention-1-x", ("Job", "airflow-log-retention-1"), spec={}, status={"phase": "Failed"})
    cache.take(Change("Pod", LISTED, [pod]))
    cache.take(Change("Pod", "DELETED", [pod]))
    assert cache.to_evaluate() == [Key("Job", "airflow-migrations")]
