"""A step that takes long says how far it is, on a terminal and in a log."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tools.common.run import CommandError, run
from tools.common.step import LOG_SECONDS, TERMINAL_SECONDS, Heartbeat, reporting, step


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class TestHeartbeat:
    def test_in_a_log_is_a_line_now_and_then(self, capsys: pytest.CaptureFixture[str]) -> None:
        clock = Clock()
        heartbeat = Heartbeat("Build it", terminal=False, clock=clock)
        heartbeat.begin()
        for text in ("", "reading", "writing"):
            clock.now += heartbeat.interval
            with reporting(lambda text=text: text):  # type: ignore[misc]
                heartbeat.beat()
        clock.now += 1
        heartbeat.end("46 s")
        assert capsys.readouterr().out == (
            "==> Build it ... \n    15 s\n    30 s: reading\n    45 s: writing\n==> Build it ... 46 s\n"
        )

    def test_on_a_terminal_is_one_line_that_is_rewritten(self, capsys: pytest.CaptureFixture[str]) -> None:
        clock = Clock()
        heartbeat = Heartbeat("Build it", terminal=True, clock=clock)
        heartbeat.begin()
        clock.now += heartbeat.interval
        with reporting(lambda: "x" * 500):
            heartbeat.beat()
        heartbeat.end("2 s")
        said = capsys.readouterr().out
        assert said.count("\n") == 1
        assert [len(part) < 200 for part in said.split("\r")] == [True, True, True]
        assert said.endswith("\r\033[K==> Build it ... 2 s\n")

    def test_no_step_is_silent_for_20_seconds(self) -> None:
        assert max(LOG_SECONDS, TERMINAL_SECONDS) < 20

    def test_shows_no_password_and_nothing_that_moves_the_cursor(self, capsys: pytest.CaptureFixture[str]) -> None:
        heartbeat = Heartbeat("Get it", terminal=False)
        with reporting(lambda: "\x1b[2Jfrom https://me:hunter2@host/ --token=hunter2"):
            heartbeat.beat()
        said = capsys.readouterr().out
        assert "https://***@host/ --token=***" in said
        assert "hunter2" not in said
        assert "\x1b" not in said

    def test_that_finds_nothing_to_say_is_no_failure(self, capsys: pytest.CaptureFixture[str]) -> None:
        def gone() -> str:
            raise FileNotFoundError("log")

        with reporting(gone):
            Heartbeat("Get it", terminal=False).beat()
        assert capsys.readouterr().out.endswith(" 0 s\n")


class TestStep:
    @pytest.fixture(autouse=True)
    def _fast(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tools.common.step.LOG_SECONDS", 0.2)

    def test_a_command_that_is_silent_for_long_is_seen_to_run(self, capsys: pytest.CaptureFixture[str]) -> None:
        with step("Build it"):
            run(["bash", "-c", "echo first; echo last; sleep 1"], timeout=10)
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "==> Build it ... "
        assert len([line for line in lines if line.endswith(" s: last")]) >= 3
        assert lines[-1] == "==> Build it ... 1 s"

    def test_what_a_command_prints_before_is_not_the_next_ones(self, capsys: pytest.CaptureFixture[str]) -> None:
        with step("Build it"):
            run(["echo", "first"], timeout=10)
            run(["sleep", "0.7"], timeout=10)
        assert ": first" not in capsys.readouterr().out

    def test_what_a_command_makes_of_its_output_is_shown(self, capsys: pytest.CaptureFixture[str]) -> None:
        with step("Build it"):
            run(
                ["bash", "-c", "echo a; echo b; sleep 0.7"],
                timeout=10,
                progress=lambda text: f"{len(text.split())} done",
            )
        assert " s: 2 done\n" in capsys.readouterr().out

    def test_a_short_one_is_one_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        with step("Build it"):
            pass
        assert capsys.readouterr().out == "==> Build it ... 0 s\n"

    def test_one_that_fails_says_so_and_is_quiet_afterwards(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(CommandError), step("Build it"):
            run(["bash", "-c", "sleep 0.5; false"], timeout=10)
        assert "==> Build it ... failed after " in capsys.readouterr().out.splitlines()[-1]
        time.sleep(0.5)
        assert capsys.readouterr().out == ""
