# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until all tasks have ended that have been queued by now: each of them keeps the token that it was queued with.

Prints how many there are still, without importing Airflow.

Usage: wait_for_tasks.py SECONDS
"""

from __future__ import annotations

import sys
import time

import database

QUERY = """
    SELECT count(*) FROM task_instance
    WHERE state IN ('queued', 'running', 'restarting') AND (queued_dttm IS NULL OR queued_dttm <= %s)
"""
#: Seconds between two looks, and after which it is said again how many there are.
PAUSE, SAY_AGAIN = 1.0, 20.0


def main() -> None:
    end = time.monotonic() + float(sys.argv[1])
    since, said, again = None, "", 0.0
    while True:
        try:
            with database.connected() as cursor:
                since = since or cursor.row("SELECT CURRENT_TIMESTAMP")[0]
                (left,) = cursor.row(QUERY, since)
            if left == 0:
                return
            waits_for = f"{left} tasks still use the old JWT secret"
        except database.Unavailable as error:
            waits_for = f"no answer from the database: {error}"
        if time.monotonic() >= end:
            sys.exit(f"after {sys.argv[1]} s {waits_for}")
        if waits_for != said or time.monotonic() >= again:
            print(waits_for, flush=True)
            said, again = waits_for, time.monotonic() + SAY_AGAIN
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
