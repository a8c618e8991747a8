"""Rotate passwords and keys while tasks run, kill rotations, and look everywhere for values that should be nowhere."""

from __future__ import annotations

import argparse
import base64
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..checks import leak_search
from ..cluster.kind_config import CLUSTER
from ..common.errors import ToolError
from ..common.step import say, step
from ..common.waiting import until
from ..harness.command import INVENTORY
from ..harness.connection import cluster
from .deploy import TASKS_ONLY, Run, play
from .endurance import judge
from .release import NAME, Release
from .state import differences, settled

NAMESPACE = "rotation"
#: A run holds two deploys that wait for workers to finish their tasks.
ROTATION_SECONDS = 1500.0
RUN_SECONDS = 1800.0
#: Everything that Ansible can be made to say.
LOUD = ("-vvvv", "--diff")
VARIABLES: Mapping[str, Any] = {
    "flower_enabled": True,
    "flower_service_type": "ClusterIP",
    "flower_node_port": "",
    "workers_concurrency": 8,
    # A worker that may not write a result to the database does not end by itself; ten seconds are enough for a task.
    "workers_termination_grace_period": 180,
    "health_timeout": 1200,
}
#: Of a password is wanted that it may have any printable characters.
ANY_PASSWORD = "p@ss:/w?rd#%&+ \"'$(x)"  # noqa: S105
#: Given to the first deploy, and to no run after it.
GIVEN: Mapping[str, Any] = {f"airflow_{login}_password": ANY_PASSWORD for login in ("database", "redis", "admin")}
PGBOUNCER: Mapping[str, Any] = {
    "airflow_pgbouncer_enabled": True,
    "pgbouncer_replicas": 1,
    "pgbouncer_resources": "{{ small_resources }}",
}
ARCHITECTURES = ("separated_services", "master_worker")
VARIABLE = {"key": "kept", "value": "the-content-of-a-variable"}

_SIGN = """
import os, sys, urllib.error, urllib.request, uuid
from airflow.api_fastapi.auth.tokens import JWTGenerator
secret = sys.stdin.readline().strip()
claims = {"sub": str(uuid.uuid4()), "filename": "none"}
token = JWTGenerator(secret_key=secret, audience=sys.argv[1], valid_for=60).generate(claims)
request = urllib.request.Request(sys.argv[2], headers={"Authorization": sys.argv[3] + token})
try:
    print(urllib.request.urlopen(request, timeout=30).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
_LOGIN = """
import base64, sys, urllib.error, urllib.request
login = base64.b64encode(("admin:" + sys.stdin.readline().strip()).encode()).decode()
request = urllib.request.Request("http://localhost:5555/", headers={"Authorization": "Basic " + login})
try:
    print(urllib.request.urlopen(request, timeout=30).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
_ADMIN = """
import json, sys, urllib.error, urllib.request
body = json.dumps({"username": "admin", "password": sys.stdin.readline().strip()}).encode()
headers = {"Content-Type": "application/json"}
request = urllib.request.Request("http://localhost:8080/auth/token", body, headers)
try:
    print(urllib.request.urlopen(request, timeout=30).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
_DECRYPT = """
import sys
from cryptography.fernet import Fernet, InvalidToken
sys.path.insert(0, "/opt/airflow-kubernetes")
import database
key = Fernet(sys.stdin.readline().strip())
with database.connected() as cursor:
    (encrypted,) = cursor.row("SELECT val FROM variable WHERE key = 'kept'")
try:
    print(key.decrypt(encrypted.encode()).decode())
except InvalidToken:
    print("no")
"""
_PSQL = """
read -r PGPASSWORD; export PGPASSWORD
login="--host=airflow-postgresql --username=$POSTGRES_USER --dbname=$POSTGRES_DB"
psql $login --tuples-only --command="SELECT 1" || true
"""
_REDIS = "read -r REDISCLI_AUTH; export REDISCLI_AUTH; redis-cli -h airflow-redis ping 2>&1"


@dataclass(frozen=True)
class Kind:
    """Something that is rotated, and how it is seen what is accepted.

    :param component: in whose container to ask.
    :param command: reads the value from its standard input.
    :param accepted: what it prints if it is accepted.
    """

    secret: str
    key: str
    component: str
    command: tuple[str, ...]
    accepted: str


_SIGNED = ("python", "-c", _SIGN)
KINDS = {
    "fernet": Kind(
        f"{NAME}-fernet",
        "AIRFLOW__CORE__FERNET_KEY",
        "scheduler",
        ("python", "-c", _DECRYPT),
        VARIABLE["value"],
    ),
    # It asks for what is not there, which is told to those alone who may ask.
    "jwt": Kind(
        f"{NAME}-jwt",
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "api-server",
        (*_SIGNED, "urn:airflow.apache.org:task", "http://localhost:8080/execution/variables/no", "Bearer "),
        "404",
    ),
    "api": Kind(
        f"{NAME}-api",
        "AIRFLOW__API__SECRET_KEY",
        "worker",
        (*_SIGNED, "task-instance-logs", "http://localhost:8793/log/none", ""),
        "404",
    ),
    "database": Kind(f"{NAME}-secrets", "POSTGRES_PASSWORD", "postgresql", ("sh", "-c", _PSQL), "1"),
    "redis": Kind(f"{NAME}-redis-password", "REDIS_PASSWORD", "redis", ("sh", "-c", _REDIS), "PONG"),
    "admin": Kind(f"{NAME}-admin", "password", "api-server", ("python", "-c", _ADMIN), "201"),
    "flower": Kind(f"{NAME}-flower", "password", "flower", ("python", "-c", _LOGIN), "200"),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one rotation, and of the task instances meanwhile.

    :param killed: how often it was, and in which task.
    :param in_flight: task instances that ran or were queued when it began.
    :param seconds: how long the run took that was not killed.
    :param problems: what is not as it was promised.
    """

    what: str
    killed: tuple[str, ...]
    tasks: int
    in_flight: int
    once: int
    seconds: float
    problems: tuple[str, ...]


def add_parser(sections: Any) -> None:
    """Add the section to the command line."""
    parser = sections.add_parser("rotation", help=__doc__, description=__doc__)
    parser.add_argument("--tasks", type=int, default=100, help="task instances in flight (default: %(default)s)")
    parser.add_argument("--points", type=int, default=5, help="kills of a rotation of all (default: %(default)s)")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=ARCHITECTURES[0])
    parser.add_argument("--pgbouncer", action="store_true", help="with PgBouncer before the database")
    parser.add_argument("--short", action="store_true", help="rotate all at once, killed once, and no kind by itself")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Run the section; the exit code tells whether all was as promised."""
    with cluster() as connection, tempfile.TemporaryDirectory(prefix="soak-") as folder:
        with step("Remove the namespace"):
            connection.remove(NAMESPACE)
        variables = {**VARIABLES, **(PGBOUNCER if options.pgbouncer else {})}
        soak = _Soak(Path(folder), options.tasks, options.architecture, variables)
        outcomes = []
        try:
            with leak_search.Processes() as processes:
                tasks = soak.set_up()
                wanted = [] if options.short else [(kind,) for kind in KINDS]
                for kinds in wanted:
                    outcomes.append(soak.rotate(kinds, []))
                kills = [tasks + 8] if options.short else spread(options.points, 3 * (tasks + 2))
                before = {} if options.short else settled(connection, NAMESPACE)
                for kill in kills:
                    outcomes.append(soak.rotate((), [kill]))
                    if before:
                        soak.expect_state(before, settled(connection, NAMESPACE, before))
                with step("Run the other playbooks"):
                    soak.run_others()
            found = soak.leaks(processes)
        except ToolError as error:
            # It may take longer to remove the release than there is patience for.
            say(str(error))
            raise
        finally:
            connection.remove(NAMESPACE)
    return show(outcomes, found + soak.problems)


def spread(number: int, tasks: int) -> list[int]:
    """Return at which of the tasks of a run to kill it, one in each of as many equal parts."""
    return [int((part + 0.5) * tasks / number) for part in range(number)]


def show(outcomes: Sequence[Outcome], problems: Sequence[str]) -> int:
    """Print the table and the closing line."""
    print(f"\n{'rotated':<10} {'tasks':>5} {'in flight':>9} {'once':>5} {'run, s':>6}  killed in")
    for outcome in outcomes:
        numbers = f"{outcome.tasks:>5} {outcome.in_flight:>9} {outcome.once:>5} {outcome.seconds:>6.0f}"
        print(f"{outcome.what:<10} {numbers}  {', '.join(outcome.killed) or '-'}")
    wrong = [f"{outcome.what}: {problem}" for outcome in outcomes for problem in outcome.problems] + [*problems]
    for line in wrong:
        print(f"NOT AS PROMISED  {line}")
    print(f"\n{len(outcomes)} rotations, {len(wrong)} problems", flush=True)
    return 1 if wrong or not outcomes else 0


@dataclass
class _Soak:
    folder: Path
    tasks: int
    architecture: str
    variables: Mapping[str, Any]
    release: Release = field(default_factory=lambda: Release(CLUSTER, NAMESPACE))
    values: leak_search.Values = field(default_factory=leak_search.Values)
    output: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # What Ansible is told to remember lies there, too.
        os.environ["ANSIBLE_CACHE_PLUGIN"] = "jsonfile"
        os.environ["ANSIBLE_CACHE_PLUGIN_CONNECTION"] = str(self.folder / "facts")
        inventory = self.folder / "inventory"
        inventory.mkdir()
        (inventory / "group_vars").symlink_to(INVENTORY / "group_vars")
        (inventory / "hosts.yml").write_text(json.dumps({self.architecture: {"hosts": {NAME: {}}}}))

    def set_up(self) -> int:
        """Deploy the release and its DAG; return how many tasks a deploy has."""
        with step("Deploy the release and its DAG"):
            deployed = self.play("deploy.yml", **GIVEN).expect_success()
            self.play("playbooks/sync_dags.yml", airflow_dags_source="tests/endurance").expect_success()
        self.release.ask(("POST", "/api/v2/variables", VARIABLE))
        return len(deployed.points)

    def play(self, playbook: str, kill_at: int | None = None, **variables: Any) -> Run:
        """Run a playbook so that it says all that it can, and keep that, and the values of before and after it."""
        self.note_values()
        run = play(
            playbook,
            self.folder,
            NAMESPACE,
            kill_at,
            TASKS_ONLY,
            LOUD,
            ROTATION_SECONDS,
            self.folder / "inventory",
            **self.variables,
            **variables,
        )
        self.note_values()
        self.output.append((f"output of {playbook}", "\n".join(run.lines)))
        return run

    def note_values(self) -> None:
        for secret in leak_search.secrets(self.release.kubectl):
            self.values.add(secret)

    def rotate(self, kinds: Sequence[str], kills: Sequence[int]) -> Outcome:
        """Rotate kinds, or all if none are named, while task instances are in flight.

        :param kills: at which of its tasks runs are killed, one after the other, before one is not.
        """
        what = ", ".join(kinds) or "all"
        rotated = list(kinds or KINDS)
        old = self.current(rotated)
        problems = [f"{kind} is not accepted before" for kind in rotated if not self.accepts(kind, old[kind])]
        with step(f"{what}: {self.tasks} task instances get going"):
            run_id = self.release.trigger(self.tasks, 10)
            until(lambda: self.release.states(run_id)["running"] > 1, RUN_SECONDS, "no task runs")
        states = self.release.states(run_id)
        killed = []
        for kill in kills:
            with step(f"{what}: rotate, killed at task {kill}"):
                run = self.play("playbooks/rotate_secrets.yml", kill, airflow_rotate=list(kinds))
            killed.append(run.task)
            if not run.was_killed:
                problems.append(f"the run ended with {run.code} before it could be killed")
        with step(f"{what}: rotate"):
            last = self.play("playbooks/rotate_secrets.yml", airflow_rotate=list(kinds)).expect_success()
        with step(f"{what}: wait for the tasks"):
            until(lambda: self.release.run_state(run_id) in ("success", "failed"), RUN_SECONDS, f"the run {run_id}")
            self.release.wait_healthy()
        succeeded, once, retried = judge(self.release.instances(run_id), self.release.executions(run_id))
        if (succeeded, once, retried) != (self.tasks, self.tasks, 0):
            problems.append(f"of {self.tasks} tasks {succeeded} succeeded, {once} once, {retried} were tried again")
        new = self.current(rotated)
        for kind in rotated:
            if new[kind] == old[kind]:
                problems.append(f"{kind} is what it was")
            if not self.accepts(kind, new[kind]):
                problems.append(f"the new {kind} is not accepted")
            if self.accepts(kind, old[kind]):
                problems.append(f"the old {kind} is still accepted")
        if self.release.ask(("GET", f"/api/v2/variables/{VARIABLE['key']}"))[0]["value"] != VARIABLE["value"]:
            problems.append("a Variable cannot be read any more")
        say(f"{what}: {'; '.join(problems) or 'as promised'}")
        in_flight = states["running"] + states["queued"] + states["scheduled"]
        return Outcome(what, tuple(killed), self.tasks, in_flight, once, last.seconds, tuple(problems))

    def current(self, kinds: Sequence[str]) -> dict[str, str]:
        """Return the values that Secrets hold."""
        held = {secret["metadata"]["name"]: secret["data"] for secret in leak_search.secrets(self.release.kubectl)}
        return {kind: base64.b64decode(held[KINDS[kind].secret][KINDS[kind].key]).decode() for kind in kinds}

    def accepts(self, name: str, value: str) -> bool:
        """Tell whether a value is accepted where it is used."""
        kind = KINDS[name]
        message = self.release.inside(kind.component, *kind.command, stdin=f"{value}\n", timeout=120)
        return message.strip().endswith(kind.accepted)

    def expect_state(self, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        """Note how the objects of the release differ from what they were."""
        self.problems += [f"after an interruption {line}" for line in differences(wanted, found)]

    def run_others(self) -> None:
        """Run the playbooks that have not run yet, and a deploy that only looks."""
        self.play("playbooks/status.yml").expect_success()
        self.play("playbooks/run_dag.yml", airflow_dag="endurance", airflow_dag_conf={"tasks": 1, "seconds": 0})
        self.play("playbooks/diagnose.yml", airflow_diagnosis_to=str(self.folder / "diagnosis"))
        self.play("playbooks/render.yml", airflow_render_to=str(self.folder / "rendered"))

    def leaks(self, processes: leak_search.Processes) -> list[str]:
        """Return where values are that should be nowhere, and whether one that was put there was not found."""
        with step("Look for the values of all Secrets"):
            texts = [
                *self.output,
                *leak_search.folder_texts(self.folder),
                *leak_search.cluster_texts(self.release.kubectl),
            ]
            texts += [("a process", arguments) for arguments in processes.arguments]
            found = leak_search.search(self.values, texts)
        size = sum(len(text) for _where, text in texts) / 1e6
        say(f"{len(found)} found, in {len(texts)} texts of {size:.1f} MB, of {len(self.values)} spellings")
        return found + list(self._missed_plants())

    def _missed_plants(self) -> Iterator[str]:
        """Put a value where it should not be, in each way, and yield where it was not found."""
        value = self.current(["redis"])["redis"]
        encoded = base64.b64encode(value.encode()).decode()
        with step("Plant leaks, and look for them"):
            self.release.kubectl("annotate", "configmap", f"{NAME}-config", f"planted={encoded}")
            self.release.kubectl("create", "configmap", "planted", f"--from-literal=url=redis://:{value}@redis")
            (self.folder / "planted").write_text(f'{{"password": "{value}"}}')
            with leak_search.Processes() as processes:
                self.release.kubectl("exec", f"{NAME}-redis-0", "--", "sh", "-c", "sleep 2", value)
            texts = [*leak_search.cluster_texts(self.release.kubectl), *leak_search.folder_texts(self.folder)]
            texts += [("a process", arguments) for arguments in processes.arguments]
            found = leak_search.search(self.values, texts)
        for where in (f"ConfigMap/{NAME}-config", "ConfigMap/planted", "planted", "a process"):
            if not any(line.startswith(f"{where}: ") for line in found):
                yield f"a planted leak in {where} was not found"
