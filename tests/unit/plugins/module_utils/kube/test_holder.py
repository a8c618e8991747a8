# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""By which name a run is known, and when it is known to be dead."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.holder import (
    Holder,
    is_dead,
    place,
    started,
    this_run,
)

HOLDER = Holder("root@laptop", 4711, "boot/pid:1", "1234")


def test_a_holder_reads_what_it_wrote() -> None:
    assert HOLDER.identity == "root@laptop, process 4711 [boot/pid:1 1234]"
    assert Holder.parse(HOLDER.identity) == HOLDER
    assert str(HOLDER) == "root@laptop, process 4711"


@pytest.mark.parametrize("identity", ["", "kubectl", "root@laptop, process x [a 1]"])
def test_what_somebody_else_wrote_is_nobody_we_know(identity: str) -> None:
    assert Holder.parse(identity) is None


def test_this_process_is_known_by_its_start_and_place() -> None:
    me = this_run(os.getpid())
    assert me.pid == os.getpid()
    assert Holder.parse(me.identity) == me == this_run(os.getpid())
    assert me.started.isdigit()
    assert me.place == place() != ""
    assert not is_dead(me, place(), started)


def test_another_process_that_has_ended_is_dead_even_before_its_parent_looks() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        other = this_run(process.pid)
        assert not is_dead(other, place(), started)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(other, place(), started)
    assert is_dead(other, place(), started)


@pytest.mark.parametrize(
    ("here", "start", "dead"),
    [
        ("boot/pid:1", "1234", False),
        ("boot/pid:1", "", True),
        # The number was given to another process.
        ("boot/pid:1", "9999", True),
        # After another boot, in another container, where nothing is known of places: nobody can tell.
        ("later/pid:1", "", False),
        ("boot/pid:2", "", False),
        ("", "", False),
    ],
)
def test_only_a_process_of_the_same_place_can_be_known_to_be_dead(here: str, start: str, dead: bool) -> None:
    assert is_dead(HOLDER, here, lambda pid: start) is dead


def test_a_run_in_a_copy_of_this_machine_is_not_known_to_be_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual machines of one snapshot have the same boot and namespaces; their hosts' names differ."""
    here = place()
    monkeypatch.setattr("socket.gethostname", lambda: "copy")
    other = this_run(os.getpid(), {})
    assert other.who.endswith("@copy")
    assert "@copy, process " in str(Holder.parse(other.identity))
    assert not is_dead(other, here, lambda pid: "")
    assert is_dead(other, place(), lambda pid: "")


def test_where_nothing_is_known_of_places_nobody_is_dead() -> None:
    assert not is_dead(Holder("root@mac", 1), "", lambda pid: "")


@pytest.mark.parametrize(
    ("environment", "said"),
    [({"JOB_ID": "42", "INVENTORY_ID": "1"}, "AWX job 42, "), ({"JOB_ID": "42"}, ""), ({}, "")],
)
def test_a_job_of_awx_is_named(environment: dict[str, str], said: str) -> None:
    who = this_run(os.getpid(), environment).who
    assert who.startswith(said)
    assert ("AWX" in who) is bool(said)


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Any:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert this_run(os.getpid(), {}).who.startswith(f"{os.getuid()}@")
