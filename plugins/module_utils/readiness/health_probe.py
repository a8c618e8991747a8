# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks Airflow for its health: through the cluster's service proxy, or in a pod where that is forbidden or barred."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..core.errors import ApiFailure, Failure
from ..core.objects import is_true, name, spec
from ..kube.client import Client
from ..kube.pod_stream import WRITE_ANSWER, Exec, read_answer
from ..redaction.masking import shortened
from . import health as _health
from .health import HealthResponse

#: Seconds: to connect, and to wait for an answer of Airflow's API server.
TIMEOUT = (2, 5)

HEALTH_OPTIONS: dict[str, Any] = {
    "service": {"type": "str", "required": True},
    "port": {"type": "int", "default": 8080},
    "path": {"type": "str", "default": _health.PATH},
    "scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
    "workload": {"type": "str"},
    "components": {
        "type": "list",
        "elements": "str",
        "choices": list(_health.COMPONENTS),
        "default": list(_health.COMPONENTS),
    },
    "grace": {"type": "int", "default": 30},
    "exec": {"type": "dict", "options": {"label_selector": {"type": "str"}, "container": {"type": "str"}}},
}

#: What the API server says when it does not get through to a pod.
_BARRED = "error trying to reach service"

_ASK_IN_POD = (
    "import sys,urllib.request as r\n"
    "try: answer=r.build_opener(r.ProxyHandler({})).open(sys.argv[1],timeout=4).read()\n"
    "except Exception as e: answer=str(e).encode()\n" + WRITE_ANSWER
)


@dataclass(frozen=True)
class HealthQuestion:
    """Where Airflow is asked for its health.

    :param workload: Deployment or StatefulSet whose pods serve it.
    :param exec_selector: label selector of the pods in which to ask, where the service's proxy is forbidden or barred.
    :param exec_container: container in which to ask there; empty: the first.
    """

    service: str
    port: int = 8080
    path: str = _health.PATH
    scheme: str = "http"
    workload: str = ""
    components: tuple[str, ...] = _health.COMPONENTS
    grace: float = 30
    exec_selector: str = ""
    exec_container: str = ""


def health_question(options: Mapping[str, Any]) -> HealthQuestion:
    """Read the option ``health``."""
    in_pod = options["exec"] or {}
    return HealthQuestion(
        service=options["service"],
        port=options["port"],
        path=options["path"],
        scheme=options["scheme"],
        workload=options["workload"] or options["service"],
        components=tuple(options["components"]),
        grace=options["grace"],
        exec_selector=in_pod.get("label_selector") or "",
        exec_container=in_pod.get("container") or "",
    )


class HealthProbe:
    """Asks the same question again and again, on a connection that may change."""

    def __init__(self, namespace: str, question: HealthQuestion) -> None:
        self._namespace = namespace
        self._question = question
        self._proxy_closed = False

    def ask(self, client: Client) -> HealthResponse:
        """Ask once, and wait for the answer."""
        try:
            if not self._proxy_closed:
                return _health.parse(self._ask_through_service(client))
        except ApiFailure as failure:
            if failure.status != 403 or failure.reason != "Forbidden":
                answer = HealthResponse(problem=shortened(failure.message, 200))
                return self._unless_barred(client, answer) if _BARRED in failure.message else answer
            self._proxy_closed = True
        except Failure:
            return self._unless_barred(client, HealthResponse(problem=f"no answer within {TIMEOUT[1]} s"))
        return self._ask_in_pod(client)

    def _unless_barred(self, client: Client, answer: HealthResponse) -> HealthResponse:
        """Return what the pod says itself, if it does: a network policy may bar the proxy's way to it alone."""
        in_pod = self._ask_in_pod(client)
        if in_pod.problem:
            return answer
        self._proxy_closed = True
        return in_pod

    def _ask_through_service(self, client: Client) -> Any:
        question = self._question
        service = f"{question.scheme}:{question.service}:{question.port}"
        path = f"/api/v1/namespaces/{quote(self._namespace)}/services/{service}/proxy{question.path}"
        return client.request("get", path, patience=0, _request_timeout=TIMEOUT)

    def _ask_in_pod(self, client: Client) -> HealthResponse:
        question = self._question
        url = f"{question.scheme}://localhost:{question.port}{question.path}"
        try:
            pod, container = self._serving_pod(client)
            with Exec(client, self._namespace, pod, container, ["python", "-c", _ASK_IN_POD, url]) as program:
                text = read_answer(program).decode("utf-8", "replace")
        except ApiFailure as failure:
            if failure.status == 403:
                return HealthResponse(problem=_forbidden(failure), forbidden=True)
            return HealthResponse(problem=shortened(failure.message, 200))
        except (Failure, OSError, ValueError) as error:
            return HealthResponse(problem=shortened(str(error), 200))
        try:
            return _health.parse(json.loads(text))
        except ValueError:
            return HealthResponse(problem=shortened(text, 200))

    def _serving_pod(self, client: Client) -> tuple[str, str]:
        """Return a ready pod of Airflow's API server and the container to ask in."""
        question = self._question
        selector = question.exec_selector or self._selector_of(client, question.service)
        response = client.list("v1", "Pod", self._namespace, label_selector=selector)
        for pod in response.get("items") or ():
            if is_true(pod, "Ready"):
                return name(pod), question.exec_container or str(spec(pod)["containers"][0]["name"])
        raise Failure(f"no ready pod has the labels {selector}")

    def _selector_of(self, client: Client, service: str) -> str:
        response = client.request("get", f"/api/v1/namespaces/{quote(self._namespace)}/services/{quote(service)}")
        return ",".join(f"{key}={value}" for key, value in sorted((spec(response).get("selector") or {}).items()))


def _forbidden(failure: ApiFailure) -> str:
    return (
        f"neither the service's proxy nor a command in the pod is allowed: {shortened(failure.message, 200)}. "
        "Grant get on services/proxy, or create on pods/exec, or leave out health"
    )
