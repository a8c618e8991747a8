"""Every role has the same furniture, and its argument specs say what its defaults do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.common.paths import ROLES
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


def variables(role: Path) -> dict[str, Any]:
    """Return what is in a role's vars, which may be a folder of files."""
    files = [*role.glob("vars/main.yml"), *role.glob("vars/main/*.yml")]
    return {name: value for file in files for name, value in load(file).items()}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def options(role: Path) -> dict[str, Any]:
    spec: dict[str, Any] = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]
    return spec.get("options", {})


@every_role
def test_the_argument_specs_have_the_names_and_values_of_the_defaults(role: Path) -> None:
    specified = {name: facts.get("default") for name, facts in options(role).items()}
    assert specified == load(role / "defaults" / "main.yml")


@every_role
def test_a_default_is_of_the_type_that_is_specified(role: Path) -> None:
    for name, facts in options(role).items():
        # What may be empty is empty text: a survey of AWX knows nothing else.
        if facts["default"] != "":
            assert isinstance(facts["default"], TYPES[facts["type"]]), name


@every_role
def test_names_start_with_the_name_of_the_role(role: Path) -> None:
    names = {*load(role / "defaults" / "main.yml"), *variables(role)}
    assert [name for name in names if not name.startswith((f"{role.name}_", f"__{role.name}_"))] == []


@every_role
def test_no_name_is_both_a_default_and_a_var(role: Path) -> None:
    """A variable in vars/ would win over the inventory."""
    assert not load(role / "defaults" / "main.yml").keys() & variables(role).keys()


@every_role
def test_a_secret_value_is_not_shown_and_has_no_choices(role: Path) -> None:
    """Ansible prints the value when it is none of the choices, ``no_log`` or not."""
    for name, facts in options(role).items():
        if re.search(r"_(password|key|secret)$", name):
            # What only names a Secret or a key of one may be shown, and helps whoever reads it.
            is_name = bool(
                re.search(
                    r"_(ca|password|url)_key$|_(auth_ldap|ca|database|redis|sentinel|result_backend|tls)_secret$", name
                )
            )
            assert facts.get("no_log") is not is_name, name
            assert "choices" not in facts, name


@every_role
def test_no_role_reads_the_variables_of_another_but_those_of_airflow(role: Path) -> None:
    """Only the shared role asks others, and only what its preflight needs, with a fallback where they are not there."""
    others = {path.name for path in ROLES.iterdir()} - {role.name, "airflow"}
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(others))})_[a-z_]+\b(?! \| default\()")
    for path in role.rglob("*.yml"):
        expressions = re.findall(r"{{.*?}}", path.read_text(), re.DOTALL)
        expressions = [re.sub(r"'[^']*'", "''", expression) for expression in expressions]
        assert [found for expression in expressions for found in pattern.findall(expression)] == [], path


@every_role
def test_the_readme_is_current(role: Path) -> None:
    assert (role / "README.md").read_text() == readme(role), "run: make docs"


@every_role
def test_no_role_has_another_loaded(role: Path) -> None:
    """Ansible would read the other one's files anew for each role that names it, a quarter of a deploy's CPU."""
    assert not load(role / "meta" / "main.yml").get("dependencies")


@pytest.mark.parametrize("name", ["separated_services", "master_worker"])
def test_what_all_share_comes_first_and_health_last(name: str) -> None:
    (play,) = load(ROLES.parent / "playbooks" / f"{name}.yml")
    roles = [task["ansible.builtin.import_role"]["name"] for task in play["tasks"]]
    assert (roles[0], roles[-1]) == ("airflow.kubernetes.airflow", "airflow.kubernetes.health")
