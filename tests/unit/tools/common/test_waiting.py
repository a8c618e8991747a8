"""How the tools wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.common.errors import ToolError
from tools.common.waiting import holds_within, until


class Clock:
    """Stands in for the module ``time``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("tools.common.waiting.time", found)
    return found


def answers(*values: bool) -> Iterator[bool]:
    """Yield the values, and False from then on."""
    yield from values
    while True:
        yield False


def test_what_holds_is_asked_once(clock: Clock) -> None:
    assert holds_within(0, answers(True).__next__, pause=5)
    assert clock.now == 1000


def test_what_comes_to_hold_is_noticed_at_the_next_question(clock: Clock) -> None:
    assert holds_within(60, answers(False, False, True).__next__, pause=5)
    assert clock.now == 1010


def test_what_does_not_hold_is_given_up(clock: Clock) -> None:
    assert not holds_within(60, answers().__next__, pause=5)
    assert 1060 <= clock.now <= 1065


def test_an_error_says_what_is_the_case_for_how_long_and_why() -> None:
    with pytest.raises(ToolError, match=r"^the page is silent after 60 s: refused$"):
        until(answers().__next__, 60, "the page is silent", details=lambda: ": refused")


def test_what_holds_in_time_is_no_error() -> None:
    until(answers(False, True).__next__, 60, "the page is silent")
