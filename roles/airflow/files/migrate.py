# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Migrate the database, then make sure of the administrator.

One process for both, since each start of Airflow's command line costs seconds of imports. The password comes from the
environment and never stands in a command line.
"""

from __future__ import annotations

import os
import sys
import time

ATTEMPTS = 60


def wait_for_database() -> None:
    """Wait up to a minute for a database that is still starting; what lasts is for the log and the exit code."""
    import psycopg2

    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("postgresql+psycopg2:", "postgresql:", 1)
    for attempt in range(ATTEMPTS):
        try:
            psycopg2.connect(url, connect_timeout=5).close()
            return
        except psycopg2.OperationalError as error:
            message = " ".join(str(error).split())
            lasting = "authentication failed" in message or "does not exist" in message
            if lasting or attempt == ATTEMPTS - 1:
                sys.exit(f"The database cannot be used: {message}")
            if attempt == 0:
                print(f"Waiting for the database: {message}", flush=True)
        time.sleep(1)


def migrate() -> None:
    from airflow.__main__ import main

    sys.argv = ["airflow", "db", "migrate"]
    main()


def ensure_administrator() -> None:
    """Write roles and permissions, and create the administrator or give it the password of the Secret."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    username, password = os.environ["ADMIN_USERNAME"], os.environ["ADMIN_PASSWORD"]
    with get_application_builder() as builder:
        manager = builder.sm
        user = manager.find_user(username=username)
        if user is None:
            made = manager.add_user(
                username,
                "Airflow",
                "Administrator",
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


def matches(hashed: str, password: str) -> bool:
    from werkzeug.security import check_password_hash

    return check_password_hash(hashed, password)


if __name__ == "__main__":
    wait_for_database()
    migrate()
    if "ADMIN_USERNAME" in os.environ:
        ensure_administrator()
