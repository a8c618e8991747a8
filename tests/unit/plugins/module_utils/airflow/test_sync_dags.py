# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The near side of a mirror: what is read here, what is planned, what is told."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow import mirror_program, sync_dags
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.sync_dags import Plan, Source, compare, scan
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def options(src: Path | str, **given: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in sync_dags.OPTIONS.items()}
    return {**defaults, "namespace": "airflow", "release": "airflow", "src": str(src), **given}


def test_scan_tells_size_content_and_whether_it_runs(tmp_path: Path) -> None:
    write(tmp_path / "a b.py", "text")
    write(tmp_path / "sub/run.sh").chmod(0o755)
    found = scan(tmp_path, [])
    assert sorted(found) == ["a b.py", "sub/run.sh"]
    assert found["a b.py"].sha256 == hashlib.sha256(b"text").hexdigest()
    assert found["a b.py"].size == 4
    assert [found[name].executable for name in sorted(found)] == [False, True]


def test_scan_follows_links_within_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "real/one.py")
    (tmp_path / "again").symlink_to("real")
    (tmp_path / "one.py").symlink_to(tmp_path / "real/one.py")
    assert sorted(scan(tmp_path, [])) == ["again/one.py", "one.py", "real/one.py"]


@pytest.mark.parametrize("target", ["../outside/secret", "../outside", "../here-too/file", "/nowhere"])
def test_scan_refuses_links_that_lead_out(tmp_path: Path, target: str) -> None:
    write(tmp_path / "outside/secret")
    write(tmp_path / "here-too/file")
    src = tmp_path / "here"
    write(src / "a.py")
    (src / "link").symlink_to(target)
    with pytest.raises(Failure, match=f"{src}/link is a symbolic link to .*outside of {src}"):
        scan(src, [])
    assert list(scan(src, ["link"])) == ["a.py"]


def test_scan_refuses_a_loop(tmp_path: Path) -> None:
    write(tmp_path / "a/b.py")
    (tmp_path / "a/up").symlink_to("..")
    with pytest.raises(Failure, match="a/up is a symbolic link to a folder that it is in"):
        scan(tmp_path, [])


def test_scan_refuses_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Failure, match="pipe is neither a file nor a folder"):
        scan(tmp_path, [])


def test_scan_names_a_broken_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nothing")
    with pytest.raises(Failure, match="nothing cannot be read: No such file"):
        scan(tmp_path, [])


@pytest.mark.parametrize("delete", [True, False])
def test_compare(delete: bool) -> None:
    here = {
        "new": Source(Path(), 1, "a"),
        "same": Source(Path(), 2, "b"),
        "size": Source(Path(), 3, "c"),
        "link": Source(Path(), 4, "d"),
    }
    there: mirror_program.Manifest = {
        "same": [2, "b", False],
        "size": [9, "c", False],
        "link": [-1, "l", None],
        "gone": [1, "z", False],
    }
    plan = compare(here, there, delete)
    assert (plan.created, plan.updated) == (["new"], ["link", "size"])
    assert plan.deleted == (["gone"] if delete else [])
    assert plan.written == ["link", "new", "size"]


@pytest.mark.parametrize("executable", [True, False])
def test_compare_modes(executable: bool) -> None:
    here = {"tool.sh": Source(Path(), 1, "a", executable)}
    assert compare(here, {"tool.sh": [1, "a", not executable]}, True).updated == ["tool.sh"]
    for present in (executable, None):
        assert not compare(here, {"tool.sh": [1, "a", present]}, True)


def test_report_counts_all_and_tells_some() -> None:
    sources = {f"{number:03}": Source(Path(), 10, "") for number in range(300)}
    result = sync_dags.report(Plan(created=sorted(sources)[:250], deleted=["bad\udcff"]), sources, 1.2345)
    assert result["counts"] == {"created": 250, "updated": 0, "deleted": 1, "unchanged": 50}
    assert len(result["created"]) == 200
    assert result["deleted"] == ["bad\\udcff"]
    assert (result["changed"], result["bytes"], result["seconds"]) == (True, 2500, 1.23)
    assert not sync_dags.report(Plan(), sources, 0)["changed"]


def test_diff_tells_paths_and_checksums() -> None:
    sources = {"new": Source(Path(), 1, "a" * 64), "other": Source(Path(), 2, "c" * 64, executable=True)}
    plan = Plan(created=["new"], updated=["other"], deleted=["gone"])
    told = sync_dags.diff(plan, sources, {"other": [2, "c" * 64, False], "gone": [7, "d" * 64, None]})
    assert told["before"] == "gone 7 bytes dddddddddddd\nother 2 bytes cccccccccccc\n"
    assert told["after"] == "new 1 bytes aaaaaaaaaaaa\nother 2 bytes cccccccccccc executable\n"


def test_contents_are_one_stream_in_small_frames(tmp_path: Path) -> None:
    texts = [os.urandom(200_000), b"", bytes(500_000)]
    sources = []
    for number, text in enumerate(texts):
        path = tmp_path / str(number)
        path.write_bytes(text)
        sources.append(Source(path, len(text), ""))
    frames = list(sync_dags.contents(sources))
    assert max(map(len, frames)) < 2 * mirror_program.PIECE + 100
    assert zlib.decompress(b"".join(frame[4:] for frame in frames)) == b"".join(texts)


def test_a_file_that_shrinks_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.py", "12")
    with pytest.raises(Failure, match="became shorter"):
        list(sync_dags.contents([Source(path, 3, "")]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"src": ""}, "No folder of DAGs is named.*airflow_dags_source"),
        ({"src": "/no/such"}, "The folder of DAGs /no/such does not exist here"),
        ({"src": "/etc/passwd"}, "is not a directory"),
        ({"src": "EMPTY"}, "holds no files to mirror.*allow_empty: true"),
        ({"path": ""}, "airflow_dags_volume is none: the DAGs come with the image"),
        ({"path": "dags"}, "must be the full path"),
        ({"path": "/"}, "must be the full path"),
        ({"subdir": "../other"}, "subdir must be a folder below"),
        ({"subdir": "/other"}, "subdir must be a folder below"),
    ],
)
def test_bad_options_are_told_before_the_cluster_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], message: str
) -> None:
    def no_cluster(*_arguments: object) -> None:
        raise AssertionError("the cluster was asked")

    monkeypatch.setattr(sync_dags, "Client", no_cluster)
    write(tmp_path / "full/a.py")
    write(tmp_path / "empty/__pycache__/a.pyc")
    src = {"EMPTY": str(tmp_path / "empty")}.get(given.get("src", ""), given.get("src", str(tmp_path / "full")))
    with pytest.raises(Failure, match=message):
        sync_dags.run(Task(params=options(**{**given, "src": src})))


def test_the_program_is_found_in_a_zip_as_ansible_packs_modules(tmp_path: Path) -> None:
    archive = tmp_path / "payload.zip"
    with zipfile.ZipFile(archive, "w") as payload:
        payload.writestr("pack/__init__.py", "")
        payload.writestr("pack/program.py", Path(mirror_program.__file__).read_text())
    code = "import inspect; from pack import program; print(inspect.getsource(program), end='')"
    found = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(archive)}, cwd=tmp_path, capture_output=True, check=True
    )
    assert found.stdout == sync_dags.program()


def test_the_command_names_no_file_and_stays_short() -> None:
    command = sync_dags.command(sync_dags.program())
    assert command[0] == "python3"
    assert len(" ".join(command)) < 200
