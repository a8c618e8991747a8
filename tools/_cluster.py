"""Create, mend and remove the cluster."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from tools._binaries import ensure_kind, ensure_kubectl
from tools._docker import container
from tools._errors import ToolError
from tools._kind_config import kind_config
from tools._node_image import ensure_node_image
from tools._paths import cache, kubeconfig
from tools._run import CommandError, run, succeeds
from tools._step import say, step
from tools._versions import PUBLISHED_NODE_IMAGE

MEND_SECONDS = 90
DNS_SECONDS = 60


def node_container(name: str) -> str:
    """Return the name of the container that is the cluster's node."""
    return f"{name}-control-plane"


def ensure_cluster(name: str, timeout: float, *, renew: bool = False) -> None:
    """Make sure that the cluster runs and its node is ready.

    A cluster made from an earlier recipe is kept, for somebody may be at work in it, unless it is to be renewed.

    :param timeout: seconds for a new node to become ready.
    :param renew: whether a cluster made from an earlier recipe is replaced.
    :raises ToolError: if it does not.
    """
    image = ensure_node_image()
    config = kind_config(published_image=image == PUBLISHED_NODE_IMAGE)
    recipe = hashlib.sha256(f"{image}\n{config}".encode()).hexdigest()[:12]
    running = container(node_container(name), "{{.State.Running}}")
    if running is not None:
        outdated = _recipe_file(name).is_file() and _recipe_file(name).read_text() != recipe
        if not (outdated and renew) and _mended(name, running == "true"):
            if outdated:
                say(f"The cluster {name} is from an earlier recipe; `up --renew` replaces it")
            return
        delete_cluster(name)
    _create(name, image, config, timeout)
    _recipe_file(name).write_text(recipe)


def delete_cluster(name: str) -> None:
    """Remove the cluster, if there is one."""
    kind = ensure_kind()
    with step(f"Delete the cluster {name}"):
        run([kind, "delete", "cluster", "--name", name], timeout=180)
    for path in (kubeconfig(name), _recipe_file(name)):
        path.unlink(missing_ok=True)


def is_ready(name: str) -> bool:
    """Tell whether the API server answers and says that the node is ready."""
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
    kubectl = [str(ensure_kubectl()), "--kubeconfig", str(kubeconfig(name)), "--request-timeout=10s"]
    try:
        return run(
            [*kubectl, "get", *objects.split(), "--output", f"jsonpath={template}"], timeout=20, log_stdout=False
        ).split()
    except CommandError:
        return []


def _wait_for_names(name: str) -> None:
    """Wait until pods can look up names, which is a little after the node is ready.

    :raises CommandError: if that takes too long.
    """
    kubectl = [str(ensure_kubectl()), "--kubeconfig", str(kubeconfig(name)), "--namespace=kube-system"]
    run([*kubectl, "rollout", "status", "deployment/coredns", f"--timeout={DNS_SECONDS}s"], timeout=DNS_SECONDS + 10)


def _recipe_file(name: str) -> Path:
    return cache() / f"{name}.recipe"


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
                f"the node of the cluster {name} is not ready after {timeout:.0f} s: see `kubectl describe nodes`"
            )
        _wait_for_names(name)


def _write_kubeconfig(name: str) -> None:
    """Write the cluster's own kubeconfig, in one step, for it may be in use."""
    content = run([ensure_kind(), "get", "kubeconfig", "--name", name], timeout=60, log_stdout=False)
    partial = kubeconfig(name).with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(content)
    partial.rename(kubeconfig(name))


def _mended(name: str, running: bool) -> bool:
    """Bring a cluster that is half alive back to life, if that can be done."""
    if running and kubeconfig(name).is_file() and is_ready(name):
        _merge_kubeconfig(name)
        return True
    with step(f"Bring the cluster {name} back"):
        if not running and not succeeds(["docker", "start", node_container(name)], timeout=60):
            return False
        start = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        deadline = time.monotonic() + MEND_SECONDS
        while time.monotonic() < deadline:
            time.sleep(1)
            try:
                _write_kubeconfig(name)
                if is_ready(name) and _kubelets_answered(name, start):
                    _wait_for_names(name)
                    _merge_kubeconfig(name)
                    return True
            except CommandError:
                continue
    return False


def _merge_kubeconfig(name: str) -> None:
    """Put the cluster into the user's own kubeconfig, where it is missing."""
    context = f"kind-{name}"
    if not succeeds([ensure_kubectl(), "config", "get-contexts", "--output", "name", context]):
        run([ensure_kind(), "export", "kubeconfig", "--name", name], timeout=60)
