# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When Airflow is asked for its health, which cannot be watched."""

from __future__ import annotations

from .cache import WORKLOADS
from .health import HealthResponse
from .health_probe import HealthQuestion
from .settle import Settled
from .verdict import State

#: Seconds between two questions.
INTERVAL = 1.0


class HealthPolling:
    """Where the questions stand. All times are in seconds since the wait began.

    :param question: ``None``: Airflow is not asked.
    """

    def __init__(self, question: HealthQuestion | None) -> None:
        self.response: HealthResponse | None = None
        self.asked = 0
        self._question = question
        self._asked_at = -1.0
        self._next_at = 0.0
        self._under_way = False

    def ask(self, seconds: float) -> None:
        """Note that Airflow is asked now."""
        self.asked += 1
        self._asked_at = seconds
        self._under_way = True

    def take(self, response: HealthResponse, seconds: float) -> None:
        """Take in what it has answered."""
        self.response = response
        self._under_way = False
        self._next_at = max(self._asked_at + INTERVAL, seconds)

    def due_at(self, settled: Settled) -> float | None:
        """Return when to ask, ``None`` if not for now: it can answer once the pods that serve it are ready."""
        if self._question is None or self._under_way or self.is_settled(settled):
            return None
        serving = [
            verdict
            for key, verdict in settled.verdicts.items()
            if key.kind in WORKLOADS and key.name == self._question.workload
        ]
        ready = settled.history.pods_ready or any(verdict.state == State.READY for verdict in serving)
        return self._next_at if ready else None

    def is_due(self, settled: Settled, seconds: float) -> bool:
        """Tell whether to ask now."""
        due_at = self.due_at(settled)
        return due_at is not None and seconds >= due_at

    def is_settled(self, settled: Settled) -> bool:
        """Tell whether Airflow is healthy and was asked when all its pods had become ready, or is not to be asked."""
        if self._question is None:
            return True
        healthy = self.response is not None and all(
            verdict.state == State.READY for key, verdict in settled.verdicts.items() if key.kind == "Health"
        )
        pods_ready = settled.history.pods_ready
        return healthy and (pods_ready is None or self._asked_at >= pods_ready.seconds)
