# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a Secret has been made, by what the External Secrets operator writes into the status of an ExternalSecret."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.cache import slim
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.context import Context
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.external_secrets import (
    external_secret_verdict,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.settle import causes_first
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.verdict import Key, State, Verdict

CREATED = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
REFUSED = "error processing spec.data[0] (key: prod/airflow), err: Secret does not exist"


def judge(
    ready: str = "",
    reason: str = "",
    at: float = 1,
    *,
    after: float,
    started: float = 0,
    synced: str = "",
    message: str = "",
) -> Verdict:
    """Return the verdict ``after`` seconds, on what the operator has written ``at`` seconds after the creation."""
    condition = {
        "type": "Ready",
        "status": ready,
        "reason": reason,
        "message": message,
        "lastTransitionTime": (CREATED + timedelta(seconds=at)).isoformat(),
    }
    status: dict[str, Any] = {"conditions": [condition]} if ready else {}
    if synced:
        status["syncedResourceVersion"] = synced
    external = {
        "kind": "ExternalSecret",
        "metadata": {
            "name": "login",
            "namespace": "airflow",
            "generation": 2,
            "creationTimestamp": CREATED.isoformat(),
        },
        "spec": {"target": {"name": "login"}},
        "status": status,
    }
    subject = slim("ExternalSecret", external)
    began = CREATED + timedelta(seconds=started)
    return external_secret_verdict(Context(subject, CREATED + timedelta(seconds=after), began))


def test_a_secret_that_was_made_is_ready() -> None:
    assert judge("True", "SecretSynced", after=1, synced="2-4711").state == State.READY
    # An operator that does not tell of which generation it is.
    assert judge("True", "SecretSynced", after=1).state == State.READY


def test_one_of_an_earlier_specification_is_not() -> None:
    verdict = judge("True", "SecretSynced", after=1, synced="1-4711")
    assert (verdict.state, verdict.reason) == (State.PENDING, "is read again, because it has changed")


def test_a_refusal_is_told_with_its_message_after_the_operators_own_retries() -> None:
    refusal: dict[str, Any] = {"ready": "False", "reason": "SecretSyncedError", "message": REFUSED}
    verdict = judge(**refusal, after=20)
    assert verdict.state == State.PENDING
    assert verdict.hints.recheck_at == CREATED + timedelta(seconds=21)
    verdict = judge(**refusal, after=22)
    assert (verdict.state, verdict.reason) == (
        State.FAILED,
        f"its Secret cannot be made: SecretSyncedError: {REFUSED}",
    )
    assert "kubectl -n airflow describe externalsecret login" in verdict.advice


@pytest.mark.parametrize(("after", "state"), [(1010, State.PENDING), (1021, State.FAILED)])
def test_a_refusal_of_before_this_run_may_just_have_been_corrected(after: float, state: State) -> None:
    assert judge("False", "SecretSyncedError", after=after, started=1000).state == state


@pytest.mark.parametrize(("after", "state"), [(59, State.PENDING), (61, State.FAILED)])
def test_without_an_operator_nothing_will_come(after: float, state: State) -> None:
    verdict = judge(after=after)
    assert (verdict.state, verdict.reason) == (state, "no operator has read it")
    assert judge(after=after + 1000, started=1000).state == state


def test_it_is_the_cause_of_what_lacks_its_secret() -> None:
    keys = [Key("Deployment", "a"), Key("ExternalSecret", "login"), Key("Route", "a"), Key("Health", "scheduler")]
    assert [key.kind for key in causes_first(keys, ())] == ["ExternalSecret", "Deployment", "Health", "Route"]
