"""The ports of this machine that lead to a cluster: which it has, and which a new one is given."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..common.errors import ToolError
from ..common.paths import cache
from ..common.step import say
from ..docker.client import container
from .port_holder import holder

#: How many ports after the usual one are tried.
TRIES = 100
ADDRESSES = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


@dataclass(frozen=True)
class Port:
    """A port of this machine that leads to a NodePort of the cluster.

    :param title: what answers there.
    :param variable: the environment variable that says which it is.
    :param usual: which it is where nothing else is said and it is free.
    """

    title: str
    variable: str
    node_port: int
    usual: int


AIRFLOW = Port("Airflow", "AIRFLOW_PORT", 30080, 8080)
FLOWER = Port("Flower", "FLOWER_PORT", 30555, 5555)
PORTS = (AIRFLOW, FLOWER)
#: NodePort -> port of this machine.
USUAL = {port.node_port: port.usual for port in PORTS}


def wanted_ports(environ: Mapping[str, str]) -> dict[int, int]:
    """Return the ports that the environment asks for, by their NodePort.

    :raises ToolError: a value is no port, or two are the same.
    """
    wanted: dict[int, int] = {}
    for port in PORTS:
        text = environ.get(port.variable, "").strip()
        if not text:
            continue
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
            raise ToolError(f"{port.variable}={text} is no port: write a number from 1 to 65535")
        if int(text) in wanted.values():
            raise ToolError(f"{' and '.join(each.variable for each in PORTS)} are both {text}: each needs its own")
        wanted[port.node_port] = int(text)
    return wanted


def refuse_taken(wanted: Mapping[int, int]) -> None:
    """Refuse ports that are asked for by name and taken, all at once, each with the process that has it.

    :param wanted: as `wanted_ports` returns them.
    :raises ToolError: one is taken.
    """
    refused = [port for port in PORTS if port.node_port in wanted and not is_free(wanted[port.node_port])]
    if refused:
        lines = [f"{port.variable}={wanted[port.node_port]}: {taken(wanted[port.node_port])}" for port in refused]
        names = " ".join(f"{port.variable}=..." for port in refused)
        way_out = f"End that, or name another port ({names} make demo), or none: then a free one is taken"
        raise ToolError("\n".join([*lines, way_out]))


def choose_ports(wanted: Mapping[int, int]) -> dict[int, int]:
    """Return the ports for a new cluster: those that are wanted, else the usual ones, else the next free ones.

    :param wanted: as `wanted_ports` returns them.
    :raises ToolError: a wanted one is taken.
    """
    refuse_taken(wanted)
    chosen = dict(wanted)
    for port in PORTS:
        if port.node_port in chosen:
            continue
        number = _next_free(port, set(chosen.values()))
        if number != port.usual:
            # The usual one may be what the other variable asks for.
            why = f"port {port.usual} has another use here" if port.usual in chosen.values() else taken(port.usual)
            say(f"{port.title} gets port {number}: {why}. Another: {port.variable}=... make demo")
        chosen[port.node_port] = number
    return chosen


def _next_free(port: Port, used: set[int]) -> int:
    for number in range(port.usual, port.usual + TRIES):
        if number not in used and is_free(number):
            return number
    raise ToolError(
        f"no port from {port.usual} to {port.usual + TRIES - 1} is free for {port.title}: name one, {port.variable}=..."
    )


def refuse_other_ports(name: str, existing: Mapping[int, int], wanted: Mapping[int, int]) -> None:
    """Refuse ports that a cluster does not have: they are fixed when it is made.

    :raises ToolError: it has others.
    """
    other = [port for port in PORTS if port.node_port in wanted and _differs(port, existing, wanted)]
    if other:
        asked = " ".join(f"{port.variable}={wanted[port.node_port]}" for port in other)
        has = " and ".join(f"{port.title} at port {existing.get(port.node_port, '(none)')}" for port in other)
        raise ToolError(
            f"{asked}: the cluster {name} is there already and has {has}, which is fixed when a cluster is made. "
            f"Leave {' and '.join(port.variable for port in other)} away, or delete the cluster and all in it "
            "before: make down"
        )


def _differs(port: Port, existing: Mapping[int, int], wanted: Mapping[int, int]) -> bool:
    return existing.get(port.node_port) != wanted[port.node_port]


def refuse_stopped(name: str, existing: Mapping[int, int]) -> None:
    """Refuse to start a stopped cluster whose ports something else has taken meanwhile.

    :raises ToolError: something has.
    """
    lines = [taken(number) for number in existing.values() if not is_free(number)]
    if lines:
        raise ToolError(
            "\n".join(
                [
                    f"the cluster {name} is stopped, and cannot be started without its ports:",
                    *lines,
                    "End that, or delete the cluster and all in it: make down",
                ]
            )
        )


def is_free(number: int) -> bool:
    """Tell whether nothing listens on a port where a browser looks for `localhost`."""
    return all(_can_listen(family, address, number) for family, address in ADDRESSES)


def _can_listen(family: socket.AddressFamily, address: str, number: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as listening:
            # As Docker does: a connection that has ended is nobody's claim.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((address, number))
            listening.listen()
    except OSError as error:
        # Without IPv6, or the right to a port below 1024 (Docker has it), nobody is in the way.
        return error.errno != errno.EADDRINUSE
    return True


def taken(number: int) -> str:
    """Return that a port is taken, and by what."""
    return f"port {number} is taken by {holder(number)}"


def cluster_ports(name: str) -> dict[int, int]:
    """Return the ports that the cluster's container has, running or not, by their NodePort; none if it has none."""
    answer = container(f"{name}-control-plane", "{{json .HostConfig.PortBindings}}")
    bindings = json.loads(answer or "{}") or {}
    found = {port.node_port: bindings.get(f"{port.node_port}/tcp") for port in PORTS}
    return {node_port: int(entries[0]["HostPort"]) for node_port, entries in found.items() if entries}


def record_ports(name: str, ports: Mapping[int, int]) -> None:
    """Keep a cluster's ports where they can be read without Docker."""
    _file(name).write_text(json.dumps(ports))


def forget_ports(name: str) -> None:
    """Remove what is kept of a cluster that is gone."""
    _file(name).unlink(missing_ok=True)


def recorded_ports(name: str) -> dict[int, int]:
    """Return the ports of a cluster, as the last `up` found them; the usual ones before any."""
    try:
        return {int(node_port): int(port) for node_port, port in json.loads(_file(name).read_text()).items()}
    except (OSError, ValueError):
        return dict(USUAL)


def address(name: str, port: Port) -> str:
    """Return where something of a cluster is on this machine."""
    return f"http://localhost:{recorded_ports(name).get(port.node_port, port.usual)}"


def address_variables(name: str) -> dict[str, str]:
    """Return the environment variables that tell the inventories where a cluster's Airflow and Flower are.

    They are not those that ask for a port: these are wishes for a new cluster, and may be another's.
    """
    return {f"{port.title.upper()}_ADDRESS": address(name, port) for port in PORTS}


def environment_ports() -> dict[int, int]:
    """Return the ports that this process's environment asks for."""
    return wanted_ports(os.environ)


def _file(name: str) -> Path:
    return cache() / f"{name}.ports"
