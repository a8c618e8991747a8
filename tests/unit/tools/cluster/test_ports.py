"""Which ports of this machine a cluster is given, and what is said where one is taken."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cluster import lifecycle, ports
from tools.cluster.port_holder import holder
from tools.cluster.ports import USUAL, choose_ports, recorded_ports, wanted_ports
from tools.common.errors import ToolError


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_PORT", raising=False)
    monkeypatch.delenv("FLOWER_PORT", raising=False)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Return the ports that are taken, which a test may add to."""
    found: set[int] = set()
    monkeypatch.setattr(ports, "is_free", lambda number: number not in found)
    monkeypatch.setattr(ports, "holder", lambda number: f"process {number}0: python3 -m http.server {number}")
    return found


class TestWanted:
    def test_nothing_is_asked_for_without_a_variable(self) -> None:
        assert wanted_ports({"AIRFLOW_PORT": ""}) == {}

    def test_a_variable_asks_for_its_own(self) -> None:
        assert wanted_ports({"FLOWER_PORT": "9555"}) == {30555: 9555}

    @pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "8080.0", "\u0663"])
    def test_what_is_no_port_is_refused_by_the_variables_name(self, text: str) -> None:
        with pytest.raises(ToolError, match=f"AIRFLOW_PORT={text} is no port: write a number from 1 to 65535"):
            wanted_ports({"AIRFLOW_PORT": text})

    def test_one_port_for_both_is_refused(self) -> None:
        with pytest.raises(ToolError, match="AIRFLOW_PORT and FLOWER_PORT are both 9000"):
            wanted_ports({"AIRFLOW_PORT": "9000", "FLOWER_PORT": "9000"})


class TestChosen:
    def test_the_usual_ones_are_taken_without_a_word(self, busy: set[int], capsys: pytest.CaptureFixture[str]) -> None:
        assert choose_ports({}) == USUAL
        assert capsys.readouterr().out == ""

    def test_free_ones_replace_taken_ones_and_are_told(
        self, busy: set[int], capsys: pytest.CaptureFixture[str]
    ) -> None:
        busy |= {8080, 8081, 5555}
        assert choose_ports({}) == {30080: 8082, 30555: 5556}
        assert capsys.readouterr().out.splitlines() == [
            "==> Airflow gets port 8082: port 8080 is taken by process 80800: python3 -m http.server 8080. "
            "Another: AIRFLOW_PORT=... make demo",
            "==> Flower gets port 5556: port 5555 is taken by process 55550: python3 -m http.server 5555. "
            "Another: FLOWER_PORT=... make demo",
        ]

    def test_all_that_are_asked_for_and_taken_are_refused_at_once(self, busy: set[int]) -> None:
        busy |= {9080, 9555}
        with pytest.raises(ToolError) as error:
            choose_ports({30080: 9080, 30555: 9555})
        assert str(error.value).splitlines() == [
            "AIRFLOW_PORT=9080: port 9080 is taken by process 90800: python3 -m http.server 9080",
            "FLOWER_PORT=9555: port 9555 is taken by process 95550: python3 -m http.server 9555",
            "End that, or name another port (AIRFLOW_PORT=... FLOWER_PORT=... make demo), or none: "
            "then a free one is taken",
        ]

    def test_one_that_the_other_asks_for_is_not_given_twice(self, busy: set[int]) -> None:
        assert choose_ports({30080: 5555}) == {30080: 5555, 30555: 5556}

    def test_it_is_told_when_there_is_none(self, busy: set[int]) -> None:
        busy |= set(range(8080, 8180))
        with pytest.raises(ToolError, match="no port from 8080 to 8179 is free for Airflow: name one, AIRFLOW_PORT="):
            choose_ports({})


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return what Docker says of the container of a running cluster at 8081 and 5555, which a test may change."""
    entries = {"30080/tcp": [{"HostPort": "8081"}], "30555/tcp": [{"HostPort": "5555"}], "6443/tcp": []}
    answers = {"{{json .HostConfig.PortBindings}}": json.dumps(entries), "{{.State.Running}}": "true"}
    monkeypatch.setattr(ports, "container", lambda _name, template: answers.get(template))
    monkeypatch.setattr(lifecycle, "container", lambda _name, template: answers.get(template))
    return answers


class TestCluster:
    def test_has_the_ports_that_it_was_made_with(self, cluster: dict[str, str]) -> None:
        assert ports.cluster_ports("airflow") == {30080: 8081, 30555: 5555}

    def test_that_is_not_there_has_none(self, cluster: dict[str, str]) -> None:
        cluster.clear()
        assert ports.cluster_ports("airflow") == {}

    def test_that_runs_holds_its_ports_itself(self, cluster: dict[str, str], busy: set[int]) -> None:
        busy |= {8081, 5555}
        assert lifecycle.check_ports("airflow") == {}

    def test_keeps_its_ports_when_they_are_asked_for(
        self, cluster: dict[str, str], busy: set[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        busy |= {8081, 5555}
        monkeypatch.setenv("AIRFLOW_PORT", "8081")
        assert lifecycle.check_ports("airflow") == {30080: 8081}

    def test_gets_no_others(self, cluster: dict[str, str], busy: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW_PORT", "9090")
        with pytest.raises(ToolError, match=r"AIRFLOW_PORT=9090: the cluster airflow .* port 8081.*: make down$"):
            lifecycle.check_ports("airflow")

    def test_gets_others_when_it_is_replaced_if_they_are_free(
        self, cluster: dict[str, str], busy: set[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW_PORT", "9090")
        assert lifecycle.check_ports("airflow", renew=True) == {30080: 9090}
        busy.add(9090)
        with pytest.raises(ToolError, match="AIRFLOW_PORT=9090: port 9090 is taken by process 90900"):
            lifecycle.check_ports("airflow", renew=True)

    def test_that_is_stopped_is_not_replaced_because_a_port_of_it_is_taken(
        self, cluster: dict[str, str], busy: set[int]
    ) -> None:
        cluster["{{.State.Running}}"] = "false"
        assert lifecycle.check_ports("airflow") == {}
        busy.add(8081)
        with pytest.raises(ToolError, match=r"is stopped.*\n.*8081 is taken by process 80810.*\n.*make down"):
            lifecycle.check_ports("airflow")

    def test_ports_asked_for_are_refused_before_a_first_one(
        self, cluster: dict[str, str], busy: set[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cluster.clear()
        busy |= {8080, 5555}
        assert lifecycle.check_ports("airflow") == {}
        monkeypatch.setenv("FLOWER_PORT", "5555")
        with pytest.raises(ToolError, match="FLOWER_PORT=5555: port 5555 is taken"):
            lifecycle.check_ports("airflow")


class TestRecorded:
    def test_the_usual_ones_before_any(self) -> None:
        assert recorded_ports("airflow") == USUAL

    def test_are_what_inventories_and_tests_are_told(self) -> None:
        ports.record_ports("airflow", {30080: 8082, 30555: 5556})
        assert ports.address_variables("airflow") == {
            "AIRFLOW_ADDRESS": "http://localhost:8082",
            "FLOWER_ADDRESS": "http://localhost:5556",
        }
        ports.forget_ports("airflow")
        assert recorded_ports("airflow") == USUAL


@pytest.fixture(params=["127.0.0.1", "0.0.0.0", "::1"])  # noqa: S104
def listening(request: pytest.FixtureRequest) -> Iterator[int]:
    """Return a port on which this process listens, at an address that `localhost` leads to."""
    address = request.param
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        server = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip(f"nobody can listen at {address} here")
    with server:
        yield server.getsockname()[1]


class TestMachine:
    def test_a_port_on_which_something_listens_is_taken(self, listening: int) -> None:
        assert not ports.is_free(listening)

    def test_one_on_which_nothing_does_is_free(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            number = server.getsockname()[1]
        assert ports.is_free(number)

    @pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux has /proc/net")
    def test_the_process_is_named_with_its_command(self) -> None:
        program = (
            "import socket, sys; server = socket.create_server(('127.0.0.1', 0)); "
            "print(server.getsockname()[1], flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-c", program, "--password", "hunter2"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdin
            number = int(process.stdout.readline())
            said = holder(number)
            process.stdin.close()
        assert said.startswith(f"process {process.pid}: {sys.executable}"[:60])
        assert "hunter2" not in said


class TestHolder:
    @pytest.fixture
    def proc(self, tmp_path: Path) -> Path:
        """Return a /proc in which inode 77 listens on port 8080, and nobody's descriptors can be seen."""
        (tmp_path / "net").mkdir()
        line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 77 1 0"
        (tmp_path / "net" / "tcp").write_text(f"  sl  local_address ...\n{line}\n")
        (tmp_path / "12").mkdir()
        (tmp_path / "12" / "comm").write_text("nginx\n")
        (tmp_path / "12" / "cmdline").write_bytes(b"nginx:\0-g\0daemon off;\0")
        return tmp_path

    def test_another_users_process_needs_root_to_be_seen(self, proc: Path) -> None:
        assert holder(8080, proc) == "a process of another user (only root sees which): sudo ss -ltnp 'sport = :8080'"

    def test_a_process_is_told_with_its_arguments(self, proc: Path) -> None:
        (proc / "12" / "fd").mkdir()
        (proc / "12" / "fd" / "5").symlink_to("socket:[77]")
        assert holder(8080, proc) == "process 12: nginx: -g daemon off;"

    def test_what_listens_elsewhere_is_not_it(self, proc: Path) -> None:
        assert holder(8081, proc) == "a process that cannot be seen from here: lsof -i :8081"
