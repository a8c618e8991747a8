# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the documentation names has to be there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.plugin_utils._role_variables import role_files

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [
    *(CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((CHECKOUT / "docs").glob("*.md")),
]
REPOSITORY = re.compile(
    r"https://(?:github|raw\.githubusercontent)\.com/airflow-kubernetes/airflow\.kubernetes/(?:(?:blob|tree)/)?main/"
)
ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir() if path.is_dir())

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def read(path: str) -> Any:
    return yaml.safe_load((CHECKOUT / path).read_text())


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page.read_text())
    for link in links:
        target, _hash, anchor = REPOSITORY.sub(f"{CHECKOUT}/", link).partition("#")
        if target.startswith("http"):
            continue
        path = (page.parent / target) if target else page
        assert path.exists(), link
        assert not anchor or anchor in anchors(path), link


#: A group of the inventory, what stands for a role in names of variables, and what jobs hand on.
NO_VARIABLES = {"master_worker", "airflow_task_pod", "airflow_results"}


@every_page
def test_variables_exist(page: Path) -> None:
    files = [file for role in ROLES for file in role_files(CHECKOUT / "roles" / role, "defaults")]
    known = {name for file in files for name in yaml.safe_load(file.read_text())}
    named = set(re.findall(r"`(\w+)`", page.read_text())) | set(
        re.findall(r"^ *(?:- )?(\w+):", page.read_text(), re.MULTILINE) + re.findall(r"-e (\w+)=", page.read_text())
    )
    ours = {name for name in named if name.startswith(tuple(f"{role}_" for role in ROLES)) and not name.endswith("_")}
    # Options of Airflow's own have two underscores; inventory groups and scenarios may begin with a role's name.
    assert {name for name in ours - known - NO_VARIABLES if "__" not in name} == set()


@every_page
def test_playbooks_and_targets_exist(page: Path) -> None:
    text = page.read_text()
    for playbook in re.findall(r"(?<![\w/])((?:playbooks/)?\w+\.yml)", text):
        if playbook.startswith("playbooks/") or playbook == "deploy.yml":
            assert (CHECKOUT / playbook).is_file(), playbook
    makefile = (CHECKOUT / "Makefile").read_text()
    for words in re.findall(r"(?:^|`)make ([a-z ]+)", text, re.MULTILINE):
        for target in words.split():
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_scenario_that_is_named_exists() -> None:
    named = re.findall(r"scenario `(\w+)`", (CHECKOUT / "docs/verification.md").read_text())
    assert named
    assert all((CHECKOUT / "molecule" / name / "molecule.yml").is_file() for name in named)


def test_the_index_links_every_page() -> None:
    index = CHECKOUT / "docs" / "README.md"
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index.read_text()))
    assert linked == {page.name for page in index.parent.glob("*.md")} - {index.name}
