"""Tasks that wait in the triggerer, and so in no worker, while what they run on is replaced by another version."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseOperator, Context, Param, dag, task, timezone


class Wait(BaseOperator):
    """Waits as long as a run's parameter says, and then hands on what it was deferred with."""

    def __init__(self, number: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.number = number

    def execute(self, context: Context) -> None:
        until = timezone.utcnow() + timedelta(seconds=context["params"]["seconds"])
        self.defer(trigger=DateTimeTrigger(moment=until), method_name="resume", kwargs={"began": timezone.utcnow()})

    def resume(self, context: Context, event: Any, began: datetime) -> str:
        return began.isoformat()


@dag(schedule=None, catchup=False, params={"seconds": Param(30, type="number")}, doc_md=__doc__)
def deferred() -> None:
    @task
    def check(began: str) -> None:
        datetime.fromisoformat(began)

    check.expand(began=Wait.partial(task_id="wait").expand(number=list(range(10))).output)


deferred()
