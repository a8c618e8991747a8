"""The images that a deployment runs: pulled where they can be, else built under the same names."""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ..common.errors import ToolError
from ..common.paths import CHECKOUT, IMAGES, cache
from ..common.step import step
from ..common.versions import CLOUD_SQL_PROXY, DEBIAN, DEBIAN_OF_MYSQL
from ..docker.base_image import ensure_base_image, ensure_bootstrap
from ..docker.client import build, image_id, image_recipe, pull, recipe_hash
from ..programs.go import GoProgram, ensure_program, module_folder
from ..programs.modules import ANSIBLE_OPERATOR_COMMAND, CLOUD_SQL_PROXY_COMMAND
from .airflow_versions import AIRFLOW_VERSIONS, DEPLOYED, build_arguments, constraints
from .collection import collection_digest, copy_collections


@dataclass(frozen=True)
class AppImage:
    """An image of a deployment.

    :param name: its name in the registry and here.
    :param folder: the folder of images/ that it is built from.
    :param certificates: whether its build fetches over TLS.
    :param suite: the suite of Debian that has its packages. If it is not that of the base image, the build starts from
        that suite as it is bootstrapped.
    :param program: what is built from Go modules, for the build's context.
    :param published: whether a registry may have it.
    :param parent: the image that it starts from, if that is another one of a deployment.
    :param airflow: the version of Airflow that it is of, if any.
    :param program_files: a folder of the program's module, for the build's context.
    :param collection: whether it has this collection.
    """

    name: str
    folder: str
    certificates: bool = field(default=False)
    suite: str = field(default=DEBIAN)
    program: GoProgram | None = field(default=None)
    published: bool = field(default=True)
    parent: str = field(default="")
    airflow: str = field(default="")
    program_files: str = field(default="")
    collection: bool = field(default=False)


def airflow_image(version: str) -> AppImage:
    """Return the image of a version of Airflow."""
    return AppImage(f"apache/airflow:{version}", "airflow", certificates=True, airflow=version)


APP_IMAGES = (
    AppImage("redis:7.0", "redis"),
    AppImage("postgres:15", "postgres"),
    AppImage("apache/airflow:airflow-pgbouncer-2025.03.05-1.23.1", "pgbouncer"),
    AppImage("mysql:9", "mysql", suite=DEBIAN_OF_MYSQL),
    airflow_image(DEPLOYED),
)
#: What a scenario needs besides, by the name that it asks with.
FURTHER_IMAGES = {
    **{f"airflow-{version}": airflow_image(version) for version in AIRFLOW_VERSIONS},
    "airflow-logs": AppImage(
        f"airflow-kubernetes/airflow-logs:{DEPLOYED}",
        "airflow-logs",
        certificates=True,
        published=False,
        parent=f"apache/airflow:{DEPLOYED}",
        airflow=DEPLOYED,
    ),
    "cloud-sql-proxy": AppImage(
        f"gcr.io/cloud-sql-connectors/cloud-sql-proxy:{CLOUD_SQL_PROXY}",
        "cloud-sql-proxy",
        program=CLOUD_SQL_PROXY_COMMAND,
    ),
    "door": AppImage("airflow-kubernetes/door:1", "door", certificates=True, published=False),
    "execution-environment": AppImage(
        "airflow-kubernetes/execution-environment:1",
        "execution-environment",
        certificates=True,
        published=False,
        program=ANSIBLE_OPERATOR_COMMAND,
        program_files="images/ansible-operator/ansible_runner_http",
        collection=True,
    ),
    "git-server": AppImage("airflow-kubernetes/git-server:1", "git-server", published=False),
    "object-store": AppImage("airflow-kubernetes/object-store:1", "object-store", certificates=True, published=False),
}


def ensure_app_image(image: AppImage) -> str:
    """Pull or build an image if it is not there, or was built from another recipe; return its id."""
    parts = {image.program.name: repr(image.program)} if image.program else {}
    if image.parent:
        parts["parent"] = image_id(image.parent) or ""
    if image.airflow:
        parts |= {**build_arguments(image.airflow), "constraints": constraints(image.airflow)}
    if image.collection:
        parts["collection"] = collection_digest()
    recipe = recipe_hash("base", image.folder, versions={"debian": image.suite, **parts})
    # A pulled image has no recipe and is never replaced.
    if image_recipe(image.name) not in ("", recipe):
        _pull_or_build(image, recipe)
    found = image_id(image.name)
    if found is None:
        raise ToolError(f"the image {image.name} is not there after it was made")
    return found


def _pull_or_build(image: AppImage, recipe: str) -> None:
    if image.published:
        with step(f"Pull {image.name}"):
            pulled = pull(image.name)
        if pulled:
            return
    files = {"ca-certificates.crt": _certificates()} if image.certificates else {}
    if image.program:
        commands = ensure_program(image.program)
        files |= {path.name: path for path in commands.iterdir()}
        if image.program_files:
            folder = module_folder(image.program.module, image.program.version) / image.program_files
            files[folder.name] = folder
    if image.parent:
        base = image.parent
    elif image.suite == DEBIAN:
        base = ensure_base_image()
    else:
        base = ensure_bootstrap(image.suite)
        files |= {name: IMAGES / "base" / name for name in ("apt-slim.conf", "dpkg-slim.cfg")}
    with tempfile.TemporaryDirectory(dir=cache("build")) as temporary:
        arguments = {"BASE": base}
        if image.airflow:
            arguments |= build_arguments(image.airflow)
            files["constraints.txt"] = Path(temporary) / "constraints.txt"
            files["constraints.txt"].write_text(constraints(image.airflow), encoding="utf-8")
        if image.collection:
            files["collections"] = Path(temporary) / "collections"
            copy_collections(files["collections"])
            files["collection-requirements.txt"] = CHECKOUT / "requirements.txt"
        with step(f"Build {image.name} from packages"):
            build(image.folder, image.name, recipe=recipe, arguments=arguments, extra_files=files)


def _certificates() -> Path:
    """Return the file of the certificates that this machine trusts."""
    paths = ssl.get_default_verify_paths()
    for candidate in (paths.cafile, paths.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt"):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    raise ToolError("no file of trusted certificates is on this machine (Debian: ca-certificates); set SSL_CERT_FILE")
