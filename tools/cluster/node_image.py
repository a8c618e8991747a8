"""The image of a kind node: pulled where it can be, else built from packages and Go modules."""

from __future__ import annotations

from ..common.step import step
from ..common.versions import PUBLISHED_NODE_IMAGE
from ..docker.client import image_id, pull
from .node_build import build_node_image, built_node_image


def ensure_node_image() -> str:
    """Pull or build the node image if it is not there, and return its name."""
    built = built_node_image()
    for image in (PUBLISHED_NODE_IMAGE, built):
        if image_id(image):
            return image
    with step("Pull the node image"):
        pulled = pull(PUBLISHED_NODE_IMAGE)
    if pulled:
        return PUBLISHED_NODE_IMAGE
    build_node_image(built)
    return built
