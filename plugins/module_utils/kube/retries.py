# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which failures of a request may pass, how long it is tried again, and what is said of those that stay."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from ..core.errors import ApiFailure, Failure, NoAnswer

# Where they are missing, the client says so before anything is asked.
with contextlib.suppress(ImportError):
    import kubernetes.dynamic.exceptions
    import urllib3.exceptions
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException

#: Seconds: to connect, and between two bytes of an answer.
REQUEST_TIMEOUT = (10, 60)

#: Seconds for which a request is sent again where nobody answers: API servers take less to start anew.
PATIENCE = 120.0
#: Seconds for it where nothing says yet that there is a cluster: a wrong address is told soon.
FIRST_PATIENCE = 20.0
#: Seconds for which an API server may start before it knows who may do what; until then it forbids.
READY_PATIENCE = 15.0
#: Seconds until that is told.
TELL_AFTER = 3.0
#: Seconds between two tries.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0


class PlainErrors:
    """Turn the client library's errors into ours."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, (Failure, GeneratorExit)):
            return
        if isinstance(error, kubernetes.client.ApiException):
            raise _api_failure(error, self.where) from error
        if isinstance(error, (CoreException, kubernetes.config.ConfigException)):
            raise Failure(
                f"The kubeconfig leads to no cluster ({self.where}): {error}. "
                "Set airflow_kubeconfig and airflow_context (or K8S_AUTH_KUBECONFIG and K8S_AUTH_CONTEXT)."
            ) from error
        if isinstance(error, (urllib3.exceptions.HTTPError, OSError)):
            raise NoAnswer(
                f"No cluster answers ({self.where}): {_cause(error)}. "
                "Check that it runs, and airflow_kubeconfig and airflow_context (or K8S_AUTH_*).",
                _cause(error),
            ) from error


def may_pass(failure: Failure) -> bool:
    """Tell whether a request may well succeed when it is sent again: an API server, or its etcd, is about to be back.

    https://kubernetes.io/docs/reference/using-api/api-concepts/ and the API's StatusReason.
    """
    if isinstance(failure, NoAnswer):
        return "CERTIFICATE_VERIFY_FAILED" not in failure.cause
    if not isinstance(failure, ApiFailure):
        return False
    return (
        failure.status in (429, 502, 503, 504)
        or failure.reason in ("ServerTimeout", "Timeout")
        or (failure.status == 500 and "etcdserver: " in failure.message)
    )


def retry_after(failure: Failure) -> float:
    return float(failure.details.get("retryAfterSeconds") or 0) if isinstance(failure, ApiFailure) else 0


def _api_failure(error: Any, where: str) -> ApiFailure:
    try:
        status = json.loads(error.body)
        message, reason, details = status["message"], status.get("reason", ""), status.get("details")
    except (TypeError, ValueError, KeyError):
        message, reason, details = str(error.body or error.reason), "", None
    if error.status == 401:
        message = (
            f"The cluster ({where}) answers 401 Unauthorized: the credentials were rejected ({message}). The token or "
            "certificate may have expired: log in again or give a new one, and run this again; it goes on where it "
            "stopped"
        )
    after = str((error.headers or {}).get("Retry-After") or "")
    details = {**({"retryAfterSeconds": int(after)} if after.isdigit() else {}), **(details or {})}
    return ApiFailure(message, int(error.status or 0), reason, details)


def _cause(error: BaseException) -> str:
    return str(getattr(error, "reason", None) or error)


def describe(params: Mapping[str, Any]) -> str:
    given = [
        f"{name} {params[name]}" for name in ("kubeconfig", "context", "host") if isinstance(params.get(name), str)
    ]
    return ", ".join(given) or "default kubeconfig"
