# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find what a release no longer uses, and remove what is named: finished Jobs, claims, and archived tables.

What the release's last deploy applied is used. So is what a pod mounts or a workload names, and what a StatefulSet that
was stopped or scaled would mount again.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..applyset.reference import Reference
from ..core.errors import ApiFailure, Failure
from ..core.labels import RELEASE_LABEL
from ..core.names import inventory_name
from ..core.objects import Obj, is_true, labels, name, owner, spec, status
from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.lease import LEASE_OPTIONS, held
from ..kube.permissions import PERMISSIONS_OPTIONS, require
from ..kube.pod_stream import Exec, read_answer, reader_of
from ..kube.retries import PATIENCE
from ..kube.task import Task
from . import tables_program

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    **PERMISSIONS_OPTIONS,
    "release": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "remove": {"type": "list", "elements": "str", "default": []},
}

#: What has a template of pods, and where in it.
TEMPLATES = {
    "apps/v1 Deployment": ("spec", "template"),
    "apps/v1 StatefulSet": ("spec", "template"),
    "batch/v1 Job": ("spec", "template"),
    "batch/v1 CronJob": ("spec", "jobTemplate", "spec", "template"),
}
#: How many of the largest tables are shown.
LARGEST = 5
#: The container with Airflow in it that is asked for the tables, and the label of its pod.
CONTAINER = "scheduler"
CONTAINER_LABEL = "airflow.kubernetes/scheduler=true"


@dataclass(frozen=True)
class Unused:
    """What a release no longer uses.

    :param what: ``Job``, ``PersistentVolumeClaim`` or ``Table``.
    :param about: why it counts as unused, or how big it is.
    """

    what: str
    name: str
    about: str = ""

    def __str__(self) -> str:
        return f"{self.what}/{self.name}"


@dataclass(frozen=True)
class Table:
    """A table of the metadata database.

    :param rows: as the database estimates them.
    """

    name: str
    bytes: int
    rows: int

    def __str__(self) -> str:
        return f"{self.name} {self.bytes / 2**20:.1f} MiB, about {self.rows} rows"


def run(task: Task) -> dict[str, Any]:
    """Do the work of the module ``cleanup``; the result holds what is unused, what was removed, and the tables."""
    params = task.params
    client = Client(params, task.say, PATIENCE)
    require(client, params)
    release = _Release(client, params["release"], params["namespace"])
    tables, problem = release.tables()
    unused = [*release.unused(), *archived(tables)]
    chosen = choose(unused, params["remove"], problem)
    if chosen and not task.check_mode:
        with held(client, task) as lease:
            release.remove([one for one in chosen if one.what != "Table"])
            release.tables([one.name for one in chosen if one.what == "Table"])
            lease.give_back()
    for line in text(unused, chosen, tables, problem):
        task.say(line)
    return {
        "changed": bool(chosen),
        "unused": [str(one) for one in unused if one not in chosen],
        "removed": [str(one) for one in chosen],
        "tables": [asdict(table) for table in tables],
    }


def archived(tables: Iterable[Table]) -> list[Unused]:
    """Return the tables in which ``airflow db clean`` keeps what it has deleted."""
    return [
        Unused("Table", table.name, f"{table.bytes / 2**20:.1f} MiB")
        for table in tables
        if table.name.startswith(tables_program.ARCHIVED)
    ]


def choose(unused: Sequence[Unused], wanted: Sequence[str], problem: str) -> list[Unused]:
    """Return what is named of what is unused.

    :param problem: why the tables are not known, empty if they are.
    :raises Failure: something named is not unused; nothing may be removed then.
    """
    known = {str(one): one for one in unused}
    wrong = [named for named in wanted if named not in known]
    if wrong:
        there = ", ".join(known) or "nothing"
        more = f" The tables are not known: {problem}" if problem else ""
        raise Failure(
            f"Nothing was removed: {', '.join(wrong)} is not there or is in use. Unused are: {there}. "
            f"Write Kind/name as it is listed.{more}"
        )
    return [known[named] for named in dict.fromkeys(wanted)]


def text(unused: Sequence[Unused], chosen: Sequence[Unused], tables: Sequence[Table], problem: str) -> Iterator[str]:
    """Yield the lines for a terminal."""
    for one in unused:
        yield f"{'removed' if one in chosen else 'unused'}: {one}" + (f" ({one.about})" if one.about else "")
    if not unused:
        yield "Nothing is unused."
    if problem:
        yield f"The tables of the database are not known: {problem}"
    for table in sorted(tables, key=lambda table: -table.bytes)[:LARGEST]:
        yield f"table: {table}"


def claims_of(template: Mapping[str, Any]) -> set[str]:
    """Return the claims that a template of pods, or a pod, mounts."""
    volumes = (template.get("spec") or {}).get("volumes") or ()
    return {volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume}


def is_finished(job: Obj) -> bool:
    return is_true(job, "Complete") or is_true(job, "Failed")


def unused_of(
    inventory: Iterable[Reference], jobs: Iterable[Obj], claims: Iterable[Obj], users: Mapping[str, Sequence[Obj]]
) -> list[Unused]:
    """Return the Jobs and claims of a release that nothing uses.

    :param inventory: what the last deploy applied.
    :param users: pods under ``Pod``, and workloads under the keys of :data:`TEMPLATES`.
    """
    applied = {(reference.kind, reference.name) for reference in inventory}
    found = [
        Unused("Job", name(job), "it has finished, and no deploy needs it")
        for job in jobs
        if ("Job", name(job)) not in applied and not owner(job) and is_finished(job)
    ]
    mounted: set[str] = set()
    for pod in users.get("Pod", ()):
        mounted |= claims_of(pod)
    for kind, path in TEMPLATES.items():
        for workload in users.get(kind, ()):
            template: Any = workload
            for key in path:
                template = template.get(key) or {}
            mounted |= claims_of(template)
    own = [
        re.compile(rf"{re.escape(template['metadata']['name'])}-{re.escape(name(workload))}-\d+")
        for workload in users.get("apps/v1 StatefulSet", ())
        for template in spec(workload).get("volumeClaimTemplates") or ()
    ]
    for claim in claims:
        called = name(claim)
        if called in mounted or ("PersistentVolumeClaim", called) in applied:
            continue
        if not any(pattern.fullmatch(called) for pattern in own):
            size = (status(claim).get("capacity") or {}).get("storage", "no volume yet")
            found.append(Unused("PersistentVolumeClaim", called, f"{size}; its data would be lost"))
    return found


class _Release:
    def __init__(self, client: Client, release: str, namespace: str) -> None:
        self._client = client
        self._release = release
        self._namespace = namespace

    def unused(self) -> list[Unused]:
        config_map = self._client.get("v1", "ConfigMap", inventory_name(self._release), self._namespace)
        if config_map is None:
            raise Failure(
                f"Release {self._release} in namespace {self._namespace} is not deployed ({self._client.where}). "
                "Deploy it first, or correct the names."
            )
        lines = [line for value in (config_map.get("data") or {}).values() for line in value.splitlines()]
        inventory = [Reference.parse(line, self._namespace) for line in lines if line.strip()]
        users = {"Pod": self._list("v1", "Pod", every=True)}
        for kind in TEMPLATES:
            api_version, plain = kind.split()
            users[kind] = self._list(api_version, plain, every=True)
        jobs = [job for job in users["batch/v1 Job"] if labels(job).get(RELEASE_LABEL) == self._release]
        return unused_of(inventory, jobs, self._list("v1", "PersistentVolumeClaim"), users)

    def remove(self, chosen: Iterable[Unused]) -> None:
        versions = {"Job": "batch/v1", "PersistentVolumeClaim": "v1"}
        for one in chosen:
            self._client.delete(versions[one.what], one.what, one.name, self._namespace)

    def tables(self, drop: Sequence[str] = ()) -> tuple[list[Table], str]:
        """Drop tables, and return all that are left; or why they are not known, where none is to be dropped."""
        try:
            pods = self._list("v1", "Pod", further=CONTAINER_LABEL)
            ready = next((pod for pod in pods if is_true(pod, "Ready")), None)
            if ready is None:
                raise Failure(f"no pod with the container {CONTAINER} is ready to ask")
            return self._ask(name(ready), drop), ""
        except (ApiFailure, Failure) as failure:
            if drop:
                raise
            return [], str(failure)

    def _ask(self, pod: str, drop: Sequence[str]) -> list[Table]:
        source = inspect.getsource(tables_program).encode("utf-8")
        command = ["python", "-X", "utf8", "-c", reader_of(source, "tables"), *drop]
        with Exec(self._client, self._namespace, pod, CONTAINER, command, tables_program.PATIENCE + 5) as program:
            program.write(source)
            answer = json.loads(read_answer(program))
        return [Table(**table) for table in answer["tables"]]

    def _list(self, api_version: str, kind: str, every: bool = False, further: str = "") -> list[Obj]:
        """List the release's objects, or those of everybody in its namespace, who may mount its claims, too."""
        selector = "" if every else ",".join(filter(None, [f"{RELEASE_LABEL}={self._release}", further]))
        items: list[Obj] = self._client.list(api_version, kind, self._namespace, selector)["items"]
        return items
