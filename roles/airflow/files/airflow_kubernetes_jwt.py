# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has the API server accept tokens that were signed with another JWT secret beside its own.

Airflow verifies with one secret alone, so a task that was queued before the secret changed could not say any more what
became of it. While a rotation is under way, ``OTHER_JWT_SECRET`` holds the other one. A token that the API server gives
out is signed with its own.
"""

from __future__ import annotations

import os
from typing import Any

import attrs
import jwt
from airflow.api_fastapi.auth.tokens import JWTValidator
from airflow.plugins_manager import AirflowPlugin


class AcceptOtherSecret(AirflowPlugin):
    """What Airflow loads by the entry point of a distribution, wherever its folder of plugins is."""

    name = "airflow_kubernetes_jwt"


def accept(other: str, own: str) -> None:
    """Have whatever verifies with the one secret verify with the other where that fails.

    :param own: validators with another secret than this are left alone: those of logs.
    """
    with_own = JWTValidator.avalidated_claims

    async def avalidated_claims(self: JWTValidator, unvalidated: str, required_claims: Any = None) -> dict[str, Any]:
        try:
            return await with_own(self, unvalidated, required_claims)
        except jwt.InvalidSignatureError:
            if self.secret_key != own:
                raise
            return await with_own(attrs.evolve(self, secret_key=other), unvalidated, required_claims)

    JWTValidator.avalidated_claims = avalidated_claims


if "OTHER_JWT_SECRET" in os.environ:
    accept(os.environ["OTHER_JWT_SECRET"], os.environ["AIRFLOW__API_AUTH__JWT_SECRET"])
