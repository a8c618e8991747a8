"""Command line: make sure that the images of a deployment are in Docker, and on the cluster's nodes if asked."""

from __future__ import annotations

import argparse
import sys

from ..cluster.kind_config import CLUSTER
from ..cluster.loading import load_missing
from ..common.errors import ToolError
from ..common.lock import locked
from ..common.run import start_log
from ..common.step import say
from ..docker.daemon import ensure_docker
from .app_images import APP_IMAGES, FURTHER_IMAGES, ensure_app_image


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.images", description=__doc__)
    parser.add_argument("--load", action="store_true", help="put them on the cluster's nodes too, if not there")
    parser.add_argument("--name", default=CLUSTER, help="the cluster's name (default: %(default)s)")
    parser.add_argument(
        "--also", action="append", choices=sorted(FURTHER_IMAGES), default=[], help="an image that one scenario needs"
    )
    options = parser.parse_args(arguments)
    images = [*APP_IMAGES, *(FURTHER_IMAGES[name] for name in options.also)]
    try:
        start_log()
        ensure_docker()
        with locked("images"):
            for image in images:
                ensure_app_image(image)
        if options.load:
            with locked("cluster"):
                load_missing(options.name, [image.name for image in images])
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    say(f"Images: {', '.join(image.name for image in images)}")
    return 0
