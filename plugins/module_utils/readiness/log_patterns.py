# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What programs say in their logs and probes, where it is known what that means.

The words are those of libpq and PostgreSQL, of MySQL, of Redis (``networking.c``, ``acl.c``), of Alembic, of Airflow's
scheduler (``scheduler_job_runner.py``), and of the collection's own programs (roles/airflow/files).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class LogPattern:
    """Words of a program.

    :param meaning: what has happened, to go behind a reason.
    :param advice: the next step.
    :param permanent: no other try can help, so a probe that says it need not be waited for.
    """

    regex: re.Pattern[str]
    meaning: str
    advice: str
    permanent: bool = True


def _pattern(regex: str, meaning: str, advice: str, permanent: bool = True) -> LogPattern:
    return LogPattern(re.compile(regex, re.IGNORECASE), meaning, advice, permanent)


#: The more special ones first.
LOG_PATTERNS = (
    _pattern(
        r"airflow_version is .*, but the image has Airflow ",
        "the image has another Airflow than airflow_version says",
        "Set airflow_version to the version that the image has, or airflow_image to an image of that version.",
    ),
    _pattern(
        r"which this Airflow does not know|Can't locate revision identified by",
        "the database was migrated by a newer Airflow",
        "Set airflow_version and airflow_image to the version that migrated it, or restore a backup from before.",
    ),
    _pattern(
        r"Access denied for user .* to database|permission denied for database",
        "there is no database of that name that its user may use",
        "Correct airflow_database_name, or what an _environment sets instead; or create the database, and grant its "
        "user all rights on it.",
    ),
    _pattern(
        r"password authentication failed|Access denied for user",
        "the database refuses the password",
        "Correct the connection: airflow_database_user and airflow_database_password, or what an _environment sets "
        "instead of the Secret's.",
    ),
    _pattern(
        r'database "[^"]*" does not exist|Unknown database',
        "there is no database of that name",
        "Correct airflow_database_name, or what an _environment sets instead; or create the database.",
    ),
    _pattern(
        r"does not match host name|Hostname mismatch|IP address mismatch|Validation of SSL server certificate failed",
        "its certificate is for another host",
        "Connect by a name that the certificate has, or have one made for this host.",
    ),
    _pattern(
        r"certificate verify failed|signature failure|self.signed certificate|unable to get local issuer",
        "its certificate is not trusted",
        "Give the certificate of the CA that signed it: airflow_database_ca_secret or airflow_redis_ca_secret, or the "
        "same with _config_map.",
    ),
    _pattern(
        r"insecure transport are prohibited",
        "the database takes nothing but TLS",
        "Set airflow_database_tls_mode to require, or to verify-full with the CA's certificate.",
    ),
    _pattern(
        r"server does not support SSL|rejected SSL upgrade|SSL is required|SSL connection error|WRONG_VERSION_NUMBER",
        "it speaks no TLS there",
        "Turn TLS on at the server, or off here: airflow_database_tls_mode: disable, airflow_redis_tls: false.",
    ),
    _pattern(
        r"no pg_hba\.conf entry",
        "the database lets this user in from nowhere like this",
        "Let pg_hba.conf of the server have a line for the user, the database, the pods' addresses, and TLS or not.",
    ),
    _pattern(
        r"may not make (and drop )?tables|has no schema to make tables in",
        "the user lacks rights in the database",
        "Let it own the database, or its schema (GRANT CREATE, USAGE ON SCHEMA): Airflow makes its tables there.",
    ),
    _pattern(
        r"NOPERM|no permissions to",
        "the user of Redis lacks a right",
        "Grant it what Celery does, for example ACL SETUSER with ~* &* +@all -@admin.",
    ),
    _pattern(
        r"could not translate host name|Unknown (MySQL )?server host",
        "the database's host name is not known",
        "Correct the host in the connection, or see why the cluster's DNS does not know it.",
        permanent=False,
    ),
    _pattern(
        r"connection to server at .* failed|server closed the connection unexpectedly|The database cannot be used"
        r"|no answer from the database"
        r"|Can't connect to (local |MySQL )*server|Lost connection to (MySQL )?server|server has gone away",
        "the database does not answer",
        "See that it runs, and that pods of the release reach it (host, port, network policies, firewall).",
        permanent=False,
    ),
    _pattern(
        r"schema is .*, wanted ",
        "the database has not the schema that this Airflow wants",
        "See that the migration ran with the same image and the same connection as this pod has.",
        permanent=False,
    ),
    _pattern(
        r"No master found for .*(WRONGPASS|NOAUTH|invalid username-password pair|Authentication required)",
        "the Sentinels refuse the password",
        "Correct airflow_redis_sentinel_secret or airflow_redis_sentinel_password, which is the Sentinels' own "
        "password; Redis' is in airflow_redis_secret.",
    ),
    _pattern(
        r"WRONGPASS|NOAUTH|invalid username-password pair|invalid password|Authentication required",
        "Redis refuses the password",
        "Correct airflow_redis_password, or what an _environment sets instead of the Secret's broker URL.",
    ),
    _pattern(
        r"Error -?\d+ (while writing to socket|connecting to)|Error while reading from|Timeout connecting to server"
        r"|Connection closed by server|No master found for",
        "Redis does not answer",
        "See that it runs, and that pods of the release reach it (host, port, TLS or not, network policies, firewall).",
        permanent=False,
    ),
    _pattern(
        r"Could not connect to the endpoint URL|Connect timeout on endpoint URL|Max retries exceeded with url"
        r"|Failed to establish a new connection|Cannot connect to host",
        "its address does not answer",
        "See that the address is right, and that pods of the release reach it (DNS, network policies, firewall).",
        permanent=False,
    ),
    _pattern(
        r"the worker consumes .*, wanted",
        "the worker is not subscribed to its queues",
        "Let workers_queues (or the group's queues) name what the worker's command consumes.",
    ),
    _pattern(
        r"Airflow .* answers at https?://.*, wanted ",
        "an API server of another Airflow version still answers there",
        "See why its pods are not replaced: a worker of one version fails tasks for a server of another.",
        permanent=False,
    ),
    _pattern(
        r"No answer from https?://",
        "Airflow's API server does not answer there",
        "See that the address is right, and that pods of the release reach it (network policies).",
        permanent=False,
    ),
)

#: What the scheduler and workers say of tasks: in the logs of their pods it would explain nothing that fails there.
TASK_LOG_PATTERNS = (
    _pattern(
        r"finished with state success, but the task instance's state attribute is (scheduled|queued|running)",
        "its trigger fired before the scheduler had heard that it was deferred, a race in Airflow "
        "(https://github.com/apache/airflow/issues/66374)",
        "Give tasks that defer a retry. From Airflow 3.2.2 on it is rarer.",
        permanent=False,
    ),
    _pattern(
        r"Remote server returned validation error",
        "its worker is older than the API server, which does not understand it",
        "Workers of Airflow 3.1.0 to 3.1.5 can run tasks for an API server of 3.2 or newer only with the collection's "
        "plugin in it. Let worker and API server run one version: deploy again, and see that all workers are replaced.",
        permanent=False,
    ),
    _pattern(
        r"validation errors? for TIRunContext",
        "its worker is newer than the API server, whose answers lack what it needs",
        "Let worker and API server run one version: deploy again, and see that all API servers are replaced.",
        permanent=False,
    ),
    _pattern(
        r"Invalid auth token",
        "the API server refused its token, which is too old or signed with another JWT secret",
        "A task may be queued for as long as execution_api__jwt_expiration_time says, by default a day. See that the "
        "API server and the scheduler have the same JWT secret: deploy again.",
        permanent=False,
    ),
    # Of a worker of another version the task instance is still queued, because the API server did not let it start.
    _pattern(
        r"finished with state failed, but the task instance's state attribute is queued",
        "its worker could not start it",
        'The worker\'s log says why. "Remote server returned validation error" or "validation error for TIRunContext": '
        'worker and API server run different versions of Airflow. "Invalid auth token": it was queued for too long, or '
        "the JWT secret is another. None of them: its process was killed, most likely for want of memory, see the "
        "limit in workers_resources.",
        permanent=False,
    ),
    _pattern(
        r"finished with state failed, but the task instance's state attribute is running",
        "its process in the worker ended without a word",
        "Most likely it was killed for want of memory: see the limit in workers_resources. Not so if the worker's log "
        'has "Remote server returned validation error": then the API server runs a newer Airflow than the worker.',
        permanent=False,
    ),
)

#: What a migration says of who blocks it, which is not its end.
_BLOCKED = re.compile(r"The migration is blocked by session |Session \d+ cannot be ended: ")
#: The last words of what waits for others: what it said of them before is over.
_OVER = re.compile(r"^(The schema is there|It answers|The migration is not blocked any more)\.$")


def blocked(lines: Iterable[str]) -> str:
    """Return the last line in which a migration tells who blocks it, empty where none does any more."""
    for line in reversed([*lines]):
        if _OVER.search(line):
            break
        if _BLOCKED.search(line):
            return line.strip()
    return ""


def match_log(lines: Iterable[str], patterns: Iterable[LogPattern] = LOG_PATTERNS) -> LogPattern | None:
    """Return what the last line that is understood means, ``None`` if none is."""
    for line in reversed([*lines]):
        if _OVER.search(line):
            return None
        for pattern in patterns:
            if pattern.regex.search(line):
                return pattern
    return None
