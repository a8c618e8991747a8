# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Try databases and brokers that are not the release's own, from inside the cluster, before anything of it is applied.

A pod with the release's image, certificates and rights is made for a moment, and a program in it
(``services_program.py``) connects as Airflow will. The URLs go to it over its standard input: they stand in no object.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from ..core.errors import ApiFailure
from ..core.names import FIELD_MANAGER
from ..kube.client import Client, Manifest
from ..kube.pod_stream import Exec, read_answer
from ..kube.polling import poll
from ..readiness.container_facts import is_native_sidecar
from ..readiness.context import Limits
from ..readiness.log_patterns import match_log
from ..readiness.verdict import LogSource
from ..readiness.watcher import Probe
from . import answers, logs_program, services_program
from .probe_pod import ProbePod

#: Seconds for which a server that does not answer is tried again, and between two tries: kube-proxy, DNS and network
#: policies know a new pod, a new server and its Service a moment later.
SETTLING = 10.0
PAUSE = 1.0

#: What is sent to a pod: the last one is the program, and imports those before it.
PROGRAMS = (answers, logs_program, services_program)
#: Reads them from the standard input, as modules of one package, and starts the program.
LOADER = """
import json, sys, types
sys.modules["probe"] = types.ModuleType("probe")
for name, text in json.loads(sys.stdin.buffer.read({size})).items():
    module = sys.modules["probe." + name] = types.ModuleType("probe." + name)
    module.__package__ = "probe"
    exec(compile(text, name, "exec"), module.__dict__)
module.main()
"""


@dataclass(frozen=True)
class Service:
    """A database or a broker to try, or a package to look for in the image.

    :param what: how messages call it, with the variable that says where it is.
    :param kind: ``database`` or ``broker``; ``results``, which may be kept in either; ``logs``; or ``package``.
    :param url: of a database or broker; of an object store of logs Airflow's connection to it, as JSON.
    :param async_url: with the asynchronous driver, where Airflow does not derive that by itself.
    :param sentinel: what Sentinels are connected to with, JSON, where they want a password.
    :param options: further options of the broker's transport; of an object store its ``scheme``, ``bucket``, ``prefix``
        and whether the pod ``writes`` logs; of a package its name and the ``variable`` for which it
        has to be there.
    """

    what: str
    kind: str
    url: str = ""
    async_url: str | None = None
    sentinel: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ProbeRun:
    """What is tried in one pod.

    :param pod: but for its name.
    """

    pod: Manifest
    services: Sequence[Service]


class ConnectivityCheck:
    """Tries services of one release.

    :param namespace: the Namespace to make if it is not there; None where that is somebody else's matter.
    :param accounts: the ServiceAccounts of the pods, which the release may not have made yet.
    :param limits: how long what keeps the pod from running may last.
    :param timeout: seconds until the pod must run.
    """

    def __init__(
        self,
        client: Client,
        release: str,
        namespace: Manifest | None,
        accounts: Sequence[Manifest],
        limits: Limits,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.release = release
        self.namespace = namespace
        self.accounts = accounts
        self.limits = limits
        self.timeout = timeout
        self.clock = clock
        self.sleep = sleep

    def problems(self, runs: Sequence[ProbeRun]) -> list[str]:
        """Return what is wrong with the services, a sentence or two for each problem.

        Nothing stays of the check. What was made for it, a namespace or service accounts, stays if all is well, because
        the deploy would make it next; else it goes again, unless another run uses it by then.

        :raises Failure: a pod cannot run.
        """
        with self._namespace_there() as keep:
            with self._accounts_there() as keep_accounts, ThreadPoolExecutor(max_workers=4) as pool:
                problems = [problem for found in pool.map(self._problems_of, runs) for problem in found]
                keep_accounts(not problems)
            keep(not problems)
        return problems

    def _problems_of(self, run: ProbeRun) -> list[str]:
        only_logs = all(service.kind == "logs" for service in run.services)
        what = "the object stores of logs" if only_logs else "the image, database and broker"
        probe = ProbePod(self.client, self.release, run.pod, what, self.limits, self.timeout, self.clock, self.sleep)
        with probe.running() as pod:
            found = poll(
                lambda: self._ask(pod, run.services), is_final, SETTLING, PAUSE, clock=self.clock, sleep=self.sleep
            )
            logs = list(self._logs_of_sidecars(pod)) if any(found) else []
        problems = [
            in_words(service, problem)
            for service, problems in zip(run.services, found, strict=True)
            for problem in problems
        ]
        return problems + logs

    @contextlib.contextmanager
    def _accounts_there(self) -> Iterator[Callable[[bool], None]]:
        """Make sure of the service accounts; what is yielded says whether those that were made shall stay."""
        made = []
        for account in self.accounts:
            metadata = account["metadata"]
            if self.client.get("v1", "ServiceAccount", metadata["name"], metadata["namespace"]) is None:
                made.append(metadata)
            self.client.apply(account, FIELD_MANAGER)
        verdicts = [False]
        try:
            yield verdicts.append
        finally:
            for metadata in [] if verdicts[-1] else made:
                self.client.delete("v1", "ServiceAccount", metadata["name"], metadata["namespace"])

    @contextlib.contextmanager
    def _namespace_there(self) -> Iterator[Callable[[bool], None]]:
        """Make sure of the namespace; what is yielded says whether one that was made shall stay."""
        made = None
        if self.namespace is not None:
            name = self.namespace["metadata"]["name"]
            with contextlib.suppress(ApiFailure):
                made = None if self.client.get("v1", "Namespace", name) else self.namespace
            if made:
                self.client.apply(made, FIELD_MANAGER)
        verdicts = [False]
        try:
            yield verdicts.append
        finally:
            if made and not verdicts[-1] and not self._is_used(made["metadata"]["name"]):
                self.client.delete("v1", "Namespace", made["metadata"]["name"])

    def _is_used(self, namespace: str) -> bool:
        """Tell whether another run tries or deploys something there; one that may not be looked at counts as used."""
        try:
            pods = self.client.list("v1", "Pod", namespace)["items"]
            lease = self.client.get("coordination.k8s.io/v1", "Lease", f"{self.release}-deploy", namespace)
        except ApiFailure:
            return True
        return bool(lease or [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]])

    def _logs_of_sidecars(self, pod: Manifest) -> Iterator[str]:
        """Yield how the logs of the pod's native sidecars end: a connection may fail for what only they know."""
        metadata = pod["metadata"]
        probe = Probe(self.client, metadata["namespace"], self.release)
        for container in pod["spec"].get("initContainers") or ():
            if is_native_sidecar(container):
                log = probe.log(LogSource(metadata["name"], container["name"]))
                if log:
                    yield f"The log of its native sidecar {container['name']} ends with: {in_words_of_log(log[-1])}"

    def _ask(self, pod: Manifest, services: Sequence[Service]) -> list[list[str]]:
        metadata, container = pod["metadata"], pod["spec"]["containers"][0]["name"]
        text = sources()
        command = ["python", "-X", "utf8", "-c", LOADER.format(size=len(text))]
        wanted = [asdict(service) for service in services]
        silence = services_program.PATIENCE + 5
        with Exec(self.client, metadata["namespace"], metadata["name"], container, command, silence) as program:
            program.write(text + json.dumps(wanted).encode("utf-8") + b"\n")
            found: list[list[str]] = json.loads(read_answer(program))
        return found


def sources() -> bytes:
    """Return the texts that :data:`LOADER` reads, in the order in which they import each other."""
    texts = {each.__name__.rpartition(".")[2]: inspect.getsource(each) for each in PROGRAMS}
    return json.dumps(texts).encode("utf-8")


def in_words_of_log(line: str) -> str:
    """Return the message of a line of a structured log, or else the line."""
    try:
        message = json.loads(line)["message"]
    except (ValueError, TypeError, KeyError):
        return line
    return str(message)


def is_final(found: Sequence[Sequence[str]]) -> bool:
    """Tell whether asking again is of no use: all is well, or something is wrong that does not pass by itself."""
    patterns = [match_log([problem]) for problems in found for problem in problems]
    return not patterns or any(pattern is None or pattern.permanent for pattern in patterns)


def in_words(service: Service, problem: str) -> str:
    """Return a problem with what it means and the way out, where that is known."""
    saying = match_log([problem])
    problem = problem.rstrip(".")
    if saying is None:
        return f"{service.what}: {problem}."
    return f"{service.what}: {saying.meaning}: {problem}. {saying.advice}"
