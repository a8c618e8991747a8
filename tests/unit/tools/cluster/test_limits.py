"""What this machine has to allow before several nodes run on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.cluster import limits


@pytest.fixture
def limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "max_user_instances"
    monkeypatch.setattr(limits, "INOTIFY_INSTANCES", path)
    return path


class TestInotifyInstances:
    def test_are_raised_where_there_are_few(self, limit: Path, capsys: pytest.CaptureFixture[str]) -> None:
        limit.write_text("128\n")
        limits.ensure_inotify_instances()
        assert limit.read_text() == "1024"
        assert "sysctl fs.inotify.max_user_instances=1024" in capsys.readouterr().out

    def test_are_left_where_there_are_more(self, limit: Path, capsys: pytest.CaptureFixture[str]) -> None:
        limit.write_text("8192\n")
        limits.ensure_inotify_instances()
        assert limit.read_text() == "8192\n"
        assert capsys.readouterr().out == ""

    def test_that_may_not_be_raised_are_told_of(
        self, limit: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def refuse(path: Path, text: str) -> int:
            raise PermissionError("read-only")

        limit.write_text("128\n")
        monkeypatch.setattr(Path, "write_text", refuse)
        limits.ensure_inotify_instances()
        assert "may not be set here (read-only): sysctl fs.inotify.max_user_instances=1024" in capsys.readouterr().out

    def test_do_not_matter_where_there_is_no_such_limit(self, limit: Path) -> None:
        limits.ensure_inotify_instances()
        assert not limit.exists()
