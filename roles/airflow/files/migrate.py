# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Migrate the database if the image has the wanted Airflow, then make sure of the administrator.

One process for both, since each start of Airflow's command line costs seconds of imports. The password comes from the
environment and never stands in a command line.

Meanwhile a second connection to PostgreSQL tells which session holds a lock that the migration waits for: Alembic says
nothing, and a session that is idle in a transaction may hold it for ever. MySQL tells that only to users with rights on
its ``performance_schema``, which Airflow's need not have.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import database
import wait_for_schema

#: Seconds between two looks at who blocks the migration. It is told at the second look: locks come and go.
LOOK_EVERY = 3.0
#: Longest name of an application that PostgreSQL keeps.
LONGEST_NAME = 63
#: The sessions that hold what those of this program wait for; what a user may not see of another's is NULL.
BLOCKERS = """
    SELECT DISTINCT blocker.pid, blocker.usename, blocker.application_name, host(blocker.client_addr), blocker.state,
        floor(extract(epoch FROM clock_timestamp() - blocker.xact_start))
    FROM pg_stat_activity AS own
    CROSS JOIN LATERAL unnest(pg_blocking_pids(own.pid)) AS blocking(pid)
    JOIN pg_stat_activity AS blocker ON blocker.pid = blocking.pid
    WHERE own.application_name = %s AND blocker.application_name IS DISTINCT FROM own.application_name
    ORDER BY blocker.pid
"""

#: First and last name of the administrator that is made here.
FULL_NAME = ("Airflow", "Administrator")


def refuse_other_version() -> None:
    """End where the image has another Airflow than the release goes by, before anything is asked of the database.

    An image's tag may say anything, so a step back could pass for one forward.
    """
    wanted, present = os.environ.get("WANTED_VERSION", ""), wait_for_schema.installed_version()
    if wanted and present and wait_for_schema.numbers(wanted) != wait_for_schema.numbers(present):
        sys.exit(f"airflow_version is {wanted}, but the image has Airflow {present}. Nothing was migrated.")


def wait_for_database() -> None:
    """Wait for a database that is still starting; what lasts is for the log and the exit code."""
    end = time.monotonic() + float(os.environ.get("DATABASE_TIMEOUT", "60"))
    said = ""
    while True:
        try:
            with database.connected() as cursor:
                refuse_newer(cursor)
            return
        except database.Unavailable as error:
            message = str(error)
            if error.permanent or time.monotonic() >= end:
                sys.exit(f"The database cannot be used: {message}")
            if message != said:
                print(f"Waiting for the database: {message}", flush=True)
                said = message
        time.sleep(1)


def refuse_newer(cursor: database.Cursor) -> None:
    """End with a plain word where a newer Airflow has migrated the database; Alembic's own would be a stack of code."""
    for table, folders in wait_for_schema.migration_folders().items():
        present = wait_for_schema.present_revision(cursor, table)
        known = {revision for folder in folders for revision in wait_for_schema.revisions(folder)[0]}
        if present and known and present not in known:
            version = os.environ.get("AIRFLOW_VERSION", "")
            sys.exit(
                f"The database is at revision {present} ({table}), which this Airflow does not know"
                f"{f' ({version})' if version else ''}: a newer one has migrated it."
            )


class BlockerWatch:
    """Tells which sessions block the migration, once for each change of that.

    :param name: the name by which the migration's own sessions are known in the database.
    :param terminates: end a session that was told, and blocks it at the next look, too.
    """

    def __init__(self, name: str, terminates: bool) -> None:
        self._name = name
        self._terminates = terminates
        self._seen: set[int] = set()
        self._tried: set[int] = set()
        self._told: set[int] = set()

    def watch(self, ended: threading.Event) -> None:
        """Look from time to time, until the migration has ended."""
        while not ended.wait(LOOK_EVERY):
            # The migration itself tells what is wrong with the database.
            with contextlib.suppress(database.Unavailable), database.connected() as cursor:
                self.look(cursor)

    def look(self, cursor: database.Cursor) -> None:
        """Look once, and tell what has changed."""
        blockers = {row[0]: row[1:] for row in cursor.rows(BLOCKERS, self._name)}
        if self._terminates:
            for pid in self._told & blockers.keys() - self._tried:
                terminate(cursor, pid)
                self._tried.add(pid)
        lasting = self._seen & blockers.keys()
        for pid in sorted(lasting - self._told):
            print(f"The migration is blocked by session {pid}: {in_words(*blockers[pid])}", flush=True)
        if self._told and not blockers:
            print("The migration is not blocked any more.", flush=True)
        self._seen, self._told = set(blockers), lasting


def in_words(user: str | None, application: str | None, address: str | None, state: str | None, age: Any) -> str:
    """Return what is known of a session, but for its query, in which there may be secrets."""
    words = [f"user {user}" if user else "", f"application {application}" if application else ""]
    words += [f"at {address}" if address else "", state or ""]
    words += [f"its transaction began {int(age)} s ago" if age is not None else ""]
    return ", ".join(filter(None, words))


def terminate(cursor: database.Cursor, pid: int) -> None:
    """End a session of the database, if that is allowed."""
    try:
        cursor.row("SELECT pg_terminate_backend(%s)", pid)
    except database.Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 whatever the driver raises is the answer
        print(f"Session {pid} cannot be ended: {' '.join(str(error).split())}", flush=True)
    else:
        print(f"Ended session {pid}, which blocked the migration.", flush=True)


@contextlib.contextmanager
def watched_blockers() -> Iterator[None]:
    """Tell meanwhile who blocks the migration, where the database tells it."""
    if os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("mysql"):
        yield
        return
    # libpq gives this name to all sessions of this process.
    name = os.environ["PGAPPNAME"] = f"airflow-migrate {socket.gethostname()}"[:LONGEST_NAME]
    watch = BlockerWatch(name, os.environ.get("TERMINATE_BLOCKERS") == "true")
    ended = threading.Event()
    thread = threading.Thread(target=watch.watch, args=[ended], daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def migrate() -> None:
    from airflow.__main__ import main

    sys.argv = ["airflow", "db", "migrate"]
    with watched_blockers():
        main()


def ensure_administrator() -> None:
    """Write roles and permissions, and create the administrator or give it the name and password of the Secret."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    username, password = os.environ["ADMIN_USERNAME"], os.environ["ADMIN_PASSWORD"]
    with get_application_builder() as builder:
        manager = builder.sm
        user = manager.find_user(username=username) or renamed(manager, username, os.environ["ADMIN_EMAIL"])
        if user is None:
            made = manager.add_user(
                username,
                *FULL_NAME,
                os.environ["ADMIN_EMAIL"],
                manager.find_role("Admin"),
                password=password,
            )
            if not made:
                sys.exit(f"The administrator {username} could not be created.")
            print(f"Created the administrator {username}.", flush=True)
        elif not matches(user.password, password):
            manager.reset_password(user.id, password)
            print(f"Set the password of the administrator {username}.", flush=True)


def renamed(manager: Any, username: str, email: str) -> Any:
    """Return the administrator that an earlier deploy made, with its new name; ``None`` where there is none.

    It is known by its e-mail address, which only one user may have.
    """
    user = manager.find_user(email=email)
    if user is None:
        return None
    before = user.username
    if (user.first_name, user.last_name) != FULL_NAME:
        sys.exit(
            f"The user {before} has the e-mail address {email} already, so the administrator cannot have it. "
            "Set airflow_admin_email to another one."
        )
    user.username = username
    if not manager.update_user(user):
        sys.exit(f"The administrator {before} could not be renamed to {username}.")
    print(f"Renamed the administrator {before} to {username}.", flush=True)
    return user


def matches(hashed: str, password: str) -> bool:
    from werkzeug.security import check_password_hash

    return check_password_hash(hashed, password)


if __name__ == "__main__":
    refuse_other_version()
    wait_for_database()
    migrate()
    if "ADMIN_USERNAME" in os.environ:
        ensure_administrator()
