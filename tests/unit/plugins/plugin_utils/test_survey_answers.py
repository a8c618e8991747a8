# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a survey of AWX sends arrives as a value of the option's type, or as nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.airflow.kubernetes.plugins.plugin_utils._survey_answers import read_answers

NAMES: Mapping[str, Any] = {"type": "list", "elements": "str", "default": ["all"]}
CONF: Mapping[str, Any] = {"type": "dict", "default": {}}
CHOICE: Mapping[str, Any] = {"type": "str", "choices": ["stop", "warn"], "default": "stop"}


@pytest.mark.parametrize(
    ("option", "sent", "wanted"),
    [
        # Nobody answered.
        (NAMES, "", ["all"]),
        (NAMES, " \n", ["all"]),
        (CONF, "", {}),
        (CHOICE, "", "stop"),
        ({"type": "int", "default": 3600}, "", 3600),
        ({"type": "bool", "default": True}, "", True),
        ({"type": "str", "default": "a"}, "", ""),
        ({"type": "dict", "required": True}, "", {}),
        ({"type": "list", "required": True}, "", []),
        # The same, as ansible-core reads it where AWX has marked it as unsafe.
        (NAMES, None, ["all"]),
        (CONF, None, {}),
        (CHOICE, None, "stop"),
        ({"type": "str", "default": "a"}, None, "a"),
        ({"type": "dict", "required": True}, None, {}),
        ({"type": "str", "required": True}, None, ""),
        ({"type": "str"}, date(2026, 1, 1), "2026-01-01"),
        # A list.
        (NAMES, "fernet, jwt", ["fernet", "jwt"]),
        (NAMES, "fernet\njwt\n", ["fernet", "jwt"]),
        (NAMES, "- fernet\n- jwt", ["fernet", "jwt"]),
        (NAMES, "[fernet, jwt]", ["fernet", "jwt"]),
        (NAMES, "3.10", ["3.10"]),
        (NAMES, "[3.10, 007]", ["3.10", "007"]),
        (NAMES, ["a, b"], ["a, b"]),
        (NAMES, "[broken", ["[broken"]),
        ({"type": "list", "elements": "dict"}, "[{a: 1}]", [{"a": 1}]),
        # A dictionary.
        (CONF, "worker: 3", {"worker": 3}),
        (CONF, "worker: 3\napi-server: 2\n", {"worker": 3, "api-server": 2}),
        (CONF, '{"version": "3.10", "on": true}', {"version": "3.10", "on": True}),
        (CONF, "worker=3", {"worker": "3"}),
        (CONF, "day: 2026-01-01", {"day": "2026-01-01"}),
        (CONF, {"a": "b: c"}, {"a": "b: c"}),
        # What is no text in the end.
        ({"type": "int"}, "3", 3),
        ({"type": "bool"}, "false", False),
        # What is one.
        ({"type": "str"}, "3.10", "3.10"),
        ({"type": "str"}, 2026, "2026"),
        ({"type": "str"}, "{{ x }}", "{{ x }}"),
        ({"type": "path"}, "", ""),
    ],
)
def test_an_answer_arrives(option: Mapping[str, Any], sent: Any, wanted: Any) -> None:
    options = {"given": dict(option)}
    validation = ArgumentSpecValidator(options).validate(read_answers({"given": sent}, options))
    assert validation.error_messages == []
    assert validation.validated_parameters["given"] == wanted
    assert type(validation.validated_parameters["given"]) is type(wanted)


@pytest.mark.parametrize(
    ("option", "sent"),
    [
        (CONF, "just words"),
        (CONF, "a: b: c"),
        (CONF, "- a"),
        ({"type": "int", "required": True}, ""),
        ({"type": "int"}, "3.5x"),
        (CHOICE, "perhaps"),
    ],
)
def test_another_one_is_refused(option: Mapping[str, Any], sent: Any) -> None:
    options = {"given": dict(option)}
    assert ArgumentSpecValidator(options).validate(read_answers({"given": sent}, options)).error_messages


def test_an_option_that_is_not_known_stays_for_the_validation() -> None:
    assert read_answers({"nothing": ""}, {}) == {"nothing": ""}
