"""The scripts that run the clients of databases, with stand-ins for these."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.common.paths import ROLES

#: Each notes what it was called with and what it reads, and answers what the test says.
STAND_IN = """#!/bin/bash
echo "$0 $*" >> "$NOTES/calls"
name=$(basename "$0")
if [[ $name =~ ^(psql|mysql)$ && $* != *--command=* && $* != *--execute=* ]]; then cat > "$NOTES/script"; exit; fi
case $* in
  *count*|*information_schema*) printf "$TABLES" ;;
  *--version*) echo "pg_dump (PostgreSQL) $CLIENT" ;;
  *server_version*|*version\\(\\)*) echo "$SERVER" ;;
  *) echo "SELECT 1; -- of $name"; exit "${EXIT:-0}" ;;
esac
"""


class Clients:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("bin", "run", "backups", "notes"):
            (folder / name).mkdir()
        for name in ("psql", "pg_dump", "pg_restore", "mysql", "mysqldump", "gunzip"):
            program = folder / "bin" / name
            program.write_text(STAND_IN)
            program.chmod(0o755)
        (folder / "run" / "database").write_text("airflow")
        (folder / "run" / "dump").write_text("dump")

    def run(self, backend: str, what: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = yaml.safe_load((ROLES / "airflow" / "vars" / "main" / "backup.yml").read_text())
        script: str = variables["__airflow_backup_databases"][backend][what]
        for name in ("folder", "run"):
            path = self.folder / {"folder": "backups", "run": "run"}[name]
            script = script.replace(f"{{{{ __airflow_backup_{name} }}}}", str(path))
        assert "{{" not in script
        # As Kubernetes does with what a container runs: https://kubernetes.io/docs/tasks/inject-data-application/.
        script = script.replace("$$", "$")
        given = {"TABLES": "0", "RESTORE_REPLACE": "false", "HOSTNAME": "pod", "CLIENT": "15.4", "SERVER": "15.4"}
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            env={"PATH": path, "NOTES": str(self.folder / "notes"), **given, **environment},
            capture_output=True,
            check=False,
            text=True,
        )

    @property
    def script(self) -> str:
        """What the client was to execute; empty where it was not even called."""
        file = self.folder / "notes" / "script"
        return file.read_text() if file.exists() else ""


@pytest.fixture
def clients(tmp_path: Path) -> Clients:
    return Clients(tmp_path)


class TestPostgreSQL:
    def test_a_restore_is_one_transaction(self, clients: Clients) -> None:
        done = clients.run("postgresql", "restore")
        assert done.returncode == 0, done.stderr
        lines = clients.script.splitlines()
        assert (lines[0], lines[-2:]) == ("BEGIN;", ["SELECT 1; -- of pg_restore", "COMMIT;"])

    def test_what_cannot_be_read_whole_is_not_committed(self, clients: Clients) -> None:
        done = clients.run("postgresql", "restore", EXIT="1")
        assert done.returncode != 0
        assert "BEGIN;" in clients.script
        assert "COMMIT" not in clients.script

    @pytest.mark.parametrize(("confirmed", "restored"), [("false", False), ("true", True)])
    def test_a_database_with_tables_has_to_be_confirmed(self, clients: Clients, confirmed: str, restored: bool) -> None:
        done = clients.run("postgresql", "restore", TABLES="3", RESTORE_REPLACE=confirmed)
        assert (done.returncode == 0) is restored
        assert bool(clients.script) is restored
        assert restored or "has 3 tables already" in done.stdout

    @pytest.mark.parametrize(("server", "dumped"), [("15.9 (Debian)", True), ("17.1", False)])
    def test_a_client_that_is_too_old_is_told(self, clients: Clients, server: str, dumped: bool) -> None:
        done = clients.run("postgresql", "dump", SERVER=server)
        assert (done.returncode == 0) is dumped, done.stderr
        assert dumped or "pg_dump 15.4: set airflow_backup_image" in done.stdout


class TestMySQL:
    def test_tables_go_before_the_dump_comes(self, clients: Clients) -> None:
        done = clients.run("mysql", "restore", TABLES="dag\\nlog\\n", RESTORE_REPLACE="true")
        assert done.returncode == 0, done.stderr
        assert clients.script.splitlines() == [
            "SET FOREIGN_KEY_CHECKS = 0;",
            "DROP TABLE `dag`;",
            "DROP TABLE `log`;",
            "SELECT 1; -- of gunzip",
        ]

    def test_a_database_with_tables_has_to_be_confirmed(self, clients: Clients) -> None:
        done = clients.run("mysql", "restore", TABLES="dag\\nlog\\n")
        assert done.returncode == 1
        assert "has 2 tables already" in done.stdout
        assert clients.script == ""

    def test_an_empty_one_is_restored(self, clients: Clients) -> None:
        assert clients.run("mysql", "restore", TABLES="").returncode == 0
        assert "DROP" not in clients.script

    def test_a_dump_that_fails_leaves_nothing(self, clients: Clients) -> None:
        done: Any = clients.run("mysql", "dump", EXIT="2")
        assert done.returncode != 0
        assert [*(clients.folder / "backups").iterdir()] == []


def test_what_deletes_old_tables_of_postgresql_is_quoted_as_it_reads(clients: Clients) -> None:
    clients.run("postgresql", "restore", TABLES="3", RESTORE_REPLACE="true")
    quoted = re.fullmatch(r"BEGIN;\nDO (\$\w*\$)\n.*END (\$\w*\$);\n.*", clients.script, re.DOTALL)
    assert quoted
    assert quoted[1] == quoted[2]


@pytest.mark.parametrize("backend", ["postgresql", "mysql"])
def test_the_login_is_in_files_alone(clients: Clients, backend: str) -> None:
    clients.run(backend, "dump")
    clients.run(backend, "restore")
    calls = (clients.folder / "notes" / "calls").read_text()
    assert calls.count("\n") >= 5
    for option in ("--password", "--user", "--host", "://"):
        assert option not in calls
