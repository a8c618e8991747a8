"""What a cluster looks like, as kind's configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: The cluster of the inventories, the scenarios and the demo, which alone has ports on this machine.
CLUSTER = "airflow"
#: Where every node of a cluster of several has the folder that they share.
SHARED_PATH = "/shared"


def kind_config(workers: int, shared: Path, ports: Mapping[int, int]) -> str:
    """Return the configuration of a cluster, as JSON, which is YAML too.

    :param workers: how many nodes it has besides its control plane; without any, pods run on that.
    :param shared: the folder of this machine that several nodes share.
    :param ports: NodePort in the cluster -> port on this machine.
    """
    nodes: list[dict[str, Any]] = [{"role": "control-plane"}, *({"role": "worker"} for _ in range(workers))]
    if workers:
        for node in nodes:
            node["extraMounts"] = [{"hostPath": str(shared), "containerPath": SHARED_PATH}]
    if ports:
        nodes[0]["extraPortMappings"] = [
            {"containerPort": node_port, "hostPort": port, "listenAddress": "127.0.0.1"}
            for node_port, port in ports.items()
        ]
    return json.dumps(
        {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            # The network of the image that is built from packages knows its pods by this.
            "networking": {"podSubnet": "10.244.0.0/16"},
            "featureGates": {"MutatingAdmissionPolicy": True},
            "runtimeConfig": {"admissionregistration.k8s.io/v1beta1": "true"},
            "nodes": nodes,
        },
        indent=2,
    )
