# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was found of a release, as files and lines that can be handed on: nothing secret is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible.module_utils.common.yaml import yaml_dump

from ..core.objects import Obj, annotation, is_true, labels, name, spec, status
from ..readiness import status as _status
from ..readiness.cache import EVIDENCE_KINDS, LISTED, PRIMARY_KINDS, Change, ObjectCache
from ..readiness.context import Event
from ..readiness.progress import duration
from ..readiness.settle import causes_first
from ..readiness.verdict import Key, State, Verdict, failed
from ..redaction.masking import MASK, shortened
from ..redaction.redactor import Redactor, secret_values
from .collect import Collected, Log

#: In the summary: warnings, logs, and lines of each.
WARNINGS, TAILS, TAIL = 5, 3, 10
#: Kinds that are written as objects. Events and what belongs to the cluster are told in other files.
WRITTEN = (
    *("Deployment", "StatefulSet", "ReplicaSet", "Job", "Pod", "Service", "ServiceAccount", "ConfigMap", "Secret"),
    *("PersistentVolumeClaim", "PodDisruptionBudget", "NetworkPolicy", "ResourceQuota", "LimitRange"),
)

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_NODE_FACTS = ("kubeletVersion", "containerRuntimeVersion", "kernelVersion", "osImage", "architecture")


@dataclass
class Diagnosis:
    """All that is told of a release.

    :param failure: what failed, as the user was told; empty if nothing did.
    :param verdicts: what is said of each object, causes first.
    """

    title: str
    time: datetime
    failure: str
    found: Collected
    redactor: Redactor
    status: _status.Status | None = None
    verdicts: Mapping[Key, Verdict] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """How the release is, in two words."""
        well = self.status and self.status.components and _status.is_healthy(self.status)
        failed = any(verdict.state == State.FAILED for verdict in self.verdicts.values())
        return "healthy" if well and not failed else "not healthy"


def diagnose(namespace: str, release: str, failure: str, found: Collected, now: datetime, where: str) -> Diagnosis:
    """Judge what was found.

    :param where: the cluster, for messages.
    """
    objects = found.objects
    described = [*found.secrets, *(obj for kind in WRITTEN if kind != "Secret" for obj in objects.get(kind) or ())]
    names = [name(obj) for obj in described if obj.get("kind") != "Secret"]
    diagnosis = Diagnosis(
        title=f"Release {release} in namespace {namespace}",
        time=now,
        failure=failure,
        found=found,
        redactor=Redactor(secret_values(described), [namespace, release, *names]),
    )
    try:
        _judge(diagnosis, release)
    except Exception as error:  # noqa: BLE001 what was collected tells of what no judge has seen before
        found.problems.append(f"Verdicts: {type(error).__name__}: {error}")
    if absent := _absence(found, where):
        diagnosis.verdicts = {Key("Namespace", namespace): absent, **diagnosis.verdicts}
    elif not diagnosis.verdicts:
        found.problems.append(
            f"Verdicts: no workload in namespace {namespace} carries the label of {release} ({where})"
        )
    return diagnosis


def _judge(diagnosis: Diagnosis, release: str) -> None:
    known, found = ObjectCache(release), diagnosis.found
    changes = [Change(kind, LISTED, found.objects.get(kind) or ()) for kind in (*PRIMARY_KINDS, *EVIDENCE_KINDS)]
    seen = _status.build(diagnosis.title, known, changes, diagnosis.time, found.health, found.version, "")
    diagnosis.status = seen
    diagnosis.verdicts = {key: seen.verdicts[key] for key in causes_first(seen.verdicts, known.dependents())}


def _absence(found: Collected, where: str) -> Verdict | None:
    if found.namespace is None:
        return None
    if not found.namespace:
        return failed(f"does not exist ({where})", advice="Deploy first, or correct airflow_namespace and the context.")
    if status(found.namespace).get("phase") == "Terminating":
        remains = "; ".join(
            str(condition.get("message"))
            for condition in status(found.namespace).get("conditions") or ()
            if condition.get("status") == "True"
        )
        return failed("is being deleted", detail=remains, advice="Wait until it is gone, then deploy again.")
    return None


def verdict_rows(diagnosis: Diagnosis) -> list[dict[str, str]]:
    """Return the verdicts as data."""
    return [
        {
            "kind": key.kind,
            "name": key.name,
            "verdict": str(verdict.state),
            "reason": diagnosis.redactor.text(verdict.reason),
            "place": verdict.place,
            "advice": diagnosis.redactor.text(verdict.advice),
        }
        for key, verdict in diagnosis.verdicts.items()
    ]


def summary(diagnosis: Diagnosis) -> list[str]:
    """Return what has to be known even where no file can be had.

    Of a failure whose message has verdicts and logs, that is what the message does not say.
    """
    troubles = {key: v for key, v in diagnosis.verdicts.items() if v.state != State.READY and v.blocks}
    hopeless = any(verdict.state == State.FAILED for verdict in troubles.values())
    lines = [] if diagnosis.failure else [f"{diagnosis.title}: {diagnosis.state}", *_told(troubles), *_ill(diagnosis)]
    if not (diagnosis.failure and hopeless):
        lines += _tails(diagnosis, troubles)
    warnings = _warnings(diagnosis) if troubles or diagnosis.state != "healthy" else []
    lines += ["Last warnings of the cluster:", *(f"  {line}" for line in warnings)] if warnings else []
    lines.append(_versions(diagnosis))
    return [line for text in lines for line in diagnosis.redactor.text(text).split("\n")]


def files(diagnosis: Diagnosis) -> dict[str, str]:
    """Return the contents of the files, by their paths."""
    found, redactor = diagnosis.found, diagnosis.redactor
    made = {
        "summary.md": redactor.text(_summary_page(diagnosis)),
        "problems.md": redactor.text(_problems(found.problems)),
        "verdicts.yaml": _yaml(verdict_rows(diagnosis)),
        "facts.yaml": _yaml(_facts(diagnosis)),
        "events.txt": "".join(f"{redactor.text(_event(event))}\n" for event in found.objects.get("Event") or ()),
    }
    for obj in [found.namespace, *(obj for kind in WRITTEN for obj in found.objects.get(kind) or ())]:
        if obj:
            made[f"objects/{str(obj.get('kind')).lower()}-{name(obj)}.yaml"] = _yaml(redactor.object(obj))
    for log, text in found.logs.items():
        made[f"logs/{log}.log"] = redactor.text(text)
    return made


def _told(troubles: Mapping[Key, Verdict]) -> Iterable[str]:
    """Return what fails, with all that is known, then what is not ready, that of one reason together."""
    waiting: dict[str, list[str]] = {}
    for key, verdict in troubles.items():
        if verdict.state != State.FAILED:
            waiting.setdefault(verdict.reason, []).append(str(key))
            continue
        yield f"{key}  {verdict.state}: {verdict.reason}"
        for what, text in (("Seen", verdict.detail), ("Where", verdict.place), ("Next", verdict.advice)):
            if text:
                yield f"  {what}: {text}"
    yield from (f"{', '.join(keys)}  {State.PENDING}: {reason}" for reason, keys in waiting.items())


def _ill(diagnosis: Diagnosis) -> Iterable[str]:
    """Return what Airflow says of those of its parts that are not healthy."""
    if diagnosis.found.health and diagnosis.found.health.problem:
        yield f"Health  unknown: {diagnosis.found.health.problem}"
    for component in diagnosis.status.components if diagnosis.status else ():
        for part, reported in component.health.items():
            if reported.status != "healthy":
                age = (
                    f": last heartbeat {duration(reported.heartbeat_age)} ago"
                    if reported.heartbeat_age is not None
                    else ""
                )
                yield f"Health/{part}  {reported.status}{age}"


def _at_work(pod: Obj) -> Iterable[str]:
    """Return the containers of a pod that have more to do: neither ready nor ended well."""
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status(pod).get(kind) or ():
            ended = (container.get("state") or {}).get("terminated") or {}
            if not container.get("ready") and ended.get("exitCode") != 0:
                yield str(container.get("name"))


def _tails(diagnosis: Diagnosis, troubles: Mapping[Key, Verdict]) -> Iterable[str]:
    """Return the ends of the logs that tell why: those that verdicts name; without a failure, of unready pods, too."""
    logs = diagnosis.found.logs
    named = [verdict for verdict in troubles.values() if verdict.log]
    wanted = [Log(verdict.log.pod, verdict.log.container, verdict.log.previous) for verdict in named if verdict.log]
    if troubles and all(verdict.state == State.PENDING for verdict in named):
        unready = [pod for pod in diagnosis.found.objects.get("Pod") or () if not is_true(pod, "Ready")]
        wanted = [Log(name(pod), container) for pod in unready for container in _at_work(pod)]
    for log in [log for log in dict.fromkeys(wanted) if (logs.get(log) or "").strip()][:TAILS]:
        yield f"End of the log of container {log.container} of pod {log.pod}:"
        yield from (f"  | {line[:300]}" for line in diagnosis.redactor.text(logs[log]).rstrip().split("\n")[-TAIL:])


def _warnings(diagnosis: Diagnosis) -> list[str]:
    """Return the last warnings: what was said again of the same object, or in the same words, only as it came last."""
    latest: dict[tuple[str, ...], Obj] = {}
    for event in diagnosis.found.objects.get("Event") or ():
        if event.get("type") == "Warning":
            about, message = event.get("involvedObject") or {}, str(event.get("message"))
            called = (str(about.get("name")), str(event.get("reason")), message[:20])
            latest.pop(called, None)
            latest[called] = event
    worded: dict[tuple[str, str], str] = {}
    for event in latest.values():
        words = (str(event.get("reason")), str(event.get("message")))
        worded.pop(words, None)
        worded[words] = diagnosis.redactor.text(_event(event, 300))
    return list(worded.values())[-WARNINGS:]


def _event(event: Obj, length: int = 2000) -> str:
    read, about = Event.of(event), event.get("involvedObject") or {}
    times = f" x{read.count}" if read.count > 1 else ""
    what = f"{about.get('kind')}/{about.get('name')}"
    text = f"{read.last:%Y-%m-%d %H:%M:%S} {event.get('type')} {what} {read.reason}{times}: "
    return text + shortened(read.message, length)


def _versions(diagnosis: Diagnosis) -> str:
    found = diagnosis.found
    versions = diagnosis.status.versions if diagnosis.status else {}
    airflow = (found.facts.get("packages") or {}).get("apache-airflow") or versions.get("airflow")
    schema = (found.facts.get("schema_present") or {}).get("alembic_version")
    text = f"Airflow {airflow or '?'}, Kubernetes {found.version or '?'}"
    return text + (f", schema {schema}" if schema else "")


def _facts(diagnosis: Diagnosis) -> dict[str, Any]:
    found, redactor = diagnosis.found, diagnosis.redactor
    facts = dict(found.facts)
    packages = facts.pop("packages", {})
    environment = {
        str(key): str(value)
        for obj in found.objects.get("ConfigMap") or ()
        for key, value in (obj.get("data") or {}).items()
    }
    page: dict[str, Any] = {
        "airflow": {
            "versions": dict(diagnosis.status.versions) if diagnosis.status else {},
            "executor": environment.get("AIRFLOW__CORE__EXECUTOR", ""),
            "images": sorted(
                {image for c in (diagnosis.status.components if diagnosis.status else ()) for image in c.images}
            ),
            "health": {part: dict(state) for part, state in (found.health.parts if found.health else {}).items()},
            **facts,
            "providers": {k: v for k, v in packages.items() if k.startswith("apache-airflow")},
            "packages": packages,
        },
        "kubernetes": {
            "version": found.version,
            "nodes": [_node(node) for node in found.objects.get("Node") or ()],
            "storage_classes": [_storage_class(found) for found in found.objects.get("StorageClass") or ()],
        },
    }
    return redactor.object(page)


def _node(node: Obj) -> dict[str, Any]:
    info, state = status(node).get("nodeInfo") or {}, status(node)
    return {
        "name": name(node),
        "labels": dict(labels(node)),
        "taints": spec(node).get("taints") or [],
        "unschedulable": bool(spec(node).get("unschedulable")),
        **{fact: info.get(fact) for fact in _NODE_FACTS},
        "allocatable": state.get("allocatable") or {},
        "conditions": {c.get("type"): f"{c.get('status')}, {c.get('reason')}" for c in state.get("conditions") or ()},
    }


def _storage_class(storage_class: Obj) -> dict[str, Any]:
    return {
        "name": name(storage_class),
        "default": annotation(storage_class, _DEFAULT_CLASS) == "true",
        **{what: storage_class.get(what) for what in ("provisioner", "volumeBindingMode", "reclaimPolicy")},
        "parameters": dict.fromkeys(storage_class.get("parameters") or (), MASK),
    }


def _summary_page(diagnosis: Diagnosis) -> str:
    lines = [f"# {diagnosis.title}: {diagnosis.state}", "", f"As it was at {diagnosis.time:%Y-%m-%d %H:%M:%S} UTC."]
    if diagnosis.failure:
        lines += ["", "## What failed", "", *_block(diagnosis.failure.split("\n"))]
    troubles = {key: verdict for key, verdict in diagnosis.verdicts.items() if verdict.state != State.READY}
    lines += ["", "## Not ready", "", *_block([*_told(troubles), *_ill(diagnosis)] or ["nothing: all is as wanted"])]
    tails = [*_tails(diagnosis, troubles)]
    lines += ["", *_block(tails)] if tails else []
    if diagnosis.status:
        lines += ["", "## Status", "", *_block(_status.text(diagnosis.status))]
    warnings = _warnings(diagnosis)
    lines += ["", "## Last warnings", "", *_block(warnings)] if warnings else []
    lines += ["", "## Versions", "", _versions(diagnosis), "", "## Files", "", *_CONTENTS]
    return "\n".join(lines) + "\n"


_CONTENTS = [
    "- `verdicts.yaml`: what is said of each object, causes first",
    "- `objects/`: the release's objects, Secrets with their keys only",
    "- `logs/`: of each container the last lines, and as `.previous` those before its last restart",
    "- `events.txt`: what Kubernetes told, oldest first, in UTC",
    "- `facts.yaml`: versions, packages, options that differ from the defaults, schema, nodes, storage classes",
    "- `problems.md`: what could not be found out, and why",
    "",
    f"Secret values are replaced by `{MASK}`: the values of Secrets wherever they occur, those of options and",
    "variables whose name says that they are secret, and what looks like a password or token. Read it all the same",
    "before you hand it on: names of hosts, users and DAGs are in it.",
]


def _problems(problems: Sequence[str]) -> str:
    if not problems:
        return "All that was asked for was answered.\n"
    return "".join(f"- {' '.join(problem.split())}\n" for problem in sorted(problems))


def _block(lines: Iterable[str]) -> list[str]:
    return ["```text", *lines, "```"]


def _yaml(value: Any) -> str:
    return str(yaml_dump(value, sort_keys=False, allow_unicode=True, width=10**6))
