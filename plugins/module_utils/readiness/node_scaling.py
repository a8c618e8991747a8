# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a cluster adds nodes when pods find no room."""

from __future__ import annotations

from ..core.errors import ApiFailure, Failure
from ..kube.client import Client

#: API groups of clusters that add nodes: Karpenter (EKS, AKS), OpenShift's autoscaler, GKE.
GROUPS = frozenset({"karpenter.sh", "autoscaling.openshift.io", "nodemanagement.gke.io"})
#: Where the cluster autoscaler says how it is (kubernetes/autoscaler, cluster-autoscaler FAQ).
STATUS = "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status"


def adds_nodes(client: Client) -> bool | None:
    """Tell whether the cluster adds nodes on demand; ``None`` where the account may not look."""
    try:
        groups = {group["name"] for group in client.request("get", "/apis", patience=0).get("groups", ())}
        if groups & GROUPS:
            return True
        client.request("get", STATUS, patience=0)
    except ApiFailure as failure:
        return False if failure.status == 404 else None
    except Failure:
        return None
    return True
