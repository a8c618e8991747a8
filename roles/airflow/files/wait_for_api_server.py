# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until Airflow's API server answers: a task that a worker takes before that is lost.

With ``API_SERVER_VERSION`` in the environment, one of another version counts as none: while a release changes its
version, the old one answers first.
"""

from __future__ import annotations

import os
import re
import socket
import time
from urllib.parse import urlsplit

#: Seconds after which it is said again what this waits for.
SAY_AGAIN = 3.0
#: Bytes of an answer that are read.
LONGEST = 8192


def answers(host: str, port: int, base_path: str, version: str = "") -> bool:
    """Ask for the version with a bare request; an HTTP library costs more CPU to import than this whole wait.

    :param version: the one that is wanted, empty for any.
    """
    try:
        with socket.create_connection((host, port), timeout=3) as connection:
            connection.sendall(f"GET {base_path}/api/v2/version HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            answer = b""
            while len(answer) < LONGEST and (part := connection.recv(LONGEST)):
                answer += part
    except OSError:
        return False
    return answer.split(b" ")[1:2] == [b"200"] and (not version or version_in(answer) == version)


def version_in(answer: bytes) -> str | None:
    """Return the version that an answer of the API tells."""
    found = re.search(rb'"version"\s*:\s*"([^"]*)"', answer)
    return found[1].decode() if found else None


def main() -> None:
    url = urlsplit(os.environ["API_SERVER_URL"])
    version = os.environ.get("API_SERVER_VERSION", "")
    wanted = f"{url.geturl()}, Airflow {version}" if version else url.geturl()
    print(f"Waiting for {wanted}", flush=True)
    again = time.monotonic() + SAY_AGAIN
    while not answers(url.hostname or "", url.port or 80, url.path, version):
        # Said again from time to time, so that a reader knows that it still is so.
        if time.monotonic() >= again:
            print(f"No answer from {wanted}", flush=True)
            again = time.monotonic() + SAY_AGAIN
        time.sleep(0.5)
    print("It answers.", flush=True)


if __name__ == "__main__":
    main()
