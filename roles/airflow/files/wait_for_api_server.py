# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until Airflow's API server answers: a task that a worker takes before that is lost."""

from __future__ import annotations

import os
import socket
import time
from urllib.parse import urlsplit

#: Seconds after which it is said again what this waits for.
SAY_AGAIN = 3.0


def answers(host: str, port: int, base_path: str) -> bool:
    """Ask for the version with a bare request; an HTTP library costs more CPU to import than this whole wait."""
    try:
        with socket.create_connection((host, port), timeout=3) as connection:
            connection.sendall(f"GET {base_path}/api/v2/version HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            return connection.recv(32).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def main() -> None:
    url = urlsplit(os.environ["API_SERVER_URL"])
    print(f"Waiting for {url.geturl()}", flush=True)
    again = time.monotonic() + SAY_AGAIN
    while not answers(url.hostname or "", url.port or 80, url.path):
        # Said again from time to time, so that a reader knows that it still is so.
        if time.monotonic() >= again:
            print(f"No answer from {url.geturl()}", flush=True)
            again = time.monotonic() + SAY_AGAIN
        time.sleep(0.5)
    print("It answers.", flush=True)


if __name__ == "__main__":
    main()
