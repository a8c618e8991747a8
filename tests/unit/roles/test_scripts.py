"""The small programs that run in pods, which find there what is stood in for here."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import importlib.metadata
import importlib.util
import json
import re
import runpy
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import quote

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.log_patterns import match_log
from tools.common.paths import ROLES

URL = "postgresql+psycopg2://airflow:x@db:5432/airflow"
MYSQL_URL = "mysql+mysqldb://airflow:x@db:3306/airflow"
AWKWARD = "p@ss:/w?rd#%&+ \"'$(x)`\\n"


class OperationalError(Exception):
    """Stands in for that of a driver."""


class Database:
    """Stands in for psycopg2, and for MySQLdb.

    :param answers: what each connection finds: rows by what stands in the query, or an error.
    """

    OperationalError = OperationalError

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self.answers = list(answers)
        self.urls: list[str] = []
        self.options: dict[str, Any] = {}
        self.queries: list[tuple[str, Any]] = []

    def connect(self, url: str = "", **options: Any) -> Database:
        self.urls.append(url)
        self.options = options
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        self.rows = answer
        return self

    def cursor(self) -> Database:
        return self

    def close(self) -> None:
        pass

    def execute(self, query: str, values: Any = None) -> None:
        self.queries.append((query, values))
        said = f"{query} {values}"
        self.row = next((row for part, row in self.rows.items() if part in said), None)
        if isinstance(self.row, Exception):
            raise self.row

    def fetchone(self) -> Any:
        return self.row

    def fetchall(self) -> Any:
        return self.row or []


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", URL)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Load a program, with modules that stand in for those of the image."""

    monkeypatch.syspath_prepend(str(ROLES / "airflow" / "files"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def load(name: str, **modules: Any) -> ModuleType:
        # The neighbours that it imports go with it.
        for neighbour in ("database", "probe_worker", "wait_for_schema"):
            monkeypatch.delitem(sys.modules, neighbour, raising=False)
        for module, stand_in in modules.items():
            monkeypatch.setitem(sys.modules, module.replace("__", "."), stand_in)
        spec = importlib.util.spec_from_file_location(name, ROLES / "airflow" / "files" / f"{name}.py")
        assert spec
        assert spec.loader
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        return made

    return load


class TestDatabase:
    """MySQL's words are those that MySQL 9.7 and the client library of MariaDB 10.11 said."""

    @pytest.fixture
    def connect(self, load: Any, monkeypatch: Any) -> Callable[..., Database]:
        """Connect to a URL, and return the driver that was asked."""

        def connect(url: str, driver: Database | None = None) -> Database:
            driver = driver or Database({})
            monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", url)
            with load("database", psycopg2=driver, MySQLdb=driver).connected(timeout=3) as cursor:
                self.cursor = cursor
            return driver

        return connect

    @pytest.mark.parametrize("scheme", ["postgresql+psycopg2", "postgresql", "postgres", "postgresql+psycopg"])
    def test_libpq_gets_all_but_the_driver(self, connect: Any, scheme: str) -> None:
        driver = connect(
            f"{scheme}://a%40b:{quote(AWKWARD, safe='')}@one,two:5433/c?sslmode=verify-full&sslrootcert=/x"
        )
        assert driver.urls == [
            f"postgresql://a%40b:{quote(AWKWARD, safe='')}@one,two:5433/c?sslmode=verify-full&sslrootcert=/x"
        ]
        assert driver.options == {"connect_timeout": 3}

    @pytest.mark.parametrize("scheme", ["mysql+mysqldb", "mysql"])
    def test_mysql_is_told_each_part(self, connect: Any, scheme: str) -> None:
        driver = connect(f"{scheme}://a%40b:{quote(AWKWARD, safe='')}@db.example.com:3307/airflow")
        assert driver.urls == [""]
        assert driver.options == {
            "host": "db.example.com",
            "port": 3307,
            "user": "a@b",
            "passwd": AWKWARD,
            "db": "airflow",
            "connect_timeout": 3,
        }

    def test_of_mysql_the_options_of_tls_and_charset_are_passed_on(self, connect: Any) -> None:
        options = connect(
            f"{MYSQL_URL}?ssl_mode=VERIFY_CA&ssl_ca=/ca%20file&ssl_cert=/c&ssl_key=/k&charset=utf8mb4"
        ).options
        assert options["ssl_mode"] == "VERIFY_CA"
        assert options["ssl"] == {"ca": "/ca file", "cert": "/c", "key": "/k"}
        assert options["charset"] == "utf8mb4"

    def test_what_airflow_alone_understands_is_not(self, connect: Any) -> None:
        assert "read_timeout" not in connect(f"{MYSQL_URL}?read_timeout=3").options

    @pytest.mark.parametrize(
        ("url", "error", "message", "permanent"),
        [
            (URL, ("connection to server failed:\n\tConnection refused\n",), "failed: Connection refused", False),
            (URL, ('FATAL:  password authentication failed for user "airflow"',), "authentication failed", True),
            (URL, ('FATAL:  database "nobody" does not exist',), 'database "nobody" does not exist', True),
            (MYSQL_URL, (2003, "Can't connect to server on '10.0.0.9' (115)"), "Can't connect to server on", False),
            (MYSQL_URL, (2005, "Unknown server host 'db' (-2)"), "Unknown server host 'db'", False),
            (MYSQL_URL, (2013, "Lost connection to server at 'handshake: '"), "Lost connection", False),
            (MYSQL_URL, (1044, "Access denied for user 'a'@'%' to database 'b'"), "to database 'b'", True),
            (MYSQL_URL, (1045, "Access denied for user 'a'@'b' (using password: YES)"), "Access denied", True),
            (MYSQL_URL, (1049, "Unknown database 'nobody'"), "Unknown database 'nobody'", True),
        ],
    )
    def test_what_it_says_is_one_line_and_lasts_or_not(
        self, connect: Any, url: str, error: tuple[Any, ...], message: str, permanent: bool
    ) -> None:
        with pytest.raises(Exception, match=re.escape(message)) as raised:
            connect(url, Database(OperationalError(*error)))
        assert type(raised.value).__name__ == "Unavailable"
        assert raised.value.permanent is permanent  # type: ignore[attr-defined]
        assert "\n" not in str(raised.value)

    @pytest.mark.parametrize("url", [URL, MYSQL_URL])
    def test_one_that_ends_meanwhile_is_unavailable(self, load: Any, monkeypatch: Any, url: str) -> None:
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", url)
        ended = Database({"SELECT 1": OperationalError(2006, "server has gone away")})
        module = load("database", psycopg2=ended, MySQLdb=ended)
        with pytest.raises(module.Unavailable, match="server has gone away"), module.connected() as cursor:
            cursor.row("SELECT 1")

    @pytest.mark.parametrize(
        ("url", "asked", "row"),
        [(URL, "to_regclass", False), (URL, "to_regclass", True), (MYSQL_URL, "tables", 0), (MYSQL_URL, "tables", 1)],
    )
    def test_whether_there_is_a_table(self, connect: Any, url: str, asked: str, row: Any) -> None:
        connect(url, Database({asked: (row,)}))
        assert self.cursor.has_table("job") is bool(row)

    def test_where_psycopg2_is_missing_its_successor_is_taken(self, load: Any, monkeypatch: Any) -> None:
        class Missing:
            """What finds no module of one name."""

            @staticmethod
            def find_spec(name: str, *_rest: Any) -> None:
                if name == "psycopg2":
                    raise ModuleNotFoundError(name=name)

        monkeypatch.setattr(sys, "meta_path", [Missing, *sys.meta_path])
        monkeypatch.delitem(sys.modules, "psycopg2", raising=False)
        driver = Database({})
        module = load("database", psycopg=driver)
        with module.connected():
            pass
        assert driver.urls == ["postgresql://airflow:x@db:5432/airflow"]

    def test_no_driver_is_imported_that_is_not_used(self, load: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", MYSQL_URL)
        # An import of what is None here fails.
        with load("database", psycopg2=None, MySQLdb=Database({})).connected():
            pass


class TestHead:
    @pytest.fixture
    def head(self, load: Any, tmp_path: Path) -> Callable[..., str | None]:
        def head(*files: str) -> str | None:
            for number, text in enumerate(files):
                (tmp_path / f"{number}.py").write_text(text)
            found: str | None = load("wait_for_schema").head(tmp_path)
            return found

        return head

    def test_is_the_revision_that_none_follows(self, head: Any) -> None:
        files = ['revision = "b"\ndown_revision = "a"\n', 'revision = "a"\ndown_revision = None\n']
        assert head(*files, 'revision = "c"\ndown_revision = "b"\n') == "c"

    def test_reads_either_quotes_annotations_and_what_stands_behind(self, head: Any) -> None:
        first = "revision: str = 'a'  # not 'c'\ndown_revision: str | None = None\nbranch_labels = 'x'\n"
        second = '"""Revision ID: z"""\nrevision = "b"\ndown_revision: Union[str, None] = "a"\n'
        assert head(first, second) == "b"

    def test_a_merge_follows_two(self, head: Any) -> None:
        files = [f'revision = "{name}"\ndown_revision = "0"\n' for name in "ab"]
        assert head(*files, 'revision = "m"\ndown_revision = ("a", "b")\n', 'revision = "0"\n') == "m"

    @pytest.mark.parametrize("files", [[], ['revision = "a"\n', 'revision = "b"\n'], ["import this\n"]])
    def test_is_none_where_it_is_not_clear(self, head: Any, files: list[str]) -> None:
        assert head(*files) is None


class TestWaitForSchema:
    @pytest.fixture
    def image(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An Airflow with one migration, and one of the FAB provider."""
        for folder, revision in (("migrations/versions", "core"), ("providers/fab/migrations/versions", "fab")):
            versions = tmp_path / "airflow" / folder
            versions.mkdir(parents=True)
            (versions / "0001.py").write_text(f'revision = "{revision}"\ndown_revision = None\n')
        (tmp_path / "airflow" / "__init__.py").write_text("raise AssertionError('imported')\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "airflow", raising=False)
        monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "airflow.providers.fab.auth_manager.FabAuthManager")
        return tmp_path

    def rows(self, core: str | None, fab: str | None) -> dict[str, Any]:
        return {
            "to_regclass(%s) IS NOT NULL ('alembic_version',)": (core is not None,),
            "to_regclass(%s) IS NOT NULL ('alembic_version_fab',)": (fab is not None,),
            "FROM alembic_version_fab": (fab,) if fab else AssertionError("there is no such table"),
            "FROM alembic_version": (core,) if core else AssertionError("there is no such table"),
        }

    def test_wants_what_the_image_has_without_importing_it(self, image: Path, load: Any) -> None:
        assert load("wait_for_schema").wanted_revisions() == {"alembic_version": "core", "alembic_version_fab": "fab"}

    def test_wants_nothing_of_a_provider_that_is_not_used(self, image: Path, load: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "airflow.api_fastapi.SimpleAuthManager")
        assert load("wait_for_schema").wanted_revisions() == {"alembic_version": "core"}

    @pytest.mark.parametrize(("version", "managed"), [("3.1.8", False), ("3.2.0rc1", True), ("3.10.0", True)])
    def test_wants_what_airflow_migrates_of_providers_that_are_not_used(
        self, image: Path, load: Any, monkeypatch: Any, version: str, managed: bool
    ) -> None:
        monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "airflow.api_fastapi.SimpleAuthManager")
        monkeypatch.setattr("importlib.metadata.version", {"apache-airflow-core": version}.__getitem__)
        for provider, managers in (("fab", '["airflow.providers.fab.models.db.FABDBManager"],'), ("git", "[]")):
            folder = image / "airflow" / "providers" / provider
            (folder / "models").mkdir(parents=True)
            (folder / "get_provider_info.py").write_text(f'    return {{"name": "x",\n "db-managers": {managers}\n}}\n')
            (folder / "models" / "db.py").write_text('class DB:\n    version_table_name = "alembic_version_fab"\n')
        wanted = load("wait_for_schema").wanted_revisions()
        assert wanted == {"alembic_version": "core"} | ({"alembic_version_fab": "fab"} if managed else {})

    def test_waits_for_the_database_the_tables_and_both_revisions(self, image: Path, load: Any, capsys: Any) -> None:
        database = Database(
            OperationalError("connection refused"),
            self.rows(None, None),
            self.rows("old", None),
            self.rows("core", None),
            self.rows("core", "old"),
            self.rows("core", "fab"),
        )
        load("wait_for_schema", psycopg2=database).main()
        assert len(database.urls) == 6
        assert set(database.urls) == {"postgresql://airflow:x@db:5432/airflow"}
        said = capsys.readouterr().out.splitlines()
        assert said[0] == "no answer from the database: connection refused"
        assert said[-1] == "The schema is there."
        assert "airflow:x@" not in "".join(said)

    def test_waits_for_mysql_too(self, image: Path, load: Any, capsys: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", MYSQL_URL)
        rows = {
            "information_schema": (1,),
            "FROM alembic_version_fab": ("fab",),
            "FROM alembic_version": ("core",),
        }
        starting = OperationalError(2003, "Can't connect to server on 'db' (115)")
        load("wait_for_schema", MySQLdb=Database(starting, {"information_schema": (0,)}, rows)).main()
        said = capsys.readouterr().out.splitlines()
        assert said[0] == "no answer from the database: Can't connect to server on 'db' (115)"
        assert said[1].startswith("schema is {'alembic_version': None, 'alembic_version_fab': None}, wanted ")
        assert said[2:] == ["The schema is there."]

    def test_says_a_thing_once_and_again_after_a_while(
        self, image: Path, load: Any, capsys: Any, monkeypatch: Any
    ) -> None:
        refused = OperationalError("connection refused")
        seconds = iter([10.0, *(11.0 for _ in range(2)), 14.0, 14.0])
        monkeypatch.setattr("time.monotonic", lambda: next(seconds))
        load("wait_for_schema", psycopg2=Database(refused, refused, refused, refused, self.rows("core", "fab"))).main()
        assert len(capsys.readouterr().out.splitlines()) == 3

    def test_says_a_thing_once(self, image: Path, load: Any, capsys: Any) -> None:
        refused = OperationalError("connection refused")
        load("wait_for_schema", psycopg2=Database(refused, refused, refused, self.rows("core", "fab"))).main()
        assert len(capsys.readouterr().out.splitlines()) == 2


class TestWaitForApiServer:
    OK = b"HTTP/1.1 200 OK\r\n\r\n"

    @pytest.fixture
    def server(self) -> Iterator[Callable[..., int]]:
        """Serve one answer after the other, the last one for ever, and return the port."""
        self.asked: list[bytes] = []
        servers: list[socket.socket] = []

        def serve(*answers: bytes) -> int:
            server = socket.create_server(("127.0.0.1", 0))
            servers.append(server)
            left = list(answers)

            def answer() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        connection, _address = server.accept()
                        with connection:
                            self.asked.append(connection.recv(1000))
                            connection.sendall(left.pop(0) if len(left) > 1 else left[0])

            threading.Thread(target=answer, daemon=True).start()
            return int(server.getsockname()[1])

        yield serve
        for server in servers:
            server.close()

    def of(self, version: str) -> bytes:
        return self.OK + f'{{"version":"{version}","git_version":null}}'.encode()

    @pytest.mark.parametrize(
        ("answer", "well"),
        [
            (b"HTTP/1.1 200 OK\r\n\r\n{}", True),
            (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
            (b"HTTP/1.1 404 Not 200\r\n\r\n", False),
            (b"", False),
        ],
    )
    def test_where_the_image_tells_no_version_any_answer_will_do(
        self, load: Any, server: Any, answer: bytes, well: bool
    ) -> None:
        port = server(answer)
        reason = load("wait_for_api_server").waits_for("127.0.0.1", port, "/airflow", "", "")
        assert reason == ("" if well else f"No answer from http://127.0.0.1:{port}/airflow")
        assert len(self.asked) == 1
        assert self.asked[0].startswith(b"GET /airflow/api/v2/version HTTP/1.0\r\nHost: 127.0.0.1\r\n")

    def test_nobody_listens(self, load: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        reason = load("wait_for_api_server").waits_for("127.0.0.1", port, "", "", "3.1")
        assert match_log([reason]).meaning == "Airflow's API server does not answer there"

    def test_a_name_that_is_not_known_is_no_error(self, load: Any, monkeypatch: Any) -> None:
        def unknown(*_args: Any, **_rest: Any) -> None:
            raise socket.gaierror("Name or service not known")

        monkeypatch.setattr(socket, "create_connection", unknown)
        assert load("wait_for_api_server").waits_for("airflow-api-server", 8080, "", "", "").startswith("No answer")

    @pytest.mark.parametrize(
        ("version", "well"),
        [("3.3.0", True), ("3.3.2", True), ("3.3.0rc1", True), ("3.1.0", False), ("3.4.0", False), ("3.30.0", False)],
    )
    def test_another_minor_version_does_not_count(self, load: Any, server: Any, version: str, well: bool) -> None:
        port = server(self.of(version))
        reason = load("wait_for_api_server").waits_for("127.0.0.1", port, "", "", "3.3")
        assert reason == ("" if well else f"Airflow {version} answers at http://127.0.0.1:{port}, wanted 3.3")
        if not well:
            assert match_log([reason]).meaning.startswith("an API server of another Airflow version")
            assert match_log([reason]).permanent is False

    @pytest.mark.parametrize(
        ("answer", "well"),
        [
            (b'HTTP/1.1 200 OK\r\n\r\n{"version":"3.2.0","git_version":null}', True),
            (b'HTTP/1.1 200 OK\r\n\r\n{"version":"3.2.1","git_version":null}', False),
            (b'HTTP/1.1 200 OK\r\n\r\n{"git_version":"3.2.0"}', False),
            (b'HTTP/1.1 503 No\r\n\r\n{"version":"3.2.0"}', False),
        ],
    )
    def test_only_the_exact_version_counts_where_one_is_named(
        self, load: Any, server: Any, answer: bytes, well: bool
    ) -> None:
        reason = load("wait_for_api_server").waits_for("127.0.0.1", server(answer), "", "3.2.0", "3.2")
        assert (reason == "") is well

    def test_one_that_is_still_among_others_behind_the_service_is_seen(self, load: Any, server: Any) -> None:
        port = server(*[self.of("3.3.2")] * 15, self.of("3.1.0"), self.of("3.3.2"))
        program = load("wait_for_api_server")
        assert "Airflow 3.1.0 answers" in program.waits_for("127.0.0.1", port, "", "", "3.3")
        assert program.waits_for("127.0.0.1", port, "", "", "3.3") == ""
        assert len(self.asked) == 16 + program.IN_A_ROW

    @pytest.fixture
    def run(self, load: Any, monkeypatch: Any) -> Callable[..., list[tuple[Any, ...]]]:
        """Run it with one reason to wait after the other, and return what was asked for."""

        def run(*reasons: str, seconds: Any = None) -> list[tuple[Any, ...]]:
            program = load("wait_for_api_server")
            asked: list[tuple[Any, ...]] = []
            left = iter([*reasons, ""])
            monkeypatch.setenv("API_SERVER_URL", "http://airflow-api-server:8080/airflow")
            monkeypatch.setattr(program.wait_for_schema, "installed_version", lambda: "3.3.2")
            monkeypatch.setattr(program, "waits_for", lambda *wanted: asked.append(wanted) or next(left))
            if seconds:
                monkeypatch.setattr("time.monotonic", lambda: next(seconds))
            program.main()
            return asked

        return run

    def test_says_from_time_to_time_what_it_waits_for(self, run: Any, capsys: Any) -> None:
        run("none", "none", "none", seconds=iter([0.0, 1.0, 3.5, 3.5, 4.0]))
        assert capsys.readouterr().out.splitlines() == [
            "Waiting for http://airflow-api-server:8080/airflow, Airflow 3.3",
            "none",
            "It answers.",
        ]

    def test_asks_until_it_is_of_the_minor_version_of_the_image(self, run: Any) -> None:
        assert run("not yet", "not yet") == [("airflow-api-server", 8080, "/airflow", "", "3.3")] * 3

    def test_or_of_the_exact_one_that_is_named(self, run: Any, monkeypatch: Any, capsys: Any) -> None:
        monkeypatch.setenv("API_SERVER_VERSION", "3.3.1")
        assert run() == [("airflow-api-server", 8080, "/airflow", "3.3.1", "3.3")]
        assert "Airflow 3.3.1" in capsys.readouterr().out


class TestProbeHeartbeat:
    @pytest.fixture
    def probe(self, load: Any, monkeypatch: Any) -> Callable[[float | None], None]:
        monkeypatch.setattr(sys, "argv", ["probe", "TriggererJob", "60"])
        monkeypatch.setattr(socket, "gethostname", lambda: "airflow-triggerer-0")
        self.addresses = ["10.0.0.1"]
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda name, port, type: [(None, type, 6, "", (address, 0)) for address in self.addresses],
        )

        def probe(age: float | None) -> None:
            now = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
            self.database = Database({"FROM job": (None if age is None else now - timedelta(seconds=age), now)})
            load("probe_heartbeat", psycopg2=self.database).main()

        return probe

    @pytest.mark.parametrize("age", [0.0, 59.9])
    def test_a_fresh_one(self, probe: Any, age: float) -> None:
        probe(age)
        ((_query, values),) = self.database.queries
        assert values == ("TriggererJob", "airflow-triggerer-0.%", "airflow-triggerer-0", "10.0.0.1")

    @pytest.mark.parametrize("addresses", [["fd00::7"], ["10.0.0.1", "fd00::7"]])
    def test_any_address_of_the_pod_may_be_its_name(self, probe: Any, addresses: list[str]) -> None:
        """A pod may have IPv6 alone, which ``gethostbyname`` knows nothing of."""
        self.addresses = addresses
        probe(0.0)
        ((query, values),) = self.database.queries
        assert values[3:] == tuple(addresses)
        assert query.count("%s") == len(values)

    def test_an_old_one(self, probe: Any) -> None:
        with pytest.raises(SystemExit, match="the last heartbeat of the TriggererJob is 61 s old, more than 60 s"):
            probe(61.0)

    def test_none(self, probe: Any) -> None:
        with pytest.raises(SystemExit, match="no running TriggererJob of airflow-triggerer-0"):
            probe(None)

    def test_a_port_that_is_served_later(self, probe: Any, monkeypatch: Any) -> None:
        asked: list[tuple[tuple[str, int], float]] = []

        def connect(address: tuple[str, int], timeout: float) -> Any:
            asked.append((address, timeout))
            if len(asked) == 1:
                raise ConnectionRefusedError(111, "Connection refused")
            return MagicMock()

        monkeypatch.setattr("socket.create_connection", connect)
        monkeypatch.setattr(sys, "argv", [*sys.argv, "8794"])
        with pytest.raises(SystemExit, match=r"TriggererJob does not serve port 8794 yet: .*refused"):
            probe(1.0)
        probe(1.0)
        assert asked == [(("airflow-triggerer-0", 8794), 5)] * 2

    def test_no_database(self, probe: Any, load: Any) -> None:
        away = Database(OperationalError("connection refused\n\tIs it running?"))
        with pytest.raises(SystemExit, match=r"^no answer from the database: connection refused Is it running\?$"):
            load("probe_heartbeat", psycopg2=away).main()


class TestWaitForTasks:
    NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)

    @pytest.fixture
    def wait(self, load: Any, monkeypatch: Any) -> Callable[..., Database]:
        """Wait with what each look finds, and return the database that was asked."""
        seconds = iter(range(1000))
        monkeypatch.setattr("time.monotonic", lambda: next(seconds))
        monkeypatch.setattr(sys, "argv", ["wait", "30"])

        def wait(*left: int | Exception) -> Database:
            looks = [
                look if isinstance(look, Exception) else {"CURRENT_TIMESTAMP": (self.NOW,), "task_instance": (look,)}
                for look in left
            ]
            asked = Database(*looks)
            load("wait_for_tasks", psycopg2=asked).main()
            return asked

        return wait

    def test_ends_when_none_is_left_of_those_that_were_there_at_first(self, wait: Any, capsys: Any) -> None:
        asked = wait(2, OperationalError("away"), 1, 0)
        assert [values for query, values in asked.queries if "task_instance" in query] == [(self.NOW,)] * 3
        assert capsys.readouterr().out.splitlines() == [
            "2 tasks still use the old JWT secret",
            "no answer from the database: away",
            "1 tasks still use the old JWT secret",
        ]

    def test_says_what_is_left_when_it_takes_too_long(self, wait: Any) -> None:
        with pytest.raises(SystemExit, match=r"^after 30 s 2 tasks still use the old JWT secret$"):
            wait(2)


class InvalidSignatureError(Exception):
    """What PyJWT raises."""


class ExpiredSignatureError(Exception):
    """What PyJWT raises for a token whose signature is right."""


PYJWT = SimpleNamespace(
    InvalidSignatureError=InvalidSignatureError,
    ExpiredSignatureError=ExpiredSignatureError,
    decode=lambda token, options: json.loads(token) if options == {"verify_signature": False} else None,
)
CONF = SimpleNamespace(getfloat=lambda section, key: {("execution_api", "jwt_expiration_time"): 86400.0}[section, key])


class TestOtherJwtSecret:
    """Of a token only the secret is looked at that it was signed with."""

    @pytest.fixture
    def validator(self, load: Any, monkeypatch: Any) -> Any:
        """Return the class that verifies, as the plugin leaves it."""

        @dataclasses.dataclass
        class JWTValidator:
            secret_key: str

            async def avalidated_claims(self, unvalidated: str, required_claims: Any = None) -> dict[str, Any]:
                if unvalidated != self.secret_key:
                    raise InvalidSignatureError
                return {"signed": unvalidated, "required": required_claims}

        def load_plugin() -> type[JWTValidator]:
            load(
                "airflow_kubernetes_jwt",
                attrs=SimpleNamespace(evolve=dataclasses.replace),
                jwt=PYJWT,
                airflow__configuration=SimpleNamespace(conf=CONF),
                airflow__api_fastapi__auth__tokens=SimpleNamespace(JWTValidator=JWTValidator),
                airflow__plugins_manager=SimpleNamespace(AirflowPlugin=object),
            )
            return JWTValidator

        monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "own")
        return load_plugin

    @pytest.mark.parametrize("token", ["own", "other"])
    def test_tokens_of_both_are_accepted(self, validator: Any, monkeypatch: Any, token: str) -> None:
        monkeypatch.setenv("OTHER_JWT_SECRET", "other")
        claims = asyncio.run(validator()("own").avalidated_claims(token, {"sub": 1}))
        assert claims == {"signed": token, "required": {"sub": 1}}

    def test_no_third_one_is(self, validator: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("OTHER_JWT_SECRET", "other")
        with pytest.raises(InvalidSignatureError):
            asyncio.run(validator()("own").avalidated_claims("third"))

    def test_another_validators_secret_stays_the_only_one(self, validator: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("OTHER_JWT_SECRET", "other")
        with pytest.raises(InvalidSignatureError):
            asyncio.run(validator()("logs").avalidated_claims("other"))

    def test_without_another_one_nothing_changes(self, validator: Any, monkeypatch: Any) -> None:
        monkeypatch.delenv("OTHER_JWT_SECRET", raising=False)
        with pytest.raises(InvalidSignatureError):
            asyncio.run(validator()("own").avalidated_claims("other"))


class TestQueuedToken:
    """A token is the JSON of its claims here, and it is 12 hours after the epoch."""

    NOW = 12 * 3600

    @pytest.fixture
    def validate(self, load: Any) -> Callable[..., Any]:
        """Validate claims by the class that the plugin leaves behind."""

        @dataclasses.dataclass
        class JWTValidator:
            leeway: int = 10

            async def avalidated_claims(inner, unvalidated: str, required_claims: Any = None) -> Any:  # noqa: N805
                claims = json.loads(unvalidated)
                if claims["exp"] <= self.NOW - inner.leeway:
                    raise ExpiredSignatureError
                return claims

        load(
            "airflow_kubernetes_jwt",
            attrs=SimpleNamespace(evolve=dataclasses.replace),
            jwt=PYJWT,
            airflow__api_fastapi__auth__tokens=SimpleNamespace(JWTValidator=JWTValidator),
            airflow__configuration=SimpleNamespace(conf=CONF),
            airflow__plugins_manager=SimpleNamespace(AirflowPlugin=object),
        )

        def validate(**claims: Any) -> Any:
            return asyncio.run(JWTValidator().avalidated_claims(json.dumps(claims)))

        return validate

    def test_of_a_task_that_has_waited_for_hours_is_accepted(self, validate: Any) -> None:
        assert validate(iat=0, exp=600, scope="workload")["scope"] == "workload"

    def test_of_one_that_has_waited_for_more_than_a_day_is_not(self, validate: Any) -> None:
        issued = self.NOW - 86400
        assert validate(iat=issued + 1, exp=issued + 601, scope="workload")
        with pytest.raises(ExpiredSignatureError):
            validate(iat=issued, exp=issued + 600, scope="workload")

    @pytest.mark.parametrize("scope", [{}, {"scope": "execution"}])
    def test_no_other_token_lives_longer(self, validate: Any, scope: dict[str, str]) -> None:
        with pytest.raises(ExpiredSignatureError):
            validate(iat=0, exp=600, **scope)

    def test_one_that_is_valid_stays_as_it_is(self, validate: Any) -> None:
        claims = {"iat": 0, "exp": self.NOW + 1}
        assert validate(**claims) == claims

    def test_one_that_lives_longer_by_itself_is_not_made_to_live_less(self, validate: Any) -> None:
        with pytest.raises(ExpiredSignatureError):
            validate(iat=self.NOW - 100_000, exp=self.NOW - 10, scope="workload")


class TestContentType:
    """What workers before 3.1.6 do not say."""

    def passed(self, load: Any, scope: dict[str, Any]) -> dict[str, Any]:
        """Return what the server behind the middleware gets."""
        plugin = load(
            "airflow_kubernetes_content_type",
            airflow__plugins_manager=SimpleNamespace(AirflowPlugin=object),
        ).UnderstandOldWorkers
        ((middleware),) = plugin.fastapi_root_middlewares
        got: list[dict[str, Any]] = []

        async def application(scope: dict[str, Any], receive: str, send: str) -> None:
            assert (receive, send) == ("receive", "send")
            got.append(scope)

        server = middleware["middleware"](application, *middleware["args"], **middleware["kwargs"])
        asyncio.run(server(scope, "receive", "send"))
        return got[0]

    @pytest.mark.parametrize("path", ["/execution/task-instances/1/run", "/airflow/execution/task-instances/1/run"])
    def test_is_added_for_the_execution_api(self, load: Any, path: str) -> None:
        scope = {"type": "http", "path": path, "headers": [(b"host", b"x")]}
        got = self.passed(load, scope)
        assert got["headers"] == [(b"host", b"x"), (b"content-type", b"application/json")]
        assert scope["headers"] == [(b"host", b"x")]

    @pytest.mark.parametrize(
        "scope",
        [
            {"type": "http", "path": "/execution/x", "headers": [(b"content-type", b"text/plain")]},
            {"type": "http", "path": "/api/v2/dags", "headers": []},
            {"type": "lifespan"},
        ],
    )
    def test_nothing_else_changes(self, load: Any, scope: dict[str, Any]) -> None:
        assert self.passed(load, scope) is scope


class NoBroker(Exception):
    """What kombu's transport raises."""


class TestProbeWorker:
    @pytest.fixture
    def probe(self, load: Any, monkeypatch: Any, tmp_path: Path) -> Callable[[Any], Path]:
        """Run the probe against a worker that gives a reply, and return the path of the note."""
        monkeypatch.setattr(sys, "argv", ["probe", str(tmp_path / "note")])
        monkeypatch.setattr(socket, "gethostname", lambda: "airflow-worker-0")
        monkeypatch.setenv("WORKER_QUEUES", "default,big")
        monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", "redis://:x@redis/0")

        def probe(reply: Any, **options: Any) -> Path:
            class Connection:
                def __init__(self, url: str, connect_timeout: int, transport_options: dict[str, Any]) -> None:
                    assert url == "redis://:x@redis/0"
                    assert transport_options == options

                connection_errors = (NoBroker,)

                def __enter__(self) -> Connection:
                    return self

                def __exit__(self, *_error: object) -> None:
                    pass

            def call(workers: list[str], question: str, arguments: dict[str, Any], timeout: int) -> Any:
                assert (workers, question, arguments) == (["celery@airflow-worker-0"], "active_queues", {})
                if isinstance(reply, Exception):
                    raise reply
                return reply

            mailbox = SimpleNamespace(Mailbox=lambda *_args, **_rest: lambda connection: SimpleNamespace(call=call))
            program = load("probe_worker", kombu=SimpleNamespace(Connection=Connection), kombu__pidbox=mailbox)
            program.DRAINED, program.FIRST_PROCESS = tmp_path / "drained", tmp_path / "stat"
            program.main()
            return tmp_path / "note"

        return probe

    def consumes(self, *queues: str) -> list[dict[str, Any]]:
        return [{"celery@airflow-worker-0": [{"name": queue} for queue in queues]}]

    @pytest.mark.parametrize("queues", [["default", "big"], ["big", "more", "default"]])
    def test_a_worker_that_consumes_its_queues_is_noted(self, probe: Any, queues: list[str]) -> None:
        assert probe(self.consumes(*queues)).exists()

    def test_sentinels_are_asked_by_the_name_of_redis(self, probe: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__MASTER_NAME", "mymaster")
        assert probe(self.consumes("default", "big"), master_name="mymaster").exists()

    def test_sentinels_are_given_their_password(self, probe: Any, monkeypatch: Any) -> None:
        option = "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__SENTINEL_KWARGS"
        monkeypatch.setenv(option, json.dumps({"password": AWKWARD}))
        assert probe(self.consumes("default", "big"), sentinel_kwargs={"password": AWKWARD}).exists()

    @pytest.mark.parametrize("reply", [None, []], ids=["silent", "no reply"])
    def test_one_that_does_not_answer_may_be_starting(self, probe: Any, tmp_path: Path, reply: Any) -> None:
        with pytest.raises(SystemExit, match=r"^the worker does not answer$"):
            probe(reply)
        assert not (tmp_path / "note").exists()

    def test_a_broker_that_refuses_is_told_in_one_line(self, probe: Any, tmp_path: Path) -> None:
        with pytest.raises(SystemExit, match=r"^the broker cannot be used: WRONGPASS invalid pair$"):
            probe(RuntimeError("WRONGPASS\n  invalid pair"))
        assert not (tmp_path / "note").exists()

    @pytest.mark.parametrize(
        "reply",
        [[{"celery@airflow-worker-0": None}], [{"celery@airflow-worker-0": [{"name": "default"}]}]],
        ids=["lost all", "lost one"],
    )
    def test_one_that_does_not_is_not(self, probe: Any, tmp_path: Path, reply: Any) -> None:
        with pytest.raises(SystemExit, match=r"the worker consumes .*, wanted \['big', 'default'\]"):
            probe(reply)
        assert not (tmp_path / "note").exists()

    @pytest.mark.parametrize("error", [NoBroker("gone"), ConnectionRefusedError("gone")])
    def test_one_without_a_broker_is_not_ready_and_not_restarted(
        self, probe: Any, tmp_path: Path, error: Exception
    ) -> None:
        with pytest.raises(SystemExit, match="the broker does not answer: gone"):
            probe(error)
        assert (tmp_path / "note").exists()

    STAT = "1 (dumb-init) S 0 1 1 0 -1 4194560 9 8 7 6 5 4 3 2 20 0 1 0 {} 2347008 200"

    def test_a_drained_one_need_only_answer(self, probe: Any, tmp_path: Path) -> None:
        (tmp_path / "stat").write_text(self.STAT.format(4711))
        (tmp_path / "drained").write_text("4711")
        assert probe(self.consumes()).exists()
        with pytest.raises(SystemExit, match=r"^the worker does not answer$"):
            probe(None)

    def test_what_follows_a_restart_of_the_container_has_to_consume_again(self, probe: Any, tmp_path: Path) -> None:
        (tmp_path / "stat").write_text(self.STAT.format(4712))
        (tmp_path / "drained").write_text("4711")
        with pytest.raises(SystemExit, match="the worker consumes no queue"):
            probe(self.consumes())


class TestMigrate:
    @pytest.fixture
    def migrate(self, load: Any, monkeypatch: Any) -> Callable[..., Any]:
        """Load it with the neighbour that it imports, for an image that knows the revisions ``old`` and ``core``."""

        def migrate(database: Any, **modules: Any) -> Any:
            program = load("migrate", psycopg2=database, MySQLdb=database, **modules)
            waiting = program.wait_for_schema
            monkeypatch.setattr(waiting, "migration_folders", lambda: {"alembic_version": [Path("versions")]})
            monkeypatch.setattr(waiting, "revisions", lambda folder: ({"old", "core"}, {"old"}))
            return program

        return migrate

    def at(self, revision: str | None) -> dict[str, Any]:
        return {"to_regclass": (revision is not None,), "FROM alembic_version": (revision,)}

    def test_waits_for_a_database_that_is_starting(self, migrate: Any, capsys: Any) -> None:
        starting = OperationalError("connection refused\n\tIs the server running?")
        database = Database(starting, starting, self.at(None))
        migrate(database).wait_for_database()
        assert database.urls == ["postgresql://airflow:x@db:5432/airflow"] * 3
        assert capsys.readouterr().out == "Waiting for the database: connection refused Is the server running?\n"

    @pytest.mark.parametrize(
        "message", ['password authentication failed for user "airflow"', 'database "airflow" does not exist']
    )
    def test_what_will_not_pass_ends_it_at_once(self, migrate: Any, message: str) -> None:
        database = Database(OperationalError(message))
        with pytest.raises(SystemExit, match=f"The database cannot be used: {message}"):
            migrate(database).wait_for_database()
        assert len(database.urls) == 1

    def test_nor_what_mysql_refuses(self, migrate: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", MYSQL_URL)
        database = Database(OperationalError(1045, "Access denied for user 'airflow'@'10.0.0.1' (using password: YES)"))
        with pytest.raises(SystemExit, match="The database cannot be used: Access denied for user 'airflow'"):
            migrate(database).wait_for_database()
        assert len(database.urls) == 1

    @pytest.mark.parametrize(("given", "tries"), [(None, 61), ("5", 6)])
    def test_a_minute_is_enough(self, migrate: Any, monkeypatch: Any, given: str | None, tries: int) -> None:
        seconds = iter(range(1000))
        monkeypatch.setattr("time.monotonic", lambda: next(seconds))
        if given:
            monkeypatch.setenv("DATABASE_TIMEOUT", given)
        database = Database(OperationalError("connection refused"))
        with pytest.raises(SystemExit, match="connection refused"):
            migrate(database).wait_for_database()
        assert len(database.urls) == tries - 1

    @pytest.mark.parametrize("revision", [None, "old", "core"])
    def test_a_database_that_it_knows_is_migrated(self, migrate: Any, revision: str | None) -> None:
        migrate(Database(self.at(revision))).wait_for_database()

    @pytest.mark.parametrize(
        ("wanted", "packages"),
        [
            ("3.1.0", {"apache-airflow-core": "3.1.0", "apache-airflow": "3.1.0"}),
            ("3.2.0", {"apache-airflow-core": "3.2.0rc1"}),
            ("3.1.1-local", {"apache-airflow": "3.1.1+local"}),
            # An image that does not say, and a Job that does not ask.
            ("3.1.0", {}),
            ("", {"apache-airflow": "3.1.0"}),
        ],
    )
    def test_the_wanted_airflow_migrates(
        self, migrate: Any, monkeypatch: Any, wanted: str, packages: dict[str, str]
    ) -> None:
        self.has(monkeypatch, wanted, packages)
        migrate(Database(OperationalError("asked"))).refuse_other_version()

    @pytest.mark.parametrize("package", ["apache-airflow-core", "apache-airflow"])
    @pytest.mark.parametrize("present", ["3.1.0", "3.1.10", "3.2.8", "2.11.0"])
    def test_another_airflow_does_not(self, migrate: Any, monkeypatch: Any, package: str, present: str) -> None:
        self.has(monkeypatch, "3.1.8", {package: present})
        database = Database(OperationalError("asked"))
        with pytest.raises(
            SystemExit, match=f"^airflow_version is 3.1.8, but the image has Airflow {present}. "
        ) as end:
            migrate(database).refuse_other_version()
        assert database.urls == []
        assert match_log([str(end.value)]).meaning == "the image has another Airflow than airflow_version says"

    def test_that_is_the_first_thing_that_a_migration_looks_at(self, migrate: Any, monkeypatch: Any) -> None:
        self.has(monkeypatch, "3.1.8", {"apache-airflow-core": "3.1.0"})
        database = Database(OperationalError("asked"))
        program = migrate(database)
        with pytest.raises(SystemExit, match=r"the image has Airflow 3\.1\.0"):
            runpy.run_path(program.__file__, run_name="__main__")
        assert database.urls == []

    def has(self, monkeypatch: Any, wanted: str, packages: dict[str, str]) -> None:
        """Let an image have some packages, and a Job want a version of Airflow."""

        def version(package: str) -> str:
            if package in packages:
                return packages[package]
            raise importlib.metadata.PackageNotFoundError(package)

        monkeypatch.setattr("importlib.metadata.version", version)
        monkeypatch.setenv("WANTED_VERSION", wanted)

    def test_a_database_of_a_newer_airflow_is_not(self, migrate: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("AIRFLOW_VERSION", "3.1.0")
        with pytest.raises(SystemExit, match=r"at revision new .*which this Airflow does not know \(3.1.0\)"):
            migrate(Database(self.at("new"))).wait_for_database()

    SESSION = (7, "airflow", "psql", "10.0.0.9", "idle in transaction", 312)

    @pytest.fixture
    def look(self, migrate: Any, capsys: Any) -> Callable[..., list[str]]:
        """Look at who blocks the migration as often as there are answers, and return what was told of that."""

        def look(*answers: Any, terminates: bool = False, refused: Exception | None = None) -> list[str]:
            self.database = Database({})
            program = migrate(self.database)
            watch = program.BlockerWatch("airflow-migrate pod", terminates)
            for rows in answers:
                self.database.answers = [{"pg_blocking_pids": rows, "pg_terminate_backend": refused or (True,)}]
                with program.database.connected() as cursor:
                    watch.look(cursor)
            return list(capsys.readouterr().out.splitlines())

        return look

    def test_who_blocks_it_is_told_once_and_that_it_is_over(self, look: Any) -> None:
        assert look([self.SESSION], [self.SESSION], [self.SESSION], [], []) == [
            "The migration is blocked by session 7: user airflow, application psql, at 10.0.0.9, idle in transaction, "
            "its transaction began 312 s ago",
            "The migration is not blocked any more.",
        ]
        assert self.database.queries[0][1] == ("airflow-migrate pod",)

    def test_another_one_is_told_again(self, look: Any) -> None:
        other = (8, "etl", None, None, None, None)
        told = look([self.SESSION], [self.SESSION, other], [self.SESSION, other], [other])
        assert [line[:43] for line in told] == [
            f"The migration is blocked by session {pid}: user" for pid in ("7", "8")
        ]

    def test_a_lock_of_a_moment_is_not(self, look: Any) -> None:
        assert look([self.SESSION], [], [(8, *self.SESSION[1:])], []) == []

    def test_nobody_is_ended_unless_asked(self, look: Any) -> None:
        look([self.SESSION], [self.SESSION], [self.SESSION])
        assert not [query for query, _values in self.database.queries if "terminate" in query]

    def test_who_was_told_is_ended_then(self, look: Any) -> None:
        told = look([self.SESSION], [self.SESSION], [self.SESSION], [], terminates=True)
        assert told[1:] == ["Ended session 7, which blocked the migration.", "The migration is not blocked any more."]
        assert [values for query, values in self.database.queries if "terminate" in query] == [(7,)]

    def test_one_that_may_not_be_ended_is_told_once(self, look: Any) -> None:
        told = look(*[[self.SESSION]] * 5, terminates=True, refused=RuntimeError("must be a\nsuperuser"))
        assert told[1:] == ["Session 7 cannot be ended: must be a superuser"]

    @pytest.mark.parametrize(("url", "watches"), [(URL, True), (MYSQL_URL, False)])
    def test_a_second_connection_looks_while_it_migrates(
        self, migrate: Any, monkeypatch: Any, capsys: Any, url: str, watches: bool
    ) -> None:
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", url)
        monkeypatch.setenv("PGAPPNAME", "mine")
        looked = threading.Event()
        main = SimpleNamespace(main=lambda: looked.wait(5 if watches else 0))
        database = Database({"pg_blocking_pids": [self.SESSION]})
        program = migrate(database)
        monkeypatch.setitem(sys.modules, "airflow.__main__", main)
        monkeypatch.setattr(program, "LOOK_EVERY", 0.001)
        tell = program.BlockerWatch.look

        def look(watch: Any, cursor: Any) -> None:
            tell(watch, cursor)
            if watch._told:
                looked.set()

        monkeypatch.setattr(program.BlockerWatch, "look", look)
        program.migrate()
        assert ("blocked by session 7" in capsys.readouterr().out) is watches
        assert (database.queries != []) is watches

    @pytest.fixture
    def ensure(self, migrate: Any, monkeypatch: Any) -> Callable[..., list[str]]:
        """Ensure the administrator where there is a user with a password, or none; return what was done."""
        monkeypatch.setenv("ADMIN_USERNAME", "admin")
        monkeypatch.setenv("ADMIN_PASSWORD", "hunter2")
        monkeypatch.setenv("ADMIN_EMAIL", "admin@example.com")

        def ensure(password: str | None, can_add: bool = True, other: Any = None) -> list[str]:
            done: list[str] = []

            class Manager:
                def find_user(self, username: str = "", email: str = "") -> Any:
                    if email:
                        return other
                    return None if password is None else SimpleNamespace(id=7, password=f"hash of {password}")

                def update_user(self, user: Any) -> bool:
                    done.append(f"update {user.username}")
                    return True

                def find_role(self, name: str) -> str:
                    return f"role {name}"

                def add_user(self, username: str, first: str, last: str, email: str, role: str, password: str) -> bool:
                    done.append(f"add {username} {email} {role} {password}")
                    return can_add

                def reset_password(self, identifier: int, password: str) -> None:
                    done.append(f"reset {identifier} {password}")

            class Builder:
                sm = Manager()

                def __enter__(self) -> Builder:
                    return self

                def __exit__(self, *_error: object) -> None:
                    pass

            utils = SimpleNamespace(get_application_builder=Builder)
            security = SimpleNamespace(check_password_hash=lambda hashed, word: hashed == f"hash of {word}")
            program = migrate(
                Database({}),
                airflow__providers__fab__auth_manager__cli_commands__utils=utils,
                werkzeug__security=security,
                **{
                    name: ModuleType(name)
                    for name in (
                        "airflow",
                        "airflow__providers",
                        "airflow__providers__fab",
                        "airflow__providers__fab__auth_manager",
                        "airflow__providers__fab__auth_manager__cli_commands",
                        "werkzeug",
                    )
                },
            )
            program.ensure_administrator()
            return done

        return ensure

    def test_makes_the_administrator(self, ensure: Any, capsys: Any) -> None:
        assert ensure(None) == ["add admin admin@example.com role Admin hunter2"]
        assert "hunter2" not in capsys.readouterr().out

    def test_gives_it_the_password_of_the_secret(self, ensure: Any, capsys: Any) -> None:
        assert ensure("old") == ["reset 7 hunter2"]
        assert "hunter2" not in capsys.readouterr().out

    def test_leaves_it_alone_when_the_password_is_that(self, ensure: Any) -> None:
        assert ensure("hunter2") == []

    def test_renames_the_one_that_was_made_before(self, ensure: Any, capsys: Any) -> None:
        before = {"id": 7, "username": "root", "password": "hash of hunter2"}
        made = SimpleNamespace(**before, first_name="Airflow", last_name="Administrator")
        assert ensure(None, other=made) == ["update admin"]
        assert "Renamed the administrator root to admin." in capsys.readouterr().out

    def test_leaves_alone_a_user_with_its_address(self, ensure: Any) -> None:
        somebody = SimpleNamespace(username="ada", first_name="Ada", last_name="Lovelace")
        with pytest.raises(
            SystemExit, match=r"The user ada has the e-mail address admin@example.com already.*airflow_ad"
        ):
            ensure(None, other=somebody)

    def test_says_when_it_could_not_be_made(self, ensure: Any) -> None:
        with pytest.raises(SystemExit, match="The administrator admin could not be created"):
            ensure(None, can_add=False)


class TestWebserverConfig:
    """The file is run as Flask does it: with its own path, and what is in capitals is taken."""

    @pytest.fixture
    def configured(self, tmp_path: Path, monkeypatch: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
        const = SimpleNamespace(AUTH_DB=1, AUTH_LDAP=2, AUTH_OAUTH=4)
        monkeypatch.setitem(sys.modules, "flask_appbuilder", SimpleNamespace(const=const))

        def run(given: dict[str, Any]) -> dict[str, Any]:
            file = tmp_path / "webserver_config.py"
            file.write_text((ROLES / "airflow" / "files" / "webserver_config.py").read_text())
            (tmp_path / "auth.json").write_text(json.dumps(given))
            return {name: value for name, value in runpy.run_path(str(file)).items() if name.isupper()}

        return run

    def test_options_are_taken_as_they_are(self, configured: Any) -> None:
        given = {"AUTH_TYPE": "AUTH_DB", "AUTH_ROLE_PUBLIC": "Viewer"}
        assert configured(given) == {"AUTH_TYPE": 1, "AUTH_ROLE_PUBLIC": "Viewer"}

    def test_the_directorys_password_comes_from_the_environment(self, configured: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("AIRFLOW_KUBERNETES_LDAP_PASSWORD", AWKWARD)
        assert configured({"AUTH_TYPE": "AUTH_LDAP"}) == {"AUTH_TYPE": 2, "AUTH_LDAP_BIND_PASSWORD": AWKWARD}

    def test_the_secret_of_a_provider_comes_from_the_environment(self, configured: Any, monkeypatch: Any) -> None:
        monkeypatch.setenv("AIRFLOW_KUBERNETES_OAUTH_MY_COMPANY", AWKWARD)
        providers = [{"name": "my-company", "remote_app": {"client_id": "airflow"}}]
        (provider,) = configured({"AUTH_TYPE": "AUTH_OAUTH", "OAUTH_PROVIDERS": providers})["OAUTH_PROVIDERS"]
        assert provider["remote_app"] == {"client_id": "airflow", "client_secret": AWKWARD}


def test_the_login_of_flower_is_whole(monkeypatch: Any) -> None:
    monkeypatch.setenv("FLOWER_USERNAME", "admin")
    monkeypatch.setenv("FLOWER_PASSWORD", "a,b$HOME")
    assert runpy.run_path(str(ROLES / "airflow" / "files" / "flower_config.py"))["basic_auth"] == ["admin:a,b$HOME"]


class TestTrust:
    """One file of the CAs of the image and those of the user's own."""

    ONE, TWO, THREE = (
        f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"
        for body in ("MIIBone", "MIIBtwo", "MIIBthree")
    )

    @pytest.fixture
    def trust(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
        """Return what the program writes, for an image that trusts two CAs, the second of them by certifi as well."""
        system, packaged = tmp_path / "system.crt", tmp_path / "certifi" / "cacert.pem"
        packaged.parent.mkdir()
        system.write_text(f"{self.ONE}\n{self.TWO}\n")
        packaged.write_text(f"# Issuer: two\r\n{self.TWO.replace(chr(10), chr(13) + chr(10))}\r\n")

        def trust(own: str, *missing: Path) -> str:
            (tmp_path / "own.crt").write_text(own)
            program = runpy.run_path(str(ROLES / "airflow" / "files" / "trust_certificates.py"))
            files = program["main"].__globals__
            files["trusted"] = lambda: (path for path in (system, packaged) if path not in missing)
            program["main"](tmp_path / "own.crt", tmp_path / "all.crt")
            return (tmp_path / "all.crt").read_text()

        return trust

    def test_has_each_certificate_once(self, trust: Callable[..., str]) -> None:
        written = trust(f"the company's\n{self.THREE}\n")
        assert re.findall(r"MIIB\w+", written) == ["MIIBthree", "MIIBone", "MIIBtwo"]
        assert written.count("-----BEGIN CERTIFICATE-----") == written.count("-----END CERTIFICATE-----") == 3
        assert "company" not in written

    def test_refuses_what_has_none(self, trust: Callable[..., str]) -> None:
        with pytest.raises(SystemExit, match="no certificate in PEM: correct the ConfigMap that airflow_ca_config_map"):
            trust("-----BEGIN PRIVATE KEY-----")

    def test_looks_where_the_image_has_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        program = runpy.run_path(str(ROLES / "airflow" / "files" / "trust_certificates.py"))
        certifi = pytest.importorskip("certifi")
        program["trusted"].__globals__["SYSTEM"] = Path("/nowhere")
        assert list(program["trusted"]()) == [Path(certifi.where())]


class CeleryWorker:
    """Stands in for a worker that is told by remote control: its queues, and its tasks of each moment.

    :ivar moments: the tasks that it has, by state, one moment after the other; each look at the active ones ends one.
    """

    def __init__(self, *moments: dict[str, list[Any]]) -> None:
        self.queues = {"default", "big"}
        self.moments = [*moments]
        self.told: list[tuple[str, Any]] = []
        self.silent = False

    def call(self, workers: list[str], command: str, arguments: dict[str, Any], timeout: int) -> Any:
        assert workers == ["celery@airflow-worker-0"]
        self.told.append((command, arguments.get("queue")))
        if self.silent:
            return None
        answer: Any = {"ok": "done"}
        if command == "active_queues":
            answer = [{"name": queue} for queue in sorted(self.queues)]
        elif command == "cancel_consumer":
            self.queues.discard(arguments["queue"])
        elif command == "add_consumer":
            self.queues.add(arguments["queue"])
        else:
            answer = self.moments[0].get(command, [])
            if command == "active" and len(self.moments) > 1:
                self.moments.pop(0)
        return [{workers[0]: answer}]


class TestDrainWorker:
    def request(self, number: str, **instance: Any) -> dict[str, Any]:
        names = {"dag_id": "etl", "task_id": "load", "run_id": "manual", "map_index": -1, **instance}
        workload = json.dumps({"token": "secret-token", "ti": names, "type": "ExecuteTask"})
        return {"id": number, "name": "execute_workload", "args": [workload], "time_start": 12.5}

    @pytest.fixture
    def run(self, load: Any, monkeypatch: Any, tmp_path: Path, capsys: Any) -> Callable[..., Any]:
        """Run the program against a worker, and return what it prints."""
        monkeypatch.setattr(socket, "gethostname", lambda: "airflow-worker-0")
        monkeypatch.setenv("WORKER_QUEUES", "default,big")
        monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", "redis://:x@redis/0")
        (tmp_path / "stat").write_text(TestProbeWorker.STAT.format(4711))
        clock = iter(range(1000))
        monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))

        def run(worker: CeleryWorker, action: str = "drain", seconds: str = "5") -> Any:
            monkeypatch.setattr(sys, "argv", ["drain_worker.py", action, seconds])
            mailbox = SimpleNamespace(Mailbox=lambda *_args, **_rest: lambda connection: worker)
            connection = MagicMock()
            program = load("drain_worker", kombu=SimpleNamespace(Connection=connection), kombu__pidbox=mailbox)
            program.probe_worker.DRAINED = tmp_path / "drained"
            program.probe_worker.FIRST_PROCESS = tmp_path / "stat"
            program.main()
            printed = capsys.readouterr().out
            assert "secret-token" not in printed
            return json.loads(printed)

        return run

    def test_all_consumers_are_cancelled_and_the_probes_told(self, run: Any, tmp_path: Path) -> None:
        worker = CeleryWorker({})
        assert run(worker) == {"drained": True, "tasks": []}
        assert worker.queues == set()
        assert (tmp_path / "drained").read_text() == "4711"
        # It is seen without a task twice.
        assert [command for command, _queue in worker.told].count("active") >= 2

    def test_tasks_are_told_without_their_tokens(self, run: Any) -> None:
        worker = CeleryWorker({"active": [self.request("1", map_index=3)], "reserved": [self.request("2")]})
        answer = run(worker)
        assert not answer["drained"]
        assert answer["tasks"] == [
            {"id": "1", "state": "active", "since": 12.5, "name": "etl.load[3]", "run": "manual"},
            {"id": "2", "state": "reserved", "since": 12.5, "name": "etl.load", "run": "manual"},
        ]

    def test_it_answers_when_a_task_has_ended(self, run: Any) -> None:
        two = {"active": [self.request("1"), self.request("2")]}
        answer = run(CeleryWorker(two, two, {"active": [self.request("2")]}), seconds="900")
        assert [task["id"] for task in answer["tasks"]] == ["2"]

    def test_one_that_becomes_active_between_two_questions_is_not_missed(self, run: Any) -> None:
        asked = CeleryWorker({"reserved": [self.request("1")], "active": [self.request("1")]})
        assert [task["state"] for task in run(asked)["tasks"]] == ["active"]
        commands = [command for command, _queue in asked.told if command in ("reserved", "active")]
        assert commands[:2] == ["reserved", "active"]

    def test_what_is_no_task_of_airflows_has_its_own_name(self, run: Any) -> None:
        (task,) = run(CeleryWorker({"active": [{"id": "1", "name": "ping", "args": []}]}))["tasks"]
        assert (task["name"], task["since"]) == ("ping", None)

    def test_it_takes_tasks_again(self, run: Any, tmp_path: Path) -> None:
        worker = CeleryWorker({})
        run(worker)
        run(worker, "resume")
        assert worker.queues == {"default", "big"}
        assert not (tmp_path / "drained").exists()

    def test_one_that_does_not_answer_is_told(self, run: Any) -> None:
        worker = CeleryWorker({})
        worker.silent = True
        with pytest.raises(SystemExit, match=r"^the worker does not answer$"):
            run(worker)

    def test_a_broker_that_refuses_is_told_in_one_line(self, run: Any, monkeypatch: Any) -> None:
        worker = CeleryWorker({})
        monkeypatch.setattr(worker, "call", MagicMock(side_effect=RuntimeError("WRONGPASS\n  invalid pair")))
        with pytest.raises(SystemExit, match=r"^the broker cannot be used: WRONGPASS invalid pair$"):
            run(worker)
