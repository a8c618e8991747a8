# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is told of an object store of logs, whatever its library says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.probe_pod import logs_program, services_program
from ansible_collections.airflow.kubernetes.plugins.module_utils.probe_pod.services import LOADER, sources

DENIED = "An error occurred (AccessDenied) when calling the PutObject operation: User: x is not authorized"
NO_ROLE = "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized"
MISSING = "An error occurred (NoSuchKey) when calling the GetObject operation: The specified key does not exist."
NO_TOKEN = (
    "Failed to retrieve http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token Status: 403 "
    "Unable to generate access token; IAM returned 403 Forbidden: Permission "
    "'iam.serviceAccounts.getAccessToken' denied"
)
NO_CREDENTIAL = "AADSTS700213: No matching federated identity record found for presented assertion subject"
NO_BUCKET = "An error occurred (NoSuchBucket) when calling the PutObject operation: The specified bucket does not exist"


def service(scheme: str = "s3", writes: bool = True, **connection: Any) -> dict[str, Any]:
    options = {"scheme": scheme, "bucket": "logs", "prefix": "production", "writes": writes}
    return {"kind": "logs", "url": json.dumps({"conn_type": "aws", **connection}), "options": options}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that has a store fail as told, and returns the names of what was asked of it."""

    def store(scheme: str = "s3", steps: tuple[str, ...] = ("write", "list", "read"), **failures: str) -> list[str]:
        asked: list[str] = []

        def step(name: str) -> Callable[[], None]:
            def send() -> None:
                asked.append(name)
                if name in failures:
                    raise RuntimeError(failures[name])

            return send

        _opened, package, rights = logs_program.STORES[scheme]
        opened = lambda _bucket, _name: {name: step(name) for name in steps}  # noqa: E731
        monkeypatch.setitem(logs_program.STORES, scheme, (opened, package, rights))
        return asked

    monkeypatch.setenv(logs_program.LOGS_VARIABLE, "")
    return store


def test_who_writes_tries_all_and_who_reads_does_not_write(store: Any) -> None:
    asked = store()
    assert services_program.problems_of(service()) == []
    assert services_program.problems_of(service(writes=False)) == []
    assert asked == ["write", "list", "read", "list", "read"]


def test_a_missing_right_is_named(store: Any) -> None:
    store(write=DENIED)
    (said,) = services_program.problems_of(service())
    assert said.startswith("it may not write logs; give it s3:PutObject on arn:aws:s3:::logs/production/*: ")
    assert DENIED in said


@pytest.mark.parametrize(
    ("failure", "advice"),
    [
        (NO_ROLE, ". Let the trust policy of its role name this service account"),
        (
            NO_TOKEN,
            ". Grant this Kubernetes service account roles/iam.workloadIdentityUser on the Google service account of "
            "its role",
        ),
        (NO_CREDENTIAL, ". Add a federated credential for this service account to the managed identity of its role"),
        (NO_BUCKET, ""),
    ],
)
def test_what_is_no_missing_right_is_told_as_it_is(store: Any, failure: str, advice: str) -> None:
    store(write=failure)
    assert services_program.problems_of(service()) == [f"it cannot write logs: {failure}{advice}"]


def test_who_only_reads_logs_may_find_none_yet(store: Any) -> None:
    store(read=MISSING)
    assert services_program.problems_of(service(writes=False)) == []
    assert services_program.problems_of(service()) == [f"it cannot read logs: {MISSING}".rstrip(".")]


def test_google_wants_the_right_to_overwrite(store: Any) -> None:
    store("gs", ("write", "overwrite"), overwrite="403 POST: does not have storage.objects.delete access")
    (said,) = services_program.problems_of(service("gs"))
    assert "it may not overwrite logs; give it storage.objects.delete on the bucket logs" in said


def test_no_secret_is_told(store: Any) -> None:
    store(write="it is hunter2, and {key}")
    connection = service(password="hunter2", extra={"keyfile_dict": "{key}"})
    assert services_program.problems_of(connection) == ["it cannot write logs: it is (hidden), and (hidden)"]


def test_an_image_without_the_provider_is_told() -> None:
    (said,) = services_program.problems_of(service())
    assert said.startswith("the image has no package apache-airflow-providers-amazon, for which airflow_remote_logs")


def test_the_texts_that_are_sent_are_a_program() -> None:
    text = sources()
    wanted = json.dumps([{"kind": "package", "url": "", "options": {"package": "no-such", "variable": "v"}}])
    # A library that speaks does not get into the answer.
    loader = LOADER.format(size=len(text)).replace("module.main()", "module.look_for_package = speak; module.main()")
    speak = "speak = lambda service, found=module.look_for_package: print('loud') or found(service)"
    command = [sys.executable, "-c", loader.replace("module.look", f"{speak}\nmodule.look", 1)]
    answer = subprocess.run(command, input=text + wanted.encode() + b"\n", capture_output=True, check=True, timeout=60)
    assert int(answer.stdout[:8]) == len(answer.stdout) - 8
    assert "it has no package no-such" in answer.stdout.decode()
    assert b"loud" in answer.stderr
