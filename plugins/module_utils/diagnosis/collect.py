# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks a cluster for all that a diagnosis wants to know, and goes on without what it does not get."""

from __future__ import annotations

import inspect
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple
from urllib.parse import quote

from ..core.errors import ApiFailure, Failure
from ..core.labels import RELEASE_LABEL
from ..core.objects import Obj, deleted, is_true, labels, name, spec, status, uid
from ..kube.client import CONCURRENCY, Client
from ..kube.pod_stream import Exec, read_answer, reader_of
from ..readiness.cache import CLAIM
from ..readiness.context import Event
from ..readiness.health import HealthResponse
from ..readiness.health_probe import HealthProbe, HealthQuestion
from ..redaction.redactor import SENSITIVE_NAME
from . import facts_program

#: Seconds after which a diagnosis goes on without what has not been answered.
BUDGET = 25.0
#: Seconds: to connect, and to wait for an answer.
TIMEOUT = (3, 10)
#: Objects of a kind in one answer, and answers.
PAGE, PAGES = 500, 10
#: Of one container's log: lines, and bytes. And how many logs, and lines of all of them: masking takes time.
LINES, BYTES, LOGS, ALL_LINES = 1000, 512 * 1024, 150, 20_000
#: Events that are kept, the newest.
EVENTS = 1000
#: In an event the name of a pod that is gone starts with so many characters of its owner's name.
_NAME_PART = 50


@dataclass(frozen=True)
class Source:
    """Where the objects of a kind are listed.

    :param path: with the namespace left open.
    :param all_of_them: they concern the release though they do not carry its label.
    """

    path: str
    all_of_them: bool = False
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def resource(self) -> str:
        """The kind as rights and kubectl name it."""
        return self.path.rpartition("/")[2]


_CORE, _APPS = "/api/v1/namespaces/{}", "/apis/apps/v1/namespaces/{}"
SOURCES: Mapping[str, Source] = {
    "Deployment": Source(f"{_APPS}/deployments"),
    "StatefulSet": Source(f"{_APPS}/statefulsets"),
    "ReplicaSet": Source(f"{_APPS}/replicasets"),
    "Job": Source("/apis/batch/v1/namespaces/{}/jobs"),
    "Pod": Source(f"{_CORE}/pods"),
    "Service": Source(f"{_CORE}/services"),
    "ServiceAccount": Source(f"{_CORE}/serviceaccounts"),
    "ConfigMap": Source(f"{_CORE}/configmaps"),
    # What Helm keeps of other releases is large.
    "Secret": Source(f"{_CORE}/secrets", query={"field_selector": "type!=helm.sh/release.v1"}),
    CLAIM: Source(f"{_CORE}/persistentvolumeclaims"),
    "Event": Source(f"{_CORE}/events"),
    "ResourceQuota": Source(f"{_CORE}/resourcequotas", all_of_them=True),
    "LimitRange": Source(f"{_CORE}/limitranges", all_of_them=True),
    "PodDisruptionBudget": Source("/apis/policy/v1/namespaces/{}/poddisruptionbudgets"),
    "NetworkPolicy": Source("/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies", all_of_them=True),
    "Node": Source("/api/v1/nodes", all_of_them=True),
    "StorageClass": Source("/apis/storage.k8s.io/v1/storageclasses", all_of_them=True),
}
#: Kinds of which also those are taken that the release's pods read or mount, whoever made them.
REFERENCES = {
    "secretRef": "Secret",
    "secretKeyRef": "Secret",
    "secret": "Secret",
    "imagePullSecrets": "Secret",
    "configMapRef": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "configMap": "ConfigMap",
    "persistentVolumeClaim": CLAIM,
}


class Log(NamedTuple):
    """The log of a container: of the present one, or of the one before its last restart."""

    pod: str
    container: str
    previous: bool = False

    def __str__(self) -> str:
        return f"{self.pod}.{self.container}{'.previous' if self.previous else ''}"


@dataclass
class Collected:
    """What was found, as the cluster has it: with all secrets.

    :param objects: by kind; what concerns the release.
    :param secrets: all Secrets of the namespace, for their values.
    :param namespace: the namespace itself; ``None`` if it may not be read, empty if it does not exist.
    :param facts: what a container with Airflow in it tells, see ``_facts_program``.
    :param problems: what could not be found out, and why.
    """

    objects: dict[str, list[Obj]] = field(default_factory=dict)
    secrets: list[Obj] = field(default_factory=list)
    namespace: Obj | None = None
    version: str = ""
    health: HealthResponse | None = None
    logs: dict[Log, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def collect(client: Client, namespace: str, release: str, health: HealthQuestion | None) -> Collected:
    """Ask for everything, what does not depend on another answer at once."""
    return _Collector(client, namespace, release).collect(health)


class Crew:
    """Asks questions side by side, until there is no time left.

    :param deadline: when that is, in seconds of the clock.
    :param problems: what has no answer is noted here.
    """

    def __init__(self, deadline: float, problems: list[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._deadline = deadline
        self._problems = problems
        self._clock = clock

    def ask(self, questions: Mapping[Any, Callable[[], Any]]) -> dict[Any, Any]:
        """Return the answers that came, each under its question."""
        waiting = deque(questions.items())
        answers: SimpleQueue[tuple[Any, Any, Exception | None]] = SimpleQueue()
        for _number in range(min(CONCURRENCY, len(waiting))):
            # What hangs for longer than all of this may take must not hold up the end of the process.
            threading.Thread(target=self._work, args=(waiting, answers), daemon=True).start()
        found: dict[Any, Any] = {}
        missing = dict.fromkeys(questions)
        while missing:
            try:
                what, answer, error = answers.get(timeout=max(self._deadline - self._clock(), 0.001))
            except Empty:
                break
            del missing[what]
            if error is None:
                found[what] = answer
            else:
                self._problems.append(f"{what}: {_told(error)}")
        waiting.clear()
        self._problems += [f"{what}: no answer in time" for what in missing]
        return found

    @staticmethod
    def _work(waiting: deque[tuple[Any, Callable[[], Any]]], answers: SimpleQueue[Any]) -> None:
        while True:
            try:
                what, question = waiting.popleft()
            except IndexError:
                return
            try:
                answers.put((what, question(), None))
            except Exception as error:  # noqa: BLE001 a diagnosis tells of what it meets, also of what nobody foresaw
                answers.put((what, None, error))


class _Collector:
    def __init__(self, client: Client, namespace: str, release: str) -> None:
        self._client = client
        self._namespace = namespace
        self._release = release
        self._found = Collected()
        self._crew = Crew(time.monotonic() + BUDGET, self._found.problems)

    def collect(self, health: HealthQuestion | None) -> Collected:
        found = self._found
        questions: dict[str, Callable[[], Any]] = {
            source.resource: partial(self._list, kind) for kind, source in SOURCES.items()
        }
        questions["namespace"] = self._get_namespace
        questions["Version of the cluster"] = lambda: self._request("/version")
        if health:
            questions["Health of Airflow"] = lambda: HealthProbe(self._namespace, health).ask(self._client)
        answers = self._crew.ask(questions)
        if "secrets" not in answers:
            found.problems.append("Secrets: unread, so their values are masked only where names or context show them")
        self._sort({kind: answers.get(source.resource) or [] for kind, source in SOURCES.items()})
        found.namespace = answers.get("namespace")
        found.version = str((answers.get("Version of the cluster") or {}).get("gitVersion") or "").removeprefix("v")
        found.health = answers.get("Health of Airflow")
        if found.health and found.health.problem:
            found.problems.append(f"Health of Airflow: {found.health.problem}")
        self._look_inside()
        found.problems.sort()
        return found

    def _look_inside(self) -> None:
        """Read the logs, and ask a container with Airflow in it."""
        pods = self._found.objects["Pod"]
        logs = list(logs_of(pods))
        questions: dict[Any, Callable[[], Any]] = {
            log: partial(self._log, log, lines_of_each(len(logs))) for log in logs[:LOGS]
        }
        if len(logs) > LOGS:
            self._found.problems.append(f"Logs: {len(logs) - LOGS} are left out, of pods that are ready")
        inside = next(iter(containers_with_airflow(pods, f"{self._release}-config")), None)
        if inside:
            questions["Facts of Airflow"] = lambda: self._facts(*inside)
        else:
            self._found.problems.append("Facts of Airflow: no container with Airflow in it runs")
        answers = self._crew.ask(questions)
        self._found.facts = answers.pop("Facts of Airflow", {})
        self._found.problems += [f"Facts of Airflow: {problem}" for problem in self._found.facts.pop("problems", ())]
        self._found.logs = {log: answers[log] for log in logs if log in answers}

    def _sort(self, listed: dict[str, list[Obj]]) -> None:
        """Keep what concerns the release."""
        ours = {
            kind: [obj for obj in objects if SOURCES[kind].all_of_them or self._is_ours(obj)]
            for kind, objects in listed.items()
        }
        named = {
            reference for kind in ("Deployment", "StatefulSet", "Job", "Pod") for reference in references(ours[kind])
        }
        for kind in ("ConfigMap", "Secret", CLAIM):
            ours[kind] = [obj for obj in listed[kind] if self._is_ours(obj) or (kind, name(obj)) in named]
        ours["Event"] = events_about(listed["Event"], [obj for objects in ours.values() for obj in objects])
        self._found.objects = ours
        self._found.secrets = listed["Secret"]

    def _is_ours(self, obj: Obj) -> bool:
        return labels(obj).get(RELEASE_LABEL) == self._release

    def _get_namespace(self) -> Obj:
        try:
            return dict(self._request(f"/api/v1/namespaces/{quote(self._namespace)}")) | {"kind": "Namespace"}
        except ApiFailure as failure:
            if failure.status == 404:
                return {}
            raise

    def _list(self, kind: str) -> list[Obj]:
        source = SOURCES[kind]
        objects: list[Obj] = []
        following: str | None = None
        for _page in range(PAGES):
            page = self._request(
                source.path.format(quote(self._namespace)), limit=PAGE, _continue=following, **source.query
            )
            # In a list they do not say their kind, and it decides how they are masked.
            objects += [{"kind": kind, **obj} for obj in page.get("items") or ()]
            following = (page.get("metadata") or {}).get("continue") or None
            if following is None:
                return objects
        self._found.problems.append(f"{source.resource}: only the first {len(objects)} were read")
        return objects

    def _request(self, path: str, **params: Any) -> Any:
        return self._client.request("get", path, _request_timeout=TIMEOUT, **params)

    def _log(self, log: Log, most: int) -> str:
        path = f"/api/v1/namespaces/{quote(self._namespace)}/pods/{quote(log.pod)}/log"
        text = ""
        # The API cuts what is too long at its end, which is what matters: rather ask for fewer lines.
        for lines in (most, most // 10, most // 100 or 1):
            query = [("container", log.container), ("previous", str(log.previous).lower()), ("timestamps", "true")]
            query += [("tailLines", str(lines)), ("limitBytes", str(BYTES))]
            text = self._client.text("get", path, query_params=query, _request_timeout=TIMEOUT)
            if len(text.encode("utf-8")) < BYTES:
                return text
        return text.rpartition("\n")[0]

    def _facts(self, pod: str, container: str) -> dict[str, Any]:
        text = inspect.getsource(facts_program).encode("utf-8")
        command = ["python", "-X", "utf8", "-c", reader_of(text, "facts"), SENSITIVE_NAME]
        silence = facts_program.PATIENCE + 1
        with Exec(self._client, self._namespace, pod, container, command, silence) as program:
            program.write(text)
            answer: dict[str, Any] = json.loads(read_answer(program))
        return {"pod": pod, "container": container, **answer}


def lines_of_each(logs: int) -> int:
    """Return how many lines of each log are read where there are so many logs."""
    return min(LINES, max(ALL_LINES // max(logs, 1), LINES // 10))


def logs_of(pods: Iterable[Obj]) -> Iterator[Log]:
    """Yield the logs that pods have, those of pods that are not ready first."""
    for pod in sorted(pods, key=lambda pod: (is_true(pod, "Ready"), name(pod))):
        kinds = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
        for container in [found for kind in kinds for found in status(pod).get(kind) or ()]:
            state, last = container.get("state") or {}, container.get("lastState") or {}
            if "running" in state or "terminated" in state or container.get("restartCount"):
                yield Log(name(pod), container["name"])
            if "terminated" in last:
                yield Log(name(pod), container["name"], previous=True)


def containers_with_airflow(pods: Iterable[Obj], config_map: str) -> Iterator[tuple[str, str]]:
    """Yield pod and container of what runs Airflow's image: it reads Airflow's configuration; in ready pods first."""
    for pod in sorted(pods, key=lambda pod: (not is_true(pod, "Ready"), name(pod))):
        containers = [*(spec(pod).get("containers") or ()), *(spec(pod).get("initContainers") or ())]
        states = [*(status(pod).get("containerStatuses") or ()), *(status(pod).get("initContainerStatuses") or ())]
        running = {state["name"] for state in states if "running" in (state.get("state") or {})}
        for container in containers:
            sources = [(source.get("configMapRef") or {}).get("name") for source in container.get("envFrom") or ()]
            if config_map in sources and container["name"] in running and not deleted(pod):
                yield name(pod), container["name"]


def references(value: Any) -> Iterator[tuple[str, str]]:
    """Yield kind and name of the Secrets, ConfigMaps and claims that are named anywhere in an object."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in REFERENCES:
                for found in item if isinstance(item, list) else (item,):
                    if isinstance(found, Mapping):
                        called = found.get("name") or found.get("secretName") or found.get("claimName")
                        yield REFERENCES[key], str(called)
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def events_about(events: Iterable[Obj], objects: Collection[Obj]) -> list[Obj]:
    """Return the events about these objects, and about pods that are gone of workloads among them; oldest first."""
    uids = {uid(obj) for obj in objects}
    owners = [obj for obj in objects if obj.get("kind") in ("Deployment", "StatefulSet", "Job")]
    beginnings = tuple(name(obj)[:_NAME_PART] for obj in owners)
    ours = []
    for event in events:
        about = event.get("involvedObject") or {}
        if about.get("uid") in uids or str(about.get("name") or "").startswith(beginnings):
            ours.append(event)
    return sorted(ours, key=lambda event: Event.of(event).last)[-EVENTS:]


def _told(error: Exception) -> str:
    if isinstance(error, ApiFailure) and error.status == 403:
        return f"may not be read: {error.message}"
    if isinstance(error, Failure):
        return error.message
    return f"{type(error).__name__}: {error}"
