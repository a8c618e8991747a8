"""Every role has the same furniture, and its argument specs say what its defaults do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.plugin_utils._role_variables import role_files
from tools.common.paths import ROLES
from tools.docs.argument_specs import MARKUP
from tools.docs.role_readmes import readme

every_role = pytest.mark.parametrize(
    "role", sorted(path for path in ROLES.iterdir() if path.is_dir()), ids=lambda r: r.name
)

TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "dict": (dict,),
    "int": (int,),
    "list": (list,),
    "path": (str,),
    "raw": (object,),
    "str": (str,),
}


def variables(role: Path, kind: str = "vars") -> dict[str, Any]:
    """Return what is in a role's ``vars`` or ``defaults``, which may be a folder of files."""
    return {name: value for file in role_files(role, kind) for name, value in load(file).items()}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def options(role: Path) -> dict[str, Any]:
    """Return the options of all entry points of a role."""
    points = load(role / "meta" / "argument_specs.yml")["argument_specs"].values()
    return {name: facts for point in points for name, facts in (point.get("options") or {}).items()}


@every_role
def test_the_argument_specs_have_the_names_and_values_of_the_defaults(role: Path) -> None:
    specified = {name: facts.get("default") for name, facts in options(role).items()}
    assert specified == variables(role, "defaults")


@every_role
def test_a_default_has_the_first_sentence_of_its_description_above_it(role: Path) -> None:
    above = re.compile(r"((?:^# .*\n)+)(\w+):", re.MULTILINE)
    said = {name: comment for file in role_files(role, "defaults") for comment, name in above.findall(file.read_text())}
    for name, facts in options(role).items():
        description = facts["description"]
        text = MARKUP.sub(lambda match: match[2], description if isinstance(description, str) else description[0])
        sentence = re.split(r"(?<=[.])\s", text)[0]
        comment = re.sub(r"^# ", "", said[name], flags=re.MULTILINE).replace("\n", " ").strip()
        assert comment.endswith(sentence), name


def test_an_operation_has_an_entry_point_and_variables_of_its_own() -> None:
    role = ROLES / "airflow"
    points = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    assert points.keys() == {path.stem for path in role.glob("tasks/*.yml")}
    names = [name for point in points.values() for name in point["options"]]
    assert len(names) == len(set(names))


@every_role
def test_a_default_is_of_the_type_that_is_specified(role: Path) -> None:
    for name, facts in options(role).items():
        # What may be empty is empty text: a survey of AWX knows nothing else.
        if facts["default"] != "":
            assert isinstance(facts["default"], TYPES[facts["type"]]), name


@every_role
def test_names_start_with_the_name_of_the_role(role: Path) -> None:
    public, computed = variables(role, "defaults"), variables(role)
    assert [name for name in public if not name.startswith(f"{role.name}_")] == []
    assert [name for name in computed if not name.startswith(f"__{role.name}_")] == []


@every_role
def test_no_name_is_both_a_default_and_a_var(role: Path) -> None:
    """A variable in vars/ would win over the inventory."""
    assert not variables(role, "defaults").keys() & variables(role).keys()


@every_role
def test_a_secret_value_is_not_shown_and_has_no_choices(role: Path) -> None:
    """Ansible prints the value when it is none of the choices, ``no_log`` or not."""
    for name, facts in options(role).items():
        if re.search(r"_(password|key|secret)$", name):
            # What only names a Secret or a key of one may be shown, and helps whoever reads it.
            is_name = bool(
                re.search(r"_(ca|url)_key$|_secret$|(?<!_api)_secret_key$", name) and name != "airflow_jwt_secret"
            )
            assert facts.get("no_log") is not is_name, name
            assert "choices" not in facts, name


@every_role
def test_no_role_reads_the_variables_of_another_but_those_of_airflow(role: Path) -> None:
    """Only the shared role asks others, and only what its preflight needs, with a fallback where they are not there."""
    others = {path.name for path in ROLES.iterdir()} - {role.name, "airflow"}
    pattern = re.compile(rf"\b(?:__)?(?:{'|'.join(sorted(others))})_[a-z_]+\b(?! \| default\()")
    for path in role.rglob("*.yml"):
        expressions = re.findall(r"{{.*?}}", path.read_text(), re.DOTALL)
        expressions = [re.sub(r"'[^']*'", "''", expression) for expression in expressions]
        assert [found for expression in expressions for found in pattern.findall(expression)] == [], path


@every_role
def test_the_readme_is_current(role: Path) -> None:
    assert (role / "README.md").read_text() == readme(role.name), "run: make docs"


@every_role
def test_no_role_has_another_loaded(role: Path) -> None:
    """Ansible would read the other one's files anew for each role that names it, a quarter of a deploy's CPU."""
    assert not load(role / "meta" / "main.yml").get("dependencies")


@pytest.mark.parametrize("name", ["separated_services", "master_worker"])
def test_what_all_share_comes_first_and_health_last(name: str) -> None:
    tasks = load(ROLES.parent / "playbooks" / "tasks" / f"{name}.yml")
    roles = [task["ansible.builtin.import_role"]["name"] for task in tasks]
    assert (roles[0], roles[-1]) == ("airflow.kubernetes.airflow", "airflow.kubernetes.health")
