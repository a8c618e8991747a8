# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a release is: its components, their health, versions, queues and address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from ..core.errors import Failure
from ..core.labels import COMPONENT_LABEL, RELEASE_LABEL, VERSION_LABEL
from ..core.objects import (
    Obj,
    annotation,
    created,
    deleted,
    is_drained,
    is_extra,
    is_true,
    labels,
    name,
    spec,
    status,
    stopped_since,
)
from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.lease import holder_name, lease_path
from ..kube.permissions import PERMISSIONS_OPTIONS, require
from ..kube.retries import FIRST_PATIENCE
from ..kube.task import Task
from .cache import CLAIM, EVIDENCE_KINDS, PRIMARY_KINDS, ROUTE, Change, ObjectCache
from .evaluators import EVALUATORS
from .health import COMPONENTS, HealthResponse, heartbeat
from .health_probe import HEALTH_OPTIONS, health_question
from .options import AWAITED_OPTIONS, awaited_of
from .progress import duration
from .settle import History, Instant, causes_first, settle
from .verdict import Key, State, Verdict
from .watcher import Probe
from .workloads import ready_replicas, replicas

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **PERMISSIONS_OPTIONS,
    "namespace": {"type": "str", "required": True},
    "release": {"type": "str", "required": True},
    **AWAITED_OPTIONS,
    "health": {"type": "dict", "options": HEALTH_OPTIONS},
    "address": {"type": "str", "default": ""},
}

#: Annotation of a worker's pods: the queues they take tasks from, with commas between them.
QUEUES = "airflow.kubernetes/queues"
#: Annotation of a Service: the address that leads to it from outside of the cluster.
ADDRESS = "airflow.kubernetes/address"
_MARK = "airflow.kubernetes/"


@dataclass(frozen=True)
class Part:
    """A component's health, as Airflow tells it.

    :param heartbeat_age: seconds since its last sign of life, ``None`` if it gave none.
    """

    status: str
    heartbeat: str | None = None
    heartbeat_age: float | None = None


@dataclass(frozen=True)
class Component:
    """A workload and what runs in it.

    :param components: the names of the components in its pods.
    :param age: seconds since its oldest pod was created, ``None`` without pods.
    """

    kind: str
    name: str
    components: Sequence[str]
    ready: int
    wanted: int
    images: Sequence[str]
    restarts: int
    age: float | None
    verdict: str
    reason: str
    health: Mapping[str, Part] = field(default_factory=dict)


@dataclass(frozen=True)
class Queue:
    """A queue, and how many workers take tasks from it; a worker is ready only if it is subscribed."""

    queue: str
    workers: int
    wanted: int


@dataclass(frozen=True)
class Status:
    """All there is to say of a release.

    :param verdicts: what is said of each of its workloads, Jobs and claims.
    :param stopped: since when all of it has been stopped, ``None`` if something is not.
    :param drained: the pods of workers that take no more tasks.
    """

    title: str
    components: Sequence[Component]
    others: Mapping[Key, Verdict]
    queues: Sequence[Queue]
    versions: Mapping[str, str]
    address: str
    health: HealthResponse | None
    flower_address: str = ""
    verdicts: Mapping[Key, Verdict] = field(default_factory=dict)
    holder: str = ""
    stopped: datetime | None = None
    drained: Sequence[str] = ()


def run(task: Task) -> dict[str, Any]:
    """Do the work of the module ``status``."""
    current = ask(task)
    lines = text(current)
    for line in lines:
        task.say(line)
    return {
        "changed": False,
        "components": [asdict(component) for component in current.components],
        "healthy": is_healthy(current),
        "queues": [asdict(queue) for queue in current.queues],
        "versions": dict(current.versions),
        "address": current.address,
        "flower_address": current.flower_address,
        "holder": current.holder,
        "stopped": current.stopped is not None,
        "drained": list(current.drained),
        "text": lines,
    }


def ask(task: Task) -> Status:
    """Ask the cluster for everything, at once."""
    params = task.params
    namespace, release = params["namespace"], params["release"]
    question = health_question(params["health"]) if params["health"] else None
    client = Client(params, task.say, FIRST_PATIENCE)
    require(client, params)
    awaited = awaited_of(params)
    probe = Probe(client, namespace, release, question, keep=lambda _kind, obj: obj, awaited=awaited)
    with ThreadPoolExecutor(5) as pool:
        asked = pool.submit(probe.objects, (*PRIMARY_KINDS, *awaited, *EVIDENCE_KINDS))
        health = pool.submit(probe.health) if question else None
        listed = pool.submit(_services, client, namespace, release)
        version = pool.submit(client.request, "get", "/version")
        holder = pool.submit(_holder, client, namespace, release)
        changes = asked.result()
        where = f"Release {release} in namespace {namespace}"
        if not any(change.objects for change in changes if change.kind != CLAIM and change.kind in PRIMARY_KINDS):
            raise Failure(f"{where} has no workloads ({client.where}). Deploy it first, or correct the names.")
        services = listed.result()
        flower = next((service for service in services if labels(service).get(COMPONENT_LABEL) == "flower"), None)
        return build(
            title=where,
            cache=ObjectCache(release),
            changes=changes,
            now=client.now(),
            health=health.result() if health else None,
            kubernetes=str(version.result().get("gitVersion", "")).removeprefix("v"),
            address=params["address"] or (_address_of(question.service, services, namespace) if question else ""),
            flower_address=address(flower, namespace) if flower else "",
            holder=holder.result(),
        )


def build(
    title: str,
    cache: ObjectCache,
    changes: Sequence[Change],
    now: datetime,
    health: HealthResponse | None,
    kubernetes: str,
    address: str,
    flower_address: str = "",
    holder: str = "",
) -> Status:
    """Put the answers together. The changes are lists of whole objects."""
    for change in changes:
        cache.take(change)
    raw: dict[str, dict[str, Obj]] = {change.kind: {name(obj): obj for obj in change.objects} for change in changes}
    # What fails where it waits for others has not failed, as far as one look can tell.
    evaluated = {key: EVALUATORS[key.kind](cache.context(key, now)) for key in cache.to_evaluate()}
    verdicts = settle(evaluated, History(), Instant(now)).verdicts
    pods = [pod for pod in raw.get("Pod", {}).values() if not deleted(pod)]
    workloads = [key for key in verdicts if key.kind in ("Deployment", "StatefulSet")]
    workloads.sort(key=lambda key: key.name)
    components = [
        _component(
            key, raw[key.kind][key.name], [p for p in pods if cache.owner_of(p) == key], verdicts[key], health, now
        )
        for key in workloads
    ]
    others = {key: verdicts[key] for key in causes_first(verdicts, cache.dependents()) if key not in workloads}
    objects = [raw[key.kind][key.name] for key in workloads]
    airflow = sorted({labels(obj)[VERSION_LABEL] for obj in objects if VERSION_LABEL in labels(obj) and _marks(obj)})
    return Status(
        title=title,
        components=components,
        # A Route that no router serves holds up no deploy, and yet nobody comes in.
        others={key: v for key, v in others.items() if v.holds_up or (key.kind == ROUTE and v.state != State.READY)},
        queues=_queues(objects, pods),
        versions={"airflow": ", ".join(airflow), "kubernetes": kubernetes},
        address=address,
        health=health,
        flower_address=flower_address,
        verdicts=verdicts,
        holder=holder,
        stopped=_stopped(objects),
        drained=sorted(name(pod) for pod in pods if is_drained(pod)),
    )


def is_healthy(current: Status) -> bool:
    """Tell whether all is done and Airflow says it is healthy."""
    parts = [part for component in current.components for part in component.health.values()]
    return (
        all(component.verdict == State.READY for component in current.components)
        and not current.others
        and all(part.status == "healthy" for part in parts)
        and not (current.health and current.health.problem)
    )


def address(service: Obj, namespace: str) -> str:
    """Return where a Service can be reached, or the command that makes it so."""
    if known := annotation(service, ADDRESS):
        return known
    port = (spec(service).get("ports") or [{}])[0]
    for ingress in (status(service).get("loadBalancer") or {}).get("ingress") or ():
        return f"http://{ingress.get('hostname') or ingress.get('ip')}:{port.get('port')}"
    if port.get("nodePort"):
        return f"port {port['nodePort']} of each node"
    forward = f"kubectl -n {namespace} port-forward service/{name(service)} {port.get('port', 8080)}"
    return f"http://localhost:{port.get('port', 8080)} after: {forward}"


def text(current: Status) -> list[str]:
    """Return the status as lines for a terminal."""
    state = "healthy" if is_healthy(current) else "not healthy"
    if current.stopped:
        state = f"stopped since {current.stopped:%Y-%m-%d %H:%M:%S} UTC; start it with playbooks/start.yml"
    lines = [f"{current.title}: {state}"]
    versions = [f"Airflow {current.versions['airflow'] or '?'}", f"Kubernetes {current.versions['kubernetes'] or '?'}"]
    lines.append(", ".join(versions) + (f"; {current.address}" if current.address else ""))
    if current.flower_address:
        lines.append(f"Flower: {current.flower_address}")
    if current.holder:
        lines.append(f"At work on it: {current.holder}")
    lines += ["", *_table(current.components)]
    troubles = [(c.name, c.verdict, c.reason) for c in current.components if c.verdict != State.READY]
    troubles += [(str(key), str(verdict.state), verdict.reason) for key, verdict in current.others.items()]
    if current.health and current.health.problem and not current.stopped:
        troubles.append(("Health", "unknown", current.health.problem))
    lines += ["", *(f"{what}  {verdict}: {why}" for what, verdict, why in troubles)] if troubles else []
    if current.queues:
        lines += ["", "Queues: " + ", ".join(f"{q.queue} ({q.workers} of {q.wanted} workers)" for q in current.queues)]
    if current.drained:
        lines += ["", f"Drained, and without tasks until their pods are replaced: {', '.join(current.drained)}"]
    return lines


def _table(components: Sequence[Component]) -> list[str]:
    rows = [("COMPONENT", "READY", "RESTARTS", "AGE", "HEALTH", "IMAGE")]
    for component in components:
        rows.append(
            (
                component.name,
                f"{component.ready}/{component.wanted}",
                str(component.restarts),
                "-" if component.age is None else duration(component.age),
                _health_cell(component),
                ", ".join(component.images),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _health_cell(component: Component) -> str:
    several = len(component.health) > 1
    cells = []
    for what, part in component.health.items():
        age = f", {duration(part.heartbeat_age)} ago" if part.heartbeat_age is not None else ""
        cells.append(f"{what + ' ' if several else ''}{part.status}{age}")
    return "; ".join(cells) or "-"


def _component(
    key: Key, workload: Obj, pods: Sequence[Obj], verdict: Verdict, health: HealthResponse | None, now: datetime
) -> Component:
    template = (spec(workload).get("template") or {}).get("spec") or {}
    marks = _marks(workload)
    statuses = [s for pod in pods for s in status(pod).get("containerStatuses") or ()]
    return Component(
        kind=key.kind,
        name=key.name,
        components=marks,
        ready=ready_replicas(workload),
        wanted=replicas(workload),
        images=sorted({str(container.get("image")) for container in template.get("containers") or ()}),
        restarts=sum(int(s.get("restartCount") or 0) for s in statuses),
        age=max((round((now - created(pod)).total_seconds(), 1) for pod in pods), default=None),
        verdict=str(verdict.state),
        reason=verdict.reason,
        health=_parts(marks, health, now),
    )


def _parts(marks: Sequence[str], health: HealthResponse | None, now: datetime) -> dict[str, Part]:
    if health is None or health.problem:
        return {}
    parts = {}
    for mark in marks:
        part = mark.replace("-", "_")
        if part in COMPONENTS:
            reported = health.parts.get(part) or {}
            last = heartbeat(reported)
            parts[mark] = Part(
                status=str(reported.get("status") or "unknown"),
                heartbeat=last.isoformat(timespec="seconds") if last else None,
                heartbeat_age=round((now - last).total_seconds(), 1) if last else None,
            )
        elif part == "api_server":
            database = str((health.parts.get("metadatabase") or {}).get("status") or "unknown")
            parts[mark] = Part(database if database == "healthy" else f"database {database}")
    return parts


def _marks(workload: Obj) -> list[str]:
    """Return the components in a workload's pods, from the label that each of them puts there."""
    template = (spec(workload).get("template") or {}).get("metadata") or {}
    marked = template.get("labels") or {}
    return sorted(
        label.removeprefix(_MARK) for label, value in marked.items() if label.startswith(_MARK) and value == "true"
    )


def _queues(workloads: Sequence[Obj], pods: Sequence[Obj]) -> list[Queue]:
    wanted: dict[str, int] = {}
    active: dict[str, int] = {}
    for workload in workloads:
        for queue in _queue_names(spec(workload).get("template") or {}):
            wanted[queue] = wanted.get(queue, 0) + replicas(workload)
    for pod in pods:
        for queue in _queue_names(pod):
            active[queue] = active.get(queue, 0) + (is_true(pod, "Ready") and not is_drained(pod))
    return [Queue(queue, active.get(queue, 0), wanted.get(queue, 0)) for queue in sorted({*wanted, *active})]


def _stopped(workloads: Sequence[Obj]) -> datetime | None:
    """Return since when all of a release has been stopped; a group of workers may have no pods anyway."""
    own = [workload for workload in workloads if not is_extra(workload)]
    moments = [stopped_since(workload) for workload in own if replicas(workload) or stopped_since(workload)]
    known = [moment for moment in moments if moment]
    return max(known) if known and len(known) == len(moments) else None


def _queue_names(obj: Obj) -> list[str]:
    return [queue.strip() for queue in (annotation(obj, QUEUES) or "").split(",") if queue.strip()]


def _holder(client: Client, namespace: str, release: str) -> str:
    """Return which run is at work on the release, or was when it was killed; empty where that may not be asked."""
    try:
        return holder_name(client.request("get", lease_path(namespace, release)))
    except Failure:
        return ""


def _services(client: Client, namespace: str, release: str) -> list[Obj]:
    """Return the Services of a release; none where they may not be asked for."""
    try:
        services = client.list("v1", "Service", namespace, f"{RELEASE_LABEL}={release}")["items"]
    except Failure:
        return []
    return [dict(service) for service in services]


def _address_of(service_name: str, services: Sequence[Obj], namespace: str) -> str:
    service = next((each for each in services if name(each) == service_name), {"metadata": {"name": service_name}})
    return address(service, namespace)
