"""What is asked of the Docker daemon."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import cache as cache_result
from pathlib import Path

from ..common.paths import IMAGES, cache
from ..common.run import CommandError, pipe, run, succeeds

REGISTRY = "https://registry-1.docker.io/v2/"
REGISTRY_SECONDS = 5
PULL_SECONDS = 900
RECIPE_LABEL = "airflow-kubernetes.recipe"


@cache_result
def registry_answers() -> bool:
    """Tell whether Docker Hub can be reached, which is cheap to ask where a pull would hang."""
    try:
        urllib.request.urlopen(REGISTRY, timeout=REGISTRY_SECONDS)
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, OSError):
        return False
    return True


def pull(image: str) -> bool:
    """Pull an image if its registry can be reached; tell whether it is there now."""
    if not registry_answers():
        return False
    try:
        run(["docker", "pull", "--quiet", image], timeout=PULL_SECONDS)
    except CommandError:
        return False
    return True


def image_id(image: str) -> str | None:
    """Return an image's id, or None if it is not there."""
    return _inspect("image", image, "{{.Id}}")


def image_recipe(image: str) -> str | None:
    """Return the recipe that an image was built from, "" if it was pulled, or None if it is not there."""
    return _inspect("image", image, f'{{{{with .Config.Labels}}}}{{{{index . "{RECIPE_LABEL}"}}}}{{{{end}}}}')


def container(name: str, template: str) -> str | None:
    """Return what a Go template makes of a container's description, or None if there is no such container."""
    return _inspect("container", name, template)


def load_images(node: str, images: list[str], command: list[str], *, timeout: float = 900) -> None:
    """Stream images from Docker into a command that runs in a container."""
    pipe(["docker", "save", *images], ["docker", "exec", "--interactive", node, *command], timeout=timeout)


def remove_others(image: str) -> None:
    """Remove other tags of an image's repository: those of earlier recipes that no container needs."""
    repository, tag = image.rsplit(":", 1)
    listing = run(["docker", "image", "list", "--format", "{{.Tag}}", repository], timeout=30, log_stdout=False)
    for other in set(listing.split()) - {tag, "<none>"}:
        succeeds(["docker", "image", "rm", f"{repository}:{other}"], timeout=120)


def _inspect(kind: str, name: str, template: str) -> str | None:
    try:
        return run(["docker", kind, "inspect", "--format", template, name], timeout=30, log_stdout=False).strip()
    except CommandError:
        return None


def recipe_hash(*folders: str, versions: Mapping[str, str] | None = None) -> str:
    """Return a short hash over folders of images/ and versions: what an image is made from."""
    digest = hashlib.sha256(repr(sorted((versions or {}).items())).encode())
    for folder in folders:
        for path in sorted((IMAGES / folder).rglob("*")):
            if path.is_file():
                digest.update(f"{path.relative_to(IMAGES)} {path.stat().st_mode & 0o111:o}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def build(
    folder: str,
    tag: str,
    *,
    recipe: str,
    dockerfile: str = "Dockerfile",
    arguments: Mapping[str, str] | None = None,
    extra_files: Mapping[str, Path] | None = None,
    timeout: float = 1800,
) -> None:
    """Build an image from a folder of images/.

    :param extra_files: files and folders added to the build's context, by their path in it.
    """
    before = image_id(tag)
    with tempfile.TemporaryDirectory(dir=cache("build")) as temporary:
        context = Path(temporary)
        shutil.copytree(IMAGES / folder, context, dirs_exist_ok=True)
        for name, source in (extra_files or {}).items():
            _copy(source, context / name)
        command: list[str | Path] = ["docker", "build", "--network=host", "--force-rm", "--tag", tag]
        command += ["--label", f"{RECIPE_LABEL}={recipe}", "--file", context / dockerfile]
        for key, value in {**_proxies(), **(arguments or {})}.items():
            command += ["--build-arg", f"{key}={value}"]
        # The classic builder is in every Docker since 1.0; BuildKit needs a plugin that Debian's does not have.
        run([*command, context], timeout=timeout, env={"DOCKER_BUILDKIT": "0"})
    # What had this name before is of no use to anybody, unless a container still runs it.
    if before not in (None, image_id(tag)):
        succeeds(["docker", "image", "rm", before], timeout=120)


def _copy(source: Path, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        # What comes from the Go module cache is read-only.
        shutil.copytree(source, destination, copy_function=shutil.copyfile)
        for path in [destination, *destination.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    else:
        shutil.copy(source, destination)


def _proxies() -> dict[str, str]:
    """Return the proxy settings, which Docker passes to a build without keeping them in the image."""
    names = ["http_proxy", "https_proxy", "no_proxy"]
    return {name: os.environ[name] for low in names for name in (low, low.upper()) if os.environ.get(name)}
