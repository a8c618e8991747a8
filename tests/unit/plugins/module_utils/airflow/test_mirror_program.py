# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program of a mirror, run as the pod runs it: a process of its own that reads its text from standard input."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow import mirror_program, sync_dags
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure

EXCLUDE = [".git", "__pycache__", "*.pyc", ".*.sync"]


class Process:
    """The program in a process, as a peer."""

    def __init__(self) -> None:
        command = sync_dags.command(sync_dags.program())
        self.process = subprocess.Popen(
            [sys.executable, *command[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def read(self, size: int) -> bytes:
        data = self.process.stdout.read(size)
        if len(data) < size:
            raise Failure(f"ended: {self.process.stderr.read().decode()}")
        return data

    def leave(self) -> int:
        # What could not be sent is not missed any more.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        code = self.process.wait(timeout=10)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


class Pair:
    """A folder here and one there."""

    def __init__(self, base: Path) -> None:
        self.here = base / "here"
        self.there = base / "there"
        self.here.mkdir()
        self.there.mkdir()
        self.processes: list[Process] = []

    def process(self) -> Process:
        self.processes.append(Process())
        return self.processes[-1]

    def begin(
        self, check: bool = False, subdir: str = ""
    ) -> tuple[Process, sync_dags.RemoteMirror, mirror_program.Manifest]:
        process = self.process()
        mirror = sync_dags.RemoteMirror(process, str(self.there))
        mirror.start(sync_dags.program())
        order = {"path": str(self.there), "subdir": subdir, "exclude": EXCLUDE, "check": check}
        return process, mirror, mirror.ask(order)["manifest"]

    def mirror(self, delete: bool = True, subdir: str = "") -> sync_dags.Plan:
        process, mirror, there = self.begin(subdir=subdir)
        try:
            sources = sync_dags.scan(self.here, EXCLUDE)
            plan = sync_dags.compare(sources, there, delete)
            if plan:
                mirror.carry_out(plan, sources, delete)
        finally:
            code = process.leave()
        assert code == 0
        return plan


def write(side: Path, name: str, text: str | bytes) -> Path:
    path = side / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def tree(side: Path) -> dict[str, bytes]:
    """Return every file by relative path, and every empty folder."""
    found = {}
    for folder, folders, files in os.walk(side):
        for name in files:
            path = Path(folder, name)
            found[str(path.relative_to(side))] = path.read_bytes()
        if not folders and not files and Path(folder) != side:
            found[str(Path(folder).relative_to(side)) + "/"] = b""
    return found


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    yield pair
    for process in pair.processes:
        process.leave()


def test_everything_arrives(pair: Pair) -> None:
    write(pair.here, "one.py", "print(1)\n")
    write(pair.here, "sub/deep/er/two words.py", "zwei\n")
    write(pair.here, "sub/größe-日本.sql", "select 1")
    write(pair.here, "empty.py", "")
    write(pair.here, "data.bin", os.urandom(700_000) + bytes(3_000_000))
    assert len(pair.mirror().created) == 5
    assert tree(pair.there) == tree(pair.here)


def test_second_time_nothing_is_planned(pair: Pair) -> None:
    write(pair.here, "a/one.py", "1")
    pair.mirror()
    before = (pair.there / "a/one.py").stat()
    assert not pair.mirror()
    after = (pair.there / "a/one.py").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_only_what_differs_is_written(pair: Pair) -> None:
    write(pair.here, "same.py", "1")
    write(pair.here, "other.py", "2")
    pair.mirror()
    inode = (pair.there / "same.py").stat().st_ino
    write(pair.here, "other.py", "3")  # The same size: only the content tells.
    plan = pair.mirror()
    assert (plan.created, plan.updated, plan.deleted) == ([], ["other.py"], [])
    assert (pair.there / "other.py").read_text() == "3"
    assert (pair.there / "same.py").stat().st_ino == inode


def test_what_is_gone_here_goes_there_with_its_folders_and_bytecode(pair: Pair) -> None:
    write(pair.here, "stays/one.py", "1")
    write(pair.there, "goes/mirror/two.py", "2")
    write(pair.there, "goes/mirror/__pycache__/two.cpython-312.pyc", "x")
    write(pair.there, "stays/__pycache__/one.cpython-312.pyc", "x")
    assert pair.mirror().deleted == ["goes/mirror/two.py"]
    assert sorted(tree(pair.there)) == ["stays/__pycache__/one.cpython-312.pyc", "stays/one.py"]


def test_what_is_excluded_stays_there(pair: Pair) -> None:
    write(pair.here, "one.py", "1")
    write(pair.here, ".git/config", "here")
    write(pair.there, ".git/HEAD", "there")
    pair.mirror()
    assert tree(pair.there) == {"one.py": b"1", ".git/HEAD": b"there"}


def test_without_delete_nothing_goes(pair: Pair) -> None:
    write(pair.here, "one.py", "1")
    write(pair.there, "two.py", "2")
    assert pair.mirror(delete=False).deleted == []
    assert sorted(tree(pair.there)) == ["one.py", "two.py"]


def test_a_subdir_leaves_the_rest_alone(pair: Pair) -> None:
    write(pair.here, "one.py", "1")
    write(pair.there, "team_b/two.py", "2")
    pair.mirror(subdir="team_a/dags")
    assert sorted(tree(pair.there)) == ["team_a/dags/one.py", "team_b/two.py"]


def test_check_mode_touches_nothing(pair: Pair) -> None:
    write(pair.there, "old.py", "1")
    write(pair.there, ".airflow-0a0b-3.sync", "left over")
    before = tree(pair.there)
    process, _far, there = pair.begin(check=True)
    process.leave()
    assert list(there) == ["old.py"]
    process, _far, there = pair.begin(check=True, subdir="none/yet")
    process.leave()
    assert there == {}
    assert tree(pair.there) == before


def test_a_file_becomes_a_folder_and_back(pair: Pair) -> None:
    write(pair.here, "thing/inside.py", "1")
    write(pair.there, "thing", "file")
    pair.mirror()
    assert tree(pair.there) == {"thing/inside.py": b"1"}
    (pair.here / "thing/inside.py").unlink()
    (pair.here / "thing").rmdir()
    write(pair.here, "thing", "file")
    pair.mirror()
    assert tree(pair.there) == {"thing": b"file"}


def test_links_there_are_replaced_and_never_followed(pair: Pair, tmp_path: Path) -> None:
    outside = write(tmp_path, "outside/precious.py", "keep")
    (pair.there / "link.py").symlink_to(outside)
    (pair.there / "folder").symlink_to(outside.parent)
    write(pair.here, "link.py", "new")
    write(pair.here, "folder/precious.py", "new")
    pair.mirror()
    assert tree(pair.there) == {"link.py": b"new", "folder/precious.py": b"new"}
    assert not (pair.there / "folder").is_symlink()
    assert outside.read_text() == "keep"


def test_others_of_the_group_may_write_and_programs_run(pair: Pair) -> None:
    write(pair.here, "plain.py", "1").chmod(0o600)
    write(pair.here, "sub/tool.sh", "1").chmod(0o700)
    pair.mirror()
    modes = {name: oct((pair.there / name).stat().st_mode & 0o777) for name in ("plain.py", "sub", "sub/tool.sh")}
    assert modes == {"plain.py": "0o664", "sub": "0o775", "sub/tool.sh": "0o775"}


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o755), (0o755, 0o644)])
def test_a_changed_executable_bit_alone_arrives_once(pair: Pair, before: int, after: int) -> None:
    source = write(pair.here, "sub/tool.sh", "1")
    write(pair.here, "plain.py", "1")
    source.chmod(before)
    pair.mirror()
    source.chmod(after)
    assert pair.mirror().updated == ["sub/tool.sh"]
    assert bool((pair.there / "sub/tool.sh").stat().st_mode & 0o100) is bool(after & 0o100)
    assert not pair.mirror()
    assert sorted(tree(pair.there)) == ["plain.py", "sub/tool.sh"]


def test_check_mode_tells_a_changed_executable_bit(pair: Pair) -> None:
    write(pair.here, "tool.sh", "1")
    pair.mirror()
    process, _far, there = pair.begin(check=True)
    process.leave()
    (pair.here / "tool.sh").chmod(0o755)
    assert sync_dags.compare(sync_dags.scan(pair.here, EXCLUDE), there, True).updated == ["tool.sh"]


@pytest.mark.parametrize("all_are", [True, False])
def test_a_file_system_without_modes_has_none_to_carry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, all_are: bool
) -> None:
    write(tmp_path, "tool.sh", "1")
    mirror = mirror_program.Mirror(tmp_path, EXCLUDE, MagicMock())
    assert mirror.keeps_modes()
    monkeypatch.setattr(mirror_program, "_is_executable", lambda _status: all_are)
    assert not mirror.keeps_modes()
    assert mirror.manifest(keeps_modes=False)["tool.sh"][2] is None
    assert list(tree(tmp_path)) == ["tool.sh"]


def test_where_nothing_can_be_written_no_mode_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(mirror_program.os, "open", refuse)
    assert not mirror_program.Mirror(tmp_path, EXCLUDE, MagicMock()).keeps_modes()


def test_a_folder_that_is_not_there_is_an_error(pair: Pair) -> None:
    pair.there.rmdir()
    with pytest.raises(Failure, match="is no directory there; is the DAGs volume mounted"):
        pair.begin()


def test_what_was_left_in_a_folder_blocks_a_file_of_its_name(pair: Pair) -> None:
    write(pair.here, "thing", "file")
    write(pair.there, "thing/.git/HEAD", "left alone")
    write(pair.there, "thing/one.py", "1")
    with pytest.raises(Failure, match="thing is a directory and holds files that are left alone"):
        pair.mirror()
    assert tree(pair.there) == {"thing/.git/HEAD": b"left alone"}


def stop_half_way(pair: Pair, how: str) -> Process:
    """Send one whole file and a half, then stop."""
    process, _far, there = pair.begin()
    sources = sync_dags.scan(pair.here, EXCLUDE)
    plan = sync_dags.compare(sources, there, True)
    frames = list(sync_dags.contents([sources[path] for path in plan.written]))
    assert len(frames) > 2
    message = {
        "write": [[p, s.size, s.sha256, False] for p, s in sources.items()],
        "delete": plan.deleted,
        "prune": True,
    }
    process.write(mirror_program.pack(message) + b"".join(frames[:2]))
    until = time.monotonic() + 10
    while not any(".sync" in name for name in tree(pair.there)):
        assert time.monotonic() < until
        time.sleep(0.01)
    if how == "killed":
        process.process.kill()
    process.leave()
    return process


@pytest.mark.parametrize("how", ["killed", "left"])
def test_a_stopped_run_changes_no_file_and_the_next_one_cleans_up(pair: Pair, how: str) -> None:
    write(pair.here, "a.py", "new")
    write(pair.here, "new/b.py", os.urandom(1_000_000))
    write(pair.there, "a.py", "old")
    write(pair.there, "gone.py", "old")
    stop_half_way(pair, how)
    left = tree(pair.there)
    assert {name: text for name, text in left.items() if name.endswith(".py")} == {"a.py": b"old", "gone.py": b"old"}
    temporary = [name for name in left if name.endswith(".sync")]
    assert bool(temporary) == (how == "killed")
    assert all(mirror_program.TEMPORARY.match(name.rpartition("/")[2]) for name in temporary)
    pair.mirror()
    assert tree(pair.there) == tree(pair.here)


def test_a_file_that_changes_on_the_way_is_not_put_in_place(pair: Pair) -> None:
    write(pair.here, "a.py", "1")
    process, mirror, there = pair.begin()
    sources = sync_dags.scan(pair.here, EXCLUDE)
    write(pair.here, "a.py", "2")
    with pytest.raises(Failure, match=r"a\.py changed while it was being sent; run again"):
        mirror.carry_out(sync_dags.compare(sources, there, True), sources, True)
    process.leave()
    assert tree(pair.there) == {}


def test_a_full_volume_is_told_and_nothing_is_left(pair: Pair) -> None:
    write(pair.here, "a.py", "1")
    write(pair.here, "b.py", os.urandom(300_000))
    process, mirror, there = pair.begin()
    # A limit of the process stands for a full disk: the write fails.
    subprocess.run(["prlimit", f"--pid={process.process.pid}", "--fsize=100000"], check=True)
    sources = sync_dags.scan(pair.here, EXCLUDE)
    with pytest.raises(Failure, match="File too large"):
        mirror.carry_out(sync_dags.compare(sources, there, True), sources, True)
    process.leave()
    assert tree(pair.there) == {}


def test_a_second_run_waits_for_the_first(pair: Pair) -> None:
    write(pair.here, "a.py", "1")
    first, _far, _there = pair.begin()
    second = pair.process()
    mirror = sync_dags.RemoteMirror(second, "there")
    mirror.start(sync_dags.program())
    order = {"path": str(pair.there), "subdir": "", "exclude": EXCLUDE, "check": False}
    second.write(mirror_program.pack(order))
    os.set_blocking(second.process.stdout.fileno(), False)
    time.sleep(0.5)
    assert second.process.stdout.read() is None
    first.leave()
    os.set_blocking(second.process.stdout.fileno(), True)
    assert mirror._answer() == {"manifest": {}}
    second.leave()


@pytest.mark.parametrize(
    ("path", "patterns", "expected"),
    [
        ("a/__pycache__", [], True),
        ("a/b.pyc", [], True),
        ("lost+found", [], True),
        ("a/.airflow-00ff-12.sync", [], True),
        ("a/.airflow.sync", [], False),
        ("a/tests", ["tests"], True),
        ("a/tests", ["tests/"], True),
        ("tests/a", ["tests"], False),
        ("docs/a/b.md", ["docs/*.md"], True),
        ("docs/a.md", ["/docs/a.md"], True),
        ("more/docs/a.md", ["docs/*.md"], False),
        ("a/README.MD", ["*.md"], False),
    ],
)
def test_excluded(path: str, patterns: list[str], expected: bool) -> None:
    assert mirror_program.excluded(path, patterns) is expected
