# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell whether this pod's Celery worker consumes its queues, without importing Celery or Airflow.

A worker that lost its subscriptions still answers a ping, so it is asked for its active queues: the same
broadcast as ``celery inspect active_queues``, to this worker alone. Success is noted in a file for the liveness probe;
so is that the broker itself does not answer, for a restart would only end the worker's tasks.

Usage: probe_worker.py NOTE_FILE   (with WORKER_QUEUES=QUEUE[,QUEUE...])
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from kombu import Connection
from kombu.pidbox import Mailbox


def active_queues(connection: Connection, worker: str) -> set[str] | None:
    """Return the names of the queues that the worker says it consumes; None if it says nothing within 5 seconds."""
    mailbox = Mailbox("celery", type="fanout", accept=["json"])(connection)
    replies = mailbox.call([worker], "active_queues", timeout=5)
    if not replies:
        return None
    return {queue["name"] for reply in replies for queues in reply.values() for queue in queues or []}


def in_one_line(error: Exception) -> str:
    """Return what an error says: of a longer text the kubelet passes on the beginning."""
    return " ".join(str(error).split())


def main() -> None:
    wanted = set(os.environ["WORKER_QUEUES"].split(","))
    note = Path(sys.argv[1])
    # Sentinels are asked for Redis by the name under which they know it.
    master = os.environ.get("AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__MASTER_NAME")
    options: dict[str, Any] = {"master_name": master} if master else {}
    sentinel = os.environ.get("AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__SENTINEL_KWARGS")
    if sentinel:
        options["sentinel_kwargs"] = json.loads(sentinel)
    url = os.environ["AIRFLOW__CELERY__BROKER_URL"]
    with Connection(url, connect_timeout=5, transport_options=options) as connection:
        try:
            active = active_queues(connection, f"celery@{socket.gethostname()}")
        except (OSError, *connection.connection_errors) as error:
            note.touch()
            sys.exit(f"the broker does not answer: {in_one_line(error)}")
        # A password that is refused is among what the library wraps in errors of its own.
        except Exception as error:  # noqa: BLE001
            sys.exit(f"the broker cannot be used: {in_one_line(error)}")
    if active is None:
        sys.exit("the worker does not answer")
    if not wanted <= active:
        sys.exit(f"the worker consumes {sorted(active) or 'no queue'}, wanted {sorted(wanted)}")
    note.touch()


if __name__ == "__main__":
    main()
