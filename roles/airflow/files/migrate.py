# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Migrate the database if the image has the wanted Airflow, then make sure of the administrator.

One process for both, since each start of Airflow's command line costs seconds of imports. The password comes from the
environment and never stands in a command line.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import database
import wait_for_schema

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
            if error.lasting or time.monotonic() >= end:
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


def migrate() -> None:
    from airflow.__main__ import main

    sys.argv = ["airflow", "db", "migrate"]
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
