"""What clusters look like, of one node and of several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools._kind_config import CLUSTER, SHARED_PATH, kind_config


def nodes(name: str, workers: int) -> list[dict[str, Any]]:
    return list(json.loads(kind_config(name, workers, Path("/cache/shared")))["nodes"])


class TestKindConfig:
    def test_the_cluster_of_the_inventories_is_one_node_with_ports(self) -> None:
        (node,) = nodes(CLUSTER, 0)
        assert [mapping["hostPort"] for mapping in node["extraPortMappings"]] == [8080, 5555]
        assert "extraMounts" not in node

    def test_another_has_none_for_they_are_taken(self) -> None:
        (node,) = nodes("other", 0)
        assert "extraPortMappings" not in node

    def test_several_nodes_share_a_folder(self) -> None:
        found = nodes("other", 2)
        assert [node["role"] for node in found] == ["control-plane", "worker", "worker"]
        assert [node["extraMounts"] for node in found] == [
            [{"hostPath": "/cache/shared", "containerPath": SHARED_PATH}]
        ] * 3
