# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The custom resource has what the argument specifications have, and no secret value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tools.docs import argument_specs, custom_resource
from tools.docs.cel import expression

TYPES = {"str": "string", "int": "integer", "bool": "boolean", "list": "array", "dict": "object"}


def properties() -> Mapping[str, Any]:
    written = yaml.safe_load(custom_resource.PAGE.read_text())
    schema: Mapping[str, Any] = written["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema["properties"]  # type: ignore[no-any-return]


def test_the_file_is_current() -> None:
    assert custom_resource.PAGE.read_text() == custom_resource.page(), "run: make docs"


def test_each_variable_has_its_type_choices_and_description() -> None:
    made = properties()
    for name, spec in custom_resource.options().items():
        if spec["type"] in TYPES:
            assert made[name]["type"] == TYPES[spec["type"]], name
        assert made[name].get("enum") == spec.get("choices"), name
        assert made[name]["description"].startswith(argument_specs.plain(spec["description"])), name


def test_a_default_is_the_roles_default() -> None:
    known = custom_resource.options()
    shown = {name: schema["default"] for name, schema in properties().items() if "default" in schema}
    assert shown.pop("architecture") == "separated_services"
    assert shown == {name: known[name]["default"] for name in shown}
    assert shown["airflow_version"] == known["airflow_version"]["default"]


def test_all_variables_of_a_release_are_there_but_those_left_out_and_secret_values() -> None:
    every = argument_specs.release_options()
    secret = {name for name, spec in every.items() if spec.get("no_log") is True}
    assert {"airflow_admin_password", "airflow_fernet_key"} <= secret
    assert every.keys() - properties().keys() == custom_resource.LEFT_OUT | secret


def test_a_rule_says_set_and_value() -> None:
    options = {"a_text": {"type": "str"}, "a_list": {"type": "list"}, "a_flag": {"type": "bool"}}
    rule = expression("!{a_flag} || {a_text} || {a_list} || self.a_text == 'x'", options)
    assert rule == (
        "!(has(self.a_flag) && self.a_flag) || (has(self.a_text) && self.a_text != '') || "
        "(has(self.a_list) && size(self.a_list) > 0) || self.a_text == 'x'"
    )
    with pytest.raises(KeyError):
        expression("{unknown}", options)
