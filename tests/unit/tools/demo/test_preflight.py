"""What a machine is asked for before anything is built on it."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from tools.common.errors import ToolError
from tools.demo import cli as demo
from tools.demo import preflight
from tools.demo.preflight import GIB, Disk

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be root on Linux without Docker, with little memory and disk and nobody who answers."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 4000000 kB\nMemAvailable:    1572864 kB\n")
    monkeypatch.setattr(preflight, "MEMINFO", meminfo)
    monkeypatch.setattr(preflight, "LIMITS", ())
    monkeypatch.setattr(preflight, "SOCKET", tmp_path / "docker.sock")
    monkeypatch.setattr(preflight, "registry_answers", lambda: False)
    monkeypatch.setattr(preflight, "_docker_answers", lambda: False)
    monkeypatch.setattr(preflight, "_docker_root", lambda: tmp_path / "docker")
    monkeypatch.setattr(preflight, "check_ports", dict)
    monkeypatch.setattr(preflight, "which", lambda command: f"/usr/bin/{command}")
    monkeypatch.setattr(preflight.getpass, "getuser", lambda: "ada")
    monkeypatch.setattr(preflight.platform, "system", lambda: "Linux")
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(0, 0, 3 * GIB))


def test_all_that_is_missing_is_told_at_once_with_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse() -> None:
        raise ToolError("AIRFLOW_PORT=80: port 80 is taken by process 1: x\nEnd that")

    monkeypatch.setattr(preflight, "check_ports", refuse)
    with pytest.raises(ToolError) as error:
        preflight.check_machine()
    title, memory, disk, port, way_out = str(error.value).splitlines()
    assert title == "this machine lacks what a cluster with a release needs:"
    assert memory.startswith("  - memory: needed 4.0 GiB for a cluster with a release, found 1.5 GiB available (")
    assert disk.startswith("  - disk: needed 18.0 GiB (1.0 GiB in ")
    assert f"9.0 GiB in {tmp_path}/docker for images and the cluster" in disk
    assert disk.endswith("found 3.0 GiB free there")
    assert port == "  - AIRFLOW_PORT=80: port 80 is taken by process 1: x"
    assert way_out == "    End that"


def test_the_demo_builds_nothing_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(demo.environment, "main", lambda _words: pytest.fail("built"))
    assert demo.main([]) == 1
    assert "error: this machine lacks" in capsys.readouterr().err


class TestRights:
    def test_root_can_install_docker_and_start_it(self) -> None:
        assert preflight.check_rights() == []

    def test_who_may_use_docker_needs_no_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)
        monkeypatch.setattr(preflight, "_docker_answers", lambda: True)
        assert preflight.check_rights() == []

    def test_the_group_is_named_where_docker_runs_for_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)
        monkeypatch.setattr(preflight.os, "access", lambda _path, _mode: False)
        preflight.SOCKET.touch()
        assert "sudo usermod -aG docker ada" in preflight.check_rights()[0]

    def test_a_user_without_docker_is_told_both_ways(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)
        assert preflight.check_rights()[0].endswith("found the user ada without either. Start Docker, or run as root")

    def test_root_without_apt_and_docker_cannot(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight, "which", lambda _command: None)
        assert "found neither" in preflight.check_rights()[0]

    def test_another_machines_docker_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCKER_HOST", "tcp://far:2375")
        assert "DOCKER_HOST=tcp://far:2375 does not" in preflight.check_rights()[0]

    def test_only_root_builds_images(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)
        monkeypatch.setattr(preflight, "_docker_answers", lambda: True)
        monkeypatch.setattr(preflight, "node_containers", lambda _name: ["node"])
        monkeypatch.setattr(preflight, "_images_are_here", lambda: False)
        with pytest.raises(
            ToolError, match=r"rights: no registry answers.*needs root \(debootstrap\); found the user ada"
        ):
            preflight.check_machine()


class TestMemory:
    def test_the_limit_of_a_container_counts_where_it_is_less(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        limit = tmp_path / "memory.max"
        monkeypatch.setattr(preflight, "LIMITS", (limit, tmp_path / "none"))
        limit.write_text("max\n")
        assert preflight.available_memory()[0] == 1572864 * 1024
        limit.write_text(f"{GIB}\n")
        assert preflight.available_memory() == (GIB, str(limit))

    def test_nothing_is_said_where_nobody_knows(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(preflight, "MEMINFO", tmp_path / "none")
        assert preflight.check_memory() == []


class TestDisk:
    def test_what_is_there_needs_no_room(self) -> None:
        assert preflight.check_disk(preflight.needed_disk(present=True, builds=False)) == []

    def test_folders_of_one_file_system_share_its_room(self, tmp_path: Path) -> None:
        two = [Disk("a", tmp_path / "not" / "yet", 2 * GIB), Disk("b", tmp_path, 2 * GIB)]
        assert preflight.check_disk(two[:1]) == []
        assert "needed 4.0 GiB" in preflight.check_disk(two)[0]
