"""Many task instances that each take a few seconds, and write down when and where they start and end.

What Airflow says of a run is one thing, what has been executed another: each execution leaves its lines in a file on
the logs volume, so that one that Airflow does not know of is seen, too.
"""

from __future__ import annotations

import os
import socket
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import Param, dag, task


def note(event: str, run_id: str, map_index: int, try_number: int) -> None:
    """Append a line, which one write does as a whole."""
    file = Path(os.environ["AIRFLOW__LOGGING__BASE_LOG_FOLDER"], "endurance", run_id)
    file.parent.mkdir(exist_ok=True)
    with file.open("a") as lines:
        lines.write(f"{event} {map_index} {try_number} {socket.gethostname()}\n")


@dag(
    schedule=None,
    catchup=False,
    max_active_tasks=1000,
    params={"tasks": Param(20, type="integer"), "seconds": Param(5, type="number")},
    doc_md=__doc__,
)
def endurance() -> None:
    @task(retries=3, retry_delay=timedelta(seconds=1))
    def numbers(params: dict[str, Any]) -> list[int]:
        return list(range(params["tasks"]))

    # A task may be tried again only where its worker was killed, which the soak holds against the faults it injects.
    @task(retries=3, retry_delay=timedelta(seconds=1))
    def work(number: int, params: dict[str, Any], run_id: str, ti: Any) -> None:
        note("start", run_id, number, ti.try_number)
        time.sleep(params["seconds"])
        note("end", run_id, number, ti.try_number)

    work.expand(number=numbers())


endurance()
