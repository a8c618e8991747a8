"""The Debian image that all images built here start from."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..common.apt import ensure_commands
from ..common.lock import locked
from ..common.paths import cache
from ..common.run import run
from ..common.step import step
from ..common.versions import DEBIAN
from .client import build, image_id, recipe_hash

VERSIONS = {"debian": DEBIAN}
# Left out here and not in the Dockerfile, because a layer cannot make the one below it smaller.
NOT_KEPT = [
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
]


def ensure_base_image() -> str:
    """Build the base image if it is not there, and return its name."""
    recipe = recipe_hash("base", versions=VERSIONS)
    image = f"airflow-kubernetes/base:{recipe}"
    with locked("base"):
        if image_id(image) is None:
            bootstrap = ensure_bootstrap(DEBIAN)
            with step(f"Build the base image from Debian {DEBIAN}"):
                build("base", image, recipe=recipe, arguments={"DEBOOTSTRAP": bootstrap, "SUITE": DEBIAN})
    return image


def ensure_bootstrap(suite: str) -> str:
    """Make the image of a Debian suite as debootstrap leaves it, if it is not there, and return its name."""
    image = f"airflow-kubernetes/debootstrap:{suite}"
    if image_id(image) is None:
        ensure_commands(["debootstrap"])
        with step(f"Bootstrap Debian {suite}"), tempfile.TemporaryDirectory(dir=cache("build")) as temporary:
            root = Path(temporary) / "root"
            archive = Path(temporary) / "root.tar"
            options = ["--variant=minbase", "--include=ca-certificates"]
            run(["debootstrap", *options, suite, root], timeout=900)
            without = [f"--exclude=./{path}/*" for path in NOT_KEPT]
            run(["tar", "--create", "--file", archive, "--directory", root, *without, "."], timeout=300)
            run(["docker", "import", archive, image], timeout=300)
    return image
