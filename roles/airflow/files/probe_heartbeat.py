# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell whether a job of this pod has a fresh heartbeat in Airflow's database, without importing Airflow.

``airflow jobs check`` asks the same of the table ``job`` and costs fifty times the CPU.

Usage: probe_heartbeat.py JOB_TYPE MAX_AGE_SECONDS [PORT]
With a port, which the job serves a little later than it gives its first heartbeat, that has to be open, too.
"""

from __future__ import annotations

import socket
import sys

import database

#: Wants a placeholder for each name.
QUERY = """
    SELECT max(latest_heartbeat), CURRENT_TIMESTAMP FROM job
    WHERE job_type = %s AND state = 'running' AND (hostname LIKE %s OR hostname IN ({}))
"""


def names_of(host: str) -> list[str]:
    """Return under what a host may be known: its name, and its addresses of IPv4 and IPv6.

    Airflow's option ``core.hostname_callable`` chooses one of them.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [host, *sorted({str(address[0]) for _family, _type, _protocol, _name, address in found})]


def main() -> None:
    job_type, max_age = sys.argv[1], float(sys.argv[2])
    host = socket.gethostname()
    names = names_of(host)
    query = QUERY.format(", ".join(["%s"] * len(names)))
    try:
        with database.connected() as cursor:
            last, now = cursor.row(query, job_type, host + ".%", *names)
    except database.Unavailable as error:
        sys.exit(f"no answer from the database: {error}")
    if last is None:
        sys.exit(f"no running {job_type} of {host} in the database")
    age = (now - last).total_seconds()
    if age > max_age:
        sys.exit(f"the last heartbeat of the {job_type} is {age:.0f} s old, more than {max_age:.0f} s")
    for port in sys.argv[3:]:
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except OSError as error:
            sys.exit(f"the {job_type} does not serve port {port} yet: {error}")


if __name__ == "__main__":
    main()
