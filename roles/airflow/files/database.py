# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Airflow's database for the programs beside this one, which import neither Airflow nor SQLAlchemy.

Which database it is, where it is and who logs in is told by the URL that Airflow itself has. What PostgreSQL and MySQL
do not have in common is here, so that no program has to ask which of them it talks to.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any


class Unavailable(Exception):
    """The database cannot be used; the text is its own or its driver's, in one line.

    :param permanent: no other try can help.
    """

    def __init__(self, said: object, permanent: bool) -> None:
        super().__init__(" ".join(str(said).split()))
        self.permanent = permanent


def _postgresql_driver() -> Any:
    """Return the module that talks to PostgreSQL: images of newer Airflows may have psycopg 3 alone."""
    try:
        import psycopg2
    except ModuleNotFoundError:
        import psycopg

        return psycopg
    return psycopg2


class PostgreSQL:
    HAS_TABLE = "SELECT to_regclass(%s) IS NOT NULL"
    LASTING = re.compile("authentication failed|does not exist")

    def __init__(self, url: str) -> None:
        self.driver = _postgresql_driver()
        # libpq understands all of it but the driver that SQLAlchemy is told in it.
        self.url = re.sub(r"^\w+(\+\w+)?:", "postgresql:", url)

    def connect(self, timeout: int) -> Any:
        connection = self.driver.connect(self.url, connect_timeout=timeout)
        # A transaction that is left open would cost PgBouncer its own connection.
        connection.autocommit = True
        return connection

    def unavailable(self, error: Exception) -> Unavailable:
        return Unavailable(error, bool(self.LASTING.search(str(error))))


class MySQL:
    HAS_TABLE = "SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = %s"
    #: A database or a login that is refused, and a database that is not there.
    LASTING = (1044, 1045, 1049)
    #: What may stand in the URL besides, as SQLAlchemy's dialect for this driver reads it.
    OPTIONS = ("charset", "ssl_mode", "unix_socket")
    FILES = ("ca", "cert", "key", "capath", "cipher")

    def __init__(self, url: str) -> None:
        from urllib.parse import parse_qsl, unquote, urlsplit

        import MySQLdb

        self.driver = MySQLdb
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        files = {name: query[f"ssl_{name}"] for name in self.FILES if f"ssl_{name}" in query}
        options = {
            "host": parts.hostname,
            "port": parts.port,
            "user": unquote(parts.username or ""),
            "passwd": unquote(parts.password or ""),
            "db": parts.path.removeprefix("/"),
            **{name: query[name] for name in self.OPTIONS if name in query},
            "ssl": files,
        }
        self.options = {name: value for name, value in options.items() if value}

    def connect(self, timeout: int) -> Any:
        return self.driver.connect(**self.options, connect_timeout=timeout)

    def unavailable(self, error: Exception) -> Unavailable:
        return Unavailable(
            error.args[-1] if error.args else error, error.args[:1] in [(code,) for code in self.LASTING]
        )


class Cursor:
    """What is asked of the database, by any program."""

    def __init__(self, backend: PostgreSQL | MySQL, cursor: Any) -> None:
        self._backend = backend
        self._cursor = cursor

    def row(self, query: str, *values: object) -> Any:
        """Return the first row that a query finds, None if it finds none."""
        self._cursor.execute(query, values)
        return self._cursor.fetchone()

    def rows(self, query: str, *values: object) -> list[Any]:
        """Return all rows that a query finds."""
        self._cursor.execute(query, values)
        return list(self._cursor.fetchall())

    def has_table(self, table: str) -> bool:
        return bool(self.row(self._backend.HAS_TABLE, table)[0])


@contextlib.contextmanager
def connected(timeout: int = 5) -> Iterator[Cursor]:
    """Connect to Airflow's database for a while.

    :param timeout: seconds that it has to answer.
    :raises Unavailable: then and meanwhile.
    """
    url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    backend = MySQL(url) if url.startswith("mysql") else PostgreSQL(url)
    try:
        with contextlib.closing(backend.connect(timeout)) as connection:
            yield Cursor(backend, connection.cursor())
    except backend.driver.OperationalError as error:
        raise backend.unavailable(error) from None
