"""What the programs that the tools run find in their environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import _run
from tools._paths import kubeconfig


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_one_clusters_own_kubeconfig_is_nothing_that_another_is_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig("airflow")))
    assert "KUBECONFIG" not in _run.environment()


def test_the_users_own_kubeconfig_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/user/config")
    assert _run.environment()["KUBECONFIG"] == "/home/user/config"
