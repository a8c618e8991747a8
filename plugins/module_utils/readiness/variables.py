# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which variable to change for an object that one of the collection's roles has applied.

An object's label tells the role; what a StatefulSet makes of its templates has no such label, only a name.
"""

from __future__ import annotations

from ..core.labels import EXTRA_SET, SET_LABEL
from ..core.objects import Obj, labels, name

#: Roles that bring an image of their own; all others run ``airflow_image``.
_OWN_IMAGE = ("postgres", "mysql", "redis", "pgbouncer")
#: The variable that holds all of the set that is no role's.
_EXTRA_VARIABLE = "airflow_extra_objects"
#: Roles whose pods run Airflow, and those whose pods run a server.
_COMPONENTS = frozenset({"api_server", "dag_processor", "flower", "scheduler", "triggerer", "workers"})
_SERVERS = frozenset({"mysql", "pgbouncer", "postgres", "redis"})
#: Which roles have a variable of that end: what advice names has to be there.
VARIABLES: dict[str, frozenset[str]] = {
    "resources": _COMPONENTS | _SERVERS | {"migrations"},
    "overrides": _COMPONENTS | _SERVERS | {"master", "migrations"},
    "topology_spread_constraints": _COMPONENTS | {"pgbouncer"},
    "readiness_probe": (_COMPONENTS | _SERVERS) - {"dag_processor"},
    "startup_probe": (_COMPONENTS | _SERVERS) - {"pgbouncer"},
    "liveness_probe": _COMPONENTS | _SERVERS,
    "storage_size": frozenset({"mysql", "postgres", "redis"}),
}
#: A container that is in pods of several roles, and what its own variables are.
_SIDECARS = {
    "cloud-sql-proxy": {"image": "airflow_cloud_sql_image", "resources": "airflow_cloud_sql_resources"},
}
#: What is in a claim's name, and how the variables for it begin.
_CLAIMS = {"postgresql-data-": "postgres_", "mysql-data-": "mysql_", "redis-data-": "redis_"}
_SHARED_CLAIMS = {"-dags": "airflow_dags_", "-logs": "airflow_logs_"}


def variable(obj: Obj, what: str, fallback: str, container: str = "") -> str:
    """Return the variable of the object's role that ends with ``what``, ``fallback`` if there is none.

    :param what: one of :data:`VARIABLES`.
    :param container: the one that is meant: in the pod of the master it is a component's.
    """
    role = labels(obj).get(SET_LABEL)
    if role == EXTRA_SET:
        return _EXTRA_VARIABLE
    if container in _SIDECARS:
        return _SIDECARS[container].get(what, fallback)
    if role == "master" and container.replace("-", "_") in _COMPONENTS:
        role = container.replace("-", "_")
    return f"{role}_{what}" if role in VARIABLES[what] else fallback


def image_variable(workload: Obj, container: str = "") -> str:
    """Return the variable that holds the image of a workload's container, ``""`` if no role of ours applied it."""
    role = labels(workload).get(SET_LABEL)
    if not role:
        return ""
    if role == EXTRA_SET:
        return _EXTRA_VARIABLE
    if container in _SIDECARS:
        return _SIDECARS[container]["image"]
    return f"{role}_image" if role in _OWN_IMAGE else "airflow_image"


def claim_variable(claim: Obj, what: str, fallback: str) -> str:
    """Return the variable for a claim that ends with ``what``, ``fallback`` if it is none of ours."""
    for part, beginning in _CLAIMS.items():
        if name(claim).startswith(part):
            return beginning + what
    if labels(claim).get(SET_LABEL) == "airflow":
        for end, beginning in _SHARED_CLAIMS.items():
            if name(claim).endswith(end):
                return beginning + what
    return fallback
