# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asking until the answer is the wanted one."""

from __future__ import annotations

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.polling import poll


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("timeout", "last", "ended"),
    [(60, 3, 104), (4, 3, 104), (3, 3, 104), (2, 2, 102), (0, 1, 100), (-5, 1, 100)],
)
def test_the_last_answer_is_returned_wanted_or_not(timeout: float, last: int, ended: float) -> None:
    clock = Clock()
    answers = iter(range(1, 100))
    assert poll(answers.__next__, lambda answer: answer == 3, timeout, 2, clock, clock.sleep) == last
    assert clock.now == ended
