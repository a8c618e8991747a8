"""Put images onto the cluster's nodes."""

from __future__ import annotations

from collections.abc import Mapping

from ..common.errors import ToolError
from ..common.run import run
from ..common.step import step
from ..docker.client import image_id, load_images
from .lifecycle import node_containers

CTR = ["ctr", "--namespace", "k8s.io", "images"]
# The node knows an image by another digest than Docker does, so Docker's is kept beside it.
LABEL = "airflow-kubernetes.docker-id"


def load_missing(cluster: str, images: list[str]) -> None:
    """Load onto each node that runs pods those images that it does not have as Docker has them.

    :raises ToolError: if Docker does not have one of them.
    """
    identifiers = {}
    for image in images:
        identifier = image_id(image)
        if identifier is None:
            raise ToolError(f"Docker has no image {image}")
        identifiers[image] = identifier
    # Where there are workers, the control plane keeps pods away.
    for node in node_containers(cluster, "worker") or node_containers(cluster):
        _load_missing(node, identifiers)


def _load_missing(node: str, identifiers: Mapping[str, str]) -> None:
    present = _present(node)
    wanted = {image: identity for image, identity in identifiers.items() if present.get(full_name(image)) != identity}
    if not wanted:
        return
    with step(f"Load {', '.join(wanted)} onto {node}"):
        command = [*CTR, "import", "--digests", "--snapshotter=overlayfs", "-"]
        load_images(node, list(wanted), command)
        for image, identifier in wanted.items():
            run(["docker", "exec", node, *CTR, "label", full_name(image), f"{LABEL}={identifier}"], timeout=30)


def full_name(image: str) -> str:
    """Return an image's name with its registry and tag, as the node writes it."""
    first, _, rest = image.partition("/")
    if not rest:
        image = f"docker.io/library/{image}"
    elif not ("." in first or ":" in first or first == "localhost"):
        image = f"docker.io/{image}"
    return image if ":" in image.rsplit("/", 1)[1] else f"{image}:latest"


def _present(node: str) -> dict[str, str]:
    """Return Docker's id of each image on the node that was loaded here, by its full name."""
    listing = run(["docker", "exec", node, *CTR, "list", f'labels."{LABEL}"'], timeout=30, log_stdout=False)
    present = {}
    for line in listing.splitlines()[1:]:
        fields = line.split()
        labels = dict(pair.split("=", 1) for pair in fields[-1].split(",") if "=" in pair)
        present[fields[0]] = labels.get(LABEL, "")
    return present
