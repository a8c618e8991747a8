"""The policies of examples/aws allow what logs in S3 need, and nothing else, as moto enforces them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import enable_iam_authentication

from tools.common.paths import CHECKOUT

POLICIES = CHECKOUT / "examples" / "aws" / "policies"
BUCKET, OBJECT = "acme-airflow-logs", "production/dag_id=a/attempt=1.log"
#: What Airflow's handler does, by the statement that allows it.
NEEDED: Mapping[str, Callable[[Any], Any]] = {
    "List": lambda s3: s3.list_objects_v2(Bucket=BUCKET, Prefix="production/"),
    "Read": lambda s3: s3.get_object(Bucket=BUCKET, Key=OBJECT),
    "Write": lambda s3: s3.put_object(Bucket=BUCKET, Key=OBJECT, Body=b"2"),
}
#: What nobody may.
REFUSED: Mapping[str, Callable[[Any], Any]] = {
    "deletes a log": lambda s3: s3.delete_object(Bucket=BUCKET, Key=OBJECT),
    "reads another release's log": lambda s3: s3.get_object(Bucket=BUCKET, Key="team-a/a.log"),
    "writes another release's log": lambda s3: s3.put_object(Bucket=BUCKET, Key="team-a/a.log", Body=b"2"),
    "lists another bucket": lambda s3: s3.list_objects_v2(Bucket="other"),
    "deletes the bucket": lambda s3: s3.delete_bucket(Bucket="other"),
    "lists all buckets": lambda s3: s3.list_buckets(),
}
STATEMENTS = {"logs-writer": ["List", "Read", "Write"], "logs-reader": ["List", "Read"]}


def policy(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((POLICIES / f"{name}.json").read_text())
    return read


@pytest.fixture(name="client_with")
def _client_with(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, Any]], Any]]:
    """Return a function that makes a client of S3 with nothing but a policy, beside two buckets that are there."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(), ExitStack() as stack:
        s3, iam = boto3.client("s3"), boto3.client("iam")
        for bucket in (BUCKET, "other"):
            s3.create_bucket(Bucket=bucket)
        for key in (OBJECT, "team-a/a.log"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"1")

        def client_with(document: dict[str, Any]) -> Any:
            iam.create_user(UserName="pod")
            iam.put_user_policy(UserName="pod", PolicyName="logs", PolicyDocument=json.dumps(document))
            key = iam.create_access_key(UserName="pod")["AccessKey"]
            stack.enter_context(enable_iam_authentication())
            return boto3.client(
                "s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
            )

        yield client_with


def refuses(ask: Callable[[Any], Any], client: Any) -> bool:
    try:
        ask(client)
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "AccessDenied")
    return False


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_policy_allows_what_is_needed_and_nothing_else(name: str, client_with: Any) -> None:
    client = client_with(policy(name))
    assert [each for each, ask in NEEDED.items() if not refuses(ask, client)] == STATEMENTS[name]
    assert [each for each, ask in REFUSED.items() if not refuses(ask, client)] == []


@pytest.mark.parametrize("statement", STATEMENTS["logs-writer"])
def test_each_right_is_needed(statement: str, client_with: Any) -> None:
    less = copy.deepcopy(policy("logs-writer"))
    less["Statement"] = [each for each in less["Statement"] if each["Sid"] != statement]
    client = client_with(less)
    assert [each for each, ask in NEEDED.items() if refuses(ask, client)] == [statement]


def test_every_policy_is_looked_at() -> None:
    assert {path.stem for path in POLICIES.glob("*.json") if not path.stem.startswith("trust-")} == {*STATEMENTS}


@pytest.mark.parametrize(
    ("name", "action"),
    [("trust-irsa", "sts:AssumeRoleWithWebIdentity"), ("trust-pod-identity", "sts:AssumeRole")],
)
def test_a_trust_policy_is_one_that_a_role_can_have(name: str, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "testing")
    document = policy(name)
    assert action in document["Statement"][0]["Action"]
    with mock_aws():
        made = boto3.client("iam").create_role(RoleName="airflow", AssumeRolePolicyDocument=json.dumps(document))
    assert made["Role"]["AssumeRolePolicyDocument"] == document
