# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has the API server of Airflow 3.2 and newer understand workers of Airflow 3.1.0 to 3.1.5.

Their client (task-sdk before 1.1.6) sends JSON without saying so, which FastAPI refuses from 0.132 on: every task of
theirs fails, also one that already runs (https://github.com/apache/airflow/issues/63209). During an upgrade they are
there until their tasks have ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from airflow.plugins_manager import AirflowPlugin

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

CONTENT_TYPE = b"content-type"


class AddContentType:
    """Adds ``Content-Type: application/json`` to what is asked of the Execution API without one (ASGI 3.0)."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and "/execution/" in scope["path"]:
            names = [name for name, _value in scope["headers"]]
            if CONTENT_TYPE not in names:
                scope = {**scope, "headers": [*scope["headers"], (CONTENT_TYPE, b"application/json")]}
        await self.application(scope, receive, send)


class UnderstandOldWorkers(AirflowPlugin):
    """What Airflow loads by the entry point of a distribution, wherever its folder of plugins is."""

    name = "airflow_kubernetes_content_type"
    fastapi_root_middlewares = [  # noqa: RUF012 Airflow's class has no annotation that could say so
        {"middleware": AddContentType, "args": [], "kwargs": {}, "name": "Content-Type of old workers"}
    ]
