# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A DAG's run against an API that plays one, with a clock that costs no time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow import run_dag
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.api import AirflowApiFailure
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.dag_run import (
    Progress,
    TaskInstance,
    log_lines,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.run_dag import Runner, run_to_end
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task

RUN = "manual__1"
PARAMS = {"conf": {}, "logical_date": None, "wait_for_dag": 10, "timeout": 20, "logs": False}


def instance(task_id: str, state: str | None, map_index: int = -1, **more: Any) -> dict[str, Any]:
    return {"task_id": task_id, "map_index": map_index, "state": state, "try_number": 1, "queue": "default", **more}


class FakeApi:
    """Plays one run: what each look at it sees, the last of them for ever.

    :param registered: how many looks it takes until the DAG is there.
    """

    def __init__(self, looks: list[tuple[str, list[dict[str, Any]]]], registered: int = 0, **dag: Any) -> None:
        self.looks = looks
        self.registered = registered
        self.dag = {"is_paused": False, **dag}
        self.sent: list[tuple[str, str, Any]] = []
        self.logs: dict[str, Any] = {}
        self.import_errors: list[dict[str, Any]] = []
        self.event_logs: list[dict[str, Any]] = []
        self.missing_when_triggered = 0
        self.missing_after_trigger = 0

    def get(self, path: str, **query: Any) -> Any:
        if path.endswith("/importErrors"):
            return {"import_errors": self.import_errors}
        if path.endswith("/eventLogs"):
            assert (query["dag_id"], query["run_id"]) == ("dag", RUN)
            return {"event_logs": [event for event in self.event_logs if event["event"] in query["included_events"]]}
        if path.endswith("/dags/dag"):
            if self.registered:
                self.registered -= 1
                raise AirflowApiFailure("not found", 404, "")
            return self.dag
        if "/logs/" in path:
            task_id = path.partition("/taskInstances/")[2].partition("/")[0]
            return self.logs[f"{task_id}[{query['map_index']}]"]
        state, instances = self.looks[0]
        if path.endswith(RUN):
            if self.missing_after_trigger:
                self.missing_after_trigger -= 1
                raise AirflowApiFailure("the run was not found", 404, "")
            return {"state": state}
        assert path.endswith("/taskInstances")
        if query["offset"] + query["limit"] >= len(instances) and len(self.looks) > 1:
            self.looks.pop(0)
        page = instances[query["offset"] : query["offset"] + query["limit"]]
        return {"task_instances": page, "total_entries": len(instances)}

    def post(self, path: str, body: Any, **_query: Any) -> Any:
        if self.missing_when_triggered:
            self.missing_when_triggered -= 1
            raise AirflowApiFailure("not found", 404, "")
        self.sent.append(("post", path, body))
        return {"dag_run_id": RUN}

    def patch(self, path: str, body: Any, **_query: Any) -> Any:
        self.sent.append(("patch", path, body))
        self.dag.update(body)
        return self.dag


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def play(api: FakeApi, **params: Any) -> tuple[dict[str, Any] | Failure, list[str]]:
    """Run the DAG; return the result or the failure, and the lines that were said."""
    clock = Clock()
    said: list[str] = []
    runner = Runner(api, "dag", said.append, clock, clock.sleep)
    try:
        return run_to_end(runner, {**PARAMS, **params}), said
    except Failure as failure:
        return failure, said


def failure_of(api: FakeApi, **params: Any) -> Failure:
    failure, _said = play(api, **params)
    assert isinstance(failure, Failure)
    return failure


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_dag_has_to_be_named(check_mode: bool) -> None:
    with pytest.raises(Failure, match="No DAG is named"):
        run_dag.run(Task({"dag_id": ""}, check_mode=check_mode))


def test_each_change_of_a_task_is_said_once_with_its_time() -> None:
    done = {"hostname": "airflow-worker-0", "duration": 0.25}
    api = FakeApi(
        [
            ("queued", [instance("a", None, try_number=0)]),
            ("running", [instance("a", "queued")]),
            ("running", [instance("a", "running", hostname="airflow-worker-0.airflow-worker.ns.svc")]),
            ("running", [instance("a", "running", hostname="airflow-worker-0.airflow-worker.ns.svc")]),
            ("running", [instance("a", "deferred", **done)]),
            ("success", [instance("a", "success", **done)]),
        ]
    )
    result, said = play(api)
    assert said == [
        "   0.0 s  dag: run manual__1 triggered",
        "   0.5 s  a: queued",
        "   1.0 s  a: running on airflow-worker-0",
        "   2.0 s  a: deferred",
        "   2.5 s  a: success after 0.2 s",
        "   2.5 s  dag: success",
    ]
    assert isinstance(result, dict)
    assert (result["changed"], result["run_id"], result["state"], result["seconds"]) == (True, RUN, "success", 2.5)
    assert result["task_instances"][0]["states"] == ["queued", "running", "deferred", "success"]
    assert "log" not in result["task_instances"][0]


def test_a_run_that_airflow_answered_to_have_created_is_given_time_to_be_committed() -> None:
    api = FakeApi([("success", [])])
    api.missing_after_trigger = 4
    result, said = play(api)
    assert isinstance(result, dict)
    assert said[-1] == "   2.0 s  dag: success"


def test_a_run_that_stays_unknown_is_told() -> None:
    api = FakeApi([("success", [])])
    api.missing_after_trigger = 21
    assert failure_of(api).message == "the run was not found"
    assert api.missing_after_trigger == 0


def test_the_run_gets_conf_and_no_logical_date() -> None:
    api = FakeApi([("success", [])])
    play(api, conf={"numbers": [1]})
    assert api.sent == [("post", "/api/v2/dags/dag/dagRuns", {"logical_date": None, "conf": {"numbers": [1]}})]


def test_a_paused_dag_is_unpaused_before_it_is_triggered() -> None:
    api = FakeApi([("success", [])], is_paused=True)
    play(api)
    assert [sent[:2] for sent in api.sent] == [
        ("patch", "/api/v2/dags/dag"),
        ("post", "/api/v2/dags/dag/dagRuns"),
    ]
    assert api.sent[0][2] == {"is_paused": False}


def test_it_waits_until_the_dag_is_registered_and_says_so_once() -> None:
    api = FakeApi([("success", [])], registered=4)
    api.missing_when_triggered = 1
    result, said = play(api)
    assert isinstance(result, dict)
    assert said[:2] == [
        "   0.0 s  dag: waiting for the DAG processor to register it",
        "   2.5 s  dag: run manual__1 triggered",
    ]


@pytest.mark.parametrize("dag", [{"registered": 10**6}, {"is_stale": True}])
def test_an_unknown_dag_fails_with_what_cannot_be_imported(dag: dict[str, Any]) -> None:
    api = FakeApi([("success", [])], **dag)
    api.import_errors = [{"filename": "dag.py", "stack_trace": "Traceback\n  ...\nNameError: name 'x'\n"}]
    message = failure_of(api).message
    assert "Airflow knows no DAG dag after 10 s" in message
    assert message.endswith("dag.py cannot be imported: NameError: name 'x'")
    assert api.sent == []


def test_other_errors_end_it_at_once() -> None:
    api = FakeApi([])

    def refuse(path: str, body: Any, **query: Any) -> Any:
        raise AirflowApiFailure("Airflow refuses POST: 400 has import errors", 400, "")

    api.post = refuse  # type: ignore[method-assign]
    assert "400 has import errors" in failure_of(api).message


def test_a_failed_run_names_its_tasks_and_shows_the_end_of_their_logs() -> None:
    api = FakeApi(
        [
            (
                "failed",
                [
                    instance("good", "success"),
                    instance("bad", "failed", 2, hostname="airflow-worker-1", duration=1.0),
                    instance("after", "upstream_failed", try_number=0),
                ],
            )
        ]
    )
    api.logs["bad[2]"] = {"content": [{"event": f"line {number}"} for number in range(40)]}
    failure = failure_of(api)
    assert failure.message.startswith(
        "DAG dag, run manual__1, failed in bad[2].\nbad[2], try 1 on airflow-worker-1, ends"
    )
    assert failure.message.endswith("line 39")
    assert "line 24" not in failure.message
    assert failure.result["state"] == "failed"
    assert sorted(told["state"] for told in failure.result["task_instances"]) == [
        "failed",
        "success",
        "upstream_failed",
    ]


RACE = """Executor CeleryExecutor(parallelism=32) reported that the task instance <TaskInstance: dag.a x [scheduled]>
finished with state success, but the task instance's state attribute is scheduled. Learn more: https://example.com"""


def test_what_the_scheduler_says_of_a_task_that_it_ended_is_told() -> None:
    api = FakeApi([("failed", [instance("a", "failed"), instance("b", "failed", 1), instance("b", "success", 2)])])
    api.logs = {"a[-1]": {"content": [{"event": "last"}]}, "b[1]": {"content": []}}
    api.event_logs = [
        {"event": "trigger_dag_run", "task_id": "a", "map_index": None, "extra": "{}"},
        {"event": "state mismatch", "task_id": "a", "map_index": None, "extra": RACE},
        {"event": "heartbeat timeout", "task_id": "b", "map_index": 1, "extra": "no heartbeat"},
        {"event": "heartbeat timeout", "task_id": "b", "map_index": 2, "extra": "once before"},
    ]
    told = failure_of(api).message.splitlines()
    assert told[1:4] == [
        "a, try 1, ends its log with:",
        "  last",
        f"The scheduler says of it: state mismatch: {' '.join(RACE.split())}",
    ]
    assert told[4].startswith("  That is: its trigger fired before the scheduler had heard that it was deferred")
    assert told[6:] == ["The scheduler says of it: heartbeat timeout: no heartbeat"]


def test_the_last_words_of_a_task_are_explained_where_they_mean_another_version() -> None:
    api = FakeApi([("failed", [instance("a", "failed")])])
    api.logs = {"a[-1]": {"content": [{"event": "Remote server returned validation error"}]}}
    assert failure_of(api).message.splitlines()[3].startswith("  That is: its worker is older than the API server")


def test_a_scheduler_that_is_not_heard_does_not_hide_the_failure() -> None:
    api = FakeApi([("failed", [instance("a", "failed")])])
    api.logs = {"a[-1]": {"content": [{"event": "last"}]}}
    get = api.get

    def refuse(path: str, **query: Any) -> Any:
        if path.endswith("/eventLogs"):
            raise AirflowApiFailure("Airflow refuses GET: 403 Forbidden", 403, "")
        return get(path, **query)

    api.get = refuse  # type: ignore[method-assign]
    failure, said = play(api)
    assert isinstance(failure, Failure)
    assert failure.message.endswith("last")
    assert "cannot be read: Airflow refuses GET: 403 Forbidden" in said[-1]


def test_many_failures_are_told_in_part() -> None:
    api = FakeApi([("failed", [instance("bad", "failed", number) for number in range(30)])])
    api.logs = {f"bad[{number}]": {"content": []} for number in range(30)}
    message = failure_of(api).message
    assert "bad[19] and 10 more" in message
    assert message.count("has written no log") == 5


def test_where_a_log_was_read_is_no_part_of_its_end() -> None:
    api = FakeApi([("failed", [instance("a", "failed"), instance("b", "failed")])])
    head = [{"event": "::group::Log message source details", "sources": ["/a.log"]}, {"event": "::endgroup::"}]
    api.logs = {"a[-1]": {"content": head}, "b[-1]": {"content": [*head, {"event": "last"}]}}
    message = failure_of(api).message
    assert "a, try 1, has written no log: most likely it could not be started" in message
    assert message.endswith("b, try 1, ends its log with:\n  last")


def test_a_run_that_fails_without_a_failed_task_says_so() -> None:
    message = failure_of(FakeApi([("failed", [instance("a", "skipped"), instance("b", None)])])).message
    assert message == "DAG dag, run manual__1, failed, and none of its tasks did: a skipped, b not started."


@pytest.mark.parametrize(
    ("state", "hint"),
    [
        ("queued", "no worker takes from its queue (default)"),
        ("deferred", "look at the triggerer"),
        (None, "look at the scheduler"),
        ("running", "unfinished: a running."),
    ],
)
def test_a_run_that_takes_too_long_is_left_with_the_likely_cause(state: str | None, hint: str) -> None:
    failure = failure_of(FakeApi([("running", [instance("a", state), instance("b", "success")])]))
    assert "is running after 20 s; unfinished: a " in failure.message
    assert hint in failure.message
    assert failure.result["task_instances"]


def test_all_pages_of_a_large_run_are_read() -> None:
    api = FakeApi([("success", [instance("a", "success", number) for number in range(250)])])
    result, said = play(api)
    assert isinstance(result, dict)
    assert [told["map_index"] for told in result["task_instances"]] == list(range(250))
    assert said[-1].endswith("dag: success")


def test_tasks_are_told_in_the_order_in_which_they_started() -> None:
    instances = [
        instance("never", "skipped"),
        instance("second", "success", start_date="2026-01-01T00:00:02Z"),
        instance("first", "success", start_date="2026-01-01T00:00:01Z"),
    ]
    result, _said = play(FakeApi([("success", instances)]))
    assert isinstance(result, dict)
    assert [told["task_id"] for told in result["task_instances"]] == ["first", "second", "never"]


def test_logs_are_read_to_their_end() -> None:
    api = FakeApi([("success", [instance("a", "success"), instance("b", "skipped", try_number=0)])])
    answers = {None: {"content": ["one"], "continuation_token": "next"}, "next": {"content": ["two"]}}
    get = api.get

    def paged(path: str, **query: Any) -> Any:
        return answers[query.get("token")] if "/logs/" in path else get(path, **query)

    api.get = paged  # type: ignore[method-assign]
    result, _said = play(api, logs=True)
    assert isinstance(result, dict)
    assert [told["log"] for told in result["task_instances"]] == ["one\ntwo", ""]


HALF = ["DAG bundles loaded: dags-folder", "Pausing task as DEFERRED. ", "trigger a/manual/b (ID 1) starting"]
RESUMED = ["DAG bundles loaded: dags-folder", "Done."]
WHOLE = [*HALF, *RESUMED]
WITHOUT_TRIGGER = [*HALF[:2], *RESUMED]


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        ([HALF, HALF, WHOLE, HALF], WHOLE),
        ([HALF], HALF),
        ([WITHOUT_TRIGGER, WHOLE], WHOLE),
        ([["Done."], WHOLE], ["Done."]),
    ],
)
def test_the_log_of_a_deferred_task_is_read_until_it_has_what_came_after(
    read: list[list[str]], wanted: list[str]
) -> None:
    api = FakeApi([("success", [instance("a", "success")])])
    answers, get = list(read), api.get

    def uploaded_late(path: str, **query: Any) -> Any:
        if "/logs/" not in path:
            return get(path, **query)
        return {"content": answers.pop(0) if answers[1:] else answers[0]}

    api.get = uploaded_late  # type: ignore[method-assign]
    result, _said = play(api, logs=True)
    assert isinstance(result, dict)
    assert result["task_instances"][0]["log"].splitlines() == wanted


def test_a_log_that_cannot_be_read_does_not_hide_the_failure() -> None:
    api = FakeApi([("failed", [instance("bad", "failed")])])
    get = api.get

    def refuse(path: str, **query: Any) -> Any:
        if "/logs/" in path:
            raise AirflowApiFailure("Airflow refuses GET: 404 no such file", 404, "")
        return get(path, **query)

    api.get = refuse  # type: ignore[method-assign]
    assert failure_of(api).message.endswith("(no log: Airflow refuses GET: 404 no such file)")


def test_a_retry_is_a_change() -> None:
    progress = Progress()
    states = [(1, "running"), (1, "up_for_retry"), (2, "running"), (2, "running"), (3, "running"), (3, "success")]
    lines = [progress.observe([TaskInstance("a", state=state, try_number=number)]) for number, state in states]
    assert [len(each) for each in lines] == [1, 1, 1, 0, 1, 1]
    assert progress.states(TaskInstance("a")) == ["running", "up_for_retry", "running", "running", "success"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, []),
        ("one\ntwo\n", ["one", "two"]),
        (["plain"], ["plain"]),
        ([{"timestamp": "T", "level": "info", "event": "said", "logger": "x"}], ["T info said"]),
        ([{"timestamp": None, "event": "::group::", "sources": ["/a.log"]}], ["::group::", "    /a.log"]),
        (
            [
                {
                    "event": "Task failed",
                    "error_detail": [
                        {
                            "exc_type": "ValueError",
                            "exc_value": "bad",
                            "frames": [{"filename": "/d.py", "lineno": 3, "name": "f"}],
                        }
                    ],
                }
            ],
            ["Task failed", '    File "/d.py", line 3, in f', "    ValueError: bad"],
        ),
    ],
)
def test_log_lines(content: Any, expected: list[str]) -> None:
    assert log_lines(content) == expected


def test_check_mode_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_cluster(*_arguments: object) -> None:
        raise AssertionError("the cluster was asked")

    client: Callable[..., None] = no_cluster
    monkeypatch.setattr(run_dag, "Client", client)
    result = run_dag.run(Task(params={"dag_id": "dag"}, check_mode=True))
    assert (result["changed"], result["run_id"]) == (True, "")
