"""What clusters look like, of one node and of several."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.cluster.kind_config import SHARED_PATH, kind_config
from tools.cluster.ports import USUAL


def nodes(workers: int, ports: Mapping[int, int]) -> list[dict[str, Any]]:
    return list(json.loads(kind_config(workers, Path("/cache/shared"), ports))["nodes"])


class TestKindConfig:
    def test_the_ports_of_this_machine_lead_to_the_node_ports(self) -> None:
        (node,) = nodes(0, {30080: 8081, 30555: 5557})
        assert node["extraPortMappings"] == [
            {"containerPort": 30080, "hostPort": 8081, "listenAddress": "127.0.0.1"},
            {"containerPort": 30555, "hostPort": 5557, "listenAddress": "127.0.0.1"},
        ]
        assert "extraMounts" not in node

    def test_the_usual_ones_are_airflows_and_flowers_own(self) -> None:
        assert USUAL == {30080: 8080, 30555: 5555}

    def test_a_cluster_without_ports_has_no_mappings(self) -> None:
        (node,) = nodes(0, {})
        assert "extraPortMappings" not in node

    def test_several_nodes_share_a_folder(self) -> None:
        found = nodes(2, {})
        assert [node["role"] for node in found] == ["control-plane", "worker", "worker"]
        assert [node["extraMounts"] for node in found] == [
            [{"hostPath": "/cache/shared", "containerPath": SHARED_PATH}]
        ] * 3
