"""What the programs that the tools run find in their environment, and what is shown of their output."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.common import run
from tools.common.paths import kubeconfig
from tools.common.run import last_line


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_one_clusters_own_kubeconfig_is_nothing_that_another_is_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig("airflow")))
    assert "KUBECONFIG" not in run.environment()


def test_the_users_own_kubeconfig_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/user/config")
    assert run.environment()["KUBECONFIG"] == "/home/user/config"


def test_the_last_line_is_the_last_state_of_one_that_is_rewritten() -> None:
    assert last_line("Step 1/3\nGet 10%\rGet 50%\r\n\n") == "Get 50%"
    assert last_line("") == ""
