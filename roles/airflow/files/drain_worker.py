# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have this pod's Celery worker take no more tasks, and tell which it still has, without importing Celery or Airflow.

The consumers of all its queues are cancelled by Celery's remote control. What the worker has taken from the broker by
then it still runs: what it has reserved as well as what is active. Its probes are told by a file.

Prints a line of JSON: whether it is drained, and its tasks. It is drained when it consumes nothing and has been seen
without a task twice. ``drain`` may be done again and again; it answers as soon as a task has ended, or after SECONDS.

Usage: drain_worker.py drain|resume SECONDS   (with WORKER_QUEUES=QUEUE[,QUEUE...])
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import probe_worker

#: Seconds between two looks at a worker.
PAUSE = 1.0
#: In this order: what becomes active between the two questions is seen twice, and not missed.
STATES = ("reserved", "active")

Task = dict[str, Any]


class Silent(Exception):
    """The worker does not answer."""


class Worker:
    """This pod's worker, over a connection to its broker."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def tell(self, command: str, **arguments: Any) -> list[Any]:
        answers = probe_worker.tell(self._connection, command, **arguments)
        if answers is None:
            raise Silent
        return answers

    def queues(self) -> set[str]:
        return {queue["name"] for queues in self.tell("active_queues") for queue in queues or []}

    def tasks(self) -> list[Task]:
        """Return the tasks that it has, by their ids."""
        found: dict[str, Task] = {}
        for state in STATES:
            for requests in self.tell(state):
                for request in requests or []:
                    found[request["id"]] = described(request, state)
        return [found[task] for task in sorted(found)]

    def drain(self, seconds: float) -> tuple[bool, list[Task]]:
        """Cancel its consumers; return whether it is drained, and its tasks as soon as one has ended."""
        probe_worker.DRAINED.write_text(probe_worker.life(), encoding="utf-8")
        for queue in sorted(self.queues()):
            self.tell("cancel_consumer", queue=queue)
        end = time.monotonic() + seconds
        first, empty = self.tasks(), 0
        while True:
            tasks = self.tasks()
            empty = 0 if tasks or self.queues() else empty + 1
            if empty == 2:
                return True, []
            if (tasks and len(tasks) < len(first)) or time.monotonic() >= end:
                return False, tasks
            time.sleep(PAUSE)

    def resume(self) -> None:
        """Have it consume its queues again."""
        probe_worker.DRAINED.unlink(missing_ok=True)
        for queue in os.environ["WORKER_QUEUES"].split(","):
            self.tell("add_consumer", queue=queue)


def described(request: Mapping[str, Any], state: str) -> Task:
    """Return what may be told of a request of Celery's: not its argument, which holds the task's token."""
    task = {"id": request["id"], "state": state, "since": request.get("time_start")}
    try:
        instance = json.loads(request["args"][0])["ti"]
        names = {name: instance[name] for name in ("dag_id", "task_id", "run_id")}
    except (LookupError, TypeError, ValueError):
        return task | {"name": str(request.get("name") or "")}
    index = instance.get("map_index", -1)
    mapped = f"[{index}]" if isinstance(index, int) and index >= 0 else ""
    return task | {"name": f"{names['dag_id']}.{names['task_id']}{mapped}", "run": names["run_id"]}


def main() -> None:
    action, seconds = sys.argv[1], float(sys.argv[2])
    is_drained, tasks = False, []
    with probe_worker.broker() as connection:
        worker = Worker(connection)
        try:
            if action == "resume":
                worker.resume()
            else:
                is_drained, tasks = worker.drain(seconds)
        except Silent:
            sys.exit("the worker does not answer")
        except Exception as error:  # noqa: BLE001 - what a broker's library raises is of many kinds
            sys.exit(f"the broker cannot be used: {probe_worker.in_one_line(error)}")
    print(json.dumps({"drained": is_drained, "tasks": tasks}), flush=True)


if __name__ == "__main__":
    main()
