"""Squares numbers in parallel, sums them up, waits without a worker meanwhile, and tells the result.

It shows what a deployment has to be able to do: mapped tasks side by side on the workers, values that travel between
tasks, a task that the triggerer wakes up, and logs that can be read in the UI. A run takes some ten seconds.
"""

from __future__ import annotations

import logging
import socket
from datetime import timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator, Param, dag, task

log = logging.getLogger("example_parallel")


class Nap(BaseOperator):
    """Give the worker back, and go on when the triggerer says so; return the seconds that were asked for."""

    def __init__(self, *, seconds: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seconds = seconds

    def execute(self, context: Any) -> None:
        self.log.info("%s is deferred to the triggerer for %s s", context["ti"].task_id, self.seconds)
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=self.seconds)), method_name="wake_up")

    def wake_up(self, context: Any, event: Any = None) -> float:
        self.log.info("%s is resumed on %s after %s", context["ti"].task_id, socket.gethostname(), event)
        return self.seconds


@dag(
    schedule=None,
    catchup=False,
    tags=["example"],
    params={"numbers": Param([1, 2, 3, 4], type="array", items={"type": "number"}, description="What to square.")},
    doc_md=__doc__,
)
def example_parallel() -> None:
    @task
    def numbers(params: dict[str, Any]) -> list[float]:
        return list(params["numbers"])

    @task(map_index_template="{{ task.op_kwargs['number'] }}")
    def square(number: float) -> float:
        log.info("the square of %s is %s, found on %s", number, number * number, socket.gethostname())
        return number * number

    @task
    def summary(squares: list[float], seconds: float) -> dict[str, float]:
        total = sum(squares)
        log.info("the sum of the squares is %s, told after a nap of %s s", total, seconds)
        return {"sum": total, "seconds": seconds}

    # A busy scheduler may hear that a task was deferred only when its trigger has fired, and then fails it:
    # https://github.com/apache/airflow/issues/66374.
    nap = Nap(task_id="nap", seconds=5, retries=1, retry_delay=timedelta(seconds=1))
    summary(square.expand(number=numbers()), nap.output)


example_parallel()
