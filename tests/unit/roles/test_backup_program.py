"""The program that makes, lists and checks backups in a pod, on folders of this machine."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import os
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.backups import age
from tools.common.paths import ROLES

IDENTITY = "AGE-SECRET-KEY-1MAK74XN9RJQL654406250U6U254KUDWZX7RY2395XGKDSQGHA5PSDS6CT8"
RECIPIENT = "age1rft470qq2y49za8m46sysxdhter0lp45l6uvxxfju4gfv4v8muzsy5j2c9"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
#: What pg_restore 15 writes of these two tables, but for its comments.
COPIES = """SET client_encoding = 'UTF8';
COPY public.alembic_version (version_num) FROM stdin;
cc92b33c6709
\\.


COPY public.alembic_version_fab (version_num) FROM stdin;
6709f7a774b9
\\.
"""
AWKWARD = "p@ss:/w?rd#%&+ \"'$(x)`\\n"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    files = ROLES / "airflow" / "files"
    monkeypatch.syspath_prepend(str(files))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for neighbour in ("database", "wait_for_schema"):
        monkeypatch.delitem(sys.modules, neighbour, raising=False)
    for name in ("backups", "run"):
        (tmp_path / name).mkdir()
    environment = {
        "BACKUP_FOLDER": str(tmp_path / "backups"),
        "BACKUP_RUN": str(tmp_path / "run"),
        "BACKUP_RELEASE": "airflow",
        "BACKUP_NAMESPACE": "team",
        "BACKUP_AIRFLOW_VERSION": "3.1.0",
        "BACKUP_BACKEND": "postgresql",
        "BACKUP_SECRETS": '["airflow-fernet"]',
        "AIRFLOW__CORE__FERNET_KEY": "key-1",
        "HOSTNAME": "airflow-backup-1-x",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", raising=False)
    spec = importlib.util.spec_from_file_location("backup_program", files / "backup.py")
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    monkeypatch.setattr(made.wait_for_schema, "migration_folders", dict)
    return made


@pytest.fixture
def dump(program: ModuleType) -> Callable[..., None]:
    """Stand in for the client, which has just dumped."""

    def dump(content: bytes = b"PGDMP" * 100, copies: str = COPIES) -> None:
        (program.FOLDER / ".airflow-backup-1-x.part").write_bytes(content)
        (program.RUN / "heads.sql").write_text(copies)
        (program.RUN / "server_version").write_text("15.4 (Debian 15.4-1)\n")

    return dump


@pytest.fixture
def made(program: ModuleType, dump: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Make a backup, and return its manifest."""
    dump()
    program.store_dump()
    manifest: dict[str, Any] = answer(program, capsys)["backup"]
    monkeypatch.setenv("RESTORE_NAME", manifest["name"])
    return manifest


def answer(program: ModuleType, capsys: Any) -> Any:
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(program.ANSWER)]
    return json.loads(line.removeprefix(program.ANSWER))


def server(program: ModuleType, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Have a database of that version answer."""

    class Cursor:
        def __enter__(self) -> Cursor:
            return self

        def __exit__(self, *_error: object) -> None: ...

        def row(self, _query: str) -> tuple[str]:
            return (version,)

    monkeypatch.setattr(program.database, "connected", Cursor)
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://a:b@c/d")


class TestLogin:
    def test_postgresql_reads_it_from_files_with_what_is_awkward(self, program: ModuleType) -> None:
        url = f"postgresql+psycopg2://us%40er:{quote(AWKWARD, '')}@db:6000/air?sslmode=verify-full&sslrootcert=/c/d.crt"
        files = program.postgresql_files(program.login(url))
        assert files["pg_service.conf"].splitlines() == [
            "[airflow]",
            "host=db",
            "port=6000",
            "dbname=air",
            "user=us@er",
            "sslmode=verify-full",
            "sslrootcert=/c/d.crt",
        ]
        assert files["pgpass"] == "*:*:*:*:" + AWKWARD.replace("\\", "\\\\").replace(":", "\\:") + "\n"

    def test_mysql_reads_it_from_an_option_file(self, program: ModuleType) -> None:
        files = program.mysql_files(program.login("mysql+mysqldb://a:x%22y%5C@db/air?ssl_mode=REQUIRED"))
        assert files["database"] == "air"
        assert 'password="x\\"y\\\\"' in files["client.cnf"].splitlines()
        assert 'ssl-mode="REQUIRED"' in files["client.cnf"].splitlines()
        assert 'port="3306"' in files["client.cnf"].splitlines()

    def test_nobody_else_may_read_the_files(self, program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://a:b@c/d")
        program.write_login()
        assert {file.stat().st_mode & 0o777 for file in program.RUN.iterdir()} == {0o600}


class TestStore:
    def test_a_backup_is_a_dump_and_a_manifest(self, program: ModuleType, made: dict[str, Any]) -> None:
        assert sorted(file.suffix for file in program.FOLDER.iterdir()) == [".dump", ".json"]
        assert made["heads"] == {"alembic_version": "cc92b33c6709", "alembic_version_fab": "6709f7a774b9"}
        assert made["size"] == 500
        assert made["database"] == {"backend": "postgresql", "server_version": "15.4 (Debian 15.4-1)"}
        assert made["secrets"] == ["airflow-fernet"]
        assert "key-1" not in json.dumps(made)

    def test_heads_are_read_of_mysql_too(self, program: ModuleType) -> None:
        text = "LOCK TABLES `alembic_version` WRITE;\nINSERT INTO `alembic_version` VALUES ('cc92b33c6709');\n"
        assert program.heads(text) == {"alembic_version": "cc92b33c6709"}

    def test_what_is_no_database_of_airflow_is_not_kept(self, program: ModuleType, dump: Any) -> None:
        dump(copies="")
        with pytest.raises(SystemExit, match="no database of Airflow"):
            program.store_dump()
        assert [*program.FOLDER.iterdir()] == []

    def test_files_that_were_never_finished_are_deleted_after_a_day(
        self, program: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://a:b@c/d")
        server(program, monkeypatch, "PostgreSQL 15.4")
        for name, seconds in (("old", program.PART_AGE + 60), ("new", 60)):
            file = program.FOLDER / f".{name}.part"
            file.touch()
            os.utime(file, (time.time() - seconds,) * 2)
        program.prepare()
        assert [file.name for file in program.FOLDER.iterdir()] == [".new.part"]

    @pytest.mark.parametrize(
        ("said", "permanent", "tries"),
        [("No route to host", False, 3), ("password authentication failed", True, 1)],
    )
    def test_a_database_that_is_not_reached_yet_is_waited_for(
        self, program: ModuleType, monkeypatch: pytest.MonkeyPatch, said: str, permanent: bool, tries: int
    ) -> None:
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://a:b@c/d")
        refusals = [program.database.Unavailable(said, permanent)] * 2
        server(program, monkeypatch, "PostgreSQL 15.4")
        answers, seen = program.database.connected, []

        def connected() -> Any:
            seen.append(said)
            if refusals:
                raise refusals.pop()
            return answers()

        monkeypatch.setattr(program.database, "connected", connected)
        monkeypatch.setattr(program.time, "sleep", lambda seconds: None)
        if permanent:
            with pytest.raises(SystemExit, match="The database cannot be used: password authentication failed"):
                program.prepare()
            assert not (program.RUN / "pgpass").exists()
        else:
            program.prepare()
            assert (program.RUN / "pgpass").is_file()
        assert len(seen) == tries


class TestSecrets:
    @pytest.fixture
    def secrets(self, program: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Mount a Secret as the kubelet does, with a recipient."""
        for name in ("airflow-fernet", "absent"):
            (tmp_path / "secrets" / name / "..data").mkdir(parents=True)
        (tmp_path / "secrets" / "airflow-fernet" / "KEY").write_text("key-1")
        monkeypatch.setattr(program, "SECRETS", tmp_path / "secrets")
        monkeypatch.setenv("BACKUP_AGE_RECIPIENTS", f'["{RECIPIENT}"]')
        monkeypatch.setitem(sys.modules, "age", age)

    def test_their_values_are_encrypted(
        self, program: ModuleType, secrets: None, made: dict[str, Any], capsys: Any
    ) -> None:
        file = (program.FOLDER / f"{made['name']}.secrets.age").read_bytes()
        assert json.loads(age.decrypt(file, IDENTITY))["items"] == [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "airflow-fernet"}, "data": {"KEY": "a2V5LTE="}}
        ]
        assert "values of Secrets" not in made["excluded"]
        program.verify()
        assert base64.b64decode(answer(program, capsys)["secrets"]) == file

    def test_without_recipients_they_are_not_in_it(self, program: ModuleType, made: dict[str, Any]) -> None:
        assert "values of Secrets" in made["excluded"]
        assert not [*program.FOLDER.glob("*.age")]

    def test_a_mistyped_recipient_is_told(
        self, program: ModuleType, secrets: None, dump: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BACKUP_AGE_RECIPIENTS", '["age1x"]')
        dump()
        with pytest.raises(SystemExit, match=r"airflow_backup_age_recipients cannot be used: .* Nothing was kept"):
            program.store_dump()
        assert not [*program.FOLDER.glob("*.json")]


class TestRetention:
    def backups(self, *ages: int) -> list[dict[str, Any]]:
        return [{"name": f"b{age}", "created": f"{NOW - timedelta(days=age):%Y-%m-%dT%H:%M:%SZ}"} for age in ages]

    @pytest.mark.parametrize(
        ("keep", "days", "deleted"),
        [(0, 0, []), (2, 0, ["b20", "b40"]), (0, 15, ["b20", "b40"]), (3, 30, ["b40"]), (1, 0, ["b10", "b20", "b40"])],
    )
    def test_by_count_and_age(self, program: ModuleType, keep: int, days: int, deleted: list[str]) -> None:
        found = program.outdated(self.backups(0, 10, 20, 40), keep, days, NOW)
        assert [manifest["name"] for manifest, _reason in found] == deleted

    def test_the_newest_one_stays_however_old(self, program: ModuleType) -> None:
        assert program.outdated(self.backups(100), 1, 1, NOW) == []

    def test_only_files_of_this_release_that_a_manifest_names_are_deleted(
        self, program: ModuleType, made: dict[str, Any], dump: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        before = {**made, "name": "airflow-before", "created": "2020-01-01T00:00:00Z"}
        other = {**before, "name": "other-before", "release": "other"}
        for manifest in (before, other):
            (program.FOLDER / f"{manifest['name']}.json").write_text(json.dumps(manifest))
            (program.FOLDER / f"{manifest['name']}.dump").touch()
        for name in ("notes.json", "airflow-notes.dump"):
            (program.FOLDER / name).write_text("mine")
        monkeypatch.setenv("BACKUP_KEEP", "1")
        assert program.retain(program.open_store(), NOW) == ["airflow-before"]
        names = {file.name for file in program.FOLDER.iterdir()}
        assert "Deleting the backup airflow-before: airflow_backup_keep is 1" in capsys.readouterr().out
        assert names == {
            f"{made['name']}.json",
            f"{made['name']}.dump",
            "other-before.json",
            "other-before.dump",
            "notes.json",
            "airflow-notes.dump",
        }


class TestVerify:
    def test_a_whole_one_is_told(self, program: ModuleType, made: dict[str, Any], capsys: Any) -> None:
        program.verify()
        assert answer(program, capsys)["backup"] == made

    def test_a_flipped_byte_is_refused(self, program: ModuleType, made: dict[str, Any]) -> None:
        file = program.FOLDER / f"{made['name']}.dump"
        content = bytearray(file.read_bytes())
        content[250] ^= 1
        file.write_bytes(content)
        with pytest.raises(SystemExit, match="is damaged: its SHA-256"):
            program.verify()

    def test_what_is_cut_or_gone_is_refused(self, program: ModuleType, made: dict[str, Any]) -> None:
        file = program.FOLDER / f"{made['name']}.dump"
        file.write_bytes(file.read_bytes()[:-1])
        with pytest.raises(SystemExit, match="it has 499 bytes, and had 500"):
            program.verify()
        file.unlink()
        with pytest.raises(SystemExit, match="is missing"):
            program.verify()

    def test_another_name_is_told_which_there_are(
        self, program: ModuleType, made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RESTORE_NAME", "nothing")
        with pytest.raises(SystemExit, match=f"There is no backup nothing. There are: {made['name']}"):
            program.verify()

    def test_a_schema_that_the_image_does_not_know_is_refused(
        self, program: ModuleType, made: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "versions").mkdir()
        (tmp_path / "versions" / "1.py").write_text('revision = "aaaa"\ndown_revision = None\n')
        folders = {"alembic_version": [tmp_path / "versions"]}
        monkeypatch.setattr(program.wait_for_schema, "migration_folders", lambda: folders)
        with pytest.raises(SystemExit, match=r"schema cc92b33c6709 .* does not know"):
            program.verify()

    def test_another_kind_of_database_is_refused(
        self, program: ModuleType, made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BACKUP_BACKEND", "mysql")
        with pytest.raises(SystemExit, match="is of postgresql"):
            program.verify()

    @pytest.mark.parametrize(("version", "refused"), [("PostgreSQL 14.9 on x86", True), ("PostgreSQL 16.1", False)])
    def test_an_older_server_is_refused(
        self, program: ModuleType, made: Any, monkeypatch: pytest.MonkeyPatch, version: str, refused: bool
    ) -> None:
        server(program, monkeypatch, version)
        if refused:
            with pytest.raises(SystemExit, match="the server here is older"):
                program.verify()
        else:
            program.verify()


class TestFetch:
    def test_the_client_gets_the_login_and_the_dump(
        self, program: ModuleType, made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server(program, monkeypatch, "PostgreSQL 15.4")
        program.fetch()
        assert (program.RUN / "dump").read_bytes() == b"PGDMP" * 100
        assert (program.RUN / "pgpass").is_file()

    def test_another_fernet_key_is_refused(
        self, program: ModuleType, made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server(program, monkeypatch, "PostgreSQL 15.4")
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "key-2")
        with pytest.raises(SystemExit, match="Nothing was restored"):
            program.fetch()
        # While keys are rotated there are two.
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "key-2,key-1")
        program.fetch()


class Bucket:
    """Stands in for boto3 and its client of S3.

    :ivar objects: what is kept, by key.
    """

    class exceptions:  # noqa: N801
        class NoSuchKey(Exception): ...

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {"other/x.json": b"{}"}
        self.options: dict[str, Any] = {}

    def client(self, _service: str, **options: Any) -> Bucket:
        self.options = options
        return self

    def get_paginator(self, _name: str) -> Bucket:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[Any]:  # noqa: N803
        keys = [key for key in self.objects if key.startswith(Prefix)]
        return [{"Contents": [{"Key": key}]} for key in keys] or [{}]

    def get_object(self, Bucket: str, Key: str) -> Any:  # noqa: N803
        if Key not in self.objects:
            raise self.exceptions.NoSuchKey
        return {"Body": io.BytesIO(self.objects[Key])}

    def download_file(self, _bucket: str, key: str, path: str) -> None:
        Path(path).write_bytes(self.objects[key])

    def upload_file(self, path: str, _bucket: str, key: str) -> None:
        self.objects[key] = Path(path).read_bytes()

    def delete_object(self, Bucket: str, Key: str) -> None:  # noqa: N803
        del self.objects[Key]


class TestObjectStore:
    @pytest.fixture
    def bucket(self, monkeypatch: pytest.MonkeyPatch) -> Bucket:
        made = Bucket()
        monkeypatch.setitem(sys.modules, "boto3", made)
        monkeypatch.setenv("BACKUP_DESTINATION", "s3://team/airflow")
        monkeypatch.setenv("BACKUP_ENDPOINT", "http://store:9000")
        return made

    def test_a_backup_goes_there_and_is_found_there(
        self, program: ModuleType, bucket: Bucket, made: dict[str, Any], capsys: Any
    ) -> None:
        name = made["name"]
        assert bucket.objects.keys() == {"other/x.json", f"airflow/{name}.dump", f"airflow/{name}.json"}
        assert bucket.options == {"endpoint_url": "http://store:9000"}
        (program.FOLDER / ".airflow-backup-1-x.part").unlink()
        program.verify()
        assert answer(program, capsys)["backup"] == made
        assert (program.FOLDER / f"{name}.dump").read_bytes() == b"PGDMP" * 100

    def test_a_flipped_byte_is_refused_there_too(
        self, program: ModuleType, bucket: Bucket, made: dict[str, Any]
    ) -> None:
        bucket.objects[f"airflow/{made['name']}.dump"] = b"PGDMQ" + b"PGDMP" * 99
        with pytest.raises(SystemExit, match="is damaged: its SHA-256"):
            program.verify()

    def test_old_ones_are_deleted_there(
        self, program: ModuleType, bucket: Bucket, made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = {**made, "name": "airflow-before", "created": "2020-01-01T00:00:00Z"}
        bucket.objects |= {
            "airflow/airflow-before.json": json.dumps(before).encode(),
            "airflow/airflow-before.dump": b"",
        }
        monkeypatch.setenv("BACKUP_KEEP", "1")
        assert program.retain(program.open_store(), NOW) == ["airflow-before"]
        assert not [key for key in bucket.objects if "before" in key]

    def test_an_identity_of_google_is_waited_for_and_used(
        self, program: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Refused(Exception): ...

        answers: list[Any] = [("credentials", "project"), Refused("no metadata server")]
        seen: list[Any] = []

        def default(scopes: list[str]) -> Any:
            answer = answers.pop()
            if isinstance(answer, Exception):
                raise answer
            return answer

        def client(**options: Any) -> Any:
            seen.append(options)
            return SimpleNamespace(bucket=lambda name: name)

        exceptions = SimpleNamespace(DefaultCredentialsError=Refused)
        auth = SimpleNamespace(default=default, exceptions=exceptions)
        storage = SimpleNamespace(Client=client)
        for name, module in {
            "google": SimpleNamespace(auth=auth),
            "google.auth": auth,
            "google.auth.exceptions": exceptions,
            "google.cloud": SimpleNamespace(storage=storage),
        }.items():
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(program.time, "sleep", lambda seconds: None)
        monkeypatch.setenv("BACKUP_DESTINATION", "gs://team/airflow")
        assert program.open_store().bucket == "team"
        # Left to itself the library would use none where STORAGE_EMULATOR_HOST is set.
        assert seen == [{"project": "project", "credentials": "credentials"}]

    def test_an_image_without_its_library_is_told(self, program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "boto3", None)
        monkeypatch.setenv("BACKUP_DESTINATION", "s3://team/airflow")
        with pytest.raises(SystemExit, match="airflow_image has to have apache-airflow-providers-amazon"):
            program.open_store()

    @pytest.mark.parametrize("destination", ["https://team/airflow", "s3:///airflow"])
    def test_what_is_no_store_is_told(
        self, program: ModuleType, monkeypatch: pytest.MonkeyPatch, destination: str
    ) -> None:
        monkeypatch.setenv("BACKUP_DESTINATION", destination)
        with pytest.raises(SystemExit, match="Write s3://bucket/prefix or gs://bucket/prefix"):
            program.open_store()

    def test_what_a_store_says_is_told_in_one_line(
        self, program: ModuleType, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bucket, "get_paginator", lambda _name: 1 / 0)
        monkeypatch.setattr(sys, "argv", ["backup.py", "list"])
        with pytest.raises(SystemExit, match=r"^s3://team/airflow cannot be used: ZeroDivisionError"):
            program.main()


def test_deleted_rows_are_kept_beside_backups_and_are_none(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = tmp_path / "exported"
    exported.mkdir()
    (exported / "_airflow_deleted__log__20260301.csv").write_text("id\n1\n")
    monkeypatch.setattr(sys, "argv", ["backup.py", "archive", str(exported)])
    program.main()
    (kept,) = (tmp_path / "backups").iterdir()
    assert re.fullmatch(r"airflow-[0-9TZ]+-airflow_deleted__log__20260301\.csv", kept.name)
    assert kept.read_text() == "id\n1\n"
    assert list(program.manifests(program.open_store())) == []
