# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell whether this pod's Celery worker consumes its queues, without importing Celery or Airflow.

A worker that lost its subscriptions still answers a ping, so it is asked for its active queues: the same
broadcast as ``celery inspect active_queues``, to this worker alone. Success is noted in a file for the liveness probe;
so is that the broker itself does not answer, for a restart would only end the worker's tasks. A worker that
drain_worker.py has drained has to answer, and need not consume anything.

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

#: Says in which life of the container its worker was drained; what follows a restart consumes its queues again.
DRAINED = Path("/tmp/drained")  # noqa: S108 - the pod's own volume
FIRST_PROCESS = Path("/proc/1/stat")


def broker() -> Connection:
    """Return a connection to the broker, which is made when it is first used."""
    # Sentinels are asked for Redis by the name under which they know it.
    master = os.environ.get("AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__MASTER_NAME")
    options: dict[str, Any] = {"master_name": master} if master else {}
    sentinel = os.environ.get("AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__SENTINEL_KWARGS")
    if sentinel:
        options["sentinel_kwargs"] = json.loads(sentinel)
    return Connection(os.environ["AIRFLOW__CELERY__BROKER_URL"], connect_timeout=5, transport_options=options)


def tell(connection: Connection, command: str, **arguments: Any) -> list[Any] | None:
    """Give this pod's worker a command of Celery's remote control.

    :returns: what it answers, None if it says nothing within 5 seconds.
    """
    mailbox = Mailbox("celery", type="fanout", accept=["json"])(connection)
    replies = mailbox.call([f"celery@{socket.gethostname()}"], command, arguments, timeout=5)
    return [answer for reply in replies for answer in reply.values()] if replies else None


def active_queues(connection: Connection) -> set[str] | None:
    """Return the names of the queues that the worker says it consumes, None if it says nothing."""
    answers = tell(connection, "active_queues")
    return None if answers is None else {queue["name"] for queues in answers for queue in queues or []}


def life() -> str:
    """Return what tells this life of the container from others: when its first process began (proc_pid_stat(5), 22)."""
    return FIRST_PROCESS.read_text(encoding="utf-8").rpartition(")")[2].split()[19]


def is_drained() -> bool:
    """Tell whether the worker is to take no task until its container restarts."""
    try:
        return DRAINED.read_text(encoding="utf-8") == life()
    except OSError:
        return False


def in_one_line(error: Exception) -> str:
    """Return what an error says: of a longer text the kubelet passes on the beginning."""
    return " ".join(str(error).split())


def main() -> None:
    wanted = set() if is_drained() else set(os.environ["WORKER_QUEUES"].split(","))
    note = Path(sys.argv[1])
    with broker() as connection:
        try:
            active = active_queues(connection)
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
