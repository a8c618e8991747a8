"""Create, mend and remove the cluster."""

from __future__ import annotations

import hashlib
import shutil
import time
from pathlib import Path

from ..common.errors import ToolError
from ..common.paths import cache, kubeconfig
from ..common.run import CommandError, run, succeeds
from ..common.step import say, step
from ..common.waiting import holds_within
from ..docker.client import container
from ..programs.binaries import ensure_kind, ensure_kubectl
from .kind_config import CLUSTER, kind_config
from .limits import ensure_inotify_instances
from .node_image import ensure_node_image
from .ports import (
    USUAL,
    choose_ports,
    cluster_ports,
    environment_ports,
    forget_ports,
    record_ports,
    refuse_other_ports,
    refuse_stopped,
    refuse_taken,
)
from .shared_storage import share_storage

MEND_SECONDS = 90
DNS_SECONDS = 60


def node_container(name: str) -> str:
    """Return the name of the container that is the cluster's control plane, and its only node if it has no workers."""
    return f"{name}-control-plane"


def node_containers(name: str, role: str = "") -> list[str]:
    """Return the names of the containers that are the cluster's nodes, whether they run or not.

    :param role: `worker` or `control-plane` for only these.
    """
    filters = [f"label=io.x-k8s.kind.cluster={name}", *([f"label=io.x-k8s.kind.role={role}"] if role else [])]
    options = [word for text in filters for word in ("--filter", text)]
    listing = run(["docker", "ps", "--all", *options, "--format", "{{.Names}}"], timeout=30, log_stdout=False)
    return sorted(listing.split())


def ensure_cluster(name: str, timeout: float, *, workers: int = 0, renew: bool = False, ports: bool = False) -> None:
    """Make sure that the cluster runs and its nodes are ready.

    A cluster made from an earlier recipe is kept, for somebody may be at work in it, unless it is to be renewed.

    :param timeout: seconds for new nodes to become ready.
    :param workers: how many nodes it has besides its control plane.
    :param renew: whether a cluster made from an earlier recipe is replaced.
    :param ports: whether it has ports on this machine.
    :raises ToolError: if it does not.
    """
    # Before the image, which may take ten minutes to build.
    wanted = check_ports(name, renew=renew) if ports else {}
    image = ensure_node_image()
    # The ports are no part of the recipe: who has other ones has the same cluster.
    recipe_text = kind_config(workers, _shared_folder(name), USUAL if ports else {})
    recipe = hashlib.sha256(f"{image}\n{recipe_text}".encode()).hexdigest()[:12]
    if workers:
        ensure_inotify_instances()
    if node_containers(name):
        outdated = _recipe_file(name).is_file() and _recipe_file(name).read_text() != recipe
        moved = any(cluster_ports(name).get(node_port) != port for node_port, port in wanted.items())
        if not ((outdated or moved) and renew) and _mended(name):
            record_ports(name, cluster_ports(name))
            if outdated:
                say(f"The cluster {name} is from another recipe; `up --renew` replaces it")
            return
        # Its own ports are the next one's, unless others are wanted.
        wanted = cluster_ports(name) | wanted
        delete_cluster(name)
    # Asked again, because what was free may have been taken while the image was made.
    chosen = choose_ports(wanted) if ports else {}
    _create(name, image, kind_config(workers, _shared_folder(name), chosen), timeout)
    record_ports(name, chosen)
    if workers:
        share_storage(_kubectl(name))
    _recipe_file(name).write_text(recipe)


def check_ports(name: str = CLUSTER, *, renew: bool = False) -> dict[int, int]:
    """Return the ports that the environment asks for, by their NodePort, if the cluster has them or can have them.

    :raises ToolError: it cannot; the message says why, and what to do.
    """
    wanted = environment_ports()
    existing = cluster_ports(name)
    if not renew and existing:
        refuse_other_ports(name, existing, wanted)
    # A running cluster has its own ports itself.
    refuse_taken({node_port: port for node_port, port in wanted.items() if existing.get(node_port) != port})
    if existing and container(node_container(name), "{{.State.Running}}") != "true":
        refuse_stopped(name, existing)
    return wanted


def delete_cluster(name: str) -> None:
    """Remove the cluster, if there is one."""
    kind = ensure_kind()
    with step(f"Delete the cluster {name}"):
        run([kind, "delete", "cluster", "--name", name], timeout=180)
    for path in (kubeconfig(name), _recipe_file(name)):
        path.unlink(missing_ok=True)
    forget_ports(name)
    shutil.rmtree(_shared_folder(name), ignore_errors=True)


def is_ready(name: str) -> bool:
    """Tell whether the API server answers and says that every node is ready."""
    conditions = _read(name, "nodes", "{range .items[*].status.conditions[?(@.type=='Ready')]}{.status} {end}")
    return bool(conditions) and set(conditions) == {"True"}


def _kubelets_answered(name: str, since: str) -> bool:
    """Tell whether every kubelet has renewed its lease since a time: a node's condition may be an old one.

    :param since: a time as the API writes it, in UTC, to the second; such times sort as text.
    """
    times = _read(name, "leases --namespace=kube-node-lease", "{range .items[*]}{.spec.renewTime} {end}")
    return bool(times) and all(renewed > since for renewed in times)


def _read(name: str, objects: str, template: str) -> list[str]:
    """Return the words that a JSONPath template finds in the cluster's objects, none if it does not answer."""
    command = [*_kubectl(name), "--request-timeout=10s", "get", *objects.split(), "--output", f"jsonpath={template}"]
    try:
        return run(command, timeout=20, log_stdout=False).split()
    except CommandError:
        return []


def _wait_for_names(name: str) -> None:
    """Wait until pods can look up names, which is a little after the nodes are ready.

    :raises CommandError: if that takes too long.
    """
    rollout = [*_kubectl(name), "--namespace=kube-system", "rollout", "status"]
    run([*rollout, "deployment/coredns", f"--timeout={DNS_SECONDS}s"], timeout=DNS_SECONDS + 10)


def _kubectl(name: str) -> list[str]:
    """Return the command that runs kubectl on the cluster."""
    return [str(ensure_kubectl()), "--kubeconfig", str(kubeconfig(name))]


def _recipe_file(name: str) -> Path:
    return cache() / f"{name}.recipe"


def _shared_folder(name: str) -> Path:
    """Return the folder of this machine that the nodes of a cluster of several share."""
    return cache() / f"{name}.shared"


def _create(name: str, image: str, config: str, timeout: float) -> None:
    kind = ensure_kind()
    # Before the step, because it may have steps of its own.
    ensure_kubectl()
    path = cache() / f"{name}.kind.json"
    path.write_text(config)
    with step(f"Create the cluster {name}"):
        command: list[str | Path] = [kind, "create", "cluster", "--name", name, "--image", image, "--config", path]
        run([*command, "--wait", f"{timeout:.0f}s"], timeout=timeout + 180)
        _write_kubeconfig(name)
        # kind only warns when a node is not ready in time.
        if not is_ready(name):
            raise ToolError(
                f"the cluster {name} has a node that is not ready after {timeout:.0f} s: see `kubectl describe nodes`"
            )
        _wait_for_names(name)


def _write_kubeconfig(name: str) -> None:
    """Write the cluster's own kubeconfig, in one step, for it may be in use."""
    content = run([ensure_kind(), "get", "kubeconfig", "--name", name], timeout=60, log_stdout=False)
    partial = kubeconfig(name).with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(content)
    partial.rename(kubeconfig(name))


def _mended(name: str) -> bool:
    """Bring a cluster that is half alive back to life, if that can be done."""
    stopped = [node for node in node_containers(name) if container(node, "{{.State.Running}}") != "true"]
    if not stopped and kubeconfig(name).is_file() and is_ready(name):
        _merge_kubeconfig(name)
        return True
    with step(f"Bring the cluster {name} back"):
        if stopped and not succeeds(["docker", "start", *stopped], timeout=60):
            return False
        start = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        return holds_within(MEND_SECONDS, lambda: _is_back(name, start), pause=1)


def _is_back(name: str, since: str) -> bool:
    """Tell whether the cluster is as alive as one just made, and point the kubeconfigs to it if so."""
    try:
        _write_kubeconfig(name)
        if not (is_ready(name) and _kubelets_answered(name, since)):
            return False
        _wait_for_names(name)
        _merge_kubeconfig(name)
    except CommandError:
        return False
    return True


def _merge_kubeconfig(name: str) -> None:
    """Put the cluster into the user's own kubeconfig, where it is missing."""
    context = f"kind-{name}"
    if not succeeds([ensure_kubectl(), "config", "get-contexts", "--output", "name", context]):
        run([ensure_kind(), "export", "kubeconfig", "--name", name], timeout=60)
