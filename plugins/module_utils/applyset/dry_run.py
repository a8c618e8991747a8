# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have the API server try every object of a release before the first is applied, and tell all that it refuses.

In a namespace that does not exist yet the API server tries nothing. What would be created there is tried as a new
object of the namespace ``default``, where whoever connects may do that: the same validation and the same admission, but
for what a namespace has of its own (quotas, limits, what other objects are in it), which is no reason to refuse.
https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..core.errors import ApiFailure, Failure
from ..core.kinds import is_namespaced
from ..core.names import FIELD_MANAGER, inventory_name
from ..kube.client import CONCURRENCY, CONNECTION_OPTIONS, Client, Manifest
from ..kube.retries import PATIENCE
from ..kube.task import Task
from .apply_set import ApplySet
from .explain import explain
from .prepare import prepare
from .reference import Reference

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    "release": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "sets": {"type": "dict", "required": True},
    "secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "variables": {"type": "dict", "default": {}},
    "force_conflicts": {"type": "bool", "default": False},
    "render": {"type": "path"},
}

#: Every cluster has it, and it cannot be deleted.
STAND_IN = "default"


@dataclass(frozen=True)
class Member:
    """An object of a set.

    :param origin: what messages start with, where a variable gives the objects of the set.
    """

    set_name: str
    manifest: Manifest
    origin: str

    @property
    def reference(self) -> Reference:
        return Reference.of(self.manifest)

    def as_data(self) -> dict[str, str]:
        return {"set": self.set_name, "kind": self.reference.kind, "name": self.reference.name}

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Whatever version of its group it is written in."""
        group = self.reference.api_version.rpartition("/")[0]
        return group, self.reference.kind, self.reference.name, self.reference.namespace


def run(task: Task) -> dict[str, Any]:
    """Try the objects of all sets; where they are only written as files, check them without a cluster.

    :raises Failure: names every object that is refused.
    """
    params = task.params
    client = None if params["render"] else Client(params, task.say, PATIENCE)
    members, problems = collect(params, client.is_namespaced if client else is_namespaced)
    problems += check_owners(members, params["secrets"], params["release"], params["namespace"])
    if client:
        dry_run = _DryRun(client, params["release"], params["namespace"], members, params["force_conflicts"])
        problems += dry_run.problems()
    if problems:
        raise Failure("\n".join(dict.fromkeys(problems)))
    return {"changed": False, "objects": [member.as_data() for member in members]}


def collect(params: Mapping[str, Any], namespaced: Callable[[str, str], bool]) -> tuple[list[Member], list[str]]:
    """Return the objects of all sets as they would be applied, and what is wrong with the others."""
    members, problems = [], []
    for set_name, objects in params["sets"].items():
        variable = params["variables"].get(set_name)
        origin = f"{variable}: " if variable else ""
        for given in objects:
            try:
                prepared = prepare([given], params["release"], set_name, params["namespace"], namespaced)
            except ApiFailure:
                raise
            except Failure as failure:
                problems.append(origin + failure.message)
            else:
                members += [Member(set_name, manifest, origin) for manifest in prepared]
    return members, problems


def check_owners(members: Iterable[Member], secrets: Iterable[str], release: str, namespace: str) -> list[str]:
    """Find objects that are in the sets twice, or that the release makes beside its sets.

    :param secrets: names of the Secrets that the release makes.
    """
    beside = [("", "Secret", name) for name in secrets] + [
        ("", "ConfigMap", inventory_name(release)),
        ("coordination.k8s.io", "Lease", f"{release}-deploy"),
    ]
    owners = {(*identity, namespace): "airflow" for identity in beside}
    problems = []
    for member in members:
        owner = owners.get(member.identity)
        if owner is None:
            owners[member.identity] = member.set_name
        elif owner == member.set_name:
            problems.append(f"{member.origin}there are two objects {member.reference}. Give one of them another name.")
        else:
            problems.append(
                f"{member.origin}{member.reference} is an object of the role {owner} already. Give it another name."
            )
    return problems


class _DryRun:
    """A server-side dry run of a release's objects."""

    def __init__(self, client: Client, release: str, namespace: str, members: list[Member], force: bool) -> None:
        self.client = client
        self.members = members
        self.force = force
        self.sets = {
            name: ApplySet(client, release, name, namespace, check_mode=True)
            for name in {member.set_name for member in members}
        }
        #: What will be there by the time that an object refers to it.
        self.coming = {member.reference.name for member in members}

    def problems(self) -> list[str]:
        """Return what the API server refuses, in the order of the objects."""
        with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
            namespaces = sorted({member.reference.namespace for member in self.members} - {""})
            are_there = pool.map(self._is_there, namespaces)
            missing = {name for name, is_there in zip(namespaces, are_there, strict=True) if not is_there}
            answers = pool.map(lambda member: self._problem(member, missing), self.members)
            return list(filter(None, answers))

    def _is_there(self, namespace: str) -> bool:
        try:
            return self.client.get("v1", "Namespace", namespace) is not None
        except ApiFailure as failure:
            if failure.status == 403:
                # Who may not see it was given rights in it.
                return True
            raise

    def _problem(self, member: Member, missing: set[str]) -> str:
        namespace = member.reference.namespace
        if namespace in missing and namespace not in self.coming:
            return f"{member.origin}{member.reference}: there is no namespace {namespace}. Create it first."
        try:
            if namespace in missing:
                self._create(member.manifest)
            else:
                self.sets[member.set_name].dry_run(member.manifest, self.force)
        except ApiFailure as failure:
            return "" if self._says_nothing(failure) else member.origin + failure.message
        return ""

    def _create(self, manifest: Manifest) -> None:
        """Try an object as a new one of the namespace that stands in; what is refused for reasons of that is passed."""
        elsewhere = {**manifest, "metadata": {**manifest["metadata"], "namespace": STAND_IN}}
        try:
            self.client.create(elsewhere, FIELD_MANAGER, dry_run=True)
        except ApiFailure as failure:
            if failure.status not in (403, 409):
                message = explain(failure, manifest, is_new=True)
                raise ApiFailure(message, failure.status, failure.reason, failure.details) from failure

    def _says_nothing(self, failure: ApiFailure) -> bool:
        """Tell whether this is no answer: a webhook that cannot try, or an object that will be there by then."""
        if failure.status == 400 and "does not support dry run" in failure.message:
            return True
        return failure.status == 404 and failure.details.get("name") in self.coming
