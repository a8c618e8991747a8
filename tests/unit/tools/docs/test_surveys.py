"""The surveys of AWX's job templates are those of the argument specifications, and AWX takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.awx.surveys import extra_vars, problems
from tools.common.errors import ToolError
from tools.docs.argument_specs import entry_points, operation_options, plain, release_options
from tools.docs.surveys import DATA, FILE, question, survey, text

ASKED: Mapping[str, Any] = yaml.safe_load(DATA.read_text())
SURVEYS: Mapping[str, Any] = yaml.safe_load(FILE.read_text())["awx_surveys"]
OPTIONS: Mapping[str, Mapping[str, Any]] = release_options() | {
    name: option
    for point in entry_points("airflow")
    if point != "main"
    for name, option in operation_options(point).items()
}
QUESTIONS = [(name, each) for name, survey in SURVEYS.items() for each in survey["spec"]]

every_survey = pytest.mark.parametrize("name", SURVEYS)
every_question = pytest.mark.parametrize(
    "asked", [each for _, each in QUESTIONS], ids=[f"{name}-{each['variable']}" for name, each in QUESTIONS]
)

#: AWX's types for the types of options.
TYPES = {
    "str": {"text", "multiplechoice"},
    "raw": {"text"},
    "int": {"integer"},
    "bool": {"multiplechoice"},
    "list": {"textarea", "multiselect"},
    "dict": {"textarea"},
}


def test_the_file_is_current() -> None:
    assert FILE.read_text() == text(), "run: make docs"


@every_survey
def test_awx_stores_it(name: str) -> None:
    assert problems(SURVEYS[name]) == []


@every_question
def test_a_question_is_what_the_option_is(asked: Mapping[str, Any]) -> None:
    option = OPTIONS[asked["variable"]]
    assert asked["type"] in TYPES[option["type"]]
    assert asked["question_description"].startswith(plain(option["description"]))
    if option["type"] == "bool":
        assert asked["choices"] == ["true", "false"]
    else:
        assert asked.get("choices") == option.get("choices")
    if option.get("required"):
        assert asked["required"]


@every_question
def test_a_default_is_that_of_the_option(asked: Mapping[str, Any]) -> None:
    default = OPTIONS[asked["variable"]].get("default")
    if "default" in asked:
        written = str(default).lower() if isinstance(default, bool) else default or (0 if default == 0 else "")
        assert asked["default"] == written
        assert type(asked["default"]) is type(written)


@every_question
def test_a_question_without_a_default_leaves_it_to_the_inventory_or_needs_an_answer(asked: Mapping[str, Any]) -> None:
    assert "default" in asked or asked["required"] or asked["variable"] in release_options()


@every_question
def test_what_has_a_default_needs_no_answer(asked: Mapping[str, Any]) -> None:
    """AWX starts no job of a schedule or a workflow without an answer to what is required, default or not."""
    assert not ("default" in asked and asked["required"])


@every_question
def test_no_secret_is_asked_for(asked: Mapping[str, Any]) -> None:
    assert not OPTIONS[asked["variable"]].get("no_log")
    assert asked["type"] != "password"


@every_question
def test_no_text_is_a_template(asked: Mapping[str, Any]) -> None:
    """Ansible would evaluate it, where the file is read as variables."""
    assert "{{" not in str(asked)


@pytest.mark.parametrize("name", ASKED)
def test_every_option_of_an_operation_is_asked_or_named(name: str) -> None:
    wanted = [*operation_options(ASKED[name]["operation"])] if "operation" in ASKED[name] else []
    left_out = ASKED[name].get("without", [])
    assert {*left_out} <= {*wanted}
    assert {*wanted} - {*left_out} <= {each["variable"] for each in SURVEYS[name]["spec"]}


@every_question
def test_a_text_that_is_required_is_not_empty(asked: Mapping[str, Any]) -> None:
    if asked["required"] and asked["type"] in ("text", "textarea"):
        assert asked["min"] == 1


@every_survey
def test_what_is_required_is_asked(name: str) -> None:
    assert {*ASKED[name].get("required", [])} <= {each["variable"] for each in SURVEYS[name]["spec"]}


@every_survey
def test_answers_to_what_is_required_start_a_job(name: str) -> None:
    spec = SURVEYS[name]["spec"]
    answers = {
        each["variable"]: each.get("default", "text" if each["type"] in ("text", "textarea") else 1)
        for each in spec
        if each["required"]
    }
    variables = extra_vars(SURVEYS[name], answers)
    assert variables.keys() == {each["variable"] for each in spec if "default" in each} | answers.keys()


def test_a_secret_is_refused() -> None:
    with pytest.raises(ToolError, match="airflow_fernet_key holds a secret"):
        question("airflow_fernet_key", {"type": "str", "description": "Key", "no_log": True}, is_required=True)


def test_a_variable_that_no_role_has_is_refused() -> None:
    with pytest.raises(ToolError, match="deploy asks for airflow_nothing, which no role has"):
        survey("deploy", {"release": ["airflow_nothing"]})


class TestRulesOfAwx:
    """What the tests above rely on refuses something."""

    GOOD: Mapping[str, Any] = {"type": "text", "question_name": "A", "variable": "a", "required": False}

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"type": "bool"}, "there is no type bool"),
            ({"question_name": None}, "question_name missing"),
            ({"required": "yes"}, "required missing"),
            ({"type": "integer", "default": "3"}, "the default is no int"),
            ({"type": "multiplechoice"}, "there are no choices"),
            ({"type": "multiplechoice", "choices": "b\nc", "default": "a"}, "none of the choices"),
            ({"min": "1"}, "min is no integer"),
            ({"default": "$encrypted$"}, "reserved"),
        ],
    )
    def test_a_wrong_question_is_refused(self, change: Mapping[str, Any], message: str) -> None:
        (problem,) = problems({"name": "", "description": "", "spec": [{**self.GOOD, **change}]})
        assert message in problem

    def test_a_good_survey_is_stored(self) -> None:
        assert problems({"name": "", "description": "", "spec": [self.GOOD]}) == []

    def test_a_variable_is_asked_once(self) -> None:
        assert problems({"name": "", "description": "", "spec": [self.GOOD, self.GOOD]}) == ["a is asked twice"]

    def test_a_survey_without_questions_is_refused(self) -> None:
        assert problems({"name": "", "description": "", "spec": []}) == ["there is no question"]

    @pytest.mark.parametrize(
        ("change", "answers", "message"),
        [
            ({"required": True}, {}, "a is required"),
            ({}, {"b": "x"}, "b is not asked"),
            ({"type": "integer"}, {"a": ""}, "a is no integer"),
            ({}, {"a": 3}, "a is no text"),
            ({"type": "multiplechoice", "choices": ["b"]}, {"a": ""}, "is no choice of a"),
            ({"min": 1}, {"a": ""}, "a is too small"),
            ({"type": "integer", "max": 3}, {"a": 4}, "a is too small or too large"),
        ],
    )
    def test_a_wrong_answer_is_refused(
        self, change: Mapping[str, Any], answers: Mapping[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            extra_vars({"spec": [{**self.GOOD, **change}]}, answers)
