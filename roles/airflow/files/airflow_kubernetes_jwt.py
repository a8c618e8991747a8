# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has the API server accept tokens that Airflow itself would refuse, so that no queued task is lost.

Those that were signed with another JWT secret beside its own: Airflow verifies with one secret alone, so a task that
was queued before the secret changed could not say any more what became of it. While a rotation is under way,
``OTHER_JWT_SECRET`` holds the other one. A token that the API server gives out is signed with its own.

Those of tasks that have been queued for longer than ``[scheduler] task_queued_timeout``: from Airflow 3.2 on that is
how long they are valid, and the worker that takes one later fails the task
(https://github.com/apache/airflow/issues/72469). They are good for nothing but to start their task, and are accepted
for as long as an older Airflow has them valid: ``[execution_api] jwt_expiration_time`` seconds. A longer
``task_queued_timeout`` would have lost messages sent again only then, and ``[api_auth] jwt_leeway`` would lengthen
every login, too.
"""

from __future__ import annotations

import os
from typing import Any

import attrs
import jwt
from airflow.api_fastapi.auth.tokens import JWTValidator
from airflow.configuration import conf
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


def accept_queued(lifetime: float) -> None:
    """Have tokens of queued tasks accepted for some seconds since they were issued, whatever they say themselves."""
    in_time = JWTValidator.avalidated_claims

    async def avalidated_claims(self: JWTValidator, unvalidated: str, required_claims: Any = None) -> dict[str, Any]:
        try:
            return await in_time(self, unvalidated, required_claims)
        except jwt.ExpiredSignatureError:
            # Raised for a token whose signature is right alone.
            claims = jwt.decode(unvalidated, options={"verify_signature": False})
            longer = int(claims["iat"] + lifetime - claims["exp"])
            if claims.get("scope") != "workload" or longer <= self.leeway:
                raise
            return await in_time(attrs.evolve(self, leeway=longer), unvalidated, required_claims)

    JWTValidator.avalidated_claims = avalidated_claims


if "OTHER_JWT_SECRET" in os.environ:
    accept(os.environ["OTHER_JWT_SECRET"], os.environ["AIRFLOW__API_AUTH__JWT_SECRET"])
accept_queued(conf.getfloat("execution_api", "jwt_expiration_time"))
