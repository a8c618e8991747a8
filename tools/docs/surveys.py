"""Command line: write the surveys of AWX's job templates from the argument specifications and surveys.yml."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..common.errors import ToolError
from ..common.paths import CHECKOUT
from .argument_specs import entry_points, operation_options, plain, release_options

DATA = Path(__file__).with_suffix(".yml")
FILE = CHECKOUT / "playbooks" / "vars" / "awx_surveys.yml"
HEADER = "---\n# Written by `make docs` from the argument specifications and tools/docs/surveys.yml.\n"

#: AWX's type of a question for an option's type; one with choices, and a bool, is a choice.
TYPES = {
    "str": "text",
    "raw": "text",
    "path": "text",
    "int": "integer",
    "float": "float",
    "list": "textarea",
    "dict": "textarea",
}

#: The types of questions that may be left empty.
MAY_BE_EMPTY = ("text", "textarea", "multiselect")
#: Characters of a text in one line of the file.
LONGEST = 70

#: How the answers of a type are written.
SYNTAX = {"list": "Separate entries by commas or line breaks.", "dict": "Write it as YAML or JSON."}
ACRONYMS = {"api": "API", "dag": "DAG", "dags": "DAGs"}
#: What counts for a variable of a release that nobody answers for. AWX leaves a number or a choice out, but no text.
OPTIONAL = "Without an answer, the inventory's value is used."
OPTIONAL_TEXT = "An empty answer replaces the inventory's value, too."


def main() -> int:
    """Write the file and return the exit code."""
    FILE.write_text(text())
    print(f"Wrote {FILE.relative_to(CHECKOUT)}")
    return 0


def text() -> str:
    """Return the file as it has to be."""
    surveys = {name: survey(name, asked) for name, asked in yaml.safe_load(DATA.read_text()).items()}
    return HEADER + yaml.dump({"awx_surveys": surveys}, Dumper=_Dumper, sort_keys=False, width=100)


def survey(name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a survey as AWX's API takes it: ``name``, ``description`` and ``spec``, the list of questions.

    :param name: the job template's name in surveys.yml.
    :param asked: what surveys.yml says of it.
    :raises ToolError: a variable that would be asked holds a secret, or does not exist.
    """
    release, required = release_options(), asked.get("required", [])
    operation = asked.get("operation", "")
    own = operation_options(operation) if operation else {}
    point = entry_points("airflow")[operation or "main"]
    if unknown := [each for each in asked.get("release", []) if each not in release]:
        raise ToolError(f"{DATA.name}: {name} asks for {', '.join(unknown)}, which no role has")
    questions = [question(each, release[each], each in required, of_release=True) for each in asked.get("release", [])]
    questions += [
        question(each, option, each in required) for each, option in own.items() if each not in asked.get("without", [])
    ]
    return {
        "name": point["short_description"] if operation else "Deploy a release",
        "description": f"Variables of playbooks/{name}.yml",
        "spec": questions,
    }


def question(variable: str, option: Mapping[str, Any], is_required: bool, of_release: bool = False) -> dict[str, Any]:
    """Return a question of a survey.

    :param option: what the argument specification says of the variable.
    :param of_release: the inventory may have it, so that the option's default is no answer.
    :raises ToolError: it holds a secret.
    """
    if option.get("no_log"):
        raise ToolError(f"{variable} holds a secret, which no survey may ask for; ask for the name of a Secret")
    choices = ["true", "false"] if option["type"] == "bool" else option.get("choices", [])
    kind = TYPES[option["type"]] if not choices else "multiselect" if option["type"] == "list" else "multiplechoice"
    has_default = not is_required and not of_release
    found = {
        "variable": variable,
        "question_name": _label(variable),
        "question_description": " ".join(_sentences(option, kind, is_optional=of_release and not is_required)),
        "type": kind,
        # AWX starts no job of a schedule or of a workflow without an answer to each of these, defaults or not.
        "required": is_required,
    }
    if choices:
        found["choices"] = choices
    elif is_required and kind in MAY_BE_EMPTY:
        # Characters: AWX takes an empty text for an answer.
        found["min"] = 1
    if has_default:
        found["default"] = _default(option)
    return found


def _sentences(option: Mapping[str, Any], kind: str, is_optional: bool) -> Iterator[str]:
    description = plain(option["description"])
    yield description
    if option["type"] in SYNTAX and "at commas" not in description:
        yield SYNTAX[option["type"]]
    if is_optional:
        yield OPTIONAL_TEXT if kind in MAY_BE_EMPTY else OPTIONAL


def _label(variable: str) -> str:
    """Return what a question is called: the variable in words, without the role that all share."""
    words = [ACRONYMS.get(word, word) for word in variable.removeprefix("airflow_").split("_")]
    name = " ".join(words)
    return name[0].upper() + name[1:]


def _default(option: Mapping[str, Any]) -> Any:
    """Return the default as an answer: an empty list or dictionary is an empty text."""
    default = option["default"]
    if option["type"] == "bool":
        return str(default).lower()
    return default if default or isinstance(default, int) else ""


class _Dumper(yaml.SafeDumper):
    """Writes YAML as all files here have it: lists further in than their key, double quotes where any are needed."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:  # noqa: ARG002
        return super().increase_indent(flow, indentless=False)


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = ">" if len(value) > LONGEST else None if _is_plain(value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _is_plain(value: str) -> bool:
    return ": " not in value and yaml.safe_load(value) == value


_Dumper.add_representer(str, _text)


if __name__ == "__main__":
    sys.exit(main())
