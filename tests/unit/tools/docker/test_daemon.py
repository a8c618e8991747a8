"""What a killed Docker leaves on the network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.docker.daemon import dead_links


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return a folder with `net` and `proc`, in which no container lives."""
    (tmp_path / "net").mkdir()
    for number, command in {"1": "systemd", "20": "bash"}.items():
        (tmp_path / "proc" / number).mkdir(parents=True)
        (tmp_path / "proc" / number / "comm").write_text(f"{command}\n")
    (tmp_path / "proc" / "sys").mkdir()
    return tmp_path


def add_link(machine: Path, name: str, bridge: str = "") -> None:
    (machine / "net" / name).mkdir()
    if bridge:
        (machine / "net" / bridge).mkdir(exist_ok=True)
        (machine / "net" / name / "master").symlink_to(f"../{bridge}")


def found(machine: Path) -> list[str]:
    return dead_links(machine / "net", machine / "proc")


def test_links_on_the_bridges_of_docker_are_dead_when_no_container_lives(machine: Path) -> None:
    add_link(machine, "veth1", "docker0")
    add_link(machine, "veth2", "br-0bf3efa8c863")
    assert found(machine) == ["veth1", "veth2"]


@pytest.mark.parametrize(
    ("name", "bridge"), [("veth1", "podman0"), ("veth1", "br-lan"), ("veth1", ""), ("eth0", "br-0bf3efa8c863")]
)
def test_other_links_are_left_alone(machine: Path, name: str, bridge: str) -> None:
    add_link(machine, name, bridge)
    assert found(machine) == []


def test_no_link_is_dead_while_a_container_lives(machine: Path) -> None:
    add_link(machine, "veth1", "docker0")
    (machine / "proc" / "20" / "comm").write_text("containerd-shim\n")
    assert found(machine) == []
