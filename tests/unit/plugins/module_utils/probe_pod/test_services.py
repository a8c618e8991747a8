# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connectivity check leaves nothing behind, and says what is wrong in words that help."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.holder import Holder, this_run
from ansible_collections.airflow.kubernetes.plugins.module_utils.probe_pod import services as probe_pod_services
from ansible_collections.airflow.kubernetes.plugins.module_utils.probe_pod import services_program
from ansible_collections.airflow.kubernetes.plugins.module_utils.probe_pod.answers import in_one_line
from ansible_collections.airflow.kubernetes.plugins.module_utils.probe_pod.probe_pod import (
    MADE_BY,
    PROBE_LABEL,
    ProbePod,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.probe_pod.services import (
    ConnectivityCheck,
    ProbeRun,
    Service,
    in_words,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.context import Limits

DATABASE = Service("The database (db:5432)", "database", "postgresql+psycopg2://a:hunter2@db:5432/a")
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"namespace": "airflow", "labels": {}},
    "spec": {"containers": [{"name": "probe"}]},
}
NEW_POD = {**POD, "metadata": {"namespace": "new", "labels": {}}}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}}
REFUSED = 'FATAL:  password authentication failed for user "a"'


class Program:
    """Stands in for the program in the pod: takes what it is sent, answers as told."""

    def __init__(self, answers: list[list[str]]) -> None:
        self.answer = json.dumps(answers).encode()
        self.answer = b"%08d" % len(self.answer) + self.answer
        self.sent = b""
        self.command: list[str] = []

    def __call__(
        self, client: Any, namespace: str, pod: str, container: str, command: list[str], silence: float
    ) -> Any:
        self.command = command
        return self

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.sent += data

    def read(self, size: int) -> bytes:
        taken, self.answer = self.answer[:size], self.answer[size:]
        return taken


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Program]:
    def program(*answers: list[str]) -> Program:
        made = Program([*answers])
        monkeypatch.setattr(probe_pod_services, "Exec", made)
        return made

    return program


@pytest.fixture
def check(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ConnectivityCheck]:
    """Return a check in a cluster whose pods are ready at once, unless their status is given."""
    create = cluster.create

    def check(status: dict[str, Any] | None = None, namespace: Any = None) -> ConnectivityCheck:
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}

        def create_ready(manifest: Any, field_manager: str) -> Any:
            made = create(manifest, field_manager)
            stored = cluster.objects["Pod", manifest["metadata"]["namespace"], manifest["metadata"]["name"]]
            stored["status"] = status or ready
            stored["metadata"].update(uid="1", creationTimestamp="2026-01-01T12:00:00Z")
            return made

        monkeypatch.setattr(cluster, "create", create_ready)
        monkeypatch.setattr(cluster, "request", lambda *rest, **more: {"items": []})
        seconds = iter(range(0, 10000, 100))
        return ConnectivityCheck(
            cluster, "airflow", namespace, [], Limits(), 600, clock=lambda: next(seconds), sleep=lambda _seconds: None
        )

    return check


def test_what_is_well_has_no_problem_and_leaves_no_pod(cluster: Any, check: Any, program: Any) -> None:
    program([], [])
    assert check().problems([ProbeRun(POD, [DATABASE, DATABASE])]) == []
    assert cluster.names("Pod") == []
    assert [line.partition("/")[0] for line in cluster.writes] == ["create Pod", "delete Pod"]


def test_a_problem_is_told_with_its_meaning_and_leaves_no_pod(cluster: Any, check: Any, program: Any) -> None:
    program([REFUSED])
    (problem,) = check().problems([ProbeRun(POD, [DATABASE])])
    assert problem.startswith(f"The database (db:5432): the database refuses the password: {REFUSED}. Correct")
    assert cluster.names("Pod") == []


class TestServerThatDoesNotAnswer:
    """It may be known to the cluster's network a moment later, unlike a password that is refused."""

    AWAY = 'Could not connect to the endpoint URL: "http://store:8080/"'

    @pytest.fixture
    def asked(self, check: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[str], int]]:
        """Return the problems, and how often the services were tried, given what is wrong at each try."""

        def asked(*tries: list[list[str]]) -> tuple[list[str], int]:
            count, seconds = iter(range(10000)), iter(range(10000))
            made = check()
            made.clock = lambda: next(seconds)
            monkeypatch.setattr(made, "_ask", lambda _pod, _services: tries[min(next(count), len(tries) - 1)])
            return made.problems([ProbeRun(POD, [DATABASE, DATABASE])]), next(count)

        return asked

    def test_is_tried_again(self, asked: Any) -> None:
        assert asked([[self.AWAY], []], [[self.AWAY], [self.AWAY]], [[], []]) == ([], 3)

    def test_is_a_problem_when_it_stays_away(self, asked: Any) -> None:
        (problem,), _tries = asked([[self.AWAY], []])
        assert "its address does not answer" in problem

    @pytest.mark.parametrize("problem", [REFUSED, "words that nobody knows"])
    def test_what_does_not_pass_is_a_problem_at_once(self, asked: Any, problem: str) -> None:
        problems, tries = asked([[self.AWAY], [problem]], [[], []])
        assert (len(problems), tries) == (2, 1)


def test_the_url_is_in_no_object_and_no_argument(cluster: Any, check: Any, program: Any) -> None:
    seen = []
    delete = cluster.delete
    cluster.delete = lambda *which: seen.append(json.dumps(list(cluster.objects.values()))) or delete(*which)
    sent_to = program([])
    check().problems([ProbeRun(POD, [DATABASE])])
    assert len(seen) == 1
    assert "hunter2" not in seen[0] + " ".join(sent_to.command)
    assert b"hunter2" in sent_to.sent


class TestPodOfAnotherRun:
    """At 12:00 in the cluster; the process of this test lives, and so may one on another machine."""

    ELSEWHERE = "root@ci-2, process 7 [ci-2/boot/pid:1 99]"

    @pytest.fixture
    def left(self, cluster: Any, check: Any, program: Any) -> Callable[..., list[str]]:
        """Try something beside a pod, and return the names of the pods that are left."""

        def left(made_by: str, minutes: int = 1, phase: str = "Running", release: str = "airflow") -> list[str]:
            made = f"2026-01-01T{11 - minutes // 60:02}:{60 - minutes % 60:02}:00Z"
            metadata = {
                "labels": {PROBE_LABEL: release},
                "annotations": {MADE_BY: made_by} if made_by else {},
                "creationTimestamp": made,
            }
            cluster.add("Pod", "pod", metadata=metadata, spec={"activeDeadlineSeconds": 600}, status={"phase": phase})
            program([])
            check().problems([ProbeRun(POD, [DATABASE])])
            return list(cluster.names("Pod"))

        return left

    @pytest.mark.parametrize("phase", ["Pending", "Running"])
    def test_stays_while_it_is_used(self, left: Any, phase: str) -> None:
        assert left(this_run(os.getpid()).identity, phase=phase) == ["pod"]
        assert left(self.ELSEWHERE, phase=phase) == ["pod"]
        assert left("", phase=phase) == ["pod"]

    def test_goes_when_its_run_was_killed(self, left: Any) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
            made_by = this_run(process.pid).identity
            assert left(made_by) == ["pod"]
            process.kill()
        assert left(made_by) == []

    @pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
    def test_goes_when_it_has_ended(self, left: Any, phase: str) -> None:
        assert left(self.ELSEWHERE, phase=phase) == []

    def test_goes_when_its_time_is_over(self, left: Any) -> None:
        assert left(self.ELSEWHERE, minutes=19) == ["pod"]
        assert left(self.ELSEWHERE, minutes=21) == []
        assert left("", minutes=21) == []

    def test_of_another_release_is_none_of_our_business(self, left: Any) -> None:
        assert left(self.ELSEWHERE, minutes=59, phase="Failed", release="other") == ["pod"]


def test_the_pod_says_which_run_made_it(cluster: Any, check: Any, program: Any) -> None:
    seen = []
    delete = cluster.delete
    cluster.delete = lambda *which: seen.append(cluster.objects["Pod", "airflow", which[2]]) or delete(*which)
    program([])
    check().problems([ProbeRun(POD, [DATABASE])])
    assert Holder.parse(seen[0]["metadata"]["annotations"][MADE_BY]) == this_run(os.getpid())


def test_a_pod_that_never_starts_is_told_and_removed(cluster: Any, check: Any, program: Any) -> None:
    program([])
    waiting = {"reason": "InvalidImageName", "message": "couldn't parse image name"}
    status = {"phase": "Pending", "containerStatuses": [{"name": "probe", "image": "?", "state": {"waiting": waiting}}]}
    with pytest.raises(Failure, match="cannot be tried, because the pod for it does not start"):
        check(status).problems([ProbeRun(POD, [DATABASE])])
    assert cluster.names("Pod") == []


def test_a_sidecar_that_crashes_is_told_with_its_log(
    cluster: Any, check: Any, program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program([])
    proxy = {
        "name": "cloud-sql-proxy",
        "restartCount": 2,
        "started": False,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-01-01T12:00:05Z"}},
    }
    sidecars = [{"name": "cloud-sql-proxy", "restartPolicy": "Always"}]
    pod = {**POD, "spec": {"nodeName": "node-1", "initContainers": sidecars, **POD["spec"]}}
    made = check({"phase": "Pending", "initContainerStatuses": [proxy]})

    def answer(_method: str, path: str, **_more: Any) -> Any:
        return "starting\ngoogleapi: Error 403: not authorized\n" if path.endswith("/log") else {"items": []}

    monkeypatch.setattr(cluster, "request", answer)
    said = r"cloud-sql-proxy ended 3 times, last: exit code 1\. Its log ends with: googleapi: Error 403: not authorized"
    with pytest.raises(Failure, match=said):
        made.problems([ProbeRun(pod, [DATABASE])])


@pytest.mark.parametrize("line", ["token is refused", '{"severity": "ERROR", "message": "token is refused"}'])
def test_what_a_sidecar_says_is_told_beside_a_problem(
    line: str, cluster: Any, check: Any, program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidecars = [{"name": "cloud-sql-proxy", "restartPolicy": "Always"}, {"name": "prepare"}]
    pod = {**POD, "spec": {"initContainers": sidecars, **POD["spec"]}}
    made = check()

    def answer(_method: str, path: str, **_more: Any) -> Any:
        return f"starting\n{line}\n" if path.endswith("/log") else {"items": []}

    monkeypatch.setattr(cluster, "request", answer)
    program(["the moon is full"])
    assert made.problems([ProbeRun(pod, [DATABASE])]) == [
        "The database (db:5432): the moon is full.",
        "The log of its native sidecar cloud-sql-proxy ends with: token is refused",
    ]
    program([])
    assert made.problems([ProbeRun(pod, [DATABASE])]) == []


def test_a_pod_that_does_not_start_in_time_is_told_and_removed(cluster: Any, check: Any, program: Any) -> None:
    program([])
    with pytest.raises(Failure, match="the pod for it does not start"):
        check({"phase": "Pending"}).problems([ProbeRun(POD, [DATABASE])])
    assert cluster.names("Pod") == []


class TestServiceAccount:
    """Kubernetes makes the account "default" some moments after a namespace."""

    MISSING = (
        'pods "x" is forbidden: error looking up service account airflow/default: serviceaccount "default" not found'
    )

    @pytest.fixture
    def made(self, cluster: Any, check: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
        """Make a probe pod after so many refusals; return the pods that there were."""
        check()
        create = cluster.create

        def made(refusal: ApiFailure, times: int) -> list[str]:
            refusals = [refusal] * times
            seconds = itertools.count()

            def refuse_first(manifest: Any, field_manager: str) -> Any:
                if refusals:
                    raise refusals.pop()
                return create(manifest, field_manager)

            monkeypatch.setattr(cluster, "create", refuse_first)
            probe = ProbePod(
                cluster, "airflow", POD, "x", Limits(), 600, lambda: float(next(seconds)), lambda _seconds: None
            )
            with probe.running():
                return list(cluster.names("Pod"))

        return made

    def test_one_that_is_about_to_be_made_is_waited_for(self, made: Any) -> None:
        assert len(made(ApiFailure(self.MISSING, 403), 3)) == 1

    def test_one_that_does_not_come_is_told(self, made: Any) -> None:
        with pytest.raises(ApiFailure, match="error looking up service account"):
            made(ApiFailure(self.MISSING, 403), 100)

    def test_what_is_forbidden_otherwise_is_told_at_once(self, made: Any) -> None:
        with pytest.raises(ApiFailure, match="PodSecurity"):
            made(ApiFailure('pods "x" is forbidden: violates PodSecurity', 403), 1)


class TestNamespace:
    def test_one_that_is_there_stays(self, cluster: Any, check: Any, program: Any) -> None:
        cluster.add("Namespace", "new", None)
        program([REFUSED])
        check(namespace=NAMESPACE).problems([ProbeRun(NEW_POD, [DATABASE])])
        assert "new" in cluster.names("Namespace")

    def test_one_that_was_made_goes_again_when_something_is_refused(
        self, cluster: Any, check: Any, program: Any
    ) -> None:
        program([REFUSED])
        check(namespace=NAMESPACE).problems([ProbeRun(NEW_POD, [DATABASE])])
        assert cluster.names("Namespace") == ["airflow"]

    @pytest.mark.parametrize(("kind", "name"), [("Pod", "airflow-probe-other"), ("Lease", "airflow-deploy")])
    def test_one_that_was_made_stays_when_another_run_is_at_work_there(
        self, cluster: Any, check: Any, program: Any, kind: str, name: str
    ) -> None:
        delete = cluster.delete
        cluster.delete = lambda *which: cluster.add(kind, name, "new") and delete(*which)
        program([REFUSED])
        check(namespace=NAMESPACE).problems([ProbeRun(NEW_POD, [DATABASE])])
        assert "new" in cluster.names("Namespace")

    def test_one_that_was_made_goes_again_when_the_check_fails(self, cluster: Any, check: Any, program: Any) -> None:
        program([])
        with pytest.raises(Failure):
            check({"phase": "Pending"}, NAMESPACE).problems([ProbeRun(NEW_POD, [DATABASE])])
        assert cluster.names("Namespace") == ["airflow"]

    def test_one_that_was_made_stays_for_the_deploy(self, cluster: Any, check: Any, program: Any) -> None:
        program([])
        check(namespace=NAMESPACE).problems([ProbeRun(NEW_POD, [DATABASE])])
        assert "new" in cluster.names("Namespace")

    def test_one_that_may_not_be_looked_at_is_taken_to_be_there(self, cluster: Any, check: Any, program: Any) -> None:
        cluster.add("Namespace", "new", None)
        cluster.refusals["get Namespace/new"] = ApiFailure("forbidden", 403, "Forbidden")
        program([REFUSED])
        check(namespace=NAMESPACE).problems([ProbeRun(NEW_POD, [DATABASE])])
        assert "new" in cluster.names("Namespace")


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ('connection to server at "db" (10.0.0.1), port 5432 failed: SSL error: certificate verify failed', "trusted"),
        ('server certificate for "db" does not match host name "alias"', "its certificate is for another host"),
        ("Error 1 connecting to db:6379. [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: x.", "trusted"),
        ("Error while reading from db:6379 : (104, 'Connection reset by peer').", "Redis does not answer"),
        ("server closed the connection unexpectedly", "the database does not answer"),
        ('connection to server at "db", port 5432 failed: SSL error: provider signature failure', "is not trusted"),
        ("Error -2 connecting to db:6379. Name or service not known.", "Redis does not answer"),
        ("(2026, 'TLS/SSL error: Validation of SSL server certificate failed')", "its certificate is for another host"),
        ("(2026, 'TLS/SSL error: certificate signature failure')", "its certificate is not trusted"),
        ("(3159, 'Connections using insecure transport are prohibited while', ...)", "nothing but TLS"),
        ("server does not support SSL, but SSL was required", "it speaks no TLS there"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "a", database "a", no encryption', "from nowhere"),
        ("the user a may not make tables in the schema public", "the user lacks rights in the database"),
        ("the user may not send to all: No permissions to access a channel", "the user of Redis lacks a right"),
        ("AuthenticationError: invalid username-password pair or user is disabled.", "Redis refuses the password"),
        ("(1045, \"Access denied for user 'a'@'10.0.0.1' (using password: YES)\")", "refuses the password"),
    ],
)
def test_what_servers_and_drivers_say_is_understood(said: str, meaning: str) -> None:
    assert meaning in in_words(DATABASE, said)


def test_what_is_not_understood_is_told_as_it_is() -> None:
    assert in_words(DATABASE, "the moon is full") == "The database (db:5432): the moon is full."


class TestProgram:
    def test_no_login_is_in_what_it_says(self) -> None:
        url = "redis://user:p%40ss@db:6379/0"
        said = f"cannot parse {url}; p@ss is wrong, and p%40ss too"
        assert services_program.without_login(said, url) == (
            "cannot parse (hidden); (hidden) is wrong, and (hidden) too"
        )

    def test_no_login_of_any_sentinel_is(self) -> None:
        url = "sentinel://:one@a:26379/0;sentinel://:two@b:26379/0"
        assert services_program.without_login("one or two", url) == "(hidden) or (hidden)"

    def test_nor_is_the_password_of_the_sentinels(self, monkeypatch: Any) -> None:
        asked: list[dict[str, Any]] = []

        def refuse(_url: str, transport_options: dict[str, Any]) -> None:
            asked.append(transport_options)
            raise ConnectionError("No master found for 'mymaster' : a - AuthenticationError('o\"ne')")

        monkeypatch.setitem(sys.modules, "kombu", SimpleNamespace(Connection=refuse))
        broker = Service(
            "The broker (a:26379)", "broker", "sentinel://:two@a:26379/0", None, json.dumps({"password": 'o"ne'})
        )
        (said,) = services_program.problems_of(asdict(broker))
        assert said == "No master found for 'mymaster' : a - AuthenticationError('(hidden)')"
        assert asked[0]["sentinel_kwargs"] == {"password": 'o"ne'}

    def test_sentinels_that_refuse_a_password_are_not_taken_for_redis(self) -> None:
        broker = Service("The broker (a:26379)", "broker", "sentinel://:two@a:26379/0")
        said = "No master found for 'mymaster' : Redis<...> - AuthenticationError('Authentication required.')"
        told = in_words(broker, said)
        assert "the Sentinels refuse the password" in told
        assert "airflow_redis_sentinel_secret" in told

    def test_an_error_without_words_is_told_by_its_cause(self) -> None:
        error = ConnectionError()
        error.__cause__ = TimeoutError("timed  out")
        assert in_one_line(error) == "timed out"

    def test_what_cannot_be_tried_is_a_problem(self) -> None:
        (problem,) = services_program.problems_of({"kind": "database", "url": "no url", "options": {}})
        assert problem

    class Database:
        """A connection of psycopg2's, with the answers to its two questions."""

        def __init__(self, version: int, facts: tuple[Any, ...] = (), may_create: bool = True) -> None:
            self.server_version = version
            self.answers = [facts, (may_create,)]

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_error: object) -> None:
            pass

        def cursor(self) -> Any:
            return self

        def execute(self, *_query: Any) -> None:
            pass

        def fetchone(self) -> tuple[Any, ...]:
            return self.answers.pop(0)

    @pytest.mark.parametrize(
        ("database", "problem"),
        [
            (Database(120022), "PostgreSQL 12; the oldest that Airflow supports is 13"),
            (Database(150004, ("LATIN1", "public", "a", False)), "encoding is LATIN1"),
            (Database(150004, ("UTF8", "public", "a", True)), "replica"),
            (Database(150004, ("UTF8", None, "a", False)), "no schema to make tables in"),
            (Database(150004, ("UTF8", "public", "a", False), may_create=False), "may not make tables in the schema"),
        ],
    )
    def test_a_database_that_will_not_do(self, database: Any, problem: str) -> None:
        (said,) = services_program.problems_of_postgresql(database)
        assert problem in said

    @pytest.mark.parametrize(
        ("airflow", "version", "problem"),
        [
            ("3.1.8", 130000, ""),
            ("3.1.8", 120022, "PostgreSQL 12; the oldest that Airflow 3.1 supports is 13"),
            ("3.2.0rc1", 140000, ""),
            ("3.3.2", 130010, "PostgreSQL 13; the oldest that Airflow 3.3 supports is 14"),
            ("4.0.0", 130010, "PostgreSQL 13; the oldest that Airflow 4.0 supports is 14"),
        ],
    )
    def test_the_oldest_postgresql_is_that_of_the_images_airflow(
        self, monkeypatch: pytest.MonkeyPatch, airflow: str, version: int, problem: str
    ) -> None:
        monkeypatch.setattr("importlib.metadata.version", {"apache-airflow-core": airflow}.__getitem__)
        said = [*services_program.problems_of_postgresql(self.Database(version, ("UTF8", "public", "a", False)))]
        assert said == ([f"the server is {problem}"] if problem else [])

    def test_psycopg_3_tells_the_version_in_another_place(self) -> None:
        database = self.Database(0)
        database.info = SimpleNamespace(server_version=120022)  # type: ignore[attr-defined]
        assert "PostgreSQL 12" in next(services_program.problems_of_postgresql(database))

    def test_a_database_that_will(self) -> None:
        assert [*services_program.problems_of_postgresql(self.Database(130000, ("UTF8", "public", "a", False)))] == []

    class Mysql:
        """A connection of mysqlclient's."""

        def __init__(self, facts: tuple[Any, ...], refuses: bool = False) -> None:
            self.facts = facts
            self.refuses = refuses

        def cursor(self) -> Any:
            return self

        def execute(self, query: str) -> None:
            if self.refuses and not query.startswith("SELECT"):
                raise RuntimeError(1142, "CREATE command denied to user")

        def fetchone(self) -> tuple[Any, ...]:
            return self.facts

    @pytest.mark.parametrize(
        ("database", "problem"),
        [
            (Mysql(("10.11.6-MariaDB-0+deb12u1", "utf8mb4", 1, 0)), "MariaDB"),
            (Mysql(("5.7.44", "utf8mb4", 1, 0)), "MySQL 5.7.44; the oldest that Airflow supports is 8.0"),
            (Mysql(("8.4.3", "latin1", 1, 0)), "character set is latin1"),
            (Mysql(("8.4.3", "utf8mb4", 0, 0)), "explicit_defaults_for_timestamp"),
            (Mysql(("8.4.3", "utf8mb4", 1, 1)), "read-only"),
            (Mysql(("8.4.3", "utf8mb4", 1, 0), refuses=True), "may not make and drop tables: (1142, 'CREATE command"),
        ],
    )
    def test_a_mysql_that_will_not_do(self, database: Any, problem: str) -> None:
        (said,) = services_program.problems_of_mysql(database)
        assert problem in said

    def test_a_mysql_that_will(self) -> None:
        assert [*services_program.problems_of_mysql(self.Mysql(("9.1.0", "utf8mb4", 1, 0)))] == []

    class Redis:
        """A client of redis-py's, as far as it is asked for its version."""

        def __init__(self, version: str | None) -> None:
            self.version = version

        def info(self, _section: str) -> dict[str, str]:
            if self.version is None:
                raise RuntimeError("NOPERM this user has no permissions to run the 'info' command")
            return {"redis_version": self.version}

    @pytest.mark.parametrize(("version", "read"), [("7.0.15", (7, 0)), ("4.0", (4, 0)), (None, None)])
    def test_the_version_of_redis(self, version: str | None, read: tuple[int, int] | None) -> None:
        assert services_program.version_of(self.Redis(version)) == read

    class ClusterCrossSlotError(Exception):
        """As newer versions of redis-py name it, which leave the word CROSSSLOT out of its text."""

    class Clustered:
        """A client of a cluster, which says so, or of which only commands of two keys tell it.

        :param error: what a command of two keys of different nodes raises, if one is sent.
        """

        def __init__(self, cluster: dict[str, Any] | None = None, error: Exception | None = None) -> None:
            self.cluster = cluster
            self.error = error

        def info(self, section: str) -> dict[str, Any]:
            if section == "server":
                return {"redis_version": "7.0.15"}
            if self.cluster is None:
                raise RuntimeError("NOPERM this user has no permissions to run the 'info' command")
            return self.cluster

        def brpop(self, keys: list[str], timeout: int) -> None:
            assert timeout
            if self.error and len(set(keys)) > 1:
                raise self.error

        def __getattr__(self, _name: str) -> Any:
            return lambda *_arguments, **_options: SimpleNamespace(
                llen=lambda _key: SimpleNamespace(execute=list), psubscribe=id, get_message=dict, close=list
            )

    def problems_of_broker(self, client: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        @contextlib.contextmanager
        def connection(_url: str, transport_options: dict[str, Any]) -> Iterator[Any]:
            assert transport_options
            yield SimpleNamespace(default_channel=SimpleNamespace(client=client))

        monkeypatch.setitem(sys.modules, "kombu", SimpleNamespace(Connection=connection))
        broker = Service("The broker (redis:6379)", "broker", "redis://redis:6379/0")
        return [in_words(broker, said) for said in services_program.problems_of(asdict(broker))]

    @pytest.mark.parametrize(
        ("cluster", "error"),
        [
            (None, RuntimeError("CROSSSLOT Keys in request don't hash to the same slot")),
            ({}, ClusterCrossSlotError("Keys in request don't hash to the same slot")),
            # One shard has all slots, and ElastiCache answers as text.
            ({"cluster_enabled": 1}, None),
            ({"cluster_enabled": "1"}, None),
        ],
        ids=["CROSSSLOT", "ClusterCrossSlotError", "one shard", "one shard, as text"],
    )
    def test_a_broker_in_cluster_mode_is_told(
        self, cluster: dict[str, Any] | None, error: Exception | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert self.problems_of_broker(self.Clustered(cluster, error), monkeypatch) == [
            "The broker (redis:6379): the server is a cluster, which Celery cannot use; choose one with cluster mode "
            "disabled."
        ]

    @pytest.mark.parametrize("cluster", [None, {}, {"cluster_enabled": 0}])
    def test_a_broker_that_is_none_will_do(
        self, cluster: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert self.problems_of_broker(self.Clustered(cluster), monkeypatch) == []

    class Results:
        """A Redis for results, whose user may not do what ``refused`` names."""

        def __init__(self, refused: str = "") -> None:
            self.refused = refused
            self.sent: list[str] = []

        def info(self, _section: str) -> dict[str, str]:
            return {"redis_version": "7.0.15"}

        def pipeline(self, transaction: bool) -> Any:
            assert transaction
            return self

        def pubsub(self) -> Any:
            return self

        def __getattr__(self, name: str) -> Any:
            def send(*_arguments: Any, **_options: Any) -> Any:
                self.sent.append(name)
                if name == self.refused:
                    raise RuntimeError(f"NOPERM this user has no permissions to run the '{name}' command")
                return self

            return send

    def results(self, url: str, client: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        @contextlib.contextmanager
        def connection(its_url: str, transport_options: dict[str, Any]) -> Iterator[Any]:
            assert its_url == url
            assert transport_options
            yield SimpleNamespace(default_channel=SimpleNamespace(client=client))

        monkeypatch.setitem(sys.modules, "kombu", SimpleNamespace(Connection=connection))
        return services_program.problems_of(asdict(Service("The result backend", "results", url)))

    @pytest.mark.parametrize("scheme", ["redis", "rediss"])
    def test_results_may_be_in_redis(self, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
        client = self.Results()
        assert self.results(f"{scheme}://redis:6379/1", client, monkeypatch) == []
        assert {"setex", "get", "mget", "delete", "publish", "psubscribe"} <= {*client.sent}
        assert "brpop" not in client.sent

    def test_what_a_user_may_not_do_with_results_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (said,) = self.results("redis://redis:6379/1", self.Results("mget"), monkeypatch)
        assert said.startswith("the user may not read results: NOPERM")

    def test_results_in_a_database_are_tried_as_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tried: list[str] = []
        monkeypatch.setattr(services_program, "try_database", lambda service: tried.append(service["url"]) or [])
        assert self.results("db+postgresql://u:p@db/results", None, monkeypatch) == []
        assert tried == ["db+postgresql://u:p@db/results"]

    def test_results_elsewhere_cannot_be_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (said,) = self.results("postgresql://u:p@db/results", None, monkeypatch)
        assert said.startswith("its URL starts neither with db+")


@pytest.mark.parametrize(("package", "said"), [("pytest", []), ("no-such-package", ["no package no-such-package"])])
def test_a_package_is_looked_for_in_what_is_installed(package: str, said: list[str]) -> None:
    service = Service("The image", "package", options={"package": package, "variable": "airflow_executors"})
    found = services_program.problems_of(asdict(service))
    assert len(found) == len(said)
    assert all(part in problem for part, problem in zip(said, found, strict=True))


def test_what_the_image_lacks_is_told_with_the_variable_that_asks_for_it() -> None:
    service = Service("The image (airflow_image)", "package", options={"package": "p", "variable": "airflow_executors"})
    told = [in_words(service, said) for said in services_program.problems_of(asdict(service))]
    assert told == [
        "The image (airflow_image): it has no package p, for which airflow_executors asks. Take an image that has it, "
        "or change airflow_executors."
    ]
