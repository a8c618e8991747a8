# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a message advises to set is a variable that a role has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.rules import RULES
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.variables import (
    _CLAIMS,
    _SHARED_CLAIMS,
    VARIABLES,
    claim_variable,
    image_variable,
    variable,
)
from tools.common.paths import ROLES

CHECKOUT = ROLES.parent
#: The roles of a release.
ROLE_NAMES = sorted({path.name for path in ROLES.iterdir()} - {"operator"})
#: What a variable of a role looks like, and the beginning of one that a value completes. With two underscores behind
#: the role's name it is an option of airflow_config.
NAME = re.compile(rf"(?<![\w./:-])(?:{'|'.join(ROLE_NAMES)})_(?!_)[a-z0-9_]*[a-z0-9](?![\w*])")
BEGINNING = re.compile(rf"(?<![\w./:-])(?:{'|'.join(ROLE_NAMES)})_[a-z0-9_]*$")
#: Keys of data, options of Airflow, and names of programs and inventory groups, and not variables.
KEYS = {"airflow_kubernetes_jwt", "flower_address", "master_name", "master_worker", "mysql_ca", "redis_version"}
KEYS |= {
    "airflow_kubernetes_content_type",
    "airflow_kubernetes_logs",
    "scheduler_health_check_server_host",
    "scheduler_idle_sleep_time",
    "flower_host",
}
# What jobs of AWX hand on.
KEYS |= {"airflow_results"}
# What the variables of a task's pod begin with, as those of a role with its name.
KEYS |= {"airflow_task_pod"}
#: Computed variables that a program reads, and no message names.
READ = {"__airflow_container_security_context"}
#: Texts that a value makes a name, by what tests which names these are.
COMPLETED = {
    "airflow_": "test_a_shared_volume_has_its_variables",
    # The name of a queue.
    "airflow_kubernetes_probe_": "",
}
EXPRESSION = re.compile(r"{{.*?}}|{%.*?%}", re.DOTALL)


def specified() -> set[str]:
    """Return the names of all variables that the roles specify."""
    specs = (yaml.safe_load(path.read_text()) for path in ROLES.glob("*/meta/argument_specs.yml"))
    return {name for spec in specs for point in spec["argument_specs"].values() for name in point.get("options", {})}


KNOWN = specified()


def texts(source: str) -> Iterator[tuple[str, bool]]:
    """Yield each text of a program but for documentation, and whether a value follows it at once."""
    tree = ast.parse(source)
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        or (
            isinstance(node, ast.Assign)
            and getattr(node.targets[0], "id", "") in ("DOCUMENTATION", "EXAMPLES", "RETURN")
        )
    }
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for part, following in zip(node.values, [*node.values[1:], None], strict=True):
                if isinstance(part, ast.Constant):
                    yield str(part.value), following is not None
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation | parts:
            yield node.value, False


PROGRAMS = sorted([*CHECKOUT.glob("plugins/**/*.py"), *ROLES.glob("*/files/*.py")])


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_a_program_names_only_variables_that_there_are(path: Path) -> None:
    found = list(texts(path.read_text()))
    names = {name for text, _continues in found for name in NAME.findall(text)}
    assert names - KNOWN - KEYS - READ == set()
    assert {text for text, continues in found if continues and BEGINNING.search(text)} <= COMPLETED.keys()


def test_the_texts_of_a_program_are_found() -> None:
    source = '"""airflow_doc"""\nEXAMPLES = "airflow_a"\nb = f"set airflow_{b}, airflow_c"\nd = ["airflow_d"]'
    assert set(texts(source)) == {("set airflow_", True), (", airflow_c", False), ("airflow_d", False)}


def words(text: str) -> str:
    """Return what a text of YAML says but for its expressions, of which only the quoted parts can be words."""
    if text.strip().startswith("{{") and text.strip().endswith("}}"):
        return " ".join(part for part in re.findall(r"'([^']*)'", text) if " " in part)
    return EXPRESSION.sub(" ", text)


def scalars(data: Any) -> Iterator[str]:
    """Yield every text of YAML data."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key not in ("that", "when"):
                yield from scalars(value)
    elif isinstance(data, list):
        for value in data:
            yield from scalars(value)
    elif isinstance(data, str):
        yield data


VARIABLE_FILES = sorted([*ROLES.glob("*/vars/**/*.yml"), *ROLES.glob("*/tasks/*.yml")])


@pytest.mark.parametrize("path", VARIABLE_FILES, ids=lambda path: str(path.relative_to(ROLES)))
def test_a_role_names_only_variables_that_there_are(path: Path) -> None:
    """What is outside of an expression is text."""
    texts = [words(text) for text in scalars(yaml.safe_load(path.read_text()))]
    sentences = [text for text in texts if text.strip().count(" ") > 3]
    names = {name for text in sentences for name in NAME.findall(text)}
    assert names - KNOWN - KEYS == set()


def of(role: str, kind: str = "Deployment", name: str = "x") -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "labels": {"airflow.kubernetes/set": role}}}


@pytest.mark.parametrize("what", sorted(VARIABLES))
def test_a_variable_of_a_role_is_named_where_it_has_one_and_only_there(what: str) -> None:
    for role in ROLE_NAMES:
        name = f"{role}_{what}"
        assert variable(of(role), what, "otherwise") == (name if name in KNOWN else "otherwise")


def calls() -> Iterator[ast.Call]:
    for path in PROGRAMS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("variable", "claim_variable"):
                yield node


def test_every_end_that_is_asked_for_is_known() -> None:
    asked = {node.func.id: set[str]() for node in calls() if isinstance(node.func, ast.Name)}
    for node in calls():
        assert isinstance(node.func, ast.Name)
        asked[node.func.id].add(ast.unparse(node.args[1]))
    # A probe has one of three kinds.
    assert asked["variable"] - {"f'{kind}_probe'"} <= {repr(what) for what in VARIABLES}
    assert {"liveness_probe", "readiness_probe", "startup_probe"} <= VARIABLES.keys()
    assert asked["claim_variable"] == {"'access_mode'", "'storage_class'"}


@pytest.mark.parametrize("what", ["access_mode", "storage_class"])
def test_a_claims_variable_is_there(what: str) -> None:
    names = {claim_variable(of("", name=f"{part}x-0"), what, "") for part in _CLAIMS}
    names |= {claim_variable(of("airflow", name=f"x{end}"), what, "") for end in _SHARED_CLAIMS}
    assert len(names) == len(_CLAIMS) + len(_SHARED_CLAIMS)
    assert names <= KNOWN


@pytest.mark.parametrize("share", ["dags", "logs"])
def test_a_shared_volume_has_its_variables(share: str) -> None:
    folder = CHECKOUT / "plugins" / "module_utils" / "preflight"
    source = "".join((folder / name).read_text() for name in ("shared_volume.py", "volumes.py"))
    ends = set(re.findall(r"variable}(_[a-z_]*[a-z])", source))
    assert ends
    assert {f"airflow_{share}{end}" for end in ends} - KNOWN == set()


def test_a_rule_of_input_is_about_variables_that_there_are() -> None:
    named = {name for rule in RULES for name in rule.variables.split()}
    assert len(named) > 50
    assert named - KNOWN == set()


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_an_image_has_the_variable_of_its_role_or_airflows(role: str) -> None:
    own = f"{role}_image"
    assert image_variable(of(role)) == (own if own in KNOWN else "airflow_image")


@pytest.mark.parametrize("container", ["api-server", "scheduler", "dag-processor", "triggerer", "flower"])
def test_in_the_masters_pod_it_is_the_components(container: str) -> None:
    name = f"{container.replace('-', '_')}_resources"
    assert variable(of("master"), "resources", "otherwise", container) == name
    assert name in KNOWN


def test_a_users_own_object_has_one_variable() -> None:
    assert variable(of("extra_objects"), "resources", "otherwise") == "airflow_extra_objects"
    assert image_variable(of("extra_objects")) == "airflow_extra_objects"
    assert "airflow_extra_objects" in KNOWN
