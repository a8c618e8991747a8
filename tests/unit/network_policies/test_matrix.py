"""What the matrix of the tests expects, and says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.network_policies import matrix
from tests.network_policies.matrix import Attempt, End, allowed, attempts, differences, lines_of, table_of_flows

WORKER = End("worker-0", "10.0.0.1", frozenset({"worker", "open-worker"}), asks=True, inside=True)
CLOSED = End("closed-0", "10.0.0.2", frozenset({"worker"}), asks=True, inside=True)
REDIS = End("redis-0", "10.0.0.3", frozenset({"redis"}), asks=True, inside=True)
STRANGER = End("stranger", "10.0.0.4", asks=True)
DOOR = End("door", "10.0.0.5", frozenset({"users"}), asks=True)
SCHEDULER = End("scheduler", "10.0.0.7", frozenset({"scheduler"}), asks=True, inside=True)
KUBERNETES = End("kubernetes", "172.18.0.2", frozenset({matrix.ANYWHERE}))
SERVER = End("server", "10.0.0.6", frozenset({"api-server"}), asks=True, inside=True)
OUTSIDE = End("outside", matrix.OUTSIDE, frozenset({"outside", "outside-of-group"}))
METADATA = End("metadata", matrix.METADATA)


@pytest.mark.parametrize(
    ("source", "target", "port", "expected"),
    [
        (WORKER, REDIS, 6379, True),
        (WORKER, REDIS, 5432, False),
        (REDIS, WORKER, 6379, False),
        (STRANGER, REDIS, 6379, False),
        (WORKER, STRANGER, 6379, False),
        (STRANGER, DOOR, 9, True),
        (DOOR, SERVER, 8080, True),
        (STRANGER, SERVER, 8080, False),
        (DOOR, SERVER, 8793, False),
        (WORKER, OUTSIDE, 443, True),
        (CLOSED, OUTSIDE, 443, False),
        (WORKER, METADATA, 443, False),
        (SCHEDULER, KUBERNETES, 6443, True),
        (SCHEDULER, KUBERNETES, 9, False),
        (WORKER, KUBERNETES, 6443, False),
    ],
)
def test_what_is_in_no_row_is_expected_to_be_refused(source: End, target: End, port: int, expected: bool) -> None:
    assert allowed(Attempt(source, target, port), table_of_flows()) is expected


def test_a_party_with_a_name_is_anywhere_outside_at_its_port() -> None:
    worker, closed, stranger = matrix.with_parties([WORKER, CLOSED, STRANGER], ["proxy-of-group", "result-backend"])
    flows = table_of_flows({"proxy-of-group": 3128, "result-backend": 6379})
    assert worker == WORKER
    assert [allowed(Attempt(worker, stranger, port), flows) for port in (3128, 6379, 5432)] == [True, True, False]
    assert [allowed(Attempt(closed, stranger, port), flows) for port in (3128, 6379, 5432)] == [False, True, False]


def test_workers_without_access_do_not_reach_the_database() -> None:
    database = End("postgresql-0", "10.0.0.7", frozenset({"postgresql"}), inside=True)
    attempt = Attempt(WORKER, database, 5432)
    assert allowed(attempt, table_of_flows())
    assert not allowed(attempt, table_of_flows(database_access=False))
    assert allowed(Attempt(SERVER, database, 5432), table_of_flows(database_access=False))


def test_everybody_who_is_a_pod_tries_everybody_else_at_every_port_and_at_one_of_no_row() -> None:
    tries = attempts([WORKER, REDIS, OUTSIDE], table_of_flows())
    assert {(attempt.source.name, attempt.target.name) for attempt in tries} == {
        ("worker-0", "redis-0"),
        ("worker-0", "outside"),
        ("redis-0", "worker-0"),
        ("redis-0", "outside"),
    }
    ports = {attempt.port for attempt in tries}
    assert {8080, 5555, 8793, 8794, 5432, 3306, 6432, 6379, 53, 9} <= ports


def test_the_matrix_has_the_ports_that_are_let_through() -> None:
    tries = [Attempt(WORKER, REDIS, port) for port in (1, 2)] + [Attempt(REDIS, WORKER, port) for port in (1, 2)]
    assert list(lines_of([WORKER, REDIS], tries, {tries[1]})) == [
        "from \\ to  worker-0  redis-0",
        "worker-0             2",
        "redis-0    -",
    ]
    assert list(lines_of([WORKER, REDIS], tries, {*tries}))[1:] == ["worker-0             all", "redis-0    all"]


def test_every_difference_is_told() -> None:
    one, two, three = (Attempt(WORKER, REDIS, port) for port in (1, 2, 3))
    found = {one: "listening", three: "reached"}

    def told(**opinions: Any) -> list[str]:
        return differences([one, two, three], found, opinions, lambda attempt: attempt == three)

    assert told(table={one, three}) == ["worker-0 -> redis-0:3: nobody listens"]
    assert told(table={two, three})[:2] == [
        "worker-0 -> redis-0:1: let through, but table says otherwise",
        "worker-0 -> redis-0:2: refused, but table says otherwise",
    ]
