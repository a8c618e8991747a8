# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the way back to an older Airflow rewrites, in a database in memory, with Airflow's formats stood in for."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sqlite3
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tools.common.paths import ROLES

NEW, OLD = {"began": "now"}, {"__var": {"began": "now"}, "__type": "dict"}
DAG = {"dag": {"dag_id": "a", "deadline": [1]}}


class Database:
    """Stands in for that of the program, whose values and answers SQLite understands as they are."""

    def __init__(self) -> None:
        self.kind = "sqlite"
        self.connection = sqlite3.connect(":memory:")
        self.connection.executescript(
            """
            CREATE TABLE task_instance (id TEXT, state TEXT, next_kwargs TEXT);
            CREATE TABLE task_instance_history (task_instance_id TEXT, next_kwargs TEXT);
            CREATE TABLE "trigger" (id INTEGER, kwargs TEXT);
            CREATE TABLE serialized_dag (id TEXT, data TEXT);
            CREATE TABLE dag_run (id INTEGER, run_type TEXT);
            """
        )

    def run(self, statement: str, **values: Any) -> Any:
        return self.connection.execute(statement.replace(" trigger", ' "trigger"'), values)

    def tables(self) -> set[str]:
        return {row[0] for row in self.run("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def columns(self, table: str) -> set[str]:
        return {row[1] for row in self.run(f"PRAGMA table_info({table})")}

    def rows(self, query: str) -> list[Any]:
        return self.run(query).fetchall()


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("downgrade", ROLES / "airflow" / "files" / "downgrade.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "old_format", lambda value: {"__var": value, "__type": "dict"})
    monkeypatch.setattr(module, "decrypted", lambda text: json.loads(text.removeprefix("x")))
    monkeypatch.setattr(module, "encrypted", lambda value: "x" + json.dumps(value))
    return module


@pytest.fixture
def database() -> Iterator[Database]:
    made = Database()
    for identity, state, value in (("1", "deferred", NEW), ("2", "deferred", OLD), ("3", "awaiting_input", None)):
        made.run(
            "INSERT INTO task_instance VALUES (:id, :state, :value)",
            id=identity,
            state=state,
            value=value and json.dumps(value),
        )
    made.run("INSERT INTO task_instance_history VALUES ('1', :value)", value=json.dumps(NEW))
    made.run('INSERT INTO "trigger" VALUES (1, :value)', value="x" + json.dumps(NEW))
    made.run("INSERT INTO serialized_dag VALUES ('1', :value)", value=json.dumps(DAG))
    for run_type in ("manual", "asset_materialization", "operator_triggered"):
        made.run("INSERT INTO dag_run VALUES (1, :type)", type=run_type)
    yield made
    made.connection.close()


def rewrite(program: ModuleType, database: Any, *target: int) -> list[str]:
    return list(program.rewrite(database, target, (3, 4, 0)))


def test_back_to_3_1_all_is_rewritten_that_it_does_not_read(program: ModuleType, database: Database) -> None:
    rewrite(program, database, 3, 1, 0)
    kwargs = [json.loads(row[0]) for row in database.rows("SELECT next_kwargs FROM task_instance WHERE id < '3'")]
    assert kwargs == [OLD, OLD]
    assert json.loads(database.rows("SELECT next_kwargs FROM task_instance_history")[0][0]) == OLD
    assert database.rows("SELECT kwargs FROM trigger") == [("x" + json.dumps(OLD),)]
    assert json.loads(database.rows("SELECT data FROM serialized_dag")[0][0])["dag"]["deadline"] is None
    assert {row[0] for row in database.rows("SELECT run_type FROM dag_run")} == {"manual"}
    assert database.rows("SELECT state FROM task_instance WHERE id = '3'") == [(None,)]


def test_back_to_3_2_only_what_is_new_in_3_3(program: ModuleType, database: Database) -> None:
    rewrite(program, database, 3, 2, 2)
    assert database.rows("SELECT kwargs FROM trigger") == [("x" + json.dumps(NEW),)]
    assert [row[0] for row in database.rows("SELECT run_type FROM dag_run")] == [
        "manual",
        "asset_materialization",
        "manual",
    ]
    assert json.loads(database.rows("SELECT data FROM serialized_dag")[0][0]) == DAG


def test_twice_is_as_once(program: ModuleType, database: Database) -> None:
    rewrite(program, database, 3, 1, 0)
    before = list(database.connection.iterdump())
    lines = rewrite(program, database, 3, 1, 0)
    assert list(database.connection.iterdump()) == before
    assert not [line for line in lines if any(number in line for number in "123456789")]


@pytest.mark.parametrize("data", [None, [], {"dag": {"dag_id": "a"}}, {"dag": {"deadline": {"__var": 1}}}])
def test_a_dag_without_deadlines_stays(program: ModuleType, data: Any) -> None:
    assert program.without_deadlines(data) is None


@pytest.mark.parametrize(("raw", "data"), [('{"a": 1}', {"a": 1}), (b"[]", []), ({"a": 1}, {"a": 1}), (None, None)])
def test_a_column_of_json_is_read_whatever_the_driver_gives(program: ModuleType, raw: Any, data: Any) -> None:
    assert program.decoded(raw) == data


class TestCommands:
    """The order of Airflow's own commands, and that none runs for nothing."""

    HEADS = ("c1", "f1")

    def run(
        self, program: ModuleType, monkeypatch: pytest.MonkeyPatch, present: tuple[str, str], fails: str = ""
    ) -> list[str]:
        state = dict(zip(("alembic_version", "alembic_version_fab"), present, strict=True))
        done: list[str] = []

        class Stand:
            def __init__(self, _connection: Any) -> None:
                self.kind = "postgresql"

            def revision(self, table: str) -> str:
                return state[table]

        def command(arguments: list[str], check: bool) -> Any:
            done.append(" ".join(arguments[1:5]))
            if arguments[1] == fails:
                return SimpleNamespace(returncode=1)
            state["alembic_version" if arguments[1] == "db" else "alembic_version_fab"] = arguments[4]
            return SimpleNamespace(returncode=0)

        engine = SimpleNamespace(connect=contextlib.nullcontext, begin=contextlib.nullcontext)
        monkeypatch.setitem(sys.modules, "sqlalchemy", SimpleNamespace(create_engine=lambda _url: engine))
        monkeypatch.setattr(program, "Database", Stand)
        monkeypatch.setattr(program, "rewrite", lambda *_given: done.append("rewrite") or [])
        monkeypatch.setattr(program.subprocess, "run", command)
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://")
        for name, value in zip(("CORE_REVISION", "FAB_REVISION"), self.HEADS, strict=True):
            monkeypatch.setenv(f"TARGET_{name}", value)
        monkeypatch.setenv("TARGET_VERSION", "3.1.0")
        monkeypatch.setenv("TARGET_FAB_VERSION", "3.0.0")
        program.main()
        return done

    def test_rewrite_then_airflow_then_fab(self, program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.run(program, monkeypatch, ("c3", "f2")) == [
            "rewrite",
            "db downgrade --to-revision c1",
            "fab-db downgrade --to-revision f1",
        ]

    def test_what_is_over_is_not_done_again(self, program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.run(program, monkeypatch, ("c1", "f2")) == ["fab-db downgrade --to-revision f1"]
        assert self.run(program, monkeypatch, self.HEADS) == []

    def test_what_fails_is_told(self, program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(SystemExit, match=r"airflow db downgrade .* failed"):
            self.run(program, monkeypatch, ("c3", "f2"), fails="db")
