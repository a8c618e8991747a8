"""What the cluster looks like, as kind's configuration."""

from __future__ import annotations

import json
from typing import Any

# NodePort in the cluster -> port on this machine.
PORTS = {30080: 8080, 30555: 5555}


def kind_config(*, published_image: bool) -> str:
    """Return the configuration of a cluster of one node, as JSON, which is YAML too.

    :param published_image: whether the node runs the image that kind publishes. It brings a network that enforces
        NetworkPolicies; the image built from packages has a plain bridge in its place.
    """
    return json.dumps(
        {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "networking": {"disableDefaultCNI": not published_image, "podSubnet": "10.244.0.0/16"},
            "featureGates": {"MutatingAdmissionPolicy": True},
            "runtimeConfig": {"admissionregistration.k8s.io/v1beta1": "true"},
            "nodes": [_control_plane()],
        },
        indent=2,
    )


def _control_plane() -> dict[str, Any]:
    return {
        "role": "control-plane",
        "extraPortMappings": [
            {"containerPort": node_port, "hostPort": port, "listenAddress": "127.0.0.1"}
            for node_port, port in PORTS.items()
        ],
    }
