# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For which input the API server has tried the objects of a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.errors import ApiFailure
from ..core.names import inventory_name
from ..kube.client import Client

#: What input the API server has tried the release's objects for, on the ConfigMap that remembers the sets.
DRY_RUN_ANNOTATION = "airflow.kubernetes/dry-run"


@dataclass(frozen=True)
class DryRuns:
    """Whether the API server has to try the release's objects before they are applied.

    :param digest: of what a user has set.
    :param dry_run_due: it has not tried them for that.
    :param sets: names of the sets that hold objects.
    """

    digest: str
    dry_run_due: bool = True
    sets: Sequence[str] = ()


def read_dry_runs(client: Client, release: str, namespace: str, digest: str) -> DryRuns:
    """Compare a digest with that of the last dry run of which nothing was refused."""
    try:
        config_map = client.get("v1", "ConfigMap", inventory_name(release), namespace) or {}
    except ApiFailure as failure:
        if failure.status == 403:
            return DryRuns(digest)
        raise
    noted = config_map.get("metadata", {}).get("annotations", {}).get(DRY_RUN_ANNOTATION)
    return DryRuns(digest, not digest or noted != digest, sorted(config_map.get("data") or {}))
