# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a job of AWX is given, where the scenario awx runs one, and what is read of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.awx.job import PRIVATE, Job, result, variables, write

SPEC = [
    {"variable": "airflow_dag", "type": "text", "required": True},
    {"variable": "airflow_dag_conf", "type": "textarea", "required": False, "default": ""},
]


def job(folder: Path, **changes: Any) -> Job:
    """Return a job that runs a DAG; its project has one file."""
    own = folder / "tree" / "airflow" / "kubernetes"
    own.mkdir(parents=True, exist_ok=True)
    (own / "deploy.yml").write_text("---\n")
    given: dict[str, Any] = {
        "template": {"playbook": "deploy.yml", "extra_vars": {"airflow_context": ""}, "survey_spec": {"spec": SPEC}},
        "inventory": {"_meta": {"hostvars": {"it's": {"a": "{{ b }}"}}}},
        "environment": {"K8S_AUTH_API_KEY": "token"},
        "ca": "certificate",
        "worker": [],
        "tree": str(folder / "tree"),
        "folder": str(folder / "job"),
        "answers": {"airflow_dag": "{{ 1 + 1 }}"},
    }
    return Job(**(given | changes))


def test_a_job_has_the_answers_and_the_defaults_of_its_survey(tmp_path: Path) -> None:
    assert variables(job(tmp_path)) == {"airflow_context": "", "airflow_dag": "{{ 1 + 1 }}", "airflow_dag_conf": ""}


def test_an_answer_wins_over_what_was_handed_on(tmp_path: Path) -> None:
    given = variables(job(tmp_path, handed_on={"airflow_dag": "other", "airflow_results": {}}))
    assert (given["airflow_dag"], given["airflow_results"]) == ("{{ 1 + 1 }}", {})


def test_an_answer_that_awx_refuses_starts_no_job(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="airflow_dag is no text"):
        variables(job(tmp_path, answers={"airflow_dag": 3.1}))


def test_what_a_user_typed_is_never_evaluated(tmp_path: Path) -> None:
    write(job(tmp_path), tmp_path / "job")
    written = (tmp_path / "job" / "env" / "extravars").read_text()
    assert "airflow_dag: !unsafe '{{ 1 + 1 }}'" in written
    assert "airflow_context: ''" in written


def test_the_inventory_is_a_program(tmp_path: Path) -> None:
    write(job(tmp_path), tmp_path / "job")
    program = (tmp_path / "job" / "inventory" / "hosts").read_text()
    printed: list[str] = []
    exec(program, {"print": printed.append})  # noqa: S102
    assert json.loads(printed[0]) == {"_meta": {"hostvars": {"it's": {"a": "{{ b }}"}}}}


def test_the_cluster_is_in_the_environment_alone(tmp_path: Path) -> None:
    write(job(tmp_path, check=True, diff=True, limit="web"), tmp_path / "job")
    environment = yaml.safe_load((tmp_path / "job" / "env" / "envvars").read_text())
    assert environment["K8S_AUTH_API_KEY"] == "token"
    assert environment["K8S_AUTH_SSL_CA_CERT"] == f"{PRIVATE}/env/ca.pem"
    assert (tmp_path / "job" / "env" / "cmdline").read_text() == "--limit web --check --diff"


def test_a_result_has_what_is_handed_on(tmp_path: Path) -> None:
    events = tmp_path / "job_events"
    events.mkdir()
    stats = {"changed": {"a": 2, "b": 1}, "artifact_data": {"airflow_results": {"a": {"verdict": "ready"}}}}
    (events / "1.json").write_text(json.dumps({"event": "playbook_on_start", "event_data": {}}))
    (events / "2.json").write_text(json.dumps({"event": "playbook_on_stats", "event_data": stats}))
    for name, text in {"rc": "0", "status": "successful", "stdout": "done"}.items():
        (tmp_path / name).write_text(text)
    found = result(tmp_path)
    assert (found["rc"], found["status"], found["stdout"], found["changed"]) == (0, "successful", "done", 3)
    assert found["artifacts"]["airflow_results"]["a"]["verdict"] == "ready"
