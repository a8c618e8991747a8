"""The rules of AWX 24 for surveys: which ones it stores, and which answers of a user it takes.

As its API has them, in ``awx/api/views/__init__.py`` and ``awx/main/models/mixins.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: The type of a question, and that of its default.
TYPES: Mapping[str, type] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": float,
}
WITH_CHOICES = ("multiplechoice", "multiselect")
#: What a question has, and of which type.
REQUIRED: Mapping[str, type] = {"type": str, "question_name": str, "variable": str, "required": bool}


def problems(survey: Any) -> list[str]:
    """Return why AWX does not store a survey; nothing, if it does.

    :param survey: what is sent to ``survey_spec`` of a job template or of a workflow.
    """
    if not isinstance(survey, Mapping):
        return ["a survey is an object"]
    found = [
        f"{field} is missing, or no {kind.__name__}"
        for field, kind in {"name": str, "description": str, "spec": list}.items()
        if not isinstance(survey.get(field), kind)
    ]
    if found:
        return found
    if not survey["spec"]:
        return ["there is no question"]
    variables = [question.get("variable") for question in survey["spec"]]
    found += [f"{name} is asked twice" for name in sorted({*variables}) if variables.count(name) > 1]
    for question in survey["spec"]:
        found += (f"{question.get('variable')}: {problem}" for problem in _problems_of(question))
    return found


def _problems_of(question: Mapping[str, Any]) -> Iterator[str]:
    wrong = [field for field, kind in REQUIRED.items() if not isinstance(question.get(field), kind)]
    if wrong:
        yield f"{', '.join(wrong)} missing, or of another type"
        return
    kind, default = question["type"], question.get("default", "")
    if kind not in TYPES:
        yield f"there is no type {kind}"
        return
    if default != "" and not isinstance(default, TYPES[kind]):
        yield f"the default is no {TYPES[kind].__name__}"
    for limit in ("min", "max"):
        if not isinstance(question.get(limit), int | None):
            yield f"{limit} is no integer"
    if kind in WITH_CHOICES:
        choices = _lines(question.get("choices", []))
        if not choices:
            yield "there are no choices"
        if [each for each in _lines(default) if each not in choices]:
            yield "the default is none of the choices"
    if isinstance(default, str) and default.startswith("$encrypted$"):
        yield "the default is reserved"


def _lines(value: Any) -> list[Any]:
    return [line for line in value.splitlines() if line.strip()] if isinstance(value, str) else list(value)


def refused(question: Mapping[str, Any], answers: Mapping[str, Any]) -> str:
    """Return why AWX does not take an answer; nothing, if it does.

    :param answers: what was answered, by variable; what is not in it was not answered.
    """
    name = question["variable"]
    if name not in answers:
        return f"{name} is required" if question["required"] else ""
    answer, kind = answers[name], question["type"]
    if kind in WITH_CHOICES:
        wrong = [each for each in (answer if kind == "multiselect" else [answer]) if each not in question["choices"]]
        return f"{wrong} is no choice of {name}" if wrong else ""
    wanted = (int, float) if kind == "float" else TYPES[kind]
    if not isinstance(answer, wanted) or isinstance(answer, bool):
        return f"{name} is no {kind}"
    size = len(answer) if isinstance(answer, str) else answer
    lowest, highest = question.get("min"), question.get("max")
    is_outside = (lowest is not None and size < lowest) or (highest is not None and size > highest)
    return f"{name} is too small or too large" if is_outside else ""


def extra_vars(survey: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that a job gets: the defaults of questions without an answer, and the answers.

    :raises ValueError: AWX takes an answer not, or misses one.
    """
    known = {question["variable"] for question in survey["spec"]}
    messages = [f"{name} is not asked" for name in answers if name not in known]
    messages += filter(None, (refused(question, answers) for question in survey["spec"]))
    if messages:
        raise ValueError("; ".join(messages))
    defaults = {each["variable"]: each["default"] for each in survey["spec"] if each.get("default") is not None}
    return defaults | dict(answers)
