# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names that the collection gives to what it makes."""

from __future__ import annotations

FIELD_MANAGER = "airflow.kubernetes"
#: Who sets replicas between two deploys. The next deploy takes them over.
SCALE_MANAGER = "airflow.kubernetes/scale"
STOP_MANAGER = "airflow.kubernetes/stop"
#: Who has pods replaced without a change of what they are.
RESTART_MANAGER = "airflow.kubernetes/restart"


def inventory_name(release: str) -> str:
    """Return the name of the ConfigMap that remembers what the sets of a release hold."""
    return f"{release}-apply-sets"


def upgrade_record_name(release: str) -> str:
    """Return the name of the ConfigMap that remembers the last upgrade or rollback of a release."""
    return f"{release}-upgrade"


#: Names of worker groups that would be the names of other objects of a release.
RESERVED_GROUPS = frozenset(
    {
        "api-server",
        "backup",
        "dag-processor",
        "db-clean",
        "flower",
        "log-retention",
        "master",
        "migrations",
        "mysql",
        "pgbouncer",
        "postgresql",
        "redis",
        "scheduler",
        "triggerer",
    }
)
