"""The template of AWS' services fits the roles of this collection and the policies beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tools.common.paths import CHECKOUT, ROLES

FOLDER = CHECKOUT / "examples" / "aws"


TEMPLATE = yaml.safe_load((FOLDER / "services.yml").read_text())


def test_an_output_is_described_by_the_variable_that_it_is_for() -> None:
    specs = [yaml.safe_load(path.read_text())["argument_specs"]["main"] for path in ROLES.glob("*/meta/arg*.yml")]
    known = {name for spec in specs for name in spec["options"]}
    assert {output["Description"] for output in TEMPLATE["Outputs"].values()} <= known


@pytest.mark.parametrize(("role", "file"), [("WriterRole", "logs-writer.json"), ("ReaderRole", "logs-reader.json")])
def test_a_role_has_the_permissions_of_its_policy(role: str, file: str) -> None:
    (policy,) = TEMPLATE["Resources"][role]["Properties"]["Policies"]

    def actions(document: Any) -> set[str]:
        given = [statement["Action"] for statement in document["Statement"]]
        return {action for one in given for action in ([one] if isinstance(one, str) else one)}

    assert actions(policy["PolicyDocument"]) == actions(json.loads((FOLDER / "policies" / file).read_text()))


@pytest.mark.parametrize(("role", "account"), [("WriterRole", "${Release}"), ("ReaderRole", "${Release}-api-server")])
def test_a_role_trusts_the_service_account_of_its_component_alone(role: str, account: str) -> None:
    document = json.loads(TEMPLATE["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Fn::Sub"])
    (subject,) = [
        value
        for statement in document["Statement"]
        for key, value in statement.get("Condition", {}).get("StringEquals", {}).items()
        if key.endswith(":sub")
    ]
    assert subject == f"system:serviceaccount:${{Namespace}}:{account}"


def test_data_outlasts_the_stack() -> None:
    keeps = {
        name for name, made in TEMPLATE["Resources"].items() if made.get("DeletionPolicy") in ("Retain", "Snapshot")
    }
    assert keeps == {"Database", "Broker", "Files", "Logs"}
