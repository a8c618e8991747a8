# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What playbooks/awx.yml makes in a stand-in of AWX, and its data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from tests.awx.api import ENCRYPTED, TOKEN, Awx, Refused, serving
from tools.common.paths import CHECKOUT
from tools.docs.surveys import FILE
from tools.environment.variables import WITHOUT_COLOR

SURVEYS: Mapping[str, Any] = yaml.safe_load(FILE.read_text())["awx_surveys"]
DATA: Mapping[str, Any] = DataLoader().load_from_file(str(CHECKOUT / "playbooks" / "vars" / "awx.yml"))
CLUSTER_TOKEN = "a-token-of-the-cluster"
#: One instead of all, which saves half a minute.
INVENTORIES = {"Mine": "inventories/generic/hosts.yml"}
#: The playbooks that no job template runs: those of another one, for an administrator, and for a machine with files.
NOT_IN_AWX = {
    "awx",
    "operator",
    "both_architectures",
    "change_version_master_worker",
    "change_version_separated_services",
    "grant",
    "master_worker",
    "render",
    "separated_services",
}


@dataclass
class Runs:
    """Two runs of the playbook, one after the other.

    :param changes: the requests of each that changed something.
    :param outputs: what each printed.
    """

    awx: Awx
    changes: list[list[str]]
    outputs: list[str]


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    found = Runs(Awx(CHECKOUT), [], [])
    with serving(found.awx) as address:
        environment = {
            **os.environ,
            **WITHOUT_COLOR,
            "ANSIBLE_PIPELINING": "true",
            "CONTROLLER_HOST": address,
            "CONTROLLER_OAUTH_TOKEN": TOKEN,
            "K8S_AUTH_HOST": "https://cluster.example.com:6443",
            "K8S_AUTH_API_KEY": CLUSTER_TOKEN,
        }
        playbook = Path(sys.executable).parent / "ansible-playbook"
        variables = json.dumps({"awx_inventories": INVENTORIES})
        for _ in range(2):
            done = subprocess.run(
                [playbook, "-vv", "-i", "localhost,", "-e", variables, CHECKOUT / "playbooks" / "awx.yml"],
                cwd=CHECKOUT,
                env=environment,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=600,
            )
            assert done.returncode == 0, done.stdout
            found.changes.append([*found.awx.changes])
            found.awx.changes.clear()
            found.outputs.append(done.stdout)
        yield found


class TestPlaybook:
    def test_a_second_run_changes_nothing(self, runs: Runs) -> None:
        assert len(runs.changes[0]) > 50
        assert runs.changes[1] == []
        assert "changed=0 " in runs.outputs[1]

    def test_a_job_template_is_there_for_each_entry(self, runs: Runs) -> None:
        assert runs.awx.names("job_templates") == [each["name"] for each in DATA["controller_templates"]]

    def test_a_job_template_asks_for_release_and_mode(self, runs: Runs) -> None:
        for template in runs.awx.objects["job_templates"].values():
            asked = [name for name, value in template.items() if name.startswith("ask_") and value]
            assert len(asked) == 6
            assert {"ask_limit_on_launch", "ask_job_type_on_launch", "ask_diff_mode_on_launch"} <= {*asked}

    def test_only_what_changes_nothing_of_a_release_runs_at_the_same_time(self, runs: Runs) -> None:
        together = [
            each["playbook"] for each in runs.awx.objects["job_templates"].values() if each["allow_simultaneous"]
        ]
        assert together == [f"playbooks/{name}.yml" for name in ("status", "diagnose", "run_dag")]

    def test_a_job_template_has_its_survey(self, runs: Runs) -> None:
        for template in runs.awx.objects["job_templates"].values():
            stored = runs.awx.surveys.get(template["related"]["survey_spec"])
            assert stored == SURVEYS.get(Path(template["playbook"]).stem)
            assert template["survey_enabled"] == (stored is not None)

    def test_a_job_reaches_the_cluster_by_its_credential_alone(self, runs: Runs) -> None:
        for template in runs.awx.objects["job_templates"].values():
            assert [each["name"] for each in runs.awx.linked("credentials", template, "credentials")] == [
                "Airflow cluster"
            ]
            assert json.loads(template["extra_vars"]) == {"airflow_kubeconfig": "", "airflow_context": ""}

    def test_the_credential_has_the_token_which_is_shown_nowhere(self, runs: Runs) -> None:
        credential = runs.awx.named("credentials", "Airflow cluster")
        assert credential["inputs"] == {
            "host": "https://cluster.example.com:6443",
            "bearer_token": CLUSTER_TOKEN,
            "verify_ssl": False,
        }
        assert CLUSTER_TOKEN not in "".join(runs.outputs)
        _, shown = runs.awx.answer("GET", credential["url"], {}, {})
        assert shown["inputs"]["bearer_token"] == ENCRYPTED

    def test_the_identity_of_a_backup_is_a_file_in_the_job(self, runs: Runs) -> None:
        made = runs.awx.named("credential_types", "Airflow backup identity")
        assert made["injectors"] == {
            "file": {"template": "{{ identity }}"},
            "extra_vars": {"airflow_restore_age_identity": "{{ tower.filename }}"},
        }

    def test_an_inventory_has_its_source_in_the_project(self, runs: Runs) -> None:
        assert runs.awx.names("inventories") == [*INVENTORIES]
        (source,) = runs.awx.objects["inventory_sources"].values()
        assert source["source_path"] == INVENTORIES["Mine"]
        assert source["source_project"] == runs.awx.named("projects", "Airflow on Kubernetes")["id"]

    @pytest.mark.parametrize(
        ("workflow", "path"),
        [
            ("Airflow check, deploy and run a DAG", ["check", "deploy", "run_dag"]),
            ("Airflow back up, upgrade and verify", ["approve", "backup", "upgrade", "verify"]),
            ("Airflow approve and destroy", ["approve", "destroy"]),
        ],
    )
    def test_a_workflow_goes_on_after_success(self, runs: Runs, workflow: str, path: list[str]) -> None:
        number = runs.awx.named("workflow_job_templates", workflow)["id"]
        every = runs.awx.objects["workflow_job_template_nodes"].values()
        nodes = {each["identifier"]: each for each in every if each["workflow_job_template"] == number}
        for name, following in zip(path, [*path[1:], None], strict=True):
            linked = runs.awx.linked("workflow_job_template_nodes", nodes[name], "success_nodes")
            assert [each["identifier"] for each in linked] == ([following] if following else [])
        # Nothing else starts a workflow.
        followed = {
            each["identifier"]
            for node in nodes.values()
            for link in ("success_nodes", "failure_nodes")
            for each in runs.awx.linked("workflow_job_template_nodes", node, link)
        }
        assert nodes.keys() - followed == {path[0]}

    def test_a_workflow_checks_before_it_deploys(self, runs: Runs) -> None:
        check = runs.awx.named("workflow_job_template_nodes", "check")
        assert check["job_type"] == "check"
        assert check["unified_job_template"] == runs.awx.named("job_templates", "Airflow deploy")["id"]

    @pytest.mark.parametrize("approval", ["Upgrade Airflow", "Destroy Airflow"])
    def test_an_approval_is_the_first_node_and_ends_by_itself(self, runs: Runs, approval: str) -> None:
        made = runs.awx.named("workflow_approval_templates", approval)
        assert made["timeout"] == DATA["awx_approval_timeout"]
        every = runs.awx.objects["workflow_job_template_nodes"].values()
        assert [each["identifier"] for each in every if each["unified_job_template"] == made["id"]] == ["approve"]

    def test_a_workflow_asks_for_all_that_its_nodes_need(self, runs: Runs) -> None:
        every = runs.awx.objects
        for node in every["workflow_job_template_nodes"].values():
            workflow = every["workflow_job_templates"][node["workflow_job_template"]]
            asked = {each["variable"] for each in runs.awx.surveys[workflow["related"]["survey_spec"]]["spec"]}
            template = every["job_templates"].get(node["unified_job_template"], {"related": {"survey_spec": ""}})
            spec = runs.awx.surveys.get(template["related"]["survey_spec"], {"spec": []})["spec"]
            assert {each["variable"] for each in spec if each["required"]} <= asked

    def test_schedules_wait_until_somebody_enables_them(self, runs: Runs) -> None:
        made = {each["name"]: each for each in runs.awx.objects["schedules"].values()}
        assert made.keys() == {"Airflow status", "Airflow backup"}
        assert not any(each["enabled"] for each in made.values())


class TestData:
    def test_every_playbook_has_a_job_template(self) -> None:
        run = {Path(each["playbook"]).stem for each in DATA["controller_templates"]}
        assert run == {path.stem for path in (CHECKOUT / "playbooks").glob("*.yml")} - NOT_IN_AWX

    def test_every_inventory_of_the_project_is_there(self) -> None:
        folders = {path.parent.name for path in CHECKOUT.glob("inventories/*/hosts.yml")}
        assert {*DATA["awx_inventories"].values()} == {f"inventories/{name}/hosts.yml" for name in folders}

    def test_every_job_ends_by_itself(self) -> None:
        assert all(300 <= each["timeout"] <= 14400 for each in DATA["controller_templates"])


class TestStandIn:
    """What the tests above rely on refuses something."""

    def refusal(self, endpoint: str, data: Any) -> str:
        awx = Awx(CHECKOUT)
        awx.answer("POST", "/api/v2/organizations/", {}, {"name": "ours"})
        awx.answer("POST", "/api/v2/projects/", {}, {"name": "ours", "organization": 2})
        with pytest.raises(Refused) as refused:
            awx.answer("POST", f"/api/v2/{endpoint}/", {}, data)
        return str(refused.value)

    @pytest.mark.parametrize(
        ("endpoint", "data", "message"),
        [
            ("organizations", {"name": "a", "colour": "red"}, "has no field colour"),
            ("organizations", {"name": "ours"}, "there already"),
            ("organizations", {"name": 3}, "name of organizations is a int"),
            ("projects", {"name": "a", "organization": 99}, "there is no 99"),
            ("execution_environments", {"name": "a"}, "needs image"),
            ("job_templates", {"name": "a", "project": 3, "playbook": "no.yml"}, "no.yml is not in the project"),
            ("credentials", {"name": "a", "credential_type": 1, "inputs": {"key": "b"}}, "input key is unknown"),
            ("schedules", {"name": "a", "unified_job_template": 3, "rrule": "FREQ=DAILY"}, "no DTSTART"),
        ],
    )
    def test_what_awx_does_not_take_is_refused(self, endpoint: str, data: Any, message: str) -> None:
        assert message in self.refusal(endpoint, data)

    def test_a_survey_is_checked(self) -> None:
        awx = Awx(CHECKOUT)
        made = {"name": "a", "project": 2, "playbook": "deploy.yml"}
        awx.answer("POST", "/api/v2/projects/", {}, {"name": "ours"})
        awx.answer("POST", "/api/v2/job_templates/", {}, made)
        with pytest.raises(Refused, match="there is no question"):
            awx.answer("POST", "/api/v2/job_templates/3/survey_spec/", {}, {"name": "", "description": "", "spec": []})

    def test_a_schedule_cannot_leave_out_what_is_required(self) -> None:
        awx = Awx(CHECKOUT)
        question = {"type": "text", "question_name": "A", "variable": "a", "required": True, "default": "b"}
        survey = {"name": "", "description": "", "spec": [question]}
        schedule = {
            "name": "a",
            "unified_job_template": 3,
            "rrule": "DTSTART:20260101T013000Z RRULE:FREQ=DAILY;INTERVAL=1",
        }
        awx.answer("POST", "/api/v2/projects/", {}, {"name": "ours"})
        awx.answer("POST", "/api/v2/job_templates/", {}, {"name": "a", "project": 2, "playbook": "deploy.yml"})
        awx.answer("POST", "/api/v2/job_templates/3/survey_spec/", {}, survey)
        with pytest.raises(Refused, match="no answer to a"):
            awx.answer("POST", "/api/v2/schedules/", {}, schedule)
