"""One task in a pod of its own, which tries what it reaches, and one on a worker."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from airflow.sdk import dag, task


@dag(schedule=None, catchup=False, tags=["test"])
def executors():
    @task(executor="KubernetesExecutor")
    def in_a_pod() -> str:
        api_server = urlsplit(os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"])
        release = api_server.hostname.removesuffix("-api-server")
        places = {
            "api-server": (api_server.hostname, api_server.port),
            "database": (f"{release}-postgresql", 5432),
            "kubernetes": (os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])),
            "redis": (f"{release}-redis", 6379),
        }
        reached = [name for name, place in places.items() if reaches(*place)]
        print(f"It reaches {', '.join(reached)}.")
        print(f"It has {'a' if Path('/var/run/secrets/kubernetes.io').exists() else 'no'} token.")
        return socket.gethostname()

    @task(executor="CeleryExecutor")
    def on_a_worker(pod: str) -> None:
        print(f"The other ran on {pod}, this one on {socket.gethostname()}.")

    on_a_worker(in_a_pod())


def reaches(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=3):
            return True
    except OSError:
        return False


executors()
