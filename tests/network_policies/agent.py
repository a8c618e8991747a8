"""Enforce NetworkPolicies of some namespaces on the nodes of a kind cluster whose network plugin does not.

Turns what the API server has into rules of iptables on each node, again whenever that changes. What it refuses is
answered with "no route to host", so that who is refused knows at once, and it is no refusal by a closed port.

    python -m tests.network_policies.agent run --context kind-airflow --node airflow-control-plane --namespace NAME
    python -m tests.network_policies.agent remove --node airflow-control-plane --namespace NAME
"""

from __future__ import annotations

import argparse
import hashlib
import ipaddress
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Manifest = Mapping[str, Any]
Network = ipaddress.IPv4Network

#: Seconds between two looks, and until an agent that nobody has stopped ends by itself.
LOOK, LIFE = 0.5, 1800.0

ANYWHERE = ipaddress.IPv4Network("0.0.0.0/0")


@dataclass(frozen=True)
class Pod:
    """What the rules have to know of a pod."""

    namespace: str
    labels: Mapping[str, str]
    address: Network
    ports: tuple[Manifest, ...] = ()

    @classmethod
    def of(cls, manifest: Manifest) -> Pod:
        return cls(
            manifest["metadata"]["namespace"],
            manifest["metadata"].get("labels", {}),
            Network(manifest["status"]["podIP"]),
            tuple(port for container in manifest["spec"]["containers"] for port in container.get("ports", [])),
        )


@dataclass(frozen=True)
class World:
    """What there is: pods that have an address of their own, and the labels of each namespace."""

    pods: Sequence[Pod]
    namespaces: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Opening:
    """What one rule of iptables lets through.

    :param ports: how iptables has them, such as ``8080`` or ``8000:8100``; empty for all of all protocols.
    """

    peer: Network
    protocol: str = ""
    ports: str = ""

    def options(self, flag: str) -> str:
        """Return the options that match it, for a peer that is the source (``-s``) or the destination (``-d``)."""
        words = [] if self.peer == ANYWHERE else [flag, str(self.peer)]
        words += ["-p", self.protocol] if self.protocol else []
        words += ["--dport", self.ports] if self.ports else []
        return " ".join(words)


def selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector chooses something; an empty one chooses everything."""
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        _fits(expression, labels) for expression in selector.get("matchExpressions", [])
    )


def _fits(expression: Manifest, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values", [])
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[expression["operator"]]


def openings(world: World, pod: Pod, policies: Iterable[Manifest], direction: str) -> list[Opening] | None:
    """Return what is let through to a pod (``Ingress``) or from it (``Egress``), or None where all is."""
    own = [
        policy
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and selects(policy["spec"]["podSelector"], pod.labels)
        and direction in policy_types(policy["spec"])
    ]
    if not own:
        return None
    found = [
        opening
        for policy in own
        for rule in policy["spec"].get(direction.lower()) or []
        for opening in _openings_of_rule(world, pod, rule, direction)
    ]
    return list(dict.fromkeys(found))


def policy_types(spec: Manifest) -> list[str]:
    """Return the directions that a policy is about, which the API server fills in where they are not given."""
    given: list[str] = spec.get("policyTypes", [])
    return given or ["Ingress", *(["Egress"] if "egress" in spec else [])]


def _openings_of_rule(world: World, pod: Pod, rule: Manifest, direction: str) -> Iterator[Opening]:
    peers = rule.get("from" if direction == "Ingress" else "to")
    places: list[tuple[Network, Pod | None]] = [(ANYWHERE, None)] if not peers else []
    for peer in peers or []:
        if "ipBlock" in peer:
            places += [(network, None) for network in networks(peer["ipBlock"])]
        else:
            places += [(other.address, other) for other in _chosen(world, pod.namespace, peer)]
    for network, other in places:
        if not rule.get("ports"):
            yield Opening(network)
        for port in rule.get("ports") or []:
            # A name is that of a port of whoever is asked.
            owners = [pod] if direction == "Ingress" else [other] if other else _all_in(world, network)
            yield from _openings_of_port(network, port, owners)


def _openings_of_port(network: Network, port: Manifest, owners: Iterable[Pod]) -> Iterator[Opening]:
    protocol = port.get("protocol", "TCP")
    number = port.get("port")
    if number is None:
        yield Opening(network, protocol.lower())
    elif isinstance(number, int):
        last = port.get("endPort", number)
        yield Opening(network, protocol.lower(), str(number) if last == number else f"{number}:{last}")
    else:
        for owner in owners:
            for named in owner.ports:
                if named.get("name") == number and named.get("protocol", "TCP") == protocol:
                    place = owner.address if network == ANYWHERE else network
                    yield Opening(place, protocol.lower(), str(named["containerPort"]))


def _chosen(world: World, namespace: str, peer: Manifest) -> Iterator[Pod]:
    """Yield the pods that a peer means; without a selector of namespaces, those of the policy's own."""
    for pod in world.pods:
        if "namespaceSelector" in peer:
            if not selects(peer["namespaceSelector"], world.namespaces.get(pod.namespace, {})):
                continue
        elif pod.namespace != namespace:
            continue
        if selects(peer.get("podSelector", {}), pod.labels):
            yield pod


def _all_in(world: World, network: Network) -> list[Pod]:
    return [pod for pod in world.pods if pod.address.subnet_of(network)]


def networks(block: Manifest) -> list[Network]:
    """Return the networks of an ``ipBlock`` without its exceptions; none where it is of IPv6."""
    if ":" in block["cidr"]:
        return []
    left = [ipaddress.IPv4Network(block["cidr"])]
    for text in block.get("except", []):
        gone = ipaddress.IPv4Network(text)
        left = [part for network in left for part in _without(network, gone)]
    return sorted(left)


def _without(network: Network, gone: Network) -> list[Network]:
    if network.subnet_of(gone):
        return []
    return list(network.address_exclude(gone)) if gone.subnet_of(network) else [network]


def chain_of(namespaces: Iterable[str]) -> str:
    """Return the name of the agent's own chain; those of its pods begin with it."""
    return "NP" + hashlib.sha256(" ".join(sorted(namespaces)).encode()).hexdigest()[:8]


def ruleset(world: World, policies: Sequence[Manifest], namespaces: Iterable[str]) -> dict[str, list[str]]:
    """Return the rules of each chain, the first of which is the one that all packets go through."""
    names = list(namespaces)
    main = chain_of(names)
    chains: dict[str, list[str]] = {main: ["-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"]}
    for pod in (pod for pod in world.pods if pod.namespace in names):
        for direction, own, peer in (("Egress", "-s", "-d"), ("Ingress", "-d", "-s")):
            opened = openings(world, pod, policies, direction)
            if opened is None:
                continue
            chain = f"{main}-{len(chains)}"
            chains[main].append(f"{own} {pod.address} -j {chain}")
            chains[chain] = [
                # Nobody can be kept from oneself.
                f"{peer} {pod.address} -j RETURN",
                *(f"{opening.options(peer)} -j RETURN".strip() for opening in opened),
                "-j REJECT --reject-with icmp-admin-prohibited",
            ]
    return chains


#: Which answers of the kernel it holds back when there are many, by type: without and with that of a refusal.
HASTY, HOLDING_BACK = 6160, 6168

#: Packets from pod to pod are forwarded by their node; what goes to the node itself comes in there.
HOOKS = ("FORWARD", "INPUT")


def script(chains: Mapping[str, Sequence[str]], stale: Iterable[str] = (), hooked: bool = True) -> str:
    """Return what iptables-restore takes, in one step.

    :param stale: chains of before that are no longer wanted.
    :param hooked: whether packets go through the first chain already.
    """
    lines = ["*filter", *(f":{chain} - [0:0]" for chain in (*chains, *stale))]
    lines += [f"-A {chain} {rule}" for chain, rules in chains.items() for rule in rules]
    if not hooked:
        lines += [f"-I {hook} 1 -j {next(iter(chains))}" for hook in HOOKS]
    lines += [f"-X {chain}" for chain in stale]
    return "\n".join([*lines, "COMMIT", ""])


class Node:
    """Iptables on a node of the cluster, which is a container."""

    def __init__(self, name: str, main: str) -> None:
        self._name = name
        self._main = main

    def prepare(self) -> None:
        """Have every refusal answered at once, however many there are."""
        self._do("sysctl", "-q", "-w", f"net.ipv4.icmp_ratemask={HASTY}")

    def enforce(self, chains: Mapping[str, Sequence[str]]) -> None:
        present = self._chains()
        self._restore(script(chains, sorted(present - chains.keys()), self._hooked()))

    def remove(self) -> None:
        """Leave the node as it was."""
        for hook in HOOKS:
            while self._do("iptables", "-w", "-D", hook, "-j", self._main, check=False).returncode == 0:
                pass
        if present := self._chains():
            self._restore(script({}, sorted(present)))
        self._do("sysctl", "-q", "-w", f"net.ipv4.icmp_ratemask={HOLDING_BACK}")

    def _hooked(self) -> bool:
        rules = self._do("iptables", "-w", "-S", "FORWARD").stdout
        return f"-A FORWARD -j {self._main}\n" in rules

    def _chains(self) -> set[str]:
        rules = self._do("iptables", "-w", "-S").stdout.splitlines()
        return {rule.split()[1] for rule in rules if rule.startswith(f"-N {self._main}")}

    def _restore(self, text: str) -> None:
        self._do("iptables-restore", "-w", "5", "--noflush", stdin=text)

    def _do(self, *command: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["docker", "exec", "--interactive", self._name, *command],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)} on {self._name}: {done.stderr}")
        return done


class Api:
    """The objects of the cluster that count."""

    def __init__(self, context: str) -> None:
        from kubernetes import config, dynamic  # noqa: PLC0415

        self._client = dynamic.DynamicClient(config.new_client_from_config(context=context))

    def policies(self, namespaces: Iterable[str]) -> list[Manifest]:
        return [
            policy
            for name in namespaces
            for policy in self._list(f"/apis/networking.k8s.io/v1/namespaces/{name}/networkpolicies")
        ]

    def world(self) -> World:
        pods = [
            Pod.of(pod)
            for pod in self._list("/api/v1/pods")
            if pod["status"].get("podIP")
            and not pod["spec"].get("hostNetwork")
            and pod["status"].get("phase") not in ("Succeeded", "Failed")
        ]
        labels = {
            found["metadata"]["name"]: found["metadata"].get("labels", {}) for found in self._list("/api/v1/namespaces")
        }
        return World(sorted(pods, key=lambda pod: pod.address), labels)

    def _list(self, path: str) -> list[Manifest]:
        answer = self._client.request("get", path, resource_version="0", serialize=False)
        return list(json.loads(answer.data)["items"])


def run(api: Api, nodes: Sequence[Node], namespaces: Sequence[str], stop: threading.Event) -> None:
    """Enforce until it is stopped, or its time is over; what it prints tells how much there is to enforce."""
    for node in nodes:
        node.prepare()
    before: dict[str, list[str]] = {}
    end = time.monotonic() + LIFE
    while not stop.wait(LOOK) and time.monotonic() < end:
        try:
            policies = api.policies(namespaces)
            chains = ruleset(api.world(), policies, namespaces)
            if chains != before:
                for node in nodes:
                    node.enforce(chains)
                before = chains
                print(f"{len(policies)} policies, {sum(map(len, chains.values()))} rules", flush=True)
        except Exception as error:  # noqa: BLE001
            # An API server may be away for a moment.
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)


def main() -> int:
    """Read the command line, do what it says, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["run", "remove"])
    parser.add_argument("--context", default="kind-airflow")
    parser.add_argument("--node", action="append", required=True)
    parser.add_argument("--namespace", action="append", required=True)
    options = parser.parse_args()
    nodes = [Node(name, chain_of(options.namespace)) for name in options.node]
    try:
        if options.command == "run":
            stop = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_received: stop.set())
            run(Api(options.context), nodes, options.namespace, stop)
    finally:
        for node in nodes:
            node.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
