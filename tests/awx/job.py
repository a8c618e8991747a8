"""Command line: run a job as AWX runs it, but for AWX: transmit, worker and process of ansible-runner.

The job is read from standard input as JSON, since a token is in it; its result is written to standard output as JSON.
The worker is another machine: a pod of the execution environment, as a container group has it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.awx.surveys import extra_vars
from tools.common.paths import CHECKOUT

#: Where the worker unpacks a job: AWX mounts a folder of this name, which here has one folder for each job.
PRIVATE = "/runner/job"
#: What AWX calls a job.
IDENT = "1"
SECONDS = 1800


@dataclass(frozen=True)
class Job:
    """A job, as a launch of a job template makes it.

    :param template: the job template, of ``controller_templates``.
    :param answers: those of its survey, by variable.
    :param inventory: what ``ansible-inventory --list`` says of the template's inventory source.
    :param environment: what AWX's credential puts into the job's environment.
    :param ca: the certificate of the cluster's authority, as PEM.
    :param worker: the words of a command that runs a program of the execution environment.
    :param tree: a copy of the project, below ``ansible_collections``.
    :param folder: where the job is written, and its artifacts.
    :param handed_on: what earlier jobs of the workflow handed on.
    """

    template: Mapping[str, Any]
    inventory: Mapping[str, Any]
    environment: Mapping[str, str]
    ca: str
    worker: list[str]
    tree: str
    folder: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    limit: str = ""
    check: bool = False
    diff: bool = False
    handed_on: Mapping[str, Any] = field(default_factory=dict)


class Unsafe(str):
    """A text that Ansible must not evaluate, as AWX marks all that a user typed and all that jobs hand on.

    From one that is empty or looks like a number, ansible-core makes nothing or a number.
    """

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(Unsafe, lambda dumper, value: dumper.represent_scalar("!unsafe", str(value)))


def main() -> int:
    """Run the job and write its result; the exit code is 0 also where the job failed."""
    job = Job(**json.load(sys.stdin))
    folder = Path(job.folder)
    write(job, folder)
    _run(job, folder)
    artifacts = folder / "artifacts" / IDENT
    # AWX hides the values of its credentials in it, and it is not what the playbooks print.
    (artifacts / "command").unlink()
    json.dump(result(artifacts), sys.stdout)
    return 0


def write(job: Job, folder: Path) -> None:
    """Write what AWX gives to ansible-runner: project, collections, inventory, variables and environment."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("env", "inventory"):
        (folder / name).mkdir(parents=True)
    shutil.copytree(Path(job.tree) / "airflow" / "kubernetes", folder / "project", symlinks=True)
    # AWX installs the project's collections/requirements.yml there, in which the project itself is.
    own = folder / "requirements_collections" / "ansible_collections" / "airflow" / "kubernetes"
    shutil.copytree(Path(job.tree) / "airflow" / "kubernetes", own, symlinks=True)
    inventory = folder / "inventory" / "hosts"
    inventory.write_text(f"#! /usr/bin/env python3\nprint({json.dumps(job.inventory)!r})\n")
    inventory.chmod(0o700)
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": f"{PRIVATE}/requirements_collections:/usr/share/ansible/collections",
        "ANSIBLE_FORCE_COLOR": "false",
        "JOB_ID": IDENT,
        **job.environment,
    }
    if job.ca:
        (folder / "env" / "ca.pem").write_text(job.ca)
        environment["K8S_AUTH_SSL_CA_CERT"] = f"{PRIVATE}/env/ca.pem"
    (folder / "env" / "envvars").write_text(json.dumps(environment))
    (folder / "env" / "extravars").write_text(yaml.dump(variables(job), Dumper=_Dumper))
    (folder / "env" / "cmdline").write_text(" ".join(_options(job)))


def variables(job: Job) -> dict[str, Any]:
    """Return the job's variables: those of its template, what was handed on, and the survey's.

    :raises ValueError: AWX does not take an answer.
    """
    survey = job.template.get("survey_spec") or {"spec": []}
    answers = extra_vars(survey, job.answers)
    return {**job.template["extra_vars"], **_unsafe({**job.handed_on, **answers})}


def _unsafe(value: Any) -> Any:
    """Mark all texts in a value."""
    if isinstance(value, Mapping):
        return {key: _unsafe(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_unsafe(each) for each in value]
    return Unsafe(value) if isinstance(value, str) else value


def _options(job: Job) -> Iterator[str]:
    if job.limit:
        yield f"--limit {job.limit}"
    if job.check:
        yield "--check"
    if job.diff:
        yield "--diff"


def _run(job: Job, folder: Path) -> None:
    """Run the three parts of ansible-runner, each with what the one before wrote."""
    runner = str(Path(sys.executable).parent / "ansible-runner")
    transmit = [runner, "transmit", str(folder), "--playbook", job.template["playbook"], "--ident", IDENT]
    work = [*job.worker, "ansible-runner", "worker", "--private-data-dir", PRIVATE, "--delete"]
    stream = b""
    for command in (transmit, work, [runner, "process", str(folder), "--ident", IDENT]):
        # A job that failed is a result.
        done = subprocess.run(
            command,
            input=stream,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            cwd=CHECKOUT,
        )
        stream = done.stdout
        if not stream and command is not transmit and done.returncode:
            sys.exit(f"{command[0]} {command[1]}: {done.stderr.decode()}")


def result(artifacts: Path) -> dict[str, Any]:
    """Return what became of a job.

    :returns: ``rc``, ``status``, ``stdout``, ``changed`` (the number of tasks that changed something) and
        ``artifacts``, which AWX gives to the next job of a workflow.
    """
    events = [json.loads(path.read_text()) for path in (artifacts / "job_events").glob("*.json")]
    (stats,) = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"] or [{}]
    return {
        "rc": int((artifacts / "rc").read_text()),
        "status": (artifacts / "status").read_text(),
        "stdout": (artifacts / "stdout").read_text(),
        "changed": sum(stats.get("changed", {}).values()),
        "artifacts": stats.get("artifact_data", {}),
    }


if __name__ == "__main__":
    sys.exit(main())
