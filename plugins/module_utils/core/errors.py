# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one error of this collection's plugins."""

from __future__ import annotations

from typing import Any


class Failure(Exception):
    """Something that the user has to know and can act on.

    :param message: what was wanted, where, what was seen, and what to do.
    :param result: what the plugin had to report when it stopped; it becomes part of the task's result.
    """

    def __init__(self, message: str, **result: Any) -> None:
        super().__init__(message)
        self.message = message
        self.result = result


class ApiFailure(Failure):
    """The API server refused a request.

    :param status: the HTTP status code.
    :param reason: the ``reason`` of the API's Status object (``Forbidden``, ``Conflict``, ``Invalid``...), or ``""``.
    :param details: the ``details`` of the API's Status object, or an empty dictionary.
    """

    def __init__(self, message: str, status: int, reason: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.details = details or {}

    @property
    def namespace_is_ending(self) -> bool:
        """Whether nothing can be created because the namespace is being deleted, which ends by itself."""
        return any(cause.get("reason") == "NamespaceTerminating" for cause in self.details.get("causes") or ())


class NoAnswer(Failure):
    """No API server answered.

    :param cause: what happened instead, shortly.
    """

    def __init__(self, message: str, cause: str) -> None:
        super().__init__(message)
        self.cause = cause
