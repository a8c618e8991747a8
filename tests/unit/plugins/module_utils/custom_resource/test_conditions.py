# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of a resource through its life: conditions as kubectl waits for them, and the phase that people read."""

from __future__ import annotations

from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils.custom_resource import conditions

WORKER = {"name": "first-worker", "kind": "StatefulSet", "components": ["worker"], "ready": 0, "wanted": 1}
#: What the module ``status`` returns, as far as it is read.
HEALTHY: dict[str, Any] = {
    "healthy": True,
    "versions": {"airflow": "3.3.2"},
    "address": "https://airflow.example.com",
    "flower_address": "",
    "components": [{**WORKER, "ready": 1, "verdict": "ready", "reason": "", "restarts": 0}],
}
ILL = {**HEALTHY, "healthy": False, "components": [{**WORKER, "verdict": "pending", "reason": "no node takes it"}]}


def states(status: dict[str, Any]) -> dict[str, str]:
    return {each["type"]: each["status"] for each in status["conditions"]}


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = [each for each in status["conditions"] if each["type"] == kind]
    return found


def deployed() -> dict[str, Any]:
    return conditions.ended(conditions.begun({}, "deploy", 1, "t0"), HEALTHY, 1, "t1")


def test_a_new_resource_is_not_ready_and_progresses() -> None:
    status = conditions.begun({}, "deploy", 1, "t0")
    assert status["phase"] == "Deploying"
    assert states(status) == {"Ready": "False", "Progressing": "True", "Degraded": "False"}


def test_a_run_that_succeeds_makes_it_ready() -> None:
    status = deployed()
    assert (status["phase"], status["version"], status["message"]) == ("Ready", "3.3.2", "")
    assert states(status) == {"Ready": "True", "Progressing": "False", "Degraded": "False"}
    assert status["components"][0] == {**WORKER, "ready": 1, "verdict": "ready", "reason": ""}


def test_the_generation_that_is_ready_is_the_one_that_was_deployed() -> None:
    """``kubectl wait`` takes a condition of an older generation for none."""
    status = conditions.begun(deployed(), "deploy", 2, "t2")
    assert condition(status, "Ready")["observedGeneration"] == 1
    assert condition(conditions.ended(status, HEALTHY, 2, "t3"), "Ready")["observedGeneration"] == 2


def test_the_time_of_a_condition_is_that_of_its_last_change() -> None:
    status = conditions.ended(conditions.begun(deployed(), "deploy", 1, "t2"), HEALTHY, 1, "t3")
    assert condition(status, "Ready")["lastTransitionTime"] == "t1"
    assert condition(status, "Progressing")["lastTransitionTime"] == "t3"


def test_a_look_whether_all_is_as_it_should_be_leaves_the_phase() -> None:
    assert conditions.begun(deployed(), "deploy", 1, "t2")["phase"] == "Ready"
    assert conditions.begun(deployed(), "deploy", 2, "t2")["phase"] == "Deploying"
    assert conditions.begun(deployed(), "upgrade", 1, "t2")["phase"] == "Upgrading"


def test_a_run_that_fails_says_why_and_leaves_a_healthy_release_ready() -> None:
    status = conditions.failed(deployed(), HEALTHY, "  no such storage class\n", 2, "t2")
    assert (status["phase"], status["message"]) == ("Failed", "no such storage class")
    assert states(status) == {"Ready": "True", "Progressing": "False", "Degraded": "True"}


def test_a_run_that_fails_before_there_is_a_release() -> None:
    status = conditions.failed(conditions.begun({}, "deploy", 1, "t0"), None, "no", 1, "t1")
    assert states(status) == {"Ready": "False", "Progressing": "False", "Degraded": "True"}
    assert "components" not in status


def test_a_component_that_falls_ill_between_runs_shows() -> None:
    status = {**deployed(), **conditions.seen(deployed(), ILL, "t2")}
    assert (status["phase"], status["message"]) == ("NotReady", "first-worker: no node takes it")
    assert states(status) == {"Ready": "False", "Progressing": "False", "Degraded": "True"}
    again = {**status, **conditions.seen(status, HEALTHY, "t3")}
    assert (again["phase"], again["message"]) == ("Ready", "")
    assert states(again) == {"Ready": "True", "Progressing": "False", "Degraded": "False"}


def test_what_a_run_says_is_left_alone_while_it_runs_and_after_it_failed() -> None:
    at_work = conditions.begun(deployed(), "deploy", 2, "t2")
    assert conditions.seen(at_work, ILL, "t3").keys() == {"components"}
    failed = {**deployed(), **conditions.failed(deployed(), ILL, "no", 2, "t2")}
    assert conditions.seen(failed, HEALTHY, "t3").keys() == {"components"}


def test_a_message_is_no_longer_than_an_event_takes() -> None:
    assert len(conditions.failed({}, None, "x" * 5000, 1, "t0")["message"]) == conditions.LONGEST_MESSAGE
