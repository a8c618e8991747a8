# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nothing secret is left in texts and objects, and what is not secret stays."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.redaction.masking import MASK
from ansible_collections.airflow.kubernetes.plugins.module_utils.redaction.redactor import (
    LINE_LENGTH,
    Redactor,
    is_secret_name,
    secret_values,
)

VALUE = "p@ss/w0rd:%42"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "written",
    [
        VALUE,
        encoded(VALUE),
        encoded(VALUE + "\n"),
        quote(VALUE, safe=""),
        quote(VALUE, safe="").lower(),
        json.dumps({"a": VALUE}),
        VALUE.replace("%", "%%"),
        f"x{VALUE}x",
    ],
)
def test_a_value_is_masked_however_it_is_written(written: str) -> None:
    shown = Redactor([VALUE]).text(f"seen: {written} here")
    assert MASK in shown
    assert "w0rd" not in shown
    assert encoded(VALUE)[:12] not in shown
    assert shown.endswith(" here")


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        (f"postgresql://airflow:{quote(VALUE, safe='')}@db/airflow", VALUE),
        ("admin:hunter2hunter2", "hunter2hunter2"),
        (json.dumps({"auths": {"registry": {"auth": encoded("puller:hunter2hunter2")}}}), "hunter2hunter2"),
        (json.dumps({"private_key": "-----BEGIN-----\nMIIEvQIBADANBgkqh\n-----END-----"}), "MIIEvQIBADANBgkqh"),
        ("-----BEGIN-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END-----", "MIIEvQIBADANBgkqhkiG9w0"),
    ],
)
def test_what_is_secret_within_a_value_is_masked_alone_too(value: str, secret: str) -> None:
    assert secret not in Redactor([value]).text(f"tried {secret} and failed")


def test_a_short_value_is_masked_as_a_word_only() -> None:
    assert Redactor(["pods1"]).text("login pods1, pods10") == f"login {MASK}, pods10"


@pytest.mark.parametrize("value", ["", "on", "airflow", "Admin", "5432", "true", "production"])
def test_what_no_text_can_do_without_stays(value: str) -> None:
    text = f"on: airflow admin at port 5432 of production is true {value}"
    assert Redactor([value], plain=["production"]).text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("client_secret = abc", f"client_secret = {MASK}"),
        ('"access_key": "abc"', f'"access_key": "{MASK}"'),
        ("sql_alchemy_conn=mysql:x", f"sql_alchemy_conn={MASK}"),
        ("token eyJhbGciOiJIUzUxMiJ9.eyJleHAiOjF9.c2lnbmVk!", f"token {MASK}!"),
        ('secret "x" not found', 'secret "x" not found'),
        ("KeyError: 'x'", "KeyError: 'x'"),
    ],
)
def test_what_looks_secret_is_masked(text: str, shown: str) -> None:
    assert Redactor([]).text(text) == shown


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", True),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC", True),
        ("AIRFLOW__CELERY__BROKER_URL", True),
        ("AIRFLOW__CELERY__RESULT_BACKEND", True),
        ("AIRFLOW__CORE__FERNET_KEY", True),
        ("AIRFLOW__API_AUTH__JWT_SECRET", True),
        ("AIRFLOW__SECRETS__BACKEND_KWARGS", True),
        ("AIRFLOW__SENTRY__SENTRY_DSN", True),
        ("AIRFLOW__SMTP__SMTP_PASSWORD", True),
        ("AIRFLOW_CONN_AWS", True),
        ("AIRFLOW_VAR_LIMIT", True),
        ("FLOWER_BASIC_AUTH", True),
        ("MYSQL_PWD", True),
        ("PGPASSWORD", True),
        ("CONNECTION_CHECK_MAX_COUNT", False),
        ("AIRFLOW__CORE__PARALLELISM", False),
        ("AIRFLOW__CORE__EXECUTOR", False),
        ("PWD", False),
    ],
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert is_secret_name(name) == secret


def test_an_object_without_its_secrets() -> None:
    container = {
        "name": "main",
        "args": ["--user", "me", "--password", "abc", "--verbose"],
        "env": [{"name": "CLIENT_SECRET", "value": "abc"}, {"name": "MODE", "value": "fast"}],
        "envFrom": [{"secretRef": {"name": "keys"}}],
    }
    pod: dict[str, Any] = {
        "kind": "Deployment",
        "metadata": {
            "name": "x",
            "managedFields": [{}],
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "vault/token": "abc",
                "airflow.kubernetes/secrets-checksum": "0a1b",
                "airflow.kubernetes/config-checksum": "2c3d",
            },
        },
        "spec": {
            "template": {
                "metadata": {"annotations": {"airflow.kubernetes/login-checksum": "4e5f"}},
                "spec": {"containers": [container]},
            }
        },
    }
    shown = Redactor([]).object(pod)
    assert shown["metadata"] == {
        "name": "x",
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": MASK,
            "vault/token": MASK,
            "airflow.kubernetes/secrets-checksum": MASK,
            "airflow.kubernetes/config-checksum": "2c3d",
        },
    }
    template = shown["spec"]["template"]
    assert template["metadata"]["annotations"] == {"airflow.kubernetes/login-checksum": MASK}
    assert template["spec"]["containers"][0] == {
        "name": "main",
        "args": ["--user", "me", "--password", MASK, "--verbose"],
        "env": [{"name": "CLIENT_SECRET", "value": MASK}, {"name": "MODE", "value": "fast"}],
        "envFrom": [{"secretRef": {"name": "keys"}}],
    }
    assert pod["metadata"]["managedFields"] == [{}]


def test_a_secret_keeps_its_keys_and_a_configuration_what_is_none() -> None:
    redactor = Redactor([])
    secret = redactor.object({"kind": "Secret", "data": {"a": "eA=="}, "stringData": {"b": "x"}})
    assert (secret["data"], secret["stringData"]) == ({"a": MASK}, {"b": MASK})
    config = {"AIRFLOW__CORE__FERNET_KEY": "x", "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor"}
    assert redactor.object({"kind": "ConfigMap", "data": config})["data"] == {
        "AIRFLOW__CORE__FERNET_KEY": MASK,
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    }


def test_the_values_of_objects() -> None:
    variables = [
        {"name": "API_TOKEN", "value": "three"},
        {"name": "MODE", "value": "no"},
        {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}},
    ]
    values = secret_values(
        [
            {"kind": "Secret", "data": {"a": encoded("one"), "b": "not base64!", "c": None}},
            {"kind": "ConfigMap", "data": {"BROKER_URL": "two", "MODE": "no"}},
            {
                "kind": "Pod",
                "spec": {"initContainers": [{"env": variables}], "containers": [{"args": ["--token", "four"]}]},
            },
            {"kind": "Job", "spec": {"template": {"spec": {"containers": [{"env": variables}]}}}},
        ]
    )
    assert list(values) == ["one", "two", "three", "four", "three"]


def test_a_secret_at_the_end_of_a_line_that_is_cut_is_not_half_shown() -> None:
    line = "x " * (LINE_LENGTH // 2 - 8) + "redis://:half-of-this-is-cut-away@redis"
    shown = Redactor([]).text(line)
    assert "half" not in shown
    assert shown.endswith("... (cut)")


def test_long_texts_take_no_time() -> None:
    text = "\n".join(["a.b-c" * 20000, "token" * 20000, "word " * 20000] * 3)
    began = time.process_time()
    Redactor([f"secret-value-number-{number}" for number in range(50)]).text(text)
    assert time.process_time() - began < 2
