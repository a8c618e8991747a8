# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until Airflow's API server answers in the minor version of this image: a task that is taken before is lost.

A worker of 3.3 fails every task that a server of 3.1 serves, and one of 3.1 every task of a server of 3.3. While a
release changes its version, servers of both are behind the Service, which sends each connection to any of them: so
several in a row have to reach the wanted one. With ``API_SERVER_VERSION`` in the environment it has to be that version
exactly, which then stands for the schema, too.
"""

from __future__ import annotations

import os
import re
import socket
import time
from urllib.parse import urlsplit

import wait_for_schema

#: Seconds after which it is said again what this waits for.
SAY_AGAIN = 3.0
#: Bytes of an answer that are read.
LONGEST = 8192
#: Answers in a row that have to be of the wanted version: one other server among three is then missed once in 3,000
#: times, and one of two once in a million.
IN_A_ROW = 20


def ask(host: str, port: int, base_path: str) -> bytes:
    """Ask for the version with a bare request; an HTTP library costs more CPU to import than this whole wait.

    :returns: the answer, empty if there is none or if it is no success.
    """
    try:
        with socket.create_connection((host, port), timeout=3) as connection:
            connection.sendall(f"GET {base_path}/api/v2/version HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            answer = b""
            while len(answer) < LONGEST and (part := connection.recv(LONGEST)):
                answer += part
    except OSError:
        return b""
    return answer if answer.split(b" ")[1:2] == [b"200"] else b""


def version_in(answer: bytes) -> str:
    """Return the version that an answer of the API tells, empty if it tells none."""
    found = re.search(rb'"version"\s*:\s*"([^"]*)"', answer)
    return found[1].decode() if found else ""


def minor(version: str) -> str:
    """Return the first two numbers of a version."""
    return ".".join(wait_for_schema.numbers(version)[:2])


def waits_for(host: str, port: int, base_path: str, exact: str, same_minor: str) -> str:
    """Return what is still wanted of the API server, empty if nothing is.

    :param exact: the one version that it has to be of, empty for any.
    :param same_minor: the first two numbers that its version has to have, empty for any.
    """
    wanted = exact or same_minor
    place = f"http://{host}:{port}{base_path}"
    for _ask in range(IN_A_ROW if wanted else 1):
        answer = ask(host, port, base_path)
        if not answer:
            return f"No answer from {place}"
        version = version_in(answer)
        if wanted and wanted != (version if exact else minor(version)):
            return f"Airflow {version or 'of no version'} answers at {place}, wanted {wanted}"
    return ""


def main() -> None:
    url = urlsplit(os.environ["API_SERVER_URL"])
    exact, same_minor = os.environ.get("API_SERVER_VERSION", ""), minor(wait_for_schema.installed_version())
    wanted = exact or same_minor
    print(f"Waiting for {url.geturl()}{f', Airflow {wanted}' if wanted else ''}", flush=True)
    again = time.monotonic() + SAY_AGAIN
    while reason := waits_for(url.hostname or "", url.port or 80, url.path, exact, same_minor):
        # Said again from time to time, so that a reader knows that it still is so.
        if time.monotonic() >= again:
            print(reason, flush=True)
            again = time.monotonic() + SAY_AGAIN
        time.sleep(0.5)
    print("It answers.", flush=True)


if __name__ == "__main__":
    main()
