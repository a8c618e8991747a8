"""Finding the values of Secrets where they should not be."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from tools.checks import leaks
from tools.checks.leak_search import Processes, Values, folder_texts, search, spellings

AWKWARD = 'p@ss/w?rd "one"%'


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def values() -> Values:
    found = Values()
    data = {"password": encoded(AWKWARD), "username": encoded("admin")}
    found.add({"metadata": {"name": "login"}, "data": data})
    return found


@pytest.mark.parametrize(
    "text",
    [
        f"password is {AWKWARD}.",
        f"redis://:{quote(AWKWARD, safe='')}@redis:6379/0",
        json.dumps({"password": AWKWARD}),
        encoded(AWKWARD),
        encoded(AWKWARD + "\n"),
        *(encoded("x" * lead + AWKWARD + " and more") for lead in range(6)),
    ],
)
def test_finds_a_value_however_it_is_written(values: Values, text: str) -> None:
    assert search(values, [("a text", "nothing"), ("another", text)]) == ["another: login/password"]


def test_does_not_tell_the_value(values: Values) -> None:
    told = "".join(search(values, [("a text", AWKWARD)]))
    assert told
    assert not any(spelling in told for spelling in spellings(AWKWARD))


def test_names_are_no_secrets(values: Values) -> None:
    assert search(values, [("a text", "the user admin of airflow logs in")]) == []


def test_looks_into_all_files_of_a_folder(values: Values, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / ".facts").write_bytes(b"\xff" + AWKWARD.encode())
    (tmp_path / "clean").write_text("nothing")
    assert search(values, folder_texts(tmp_path)) == ["deep/.facts: login/password"]


def test_sees_the_arguments_of_a_process_that_runs_meanwhile() -> None:
    with Processes() as processes, subprocess.Popen([sys.executable, "-c", "input()", AWKWARD], stdin=-1) as process:
        deadline = time.monotonic() + 30
        while not any(AWKWARD in arguments for arguments in processes.arguments) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.communicate(b"\n")
    assert any(AWKWARD in arguments for arguments in processes.arguments)


class TestCommand:
    """What is run as python -m tools.checks.leaks."""

    @pytest.fixture(autouse=True)
    def _cluster(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.held = {"password": encoded(AWKWARD)}
        monkeypatch.setattr(leaks, "run", self.kubectl)

    def kubectl(self, command: list[str], **_options: object) -> str:
        assert command[:5] == ["kubectl", "--context", "here", "--namespace", "airflow"]
        return json.dumps({"items": [{"metadata": {"name": "login"}, "data": self.held}]})

    def search(self, *folders: Path) -> int:
        return leaks.main(["--context", "here", "--namespace", "airflow", *map(str, folders)])

    def test_folders(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "clean").write_text("nothing")
        assert self.search(tmp_path) == 0
        (tmp_path / "facts").write_text(AWKWARD)
        assert self.search(tmp_path) == 1
        assert capsys.readouterr().out.endswith("\nfacts: login/password\n")

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for text, code in (("nothing", 0), (f"so {AWKWARD}", 1)):
            monkeypatch.setattr("sys.stdin", io.StringIO(text))
            assert self.search() == code

    def test_an_empty_folder_proves_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(SystemExit, match="2"):
            self.search(tmp_path)

    def test_secrets_without_values_prove_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "facts").write_text(AWKWARD)
        self.held = {"username": encoded("admin")}
        with pytest.raises(SystemExit, match="2"):
            self.search(tmp_path)
