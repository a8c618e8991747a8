# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Try a database and a broker from where Airflow will run: in the cluster, with Airflow's image and its own libraries.

The texts of this file and of those that it imports are sent to that image's Python (3.10 or later). On its standard
input follow, as one line of JSON, the services to try: ``{"kind": "database" | "broker" | "results", "url": ...,
"async_url": ..., "options": {...}}``; object stores of logs, whose URL is Airflow's connection as JSON: ``{"kind":
"logs", "url": ..., "options": {"scheme": ..., "bucket": ..., "prefix": ..., "writes": ...}}``; and packages that the
image has to have: ``{"kind": "package", "options": {"package": ..., "variable": ...}}``. It prints the length of its
answer in eight digits, then the answer as JSON: for each service a list of problems, in the words of whoever said them.
No URL and no password is in them.

A URL is read by the library that Airflow gives it to (SQLAlchemy, kombu), so that what is tried is what will be used.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import json
import os
import secrets
import signal
import ssl
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from .answers import CONNECT_SECONDS, in_one_line
from .logs_program import secrets_of, try_logs

#: Seconds for the whole program, which imports Airflow where the CPU may be short; each connection has its own limit.
PATIENCE = 240

#: The oldest that Airflow supports, by the prerequisites page of its documentation: of PostgreSQL by the first version
#: of Airflow that wants it, the newest first; of Redis, redis-py's.
OLDEST_POSTGRESQL = {(3, 2): 14, (0, 0): 13}
OLDEST_MYSQL = (8, 0)
OLDEST_REDIS = (5, 0)

#: What a table, a key and a channel of this check are called; another one may be under way at the same time.
SCRATCH = f"airflow_kubernetes_probe_{secrets.token_hex(4)}"
#: Answers that only a cluster gives; and what newer versions of redis-py raise for them, without these words.
CLUSTER_ANSWERS = ("ASK ", "CLUSTERDOWN", "CROSSSLOT", "MOVED ")
IS_CLUSTER = "the server is a cluster, which Celery cannot use; choose one with cluster mode disabled"
CLUSTER_ERRORS = frozenset({"AskError", "ClusterCrossSlotError", "ClusterDownError", "MovedError"})
#: Seconds after which a key is gone, should the check end before it deletes it.
SCRATCH_SECONDS = 60


def problems_of(service: dict[str, Any]) -> list[str]:
    """Return what is wrong with a service, as far as it can be tried."""
    programs = {"broker": try_broker, "logs": try_logs, "package": look_for_package, "results": try_results}
    try_it = programs.get(service["kind"], try_database)
    try:
        problems = list(try_it(service))
    except Exception as error:  # noqa: BLE001 whatever a driver raises is the answer
        problems = [in_one_line(error)]
    url = f"{service['url']};{service.get('async_url') or ''}"
    others = secrets_of(service["url"]) if service["kind"] == "logs" else []
    return [without_login(problem, url, sentinel_options(service).get("password", ""), *others) for problem in problems]


def sentinel_options(service: dict[str, Any]) -> dict[str, Any]:
    """Return what Sentinels are connected to with, besides their addresses."""
    return dict(json.loads(service.get("sentinel") or "{}"))


def look_for_package(service: dict[str, Any]) -> Iterator[str]:
    """Look at what is installed, without importing it."""
    package, variable = service["options"]["package"], service["options"]["variable"]
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        yield f"it has no package {package}, for which {variable} asks. Take an image that has it, or change {variable}"


def without_login(text: str, url: str, *others: str) -> str:
    """Return a text without the URL and the passwords in it, and without others, which some libraries repeat."""
    hidden = {url, *url.split(";"), *others}
    for part in url.split(";"):
        login = part.partition("://")[2].rpartition("@")[0]
        password = login.partition(":")[2]
        hidden |= {login, password, unquote(password)}
    for value in sorted(filter(None, hidden), key=len, reverse=True):
        text = text.replace(value, "(hidden)")
    return text


def try_database(service: dict[str, Any]) -> Iterator[str]:
    """Connect with the driver of the URL and ask what there is; then only connect with the asynchronous one, if any."""
    kind, arguments, options = read_url(service["url"].removeprefix("db+"))
    # In SQLAlchemy 1.4 it had another name.
    driver = (getattr(kind, "import_dbapi", None) or kind.dbapi)()
    with contextlib.closing(driver.connect(*arguments, **options, connect_timeout=CONNECT_SECONDS)) as database:
        ask = problems_of_mysql if kind.name == "mysql" else problems_of_postgresql
        problems = list(ask(database))
    yield from problems
    if service.get("async_url") and not problems:
        kind, _arguments, options = read_url(service["async_url"])
        try:
            asyncio.run(connect_asynchronously(kind.name, options, service["options"].get("mysql_ca")))
        except Exception as error:  # noqa: BLE001 whatever the driver raises is the answer
            yield f"with the asynchronous driver: {in_one_line(error)}"


def try_results(service: dict[str, Any]) -> Iterator[str]:
    """Try where Celery is to keep its results: a database, or Redis."""
    if service["url"].startswith("db+"):
        yield from try_database(service)
    elif service["url"].startswith(("redis://", "rediss://")):
        yield from try_redis(service, result_commands)
    else:
        yield "its URL starts neither with db+ and the name of a driver, nor with redis:// or rediss://"


def read_url(text: str) -> tuple[Any, list[Any], dict[str, Any]]:
    """Return SQLAlchemy's dialect for a URL, and what it calls the driver with."""
    from sqlalchemy.engine import make_url  # noqa: PLC0415 the broker needs no SQLAlchemy

    try:
        url = make_url(text)
        kind = url.get_dialect()
    except Exception:  # noqa: BLE001 its message may hold the URL
        raise ValueError("it is no URL that SQLAlchemy understands, or of no driver that is in the image") from None
    arguments, options = kind().create_connect_args(url)
    return kind, list(arguments), dict(options)


async def connect_asynchronously(name: str, options: dict[str, Any], mysql_ca: str | None) -> None:
    """Connect once; what may be done then has been tried with the other driver.

    :param mysql_ca: the CA to verify MySQL's certificate by, empty to do so by none, and None for no TLS.
    """
    if name == "mysql":
        import aiomysql  # noqa: PLC0415 one of the two

        if mysql_ca is not None:
            options["ssl"] = ssl.create_default_context(cafile=mysql_ca or None)
            if not mysql_ca:
                options["ssl"].check_hostname = False
                options["ssl"].verify_mode = ssl.CERT_NONE
        (await aiomysql.connect(**options, connect_timeout=CONNECT_SECONDS)).close()
        return
    import asyncpg  # noqa: PLC0415 one of the two

    # SQLAlchemy's own, which asyncpg does not know.
    options = {key: value for key, value in options.items() if not key.startswith("prepared_statement_")}
    await (await asyncpg.connect(**options, timeout=CONNECT_SECONDS)).close()


def oldest_postgresql() -> tuple[str, int]:
    """Return the oldest PostgreSQL that the image's Airflow supports, behind the version of that if it is known."""
    try:
        airflow = importlib.metadata.version("apache-airflow-core")
    except importlib.metadata.PackageNotFoundError:
        return "", OLDEST_POSTGRESQL[0, 0]
    major, minor = (int(part) for part in airflow.split(".")[:2])
    return f" {major}.{minor}", next(oldest for first, oldest in OLDEST_POSTGRESQL.items() if (major, minor) >= first)


def problems_of_postgresql(database: Any) -> Iterator[str]:
    # psycopg 3 tells it in its ``info``, psycopg2 of all versions beside that.
    version = getattr(database, "server_version", None) or database.info.server_version
    version, (airflow, oldest) = version // 10000, oldest_postgresql()
    if version < oldest:
        yield f"the server is PostgreSQL {version}; the oldest that Airflow{airflow} supports is {oldest}"
        return
    with database, database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_encoding_to_char(encoding), current_schema(), current_user, pg_is_in_recovery()"
            " FROM pg_database WHERE datname = current_database()"
        )
        encoding, schema, user, is_replica = cursor.fetchone()
        if encoding != "UTF8":
            yield f"the database's encoding is {encoding}, and Airflow wants UTF8"
        if is_replica:
            yield "the server is a replica, which takes no writes"
            return
        if schema is None:
            yield f"the user {user} has no schema to make tables in: none of its search_path is there for it"
            return
        cursor.execute("SELECT has_schema_privilege(current_schema(), 'CREATE')")
        if not cursor.fetchone()[0]:
            yield f"the user {user} may not make tables in the schema {schema}"


def problems_of_mysql(database: Any) -> Iterator[str]:
    cursor = database.cursor()
    cursor.execute("SELECT version(), @@character_set_database, @@explicit_defaults_for_timestamp, @@read_only")
    version, encoding, explicit, is_read_only = cursor.fetchone()
    if "mariadb" in version.lower():
        yield f"the server is MariaDB ({version}), which Airflow does not support"
        return
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_MYSQL:
        yield f"the server is MySQL {version}; the oldest that Airflow supports is {dotted(OLDEST_MYSQL)}"
        return
    if encoding != "utf8mb4":
        yield f"the database's character set is {encoding}, and Airflow wants utf8mb4"
    if not explicit:
        yield "the server's explicit_defaults_for_timestamp is off, and Airflow wants it on"
    if is_read_only:
        yield "the server is read-only"
        return
    # Grants may come through roles and wildcards; only trying tells.
    try:
        cursor.execute(f"CREATE TABLE {SCRATCH} (id INT)")
        cursor.execute(f"DROP TABLE {SCRATCH}")
    except Exception as error:  # noqa: BLE001 whatever the driver raises is the answer
        yield f"the user may not make and drop tables: {in_one_line(error)}"


def try_broker(service: dict[str, Any]) -> Iterator[str]:
    return try_redis(service, commands)


def try_redis(service: dict[str, Any], wanted: Callable[[Any], Iterator[tuple[str, Any]]]) -> Iterator[str]:
    """Connect, and send the commands that ``wanted`` yields, each with what it is good for."""
    from kombu import Connection  # noqa: PLC0415 the database needs no kombu

    options = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": CONNECT_SECONDS, **service["options"]}
    if service.get("sentinel"):
        options["sentinel_kwargs"] = sentinel_options(service)
    with Connection(service["url"], transport_options=options) as connection:
        redis = connection.default_channel.client
        redis.ping()
        version = version_of(redis)
        if version and version < OLDEST_REDIS:
            oldest = dotted(OLDEST_REDIS)
            yield f"the server is Redis {dotted(version)}; the oldest that the client supports is {oldest}"
            return
        if is_cluster(redis):
            yield IS_CLUSTER
            return
        for what, send in wanted(redis):
            try:
                send()
            except Exception as error:  # noqa: BLE001 whatever the driver raises is the answer
                if comes_from_cluster(error):
                    yield IS_CLUSTER
                    return
                yield f"the user may not {what}: {in_one_line(error)}"
                return


def is_cluster(redis: Any) -> bool:
    """Tell whether the server says that it is a cluster, be it of one shard; not all users may ask, not all answer."""
    try:
        return str(redis.info("cluster").get("cluster_enabled")) == "1"
    except Exception:  # noqa: BLE001 the commands that follow tell, too
        return False


def comes_from_cluster(error: BaseException) -> bool:
    """Tell whether only a server in cluster mode gives such an answer."""
    return type(error).__name__ in CLUSTER_ERRORS or in_one_line(error).startswith(CLUSTER_ANSWERS)


def version_of(redis: Any) -> tuple[int, int] | None:
    """Return the server's version, or None where it is not told to this user."""
    try:
        first, second = str(redis.info("server")["redis_version"]).split(".")[:2]
    except Exception:  # noqa: BLE001 nothing else depends on it
        return None
    return int(first), int(second)


def commands(redis: Any) -> Iterator[tuple[str, Any]]:
    """Yield what Celery does with Redis: queues, what was taken from them, bindings, broadcasts, and all at once."""
    yield "put into a queue", lambda: redis.lpush(SCRATCH, "1")
    yield "let a key expire", lambda: redis.expire(SCRATCH, SCRATCH_SECONDS)
    # Of two at once, as a worker does: in cluster mode they are on different nodes.
    yield "take from queues", lambda: redis.brpop([SCRATCH, f"{SCRATCH}_other"], timeout=1)
    yield "keep what was taken", lambda: redis.hset(SCRATCH, "1", "1")
    yield "forget what was taken", lambda: redis.delete(SCRATCH)
    yield "keep an order", lambda: redis.zadd(SCRATCH, {"1": 1})
    yield "read an order", lambda: redis.zrevrangebyscore(SCRATCH, 1, 0)
    yield "delete a key", lambda: redis.delete(SCRATCH)
    yield "keep a binding", lambda: redis.sadd(SCRATCH, "1")
    yield "read a binding", lambda: redis.smembers(SCRATCH)
    yield "delete a binding", lambda: redis.delete(SCRATCH)
    yield "do several things at once", lambda: redis.pipeline(transaction=True).llen(SCRATCH).execute()
    yield "send to all", lambda: redis.publish(f"/0.{SCRATCH}", "1")
    yield "listen to all", lambda: subscribe(redis)


def result_commands(redis: Any) -> Iterator[tuple[str, Any]]:
    """Yield what Celery does with Redis to keep results: each under a key, and told on a channel of that name."""
    yield "keep a result", lambda: redis.pipeline(transaction=True).setex(SCRATCH, SCRATCH_SECONDS, "1").execute()
    yield "read a result", lambda: redis.get(SCRATCH)
    yield "read results", lambda: redis.mget([SCRATCH, f"{SCRATCH}_other"])
    yield "delete a result", lambda: redis.delete(SCRATCH)
    yield "tell that a result is there", lambda: redis.publish(f"/0.{SCRATCH}", "1")
    yield "listen for results", lambda: subscribe(redis)


def subscribe(redis: Any) -> None:
    with contextlib.closing(redis.pubsub()) as listener:
        listener.psubscribe(f"/0.{SCRATCH}*")
        # What the server says of it is read only here.
        listener.get_message(timeout=CONNECT_SECONDS)


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def main() -> None:
    """Read the services, try them, and print what is wrong."""
    signal.alarm(PATIENCE)
    # Libraries that write to the standard output write elsewhere.
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)
        services = json.loads(sys.stdin.buffer.readline())
        answer = json.dumps([problems_of(service) for service in services]).encode("utf-8")
        output.write(b"%08d" % len(answer) + answer)
