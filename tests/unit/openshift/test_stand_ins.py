# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the stand-ins of the scenario openshift say of Routes and ExternalSecrets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.openshift.stand_ins import Condition, admissions, secret_of, values

HOST = "airflow.apps.example.com"


def route(name: str, namespace: str = "a", age: int = 0, host: str = HOST, path: str = "") -> dict[str, Any]:
    """Return a Route; of two the one with the larger age is older."""
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"{namespace}/{name}",
            "creationTimestamp": f"2026-01-01T00:00:{59 - age:02}Z",
        },
        "spec": {"host": host, **({"path": path} if path else {})},
    }


@pytest.mark.parametrize(
    ("routes", "admitted"),
    [
        ([route("one")], [True]),
        ([route("one"), route("two", host="flower.apps.example.com")], [True, True]),
        # The older one has it, wherever it stands in the list.
        ([route("one"), route("two", namespace="b", age=5)], [False, True]),
        # In one namespace a host may be shared by path, in two it may not.
        ([route("one", path="/airflow"), route("two", age=5, path="/flower")], [True, True]),
        ([route("one", path="/airflow"), route("two", "b", age=5, path="/flower")], [False, True]),
        ([route("one", path="/airflow"), route("two", age=5, path="/airflow")], [False, True]),
    ],
)
def test_the_oldest_route_has_a_host(routes: list[dict[str, Any]], admitted: list[bool]) -> None:
    said = admissions(routes)
    assert [condition.ok for condition in said] == admitted
    assert {condition.reason for condition in said if not condition.ok} <= {"HostAlreadyClaimed"}


def external(**spec: Any) -> dict[str, Any]:
    target = {"name": "login", "template": {"metadata": {"labels": {"a": "b"}}}}
    return {
        "apiVersion": "external-secrets.io/v1",
        "metadata": {"name": "login", "uid": "1", "labels": {"airflow.kubernetes/release": "airflow"}},
        "spec": {"target": target, **spec},
    }


def entry(key: str, place: str, **more: str) -> dict[str, Any]:
    return {"secretKey": key, "remoteRef": {"key": place, **more}}


STORE = {"prod/airflow": {"password": "x", "user": "y"}, "prod/plain": "z"}


def test_a_secret_holds_what_the_store_has() -> None:
    wanted = external(data=[entry("a", "prod/airflow", property="password"), entry("b", "prod/plain")])
    assert values(wanted, STORE) == {"a": "x", "b": "z"}
    assert values(external(dataFrom=[{"extract": {"key": "prod/airflow"}}]), STORE) == STORE["prod/airflow"]


@pytest.mark.parametrize(
    "spec",
    [
        {"data": [entry("a", "prod/none")]},
        {"data": [entry("a", "prod/airflow", property="none")]},
        {"data": [entry("a", "prod/airflow")]},
        {"data": [entry("a", "prod/plain", property="none")]},
        {"dataFrom": [{"extract": {"key": "prod/plain"}}]},
    ],
)
def test_what_the_store_has_not_is_told_as_the_operator_tells_it(spec: dict[str, Any]) -> None:
    with pytest.raises(KeyError, match=r"error processing spec\.data.*\[0\].*\(key: prod/\w+\), err: Secret does not"):
        values(external(**spec), STORE)


def test_the_secret_belongs_to_the_external_secret_and_has_the_labels_of_its_template() -> None:
    secret = secret_of(external(), {"a": "x"})
    (owner,) = secret["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("ExternalSecret", "login", True)
    assert secret["metadata"]["labels"] == {"a": "b"}
    copied = external()
    del copied["spec"]["target"]["template"]
    assert secret_of(copied, {})["metadata"]["labels"] == copied["metadata"]["labels"]


def test_a_condition_keeps_its_time_until_it_changes() -> None:
    ready = Condition("Ready", True, "SecretSynced", "secret synced")
    first = ready.written([], "1")
    assert ready.written([first], "2") == first
    changed = Condition("Ready", False, "SecretSyncedError", "no").written([first], "2")
    assert (changed["status"], changed["lastTransitionTime"]) == ("False", "2")
