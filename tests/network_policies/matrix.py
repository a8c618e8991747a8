"""Try who reaches whom, and compare that with the table of flows and with what another program makes of the policies.

From every pod of a release, from one beside it and from some of another namespace, a connection is tried to every port
of the table, and to one that is not in it, of every other of these pods, of the cluster's DNS, of the Kubernetes API,
of an address outside and of the metadata address. A port at which nobody listens is reached too: its host says so.

    python -m tests.network_policies.matrix --namespace NAME --release NAME --elsewhere NAME-elsewhere
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from tools.common.run import run, start_log
from tools.docs.network_table import FLOWS
from tools.programs.go import ensure_program
from tools.programs.modules import POLICY_ANALYZER

MARK = "airflow.kubernetes/"
#: Addresses that the scenario gives the node: one of nobody's, and that of a cloud's metadata service.
OUTSIDE, METADATA = "203.0.113.10", "169.254.169.254"

#: What everybody who is not of the release plays, too.
ANYWHERE = "anywhere"

#: Of these, one is in no row of the table, and at one the kubelet alone asks.
FURTHER_PORTS = (9, 8974)

#: Tries of the whole matrix: what has changed takes a moment to be enforced.
ROUNDS, PAUSE = 5, 2.0

#: What holds Airflow's state, or leads to it.
DATABASES = frozenset({"postgresql", "mysql", "pgbouncer", "database"})

REACHED, LISTENING = "reached", "listening"

# Runs on the node, in the network of a pod, whose own processes must not get children that are not theirs. It prints a
# line for each address and port that was reached; of the others none, in whichever way they are refused.
_TRY = r"""
use Errno qw(EINPROGRESS ECONNREFUSED); use Fcntl; use IO::Select; use Socket;
my ($waiting, %place) = IO::Select->new;
sub told {
    my ($socket, $error) = @_;
    print "$place{$socket} ", $error ? "reached" : "listening", "\n" if !$error || $error == ECONNREFUSED;
}
while (<STDIN>) {
    my ($address, $port) = split;
    socket(my $socket, PF_INET, SOCK_STREAM, 0) or die $!;
    fcntl($socket, F_SETFL, O_NONBLOCK);
    $place{$socket} = "$address $port";
    my $error = connect($socket, sockaddr_in($port, inet_aton($address))) ? 0 : $! + 0;
    if ($error == EINPROGRESS) { $waiting->add($socket) } else { told($socket, $error) }
}
my $end = time + 5;
while ($waiting->count && time < $end) {
    for my $socket ($waiting->can_write(1)) {
        told($socket, unpack("i", getsockopt($socket, SOL_SOCKET, SO_ERROR)));
        $waiting->remove($socket);
    }
}
"""
_NETWORKS = """
for place in /run/netns/*; do
  echo "$place $(nsenter --net="$place" ip -4 -oneline address show dev eth0 2>/dev/null)"
done
"""


@dataclass(frozen=True)
class End:
    """Somebody who reaches or is reached: a pod, or an address.

    :param parts: what the table calls it: components that are in a pod, or parties that it plays.
    :param inside: whether it is of the release.
    :param asks: whether connections are tried from it.
    """

    name: str
    address: str
    parts: frozenset[str] = frozenset()
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    namespace_labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    port_names: Mapping[int, str] = field(default_factory=dict, hash=False)
    inside: bool = False
    asks: bool = False


@dataclass(frozen=True)
class Attempt:
    """A connection from a pod to a port."""

    source: End
    target: End
    port: int

    def __str__(self) -> str:
        return f"{self.source.name} -> {self.target.name}:{self.port}"


def allowed(attempt: Attempt, flows: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether the table lets it through; who is not of the release talks to others of that kind as it likes."""
    source, target = attempt.source, attempt.target
    if not source.inside and not target.inside:
        return True
    return any(
        source.parts & {*flow["from"]}
        and target.parts & {*flow["to"]}
        and attempt.port in flow.get("ports", [attempt.port])
        for flow in flows
    )


def table_of_flows(
    by_name: Mapping[str, int] = MappingProxyType({}), database_access: bool = True
) -> list[dict[str, Any]]:
    """Return the rows of the role, with what the variables of the scenario say of them.

    :param by_name: the ports of parties whose host has a name, and so is anywhere outside of the release.
    :param database_access: whether workers may reach the database.
    """
    flows: list[dict[str, Any]] = yaml.safe_load(FLOWS.read_text())["__airflow_network_flows"]
    for flow in flows:
        if flow["to"] == ["dns"]:
            flow["ports"] = [53, 5353]
        elif flow["to"] == ["kubernetes-api"]:
            # By default it may be at any address.
            flow["to"], flow["ports"] = [ANYWHERE], [443, 6443]
        elif flow["to"] in (["outside-of-group"], ["proxy-of-group"]):
            flow["from"] = ["open-worker"]
        if flow["to"][0] in by_name:
            flow["ports"] = [by_name[flow["to"][0]]]
        if not database_access and DATABASES & {*flow["to"]}:
            flow["from"] = [name for name in flow["from"] if name != "worker"]
    return flows


def attempts(ends: Sequence[End], flows: Iterable[Mapping[str, Any]]) -> list[Attempt]:
    """Return every connection to try; nobody is asked whether it reaches itself."""
    ports = sorted({port for flow in flows for port in flow.get("ports", [])} | {*FURTHER_PORTS, 443})
    return [
        Attempt(source, target, port)
        for source in ends
        if source.asks
        for target in ends
        if target != source
        for port in ([6443] if target.name == "kubernetes" else ports)
    ]


class Cluster:
    """Asks the cluster by kubectl."""

    def __init__(self, context: str) -> None:
        self._kubectl = ["kubectl", "--context", context]

    def get(self, *words: str) -> Any:
        return json.loads(run([*self._kubectl, "get", *words, "--output=json"], timeout=60, log_stdout=False))


class Node:
    """Tries connections from the networks of the pods on a node, which is a container."""

    def __init__(self, name: str) -> None:
        self._inside = ["docker", "exec", "--interactive", name]
        self._networks = {
            words[4].partition("/")[0]: words[0]
            for line in run([*self._inside, "sh", "-c", _NETWORKS], timeout=60, log_stdout=False).splitlines()
            if len(words := line.split()) > 4
        }

    def reached(self, source: End, tried: Iterable[Attempt]) -> dict[Attempt, str]:
        """Try from a pod, and return what was reached."""
        by_place = {(attempt.target.address, str(attempt.port)): attempt for attempt in tried}
        enter = ["nsenter", f"--net={self._networks[source.address]}", "perl", "-e", _TRY]
        lines = "".join(f"{address} {port}\n" for address, port in by_place)
        said = run([*self._inside, *enter], timeout=60, log_stdout=False, stdin=lines)
        found = (line.split() for line in said.splitlines())
        return {by_place[address, port]: how for address, port, how in found}


def ends_of(cluster: Cluster, options: argparse.Namespace) -> list[End]:
    """Return all who take part."""
    components = set(yaml.safe_load(FLOWS.read_text())["__airflow_network_component_names"])
    found = [
        _pod(cluster, pod, options, components)
        for namespace in (options.namespace, options.elsewhere)
        for pod in cluster.get("pods", "--namespace", namespace)["items"]
        if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
    ]
    dns = cluster.get("pods", "--namespace=kube-system", "--selector=k8s-app=kube-dns")["items"][0]
    (node,) = cluster.get("nodes")["items"]
    (address,) = (entry["address"] for entry in node["status"]["addresses"] if entry["type"] == "InternalIP")
    return [
        *sorted(found, key=lambda end: (not end.inside, end.name)),
        End(
            "dns",
            dns["status"]["podIP"],
            frozenset({"dns", ANYWHERE}),
            "kube-system",
            dns["metadata"]["labels"],
            {"kubernetes.io/metadata.name": "kube-system"},
        ),
        End("kubernetes", address, frozenset({ANYWHERE})),
        End("outside", OUTSIDE, frozenset({"outside", "outside-of-group", ANYWHERE})),
        End("metadata", METADATA, frozenset({ANYWHERE})),
    ]


def with_parties(ends: Iterable[End], by_name: Iterable[str]) -> list[End]:
    """Have all who are not of the release play the parties that are anywhere."""
    parties = frozenset(by_name)
    return [end if end.inside else replace(end, parts=end.parts | parties) for end in ends]


def _pod(cluster: Cluster, pod: Mapping[str, Any], options: argparse.Namespace, components: set[str]) -> End:
    metadata, containers = pod["metadata"], pod["spec"]["containers"]
    labels = metadata.get("labels", {})
    inside = labels.get(f"{MARK}release") == options.release
    parts = {name for name in components if labels.get(f"{MARK}{name}") == "true"}
    if labels.get(f"{MARK}worker-group", options.closed_group) != options.closed_group:
        parts.add("open-worker")
    if labels.get("door"):
        parts = {"users", "flower-users"}
    if not inside:
        parts.add(ANYWHERE)
    return End(
        metadata["name"],
        pod["status"]["podIP"],
        frozenset(parts),
        metadata["namespace"],
        labels,
        {"kubernetes.io/metadata.name": metadata["namespace"]},
        {
            port["containerPort"]: port.get("name", "")
            for container in containers
            for port in container.get("ports", [])
        },
        inside,
        asks=True,
    )


def observed(node: Node, tries: Sequence[Attempt]) -> dict[Attempt, str]:
    """Try all, from one pod after the other."""
    by_source: dict[End, list[Attempt]] = {}
    for attempt in tries:
        by_source.setdefault(attempt.source, []).append(attempt)
    return {attempt: how for source, tried in by_source.items() for attempt, how in node.reached(source, tried).items()}


def computed(policies: Mapping[str, Any], tries: Sequence[Attempt]) -> set[Attempt]:
    """Return what cyclonus says that the policies let through."""
    traffic = [
        {
            "Source": _peer(attempt.source),
            "Destination": _peer(attempt.target),
            "Protocol": "TCP",
            "ResolvedPort": attempt.port,
            "ResolvedPortName": attempt.target.port_names.get(attempt.port, ""),
        }
        for attempt in tries
    ]
    cyclonus = ensure_program(POLICY_ANALYZER) / "cyclonus"
    with tempfile.TemporaryDirectory() as folder:
        policy_file, traffic_file = Path(folder, "policies.json"), Path(folder, "traffic.json")
        policy_file.write_text(json.dumps(policies))
        traffic_file.write_text(json.dumps(traffic))
        words = ["--mode=query-traffic", f"--policy-path={policy_file}", f"--traffic-path={traffic_file}"]
        said = run([cyclonus, "analyze", *words], timeout=120, log_stdout=False)
    answers = ["TRUE" in line for line in said.splitlines() if "IS ALLOWED?" in line]
    if len(answers) != len(tries):
        raise RuntimeError(f"cyclonus was asked for {len(tries)} connections and answered for {len(answers)}")
    return {attempt for attempt, answer in zip(tries, answers, strict=True) if answer}


def _peer(end: End) -> dict[str, Any]:
    internal = {"PodLabels": end.labels, "NamespaceLabels": end.namespace_labels, "Namespace": end.namespace}
    return {"IP": end.address, **({"Internal": internal} if end.namespace else {})}


def lines_of(ends: Sequence[End], tries: Iterable[Attempt], let_through: Container[Attempt]) -> Iterator[str]:
    """Yield the matrix: a row for each who reaches, and for each who is reached the ports."""
    ports: dict[tuple[str, str], dict[int, bool]] = {}
    for attempt in tries:
        ports.setdefault((attempt.source.name, attempt.target.name), {})[attempt.port] = attempt in let_through
    names = [end.name for end in ends]
    rows = [["from \\ to", *names]]
    for source in (end.name for end in ends if end.asks):
        rows.append([source, *(_cell(ports.get((source, target), {})) for target in names)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cell(ports: Mapping[int, bool]) -> str:
    """Return the ports that are let through: ``-`` for none of those that were tried."""
    if not ports:
        return ""
    return "all" if all(ports.values()) else " ".join(str(port) for port, through in ports.items() if through) or "-"


def differences(
    tries: Sequence[Attempt],
    found: Mapping[Attempt, str],
    opinions: Mapping[str, set[Attempt]],
    must_listen: Callable[[Attempt], bool],
) -> list[str]:
    """Return a line for everything that is not as somebody says."""
    lines = [
        f"{attempt}: {'let through' if attempt in found else 'refused'}, but {who} says otherwise"
        for attempt in tries
        for who, says in opinions.items()
        if (attempt in found) != (attempt in says)
    ]
    silent = (attempt for attempt in tries if must_listen(attempt) and found.get(attempt) == REACHED)
    return lines + [f"{attempt}: nobody listens" for attempt in silent]


def main() -> int:
    """Print the matrix and what is wrong with it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--context", default="kind-airflow")
    parser.add_argument("--node", default="airflow-control-plane")
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--release", required=True)
    parser.add_argument("--elsewhere", required=True, help="another namespace with pods")
    parser.add_argument("--closed-group", default="", help="the worker group that may not go out")
    parser.add_argument("--open", action="store_true", help="there are no policies: everything has to be let through")
    parser.add_argument(
        "--by-name", action="append", default=[], metavar="PARTY=PORT", help="a party that is anywhere, at its port"
    )
    parser.add_argument("--without-database-access", action="store_true", help="workers may not reach the database")
    options = parser.parse_args()
    start_log()
    cluster, node = Cluster(options.context), Node(options.node)
    by_name = {party: int(port) for party, _equals, port in (given.partition("=") for given in options.by_name)}
    ends = with_parties(ends_of(cluster, options), by_name)
    flows = table_of_flows(by_name, not options.without_database_access)
    tries = attempts(ends, flows)
    policies = cluster.get("networkpolicies", "--namespace", options.namespace)
    opinions = {
        "the table": {*tries} if options.open else {attempt for attempt in tries if allowed(attempt, flows)},
        "cyclonus": computed(policies, tries),
    }
    for round_number in range(ROUNDS):
        found = observed(node, tries)
        wrong = differences(tries, found, opinions, lambda attempt: _between_components(attempt, flows))
        if not wrong:
            break
        time.sleep(PAUSE if round_number < ROUNDS - 1 else 0)
    print("\n".join(lines_of(ends, tries, {*found})))
    listening = sum(how == LISTENING for how in found.values())
    print(
        f"\n{len(policies['items'])} policies, {len(tries)} connections tried: {len(found)} let through, of which "
        f"{listening} to somebody who listens, and {len(tries) - len(found)} refused."
    )
    print("\n".join(wrong) if wrong else f"{' and '.join(opinions)} say the same.".capitalize())
    return 1 if wrong else 0


def _between_components(attempt: Attempt, flows: Iterable[Mapping[str, Any]]) -> bool:
    return attempt.source.inside and attempt.target.inside and allowed(attempt, flows)


if __name__ == "__main__":
    sys.exit(main())
