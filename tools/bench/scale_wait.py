"""Wait for a release, and print what that cost. The benchmark runs it in a process of its own."""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

from urllib3.connectionpool import HTTPConnectionPool

from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task
from ansible_collections.airflow.kubernetes.plugins.module_utils.readiness import wait


def main(context: str, namespace: str, timeout: str) -> None:
    """Wait until the release in a namespace is done, and print the cost as JSON."""
    params = {"context": context, "namespace": namespace, "release": "airflow", "timeout": int(timeout)}
    defaults = {name: option.get("default") for name, option in wait.OPTIONS.items()}
    requests = _count_requests()
    memory, cpu, began = _peak_memory(), time.process_time(), time.monotonic()
    wait.run(Task(params=defaults | params))
    cost = {
        "seconds": time.monotonic() - began,
        "requests": len(requests),
        "cpu": time.process_time() - cpu,
        "memory": (_peak_memory() - memory) / 1024,
    }
    print(json.dumps(cost))


def _count_requests() -> list[str]:
    """Return a list that grows by the method of every HTTP request of this process."""
    methods: list[str] = []
    send = HTTPConnectionPool.urlopen

    def urlopen(pool: HTTPConnectionPool, method: str, *arguments: Any, **rest: Any) -> Any:
        methods.append(method)
        return send(pool, method, *arguments, **rest)

    HTTPConnectionPool.urlopen = urlopen  # type: ignore[assignment, method-assign]
    return methods


def _peak_memory() -> int:
    """Return the most memory this process has had resident, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(*sys.argv[1:])
