# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run in an API server's container: prints which tokens its plugin lets Airflow accept.

The plugin replaces a method of a class of Airflow that is not public, so this tells whether a version still has it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

OWN, OTHER, THIRD = "own" * 30, "other" * 30, "third" * 30
os.environ |= {"AIRFLOW__API_AUTH__JWT_SECRET": OWN, "OTHER_JWT_SECRET": OTHER}
sys.path.insert(0, "/opt/airflow-kubernetes-plugins")

import airflow_kubernetes_jwt  # noqa: E402, F401
import jwt  # noqa: E402
from airflow.api_fastapi.auth.tokens import JWTValidator  # noqa: E402

AUDIENCE, ALGORITHM = "test", "HS512"


def accepts(secret: str, age: int = 0, **claims: str) -> bool:
    """Tell whether a token is accepted that was issued some seconds ago and was to live for ten minutes."""
    issued = int(time.time()) - age
    times = {"iat": issued, "nbf": issued, "exp": issued + 600}
    token = jwt.encode({**times, "aud": AUDIENCE, "sub": "x", **claims}, secret, algorithm=ALGORITHM)
    validator = JWTValidator(secret_key=OWN, issuer=None, algorithm=[ALGORITHM], audience=AUDIENCE, leeway=10)
    try:
        asyncio.run(validator.avalidated_claims(token))
    except jwt.InvalidTokenError:
        return False
    return True


print(
    json.dumps(
        {
            "own": accepts(OWN),
            "other": accepts(OTHER),
            "third": accepts(THIRD),
            "queued for 12 hours": accepts(OWN, 12 * 3600, scope="workload"),
            "queued for 12 hours, other": accepts(OTHER, 12 * 3600, scope="workload"),
            "queued for 25 hours": accepts(OWN, 25 * 3600, scope="workload"),
            "login of 12 hours ago": accepts(OWN, 12 * 3600),
        }
    )
)
