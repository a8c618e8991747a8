# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What programs say in logs and probes."""

from __future__ import annotations

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness.log_patterns import (
    TASK_LOG_PATTERNS,
    blocked,
    match_log,
)

NO_ANSWER = "the database does not answer"
NOT_THIS_DATABASE = "there is no database of that name that its user may use"
NO_SCHEMA = "the database has not the schema that this Airflow wants"


@pytest.mark.parametrize(
    ("line", "meaning", "permanent"),
    [
        (
            "airflow_version is 3.1.8, but the image has Airflow 3.1.0. Nothing was migrated.",
            "the image has another Airflow than airflow_version says",
            True,
        ),
        ('FATAL:  password authentication failed for user "airflow"', "the database refuses the password", True),
        (
            "Access denied for user 'airflow'@'10.0.0.1' (using password: YES)",
            "the database refuses the password",
            True,
        ),
        ('FATAL:  database "nobody" does not exist', "there is no database of that name", True),
        ("(1049, \"Unknown database 'nobody'\")", "there is no database of that name", True),
        ("Access denied for user 'airflow'@'%' to database 'nobody'", NOT_THIS_DATABASE, True),
        ('FATAL:  permission denied for database "nobody"', NOT_THIS_DATABASE, True),
        ("Unknown server host 'nowhere.invalid' (-2)", "the database's host name is not known", False),
        ("Unknown MySQL server host 'nowhere.invalid' (-2)", "the database's host name is not known", False),
        ("Can't connect to server on '10.0.0.9' (115)", NO_ANSWER, False),
        ("Can't connect to MySQL server on 'db:3306' (111)", NO_ANSWER, False),
        ("Can't connect to local MySQL server through socket '/run/mysqld/mysqld.sock' (2)", NO_ANSWER, False),
        (
            "Lost connection to server at 'handshake: reading initial communication packet', system error: 110",
            NO_ANSWER,
            False,
        ),
        ('could not translate host name "db" to address', "the database's host name is not known", False),
        (
            'connection to server at "db" (10.0.0.9), port 5432 failed: Connection refused',
            NO_ANSWER,
            False,
        ),
        ("Can't locate revision identified by 'f00'", "the database was migrated by a newer Airflow", True),
        (
            "The database is at revision f00 (alembic_version), which this Airflow does not know (3.1.0): a newer one",
            "the database was migrated by a newer Airflow",
            True,
        ),
        ("WRONGPASS invalid username-password pair or user is disabled.", "Redis refuses the password", True),
        ("redis.exceptions.AuthenticationError: Authentication required.", "Redis refuses the password", True),
        ("the worker consumes no queue, wanted ['default']", "the worker is not subscribed to its queues", True),
        ("schema is {'alembic_version': None}, wanted {'alembic_version': 'a'}", NO_SCHEMA, False),
        ("No answer from http://airflow-api-server:8080", "Airflow's API server does not answer there", False),
    ],
)
def test_what_is_said_is_understood(line: str, meaning: str, permanent: bool) -> None:
    pattern = match_log(["before", line, "after"])
    assert pattern
    assert pattern.meaning == meaning
    assert pattern.permanent is permanent
    assert pattern.advice.endswith(".")


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("httpx.HTTPStatusError: Remote server returned validation error", "its worker is older than the API server"),
        ("pydantic: 1 validation error for TIRunContext dag_run.partition_key", "its worker is newer than the API"),
        ('403 {"detail":"Invalid auth token"}', "the API server refused its token"),
        (
            "reported that <x [queued]> finished with state failed, but the task instance's state attribute is queued",
            "its worker could not start it",
        ),
        (
            "<x [running]> finished with state failed, but the task instance's state attribute is running",
            "its process in the worker ended without a word",
        ),
    ],
)
def test_a_version_skew_is_never_told_as_want_of_memory(line: str, meaning: str) -> None:
    pattern = match_log([line], TASK_LOG_PATTERNS)
    assert pattern
    assert pattern.meaning.startswith(meaning)
    # Where memory may be the reason, the words that would speak for another one are told with it.
    assert ("memory" in pattern.advice) <= ("Remote server returned validation error" in pattern.advice)
    assert match_log([line]) is None


BLOCKED = "The migration is blocked by session 7: user airflow, idle in transaction"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["INFO Running upgrade a -> b", BLOCKED, "INFO more"], BLOCKED),
        ([BLOCKED, "The migration is blocked by session 8: user b"], "The migration is blocked by session 8: user b"),
        ([BLOCKED, "Session 7 cannot be ended: denied"], "Session 7 cannot be ended: denied"),
        ([BLOCKED, "The migration is not blocked any more."], ""),
        (["INFO Running upgrade a -> b"], ""),
    ],
)
def test_who_blocks_a_migration(lines: list[str], told: str) -> None:
    assert blocked(lines) == told


def test_the_last_word_counts() -> None:
    waited = ["no answer from the database: connection refused", 'FATAL:  database "nobody" does not exist']
    pattern = match_log(waited)
    assert pattern
    assert pattern.meaning == "there is no database of that name"


def test_a_refused_password_is_more_than_a_failed_connection() -> None:
    """libpq says both in one line."""
    pattern = match_log(
        ['connection to server at "db", port 5432 failed: FATAL: password authentication failed for user "a"']
    )
    assert pattern
    assert pattern.meaning == "the database refuses the password"


@pytest.mark.parametrize("lines", [[], ["it broke"], ["the worker does not answer"]])
def test_what_is_not_known_means_nothing(lines: list[str]) -> None:
    assert match_log(lines) is None
