# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every playbook runs on this machine, for the releases of an inventory and for no other host in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.common.paths import CHECKOUT
from tools.environment.variables import WITHOUT_COLOR

Play = dict[str, Any]

#: Those that are for no release of the inventory.
OF_NO_RELEASE = ("awx.yml", "operator.yml")
PLAYBOOKS = [path for path in sorted((CHECKOUT / "playbooks").glob("*.yml")) if path.name not in OF_NO_RELEASE]
#: The tasks of plays that the operator runs, too.
TASKS = CHECKOUT / "playbooks" / "tasks"
ARCHITECTURES = ("separated_services", "master_worker")

every_playbook = pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)

#: Releases among the machines that an inventory has for other purposes, with what is usual for those.
MIXED: Play = {
    "all": {
        "vars": {
            "ansible_connection": "ansible.builtin.ssh",
            "ansible_become": True,
            "ansible_python_interpreter": "/nowhere/python3",
        },
        "hosts": {"bastion": {"ansible_host": "192.0.2.1"}},
        "children": {
            "webservers": {"hosts": {"web1": {}, "web2": {}}},
            "separated_services": {"hosts": {"production": {}}},
            "master_worker": {"hosts": {"staging": {}}},
        },
    }
}


def hosts_of(playbook: Path) -> str:
    """Return the pattern of the hosts for which a playbook's own plays are."""
    architecture = playbook.stem.removeprefix("change_version_")
    return architecture if architecture in ARCHITECTURES else ":".join(ARCHITECTURES)


def plays(playbook: Path) -> Iterator[Play]:
    """Yield the plays that stand in a playbook itself."""
    return (play for play in yaml.safe_load(playbook.read_text()) if "import_playbook" not in play)


def run(inventory: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook from the checkout, with nobody at the keyboard."""
    return subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", inventory, *arguments],
        cwd=CHECKOUT,
        env={**os.environ, **WITHOUT_COLOR},
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps(MIXED))
    return inventory


@every_playbook
def test_a_play_runs_here_and_for_releases_alone(playbook: Path) -> None:
    hosts = hosts_of(playbook)
    for play in plays(playbook):
        assert play["hosts"] == hosts
        assert play["connection"] == "local"
        assert play["gather_facts"] is False
        # The inventory's variables win over the play's keywords, but not over its variables.
        assert play["vars"] == {
            "ansible_connection": "local",
            "ansible_become": False,
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        }
        # Once, for all modules of the collection, and for all tasks that render.yml has write files.
        defaults = {
            "group/airflow.kubernetes.airflow": {
                "kubeconfig": "{{ airflow_kubeconfig | default(omit, true) }}",
                "context": "{{ airflow_context | default(omit, true) }}",
            }
        }
        if playbook.stem in ARCHITECTURES:
            defaults["airflow.kubernetes.apply"] = {
                "render_ordering": "{{ airflow_render_ordering | default(omit, true) }}",
                "render_flux": "{{ airflow_render_flux | default(omit, true) }}",
            }
        assert play["module_defaults"] == defaults


@pytest.mark.parametrize("playbook", ["separated_services", "master_worker"])
@pytest.mark.parametrize("prefix", ["", "change_version_"])
def test_a_playbook_with_tasks_in_a_file_has_no_others(prefix: str, playbook: str) -> None:
    (play,) = plays(CHECKOUT / "playbooks" / f"{prefix}{playbook}.yml")
    assert [task["ansible.builtin.import_tasks"] for task in play["tasks"]] == [f"tasks/{prefix}{playbook}.yml"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_role_of_an_architecture_has_its_tag(architecture: str) -> None:
    for task in yaml.safe_load((TASKS / f"{architecture}.yml").read_text()):
        name = task["ansible.builtin.import_role"]["name"].removeprefix("airflow.kubernetes.")
        # What all share is read by every other role.
        assert task["tags"] == (["airflow", "always"] if name == "airflow" else [name])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_another_version_takes_the_roles_of_a_deploy_with_the_workers_before_the_scheduler(architecture: str) -> None:
    def roles(name: str) -> list[str]:
        tasks = yaml.safe_load((TASKS / f"{name}.yml").read_text())
        imported = [task["ansible.builtin.import_role"] for task in tasks]
        return [each["name"] for each in imported if each.get("tasks_from", "shared") == "shared"]

    wanted, workers = roles(architecture), "airflow.kubernetes.workers"
    wanted.remove(workers)
    first = {"separated_services": "scheduler", "master_worker": "master"}[architecture]
    wanted.insert(wanted.index(f"airflow.kubernetes.{first}"), workers)
    assert roles(f"change_version_{architecture}") == wanted


def test_the_root_only_imports() -> None:
    for file in CHECKOUT.glob("*.yml"):
        if file.name not in ("execution-environment.yml", "galaxy.yml"):
            assert [play.keys() for play in yaml.safe_load(file.read_text())] == [{"name", "import_playbook"}], file


@pytest.mark.parametrize("inventory", ["generic", "kind", "kind_nodes", "openshift"])
def test_an_inventory_need_not_say_how_to_connect(inventory: str) -> None:
    for file in (CHECKOUT / "inventories" / inventory).rglob("*.yml"):
        assert not re.search(r"ansible_(connection|python_interpreter|become)", file.read_text()), file


@pytest.mark.parametrize("playbook", [CHECKOUT / "deploy.yml", *PLAYBOOKS], ids=lambda path: path.stem)
def test_other_hosts_of_the_inventory_are_left_alone(playbook: Path, mixed: Path) -> None:
    listed = run(mixed, "--list-hosts", playbook)
    assert listed.returncode == 0, listed.stdout
    named = {*re.findall(r"^      (\S+)$", listed.stdout, re.MULTILINE)}
    wanted = {"separated_services": {"production"}, "master_worker": {"staging"}}
    assert named == wanted.get(hosts_of(playbook), {"production", "staging"}), listed.stdout


@pytest.mark.parametrize("groups", [ARCHITECTURES[:1], ARCHITECTURES[1:], ARCHITECTURES, ()], ids="+".join)
def test_an_architecture_without_hosts_is_loaded_only_when_none_has_any(groups: Sequence[str], tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.json"
    named = {name: {"hosts": {f"of-{name}": {}} if name in groups else {}} for name in ARCHITECTURES}
    inventory.write_text(json.dumps({"all": {"children": named}}))
    listed = run(inventory, "--list-hosts", CHECKOUT / "deploy.yml")
    assert listed.returncode == 0, listed.stdout
    loaded = re.findall(r"^  play #\d+ \((\w+)\):", listed.stdout, re.MULTILINE)
    assert loaded == [*(groups or ARCHITECTURES)]


def test_a_release_is_not_connected_to_whatever_the_inventory_says(mixed: Path, tmp_path: Path) -> None:
    done = run(mixed, CHECKOUT / "playbooks" / "grant.yml", "--extra-vars", f"airflow_render_directory={tmp_path}")
    assert done.returncode == 0, done.stdout
    assert [*tmp_path.rglob("*.yaml")]


@pytest.mark.parametrize("playbook", ["deploy", "render"])
def test_a_host_of_both_architectures_is_refused(playbook: str, tmp_path: Path) -> None:
    hosts: Play = {"hosts": {"twice": {"airflow_render_to": str(tmp_path / "rendered")}}}
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(json.dumps({"all": {"children": dict.fromkeys(ARCHITECTURES, hosts)}}))
    refused = run(inventory, CHECKOUT / "playbooks" / f"{playbook}.yml")
    assert refused.returncode != 0
    assert "in the inventory groups separated_services and master_worker" in " ".join(refused.stdout.split())
    # One of them by its own playbook, as a change of the architecture is tried.
    if playbook == "render":
        arguments = ("-e", f"airflow_render_directory={tmp_path}/one")
        assert run(inventory, CHECKOUT / "playbooks" / "master_worker.yml", *arguments).returncode == 0


class TestTwoHostsOfOneRelease:
    """Only what ``airflow_render_directory`` and the like say tells these two apart."""

    @staticmethod
    def render(tmp_path: Path, first: Play, second: Play) -> subprocess.CompletedProcess[str]:
        common = {"airflow_render_directory": str(tmp_path / "rendered")}
        inventory = tmp_path / "hosts.yml"
        inventory.write_text(
            json.dumps(
                {
                    "separated_services": {"hosts": {"one": common | first}},
                    "master_worker": {"hosts": {"two": common | second}},
                }
            )
        )
        return run(inventory, CHECKOUT / "playbooks" / "deploy.yml", "--limit", "one")

    @pytest.mark.parametrize(
        ("first", "second"),
        [({}, {}), ({"airflow_name": "airflow"}, {"team": "airflow", "airflow_name": "{{ team }}"})],
        ids=["defaults", "template"],
    )
    def test_are_refused_though_one_runs(self, tmp_path: Path, first: Play, second: Play) -> None:
        refused = self.render(tmp_path, first, second)
        assert refused.returncode != 0
        assert "The release airflow/airflow is also named by two in the inventory." in " ".join(refused.stdout.split())

    @pytest.mark.parametrize("other", [{"airflow_name": "b"}, {"airflow_namespace": "b"}, {"airflow_context": "b"}])
    def test_are_not_refused_where_one_name_differs(self, tmp_path: Path, other: Play) -> None:
        rendered = self.render(tmp_path, {}, other)
        assert rendered.returncode == 0, rendered.stdout
