"""Command line: bring the cluster up, take it down, load images, tell how it is."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Callable

from ..common.errors import ToolError
from ..common.lock import locked
from ..common.paths import cache, kubeconfig
from ..common.run import start_log
from ..common.step import say
from ..docker.client import container
from ..docker.daemon import ensure_docker
from .kind_config import CLUSTER
from .lifecycle import delete_cluster, ensure_cluster, is_ready, node_containers
from .loading import load_missing
from .ports import address_variables, cluster_ports


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        start_log()
        return command(options)
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tools.cluster", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        subparser = commands.add_parser(name, help=text, description=text)
        subparser.add_argument("--name", default=CLUSTER, help="the cluster's name (default: %(default)s)")
        subparser.set_defaults(command=command)
        return subparser

    up = add("up", _up, "create the cluster, or mend it")
    up.add_argument("--timeout", type=float, default=180, help="seconds for new nodes to be ready (%(default)s)")
    up.add_argument("--workers", type=int, default=0, help="nodes besides the control plane (%(default)s)")
    up.add_argument("--renew", action="store_true", help="replace a cluster that was made from an earlier recipe")
    add("down", _down, "delete the cluster")
    load = add("load", _load, "load images from Docker onto the cluster's nodes")
    load.add_argument("images", nargs="+", metavar="IMAGE")
    add("status", _status, "tell how the cluster is; exit code 0 if it is ready")
    add("kubeconfig", _kubeconfig, "print the path of the cluster's kubeconfig")
    add("env", _env, "print what a shell evaluates to use the cluster")
    return parser


def _up(options: argparse.Namespace) -> int:
    start = time.monotonic()
    ensure_docker()
    with locked("cluster"):
        ensure_cluster(
            options.name, options.timeout, workers=options.workers, renew=options.renew, ports=options.name == CLUSTER
        )
    say(f"The cluster {options.name} is ready after {time.monotonic() - start:.0f} s: {kubeconfig(options.name)}")
    return 0


def _down(options: argparse.Namespace) -> int:
    ensure_docker()
    with locked("cluster"):
        delete_cluster(options.name)
    return 0


def _load(options: argparse.Namespace) -> int:
    ensure_docker()
    with locked("cluster"):
        load_missing(options.name, options.images)
    return 0


def _status(options: argparse.Namespace) -> int:
    nodes = node_containers(options.name)
    ready = bool(nodes) and is_ready(options.name)
    print(f"cluster     {options.name} ({'ready' if ready else 'not ready'})")
    for node in nodes:
        print(f"node        {node} {container(node, '{{.State.Status}} {{.Config.Image}}')}")
    print(f"kubeconfig  {kubeconfig(options.name)}")
    for node_port, port in cluster_ports(options.name).items():
        print(f"port        127.0.0.1:{port} -> NodePort {node_port}")
    return 0 if ready else 1


def _kubeconfig(options: argparse.Namespace) -> int:
    print(kubeconfig(options.name))
    return 0


def _env(options: argparse.Namespace) -> int:
    print(f"export KUBECONFIG={shlex.quote(str(kubeconfig(options.name)))}")
    for variable, address in address_variables(options.name).items() if options.name == CLUSTER else ():
        print(f"export {variable}={address}")
    print(f'export PATH={shlex.quote(str(cache("bin")))}:"$PATH"')
    return 0
