# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which variable to change for an object that one of the collection's roles has applied.

An object's label tells the role; what a StatefulSet makes of its templates has no such label, only a name.
"""

from __future__ import annotations

from ansible_collections.airflow.kubernetes.plugins.module_utils._labels import SET_LABEL
from ansible_collections.airflow.kubernetes.plugins.module_utils._verdict import Obj, labels, name

#: Roles that bring an image of their own; all others run ``airflow_image``.
_OWN_IMAGE = ("postgres", "mysql", "redis")
#: What is in a claim's name, and how the variables for it begin.
_CLAIMS = {"postgresql-data-": "postgres_", "mysql-data-": "mysql_", "redis-data-": "redis_"}
_SHARED_CLAIMS = {"-dags": "airflow_dags_", "-logs": "airflow_logs_"}


def variable(obj: Obj, what: str, otherwise: str) -> str:
    """Return the variable of the object's role that ends with ``what``, ``otherwise`` if no role of ours applied it."""
    role = labels(obj).get(SET_LABEL)
    return f"{role}_{what}" if role else otherwise


def image_variable(workload: Obj) -> str:
    """Return the variable that holds a workload's image, ``""`` if no role of ours applied it."""
    role = labels(workload).get(SET_LABEL)
    if not role:
        return ""
    return f"{role}_image" if role in _OWN_IMAGE else "airflow_image"


def claim_variable(claim: Obj, what: str, otherwise: str) -> str:
    """Return the variable for a claim that ends with ``what``, ``otherwise`` if it is none of ours."""
    for part, beginning in _CLAIMS.items():
        if name(claim).startswith(part):
            return beginning + what
    if labels(claim).get(SET_LABEL) == "airflow":
        for end, beginning in _SHARED_CLAIMS.items():
            if name(claim).endswith(end):
                return beginning + what
    return otherwise
