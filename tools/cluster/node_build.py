"""Build the image of a kind node from packages and Go modules."""

from __future__ import annotations

import tarfile
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

from ..common.paths import cache
from ..common.run import run, succeeds
from ..common.step import step
from ..common.versions import COREDNS, ETCD, KIND, KUBERNETES, LOCAL_PATH_PROVISIONER, PAUSE
from ..docker.base_image import VERSIONS as BASE_VERSIONS
from ..docker.base_image import ensure_base_image
from ..docker.client import RECIPE_LABEL, build, load_images, recipe_hash, remove_others
from ..programs.go import ensure_program, module_folder
from ..programs.modules import COREDNS_SERVER, ETCD_SERVER, KUBERNETES_COMMANDS, LOCAL_PATH_STORAGE, PAUSE_PROCESS

REGISTRY = "registry.k8s.io"
PAUSE_IMAGE = f"{REGISTRY}/pause:{PAUSE}"
PROXY_IMAGE = f"{REGISTRY}/kube-proxy:v{KUBERNETES}"
STORAGE_IMAGE = f"docker.io/kindest/local-path-provisioner:v{LOCAL_PATH_PROVISIONER}"
HELPER_IMAGE = f"docker.io/kindest/local-path-helper:v{LOCAL_PATH_PROVISIONER}"
VERSIONS = {
    **BASE_VERSIONS,
    "coredns": COREDNS,
    "etcd": ETCD,
    "kind": KIND,
    "kubernetes": KUBERNETES,
    "local-path-provisioner": LOCAL_PATH_PROVISIONER,
    "pause": PAUSE,
}


def built_node_image() -> str:
    """Return the name that the node image has when it is built here."""
    return f"airflow-kubernetes/node:v{KUBERNETES}-{recipe_hash('base', 'node', versions=VERSIONS)}"


def build_node_image(image: str) -> None:
    """Build the node image under the given name, and remove those of earlier recipes."""
    commands = ensure_program(KUBERNETES_COMMANDS)
    storage = ensure_program(LOCAL_PATH_STORAGE) / "local-path-provisioner"
    components = {
        **_kubernetes_components(commands),
        f"{REGISTRY}/etcd:{ETCD}-0": {"usr/local/bin/etcd": ensure_program(ETCD_SERVER) / "etcd"},
        f"{REGISTRY}/coredns/coredns:v{COREDNS}": {"coredns": ensure_program(COREDNS_SERVER) / "coredns"},
        PAUSE_IMAGE: {"pause": ensure_program(PAUSE_PROCESS) / "pause"},
        STORAGE_IMAGE: {"usr/local/bin/local-path-provisioner": storage},
    }
    recipe = image.rsplit("-", 1)[1]
    bare = f"airflow-kubernetes/node-bare:{recipe}"
    base = ensure_base_image()
    with step("Build the node's base from packages"):
        arguments = {
            "BASE": base,
            "HELPER_IMAGE": HELPER_IMAGE,
            "KUBERNETES": KUBERNETES,
            "STORAGE_IMAGE": STORAGE_IMAGE,
        }
        files = {f"bin/{name}": commands / name for name in ("kubeadm", "kubectl", "kubelet")}
        files["kind"] = module_folder("sigs.k8s.io/kind", KIND) / "images" / "base" / "files"
        build("node", bare, recipe=recipe, arguments=arguments, extra_files=files)
    with step("Make the images of Kubernetes' components"):
        for name, programs in components.items():
            _import(name, programs)
        build(
            "node",
            PROXY_IMAGE,
            recipe=recipe,
            dockerfile="kube-proxy.Dockerfile",
            arguments={"BASE": base},
            extra_files={"kube-proxy": commands / "kube-proxy"},
        )
        _import_helper(bare)
    with step("Put the components' images into the node image"):
        _assemble(bare, [*components, PROXY_IMAGE, HELPER_IMAGE], image, recipe)
    for made in (image, bare, base):
        remove_others(made)


def _kubernetes_components(commands: Path) -> dict[str, Mapping[str, Path]]:
    return {
        f"{REGISTRY}/{name}:v{KUBERNETES}": {f"usr/local/bin/{name}": commands / name}
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    }


def _import(image: str, programs: Mapping[str, Path]) -> None:
    """Make an image that holds static programs and nothing else, with the first as its entrypoint."""
    with tempfile.TemporaryDirectory(dir=cache("build")) as temporary:
        archive = Path(temporary) / "image.tar"
        with tarfile.open(archive, "w") as tar:
            for path, source in programs.items():
                tar.add(source, path, filter=_owned_by_root)
        entrypoint = f'ENTRYPOINT ["/{next(iter(programs))}"]'
        path_variable = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        run(["docker", "import", "--change", entrypoint, "--change", path_variable, archive, image], timeout=300)


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755
    return entry


def _import_helper(node: str) -> None:
    """Make the image in which the storage provisioner makes and removes directories."""
    name = f"airflow-kubernetes-busybox-{uuid.uuid4().hex[:8]}"
    run(["docker", "create", "--name", name, node], timeout=60)
    try:
        with tempfile.TemporaryDirectory(dir=cache("build")) as temporary:
            busybox = Path(temporary) / "busybox"
            run(["docker", "cp", "--follow-link", f"{name}:/bin/busybox", busybox], timeout=60)
            _import(HELPER_IMAGE, {f"bin/{command}": busybox for command in ("sh", "mkdir", "rm")})
    finally:
        run(["docker", "rm", "--force", name], timeout=60)


def _assemble(bare: str, images: list[str], image: str, recipe: str) -> None:
    """Import the components' images into a container of the node, and keep that as the node image."""
    name = f"airflow-kubernetes-node-{uuid.uuid4().hex[:8]}"
    options = ["--detach", "--name", name, "--entrypoint", "sleep", "--security-opt", "seccomp=unconfined"]
    run(["docker", "run", *options, bare, "infinity"], timeout=120)
    try:
        load_images(name, images, ["preload-images"])
        entrypoint = 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]'
        changes = ["--change", entrypoint, "--change", f"LABEL {RECIPE_LABEL}={recipe}"]
        run(["docker", "commit", *changes, name, image], timeout=600)
    finally:
        succeeds(["docker", "rm", "--force", "--volumes", name], timeout=120)
