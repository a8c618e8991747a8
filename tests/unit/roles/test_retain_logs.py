"""The program that deletes old logs, on folders of this machine."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tools.common.paths import ROLES

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("retain_logs", ROLES / "airflow" / "files" / "retain_logs.py")
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    sys.modules["retain_logs"] = made  # Its dataclasses look for their module there.
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def put(logs: Path) -> Callable[..., Path]:
    """Write a file that was modified so long ago, as were the folders that it is in."""

    def put(path: str, age: float, size: int = 10) -> Path:
        file = logs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
        then = time.time() - age
        for place in (file, *file.parents):
            if place == logs.parent:
                break
            os.utime(place, (then, then))
        return file

    return put


@pytest.fixture
def run(program: ModuleType, logs: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the program as the CronJob does, and return its exit code."""

    def run(days: int = 0, percent: int = 0) -> int:
        monkeypatch.setattr(sys, "argv", ["retain_logs.py", str(logs), str(days), str(percent)])
        with pytest.raises(SystemExit) as ended:
            program.main()
        return int(ended.value.code or 0)

    return run


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def space(used: int, size: int = 1000, files: int = 0, of: int = 0, unit: int = 1) -> Any:
    """A file system, of so many blocks."""
    return SimpleNamespace(
        f_frsize=unit, f_blocks=size, f_bfree=size - used, f_bavail=size - used, f_files=of, f_ffree=of - files
    )


class TestDays:
    def test_what_is_older_goes_and_what_is_not_stays(self, run: Any, put: Any, logs: Path) -> None:
        put("dag_id=a/run_id=1/attempt=1.log", 31 * DAY)
        put("dag_id=b/run_id=1/attempt=1.log", 29 * DAY)
        assert run(days=30) == 0
        assert names(logs) == ["dag_id=b", "dag_id=b/run_id=1", "dag_id=b/run_id=1/attempt=1.log"]

    @pytest.mark.parametrize(("age", "stays"), [(30 * DAY - 60, True), (30 * DAY + 60, False)])
    def test_the_boundary(self, run: Any, put: Any, age: float, stays: bool) -> None:
        file = put("a.log", age)
        run(days=30)
        assert file.exists() is stays

    def test_exactly_so_old_stays(self, program: ModuleType) -> None:
        files = [program.File("a", 0.0, 1)]
        assert program.choose(files, 30.0 * DAY, 30, program.Excess()) == []
        assert program.choose(files, 30.0 * DAY + 1, 30, program.Excess()) == files

    def test_zero_deletes_nothing(self, run: Any, put: Any) -> None:
        file = put("a.log", 5000 * DAY)
        assert run() == 0
        assert file.exists()


class TestPercent:
    @pytest.mark.parametrize(
        ("used", "percent", "size"), [(800, 80, 0), (801, 80, 1), (799, 80, 0), (1000, 80, 200), (0, 1, 0)]
    )
    def test_what_is_above_it_has_to_go(self, program: ModuleType, used: int, percent: int, size: int) -> None:
        assert program.excess_of(space(used), percent) == program.Excess(size=size)

    def test_is_told_in_bytes(self, program: ModuleType) -> None:
        assert program.excess_of(space(900, unit=4096), 80).size == 100 * 4096

    def test_files_count_too(self, program: ModuleType) -> None:
        assert program.excess_of(space(0, files=95, of=100), 80) == program.Excess(files=15)

    def test_what_is_kept_for_root_is_no_room(self, program: ModuleType) -> None:
        ext4 = SimpleNamespace(f_frsize=1, f_blocks=1000, f_bfree=100, f_bavail=50, f_files=0, f_ffree=0)
        assert round(program.used_percent(ext4), 1) == round(900 / 9.5, 1)

    def test_the_oldest_go_until_it_is_enough(self, program: ModuleType) -> None:
        files = [program.File(name, age, 10) for name, age in (("new", 300.0), ("old", 100.0), ("older", 0.0))]
        chosen = program.choose(files, 10.0 * HOUR, 0, program.Excess(size=11))
        assert [file.path for file in chosen] == ["older", "old"]

    def test_what_was_just_written_stays_however_full_it_is(self, program: ModuleType) -> None:
        files = [program.File("a", 0.0, 10), program.File("b", 10.0, 10)]
        chosen = program.choose(files, HOUR + 1.0, 0, program.Excess(size=1000))
        assert [file.path for file in chosen] == ["a"]

    def test_of_a_full_volume(
        self,
        program: ModuleType,
        run: Any,
        put: Any,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        old, busy = put("old.log", 2 * HOUR), put("busy.log", 60)
        monkeypatch.setattr(program.os, "statvfs", lambda path: space(990, unit=4096))
        assert run(percent=80) == 0
        assert (old.exists(), busy.exists()) == (False, True)
        assert "that is more than 80 %" in capsys.readouterr().out


class TestFolders:
    def test_one_that_was_empty_before_goes(self, run: Any, put: Any, logs: Path) -> None:
        put("dag_id=a/run_id=1/x", 40 * DAY).unlink()
        for path in ("dag_id=a/run_id=1", "dag_id=a"):
            os.utime(logs / path, (0, 0))
        run(days=30)
        assert names(logs) == []

    def test_one_that_a_task_has_just_made_stays(self, run: Any, logs: Path) -> None:
        (logs / "dag_id=a").mkdir()
        run(days=30)
        assert names(logs) == ["dag_id=a"]

    def test_one_in_which_something_was_just_made_stays(self, run: Any, put: Any, logs: Path) -> None:
        put("dag_id=a/attempt=1.log", 40 * DAY)
        os.utime(logs / "dag_id=a")
        run(days=30)
        assert names(logs) == ["dag_id=a"]

    def test_the_logs_own_stays(self, run: Any, put: Any, logs: Path) -> None:
        put("a.log", 40 * DAY)
        run(days=30)
        assert logs.is_dir()

    def test_without_being_asked_for_none_goes_but_empty_ones(self, run: Any, put: Any, logs: Path) -> None:
        put("dag_id=a/attempt=1.log", 40 * DAY)
        run()
        assert len(names(logs)) == 2


class TestLinks:
    def test_are_neither_followed_nor_deleted(self, run: Any, put: Any, logs: Path, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "precious.log").write_text("x")
        os.utime(outside / "precious.log", (0, 0))
        (logs / "folder").symlink_to(outside)
        (logs / "file").symlink_to(outside / "precious.log")
        (logs / "dangling").symlink_to(tmp_path / "nothing")
        put("2020-01-01/a.log", 40 * DAY)
        (logs / "latest").symlink_to("2020-01-01")
        for link in logs.iterdir():
            os.utime(link, (0, 0), follow_symlinks=False)
        assert run(days=30) == 0
        assert (outside / "precious.log").exists()
        assert names(logs) == ["dangling", "file", "folder", "latest"]

    def test_a_folder_that_becomes_one_is_not_entered(self, program: ModuleType, put: Any, logs: Path) -> None:
        put("a/b/x.log", 40 * DAY)
        outside = logs.parent / "outside" / "b"
        outside.mkdir(parents=True)
        (outside / "x.log").write_text("x")
        found = program.scan(str(logs))
        (logs / "a").rename(logs.parent / "moved")
        (logs / "a").symlink_to(outside.parent)
        os.utime(outside / "x.log", (found.files[0].modified, found.files[0].modified))
        deleted, _failed = program.delete(str(logs), found.files, found.folders)
        assert deleted == []
        assert (outside / "x.log").exists()


class TestMeanwhile:
    def test_what_vanishes_is_no_failure(self, program: ModuleType, put: Any, logs: Path) -> None:
        gone = put("a/gone.log", 40 * DAY)
        found = program.scan(str(logs))
        gone.unlink()
        gone.parent.rmdir()
        assert program.delete(str(logs), found.files, found.folders) == ([], [])
        assert program.prune(str(logs), found.folders, time.time()) == 0

    def test_what_is_written_again_stays(self, program: ModuleType, put: Any, logs: Path) -> None:
        file = put("a.log", 40 * DAY)
        found = program.scan(str(logs))
        os.utime(file)
        assert program.delete(str(logs), found.files, found.folders) == ([], [])
        assert file.exists()

    def test_a_folder_that_is_filled_again_stays(self, program: ModuleType, put: Any, logs: Path) -> None:
        put("a/old.log", 40 * DAY)
        found = program.scan(str(logs))
        program.delete(str(logs), found.files, found.folders)
        (logs / "a" / "new.log").write_text("x")
        assert program.prune(str(logs), found.folders, time.time()) == 0
        assert names(logs) == ["a", "a/new.log"]

    def test_what_may_not_be_deleted_is_told_and_fails(
        self,
        program: ModuleType,
        run: Any,
        put: Any,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        put("a.log", 40 * DAY)
        put("b.log", 40 * DAY)
        unlink = os.unlink

        def refuse(name: str, *, dir_fd: int) -> None:
            if name == "a.log":
                raise PermissionError(13, "Permission denied")
            unlink(name, dir_fd=dir_fd)

        monkeypatch.setattr(program.os, "unlink", refuse)
        assert run(days=30) == 1
        told = capsys.readouterr()
        assert "deleted 1 of 2 files" in told.out
        assert told.err == "a.log: Permission denied\n"
