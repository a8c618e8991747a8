# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What operator/watch.py does: it starts a run where an input has changed, and keeps statuses up to date.

It asks for single objects every few seconds, because the rights to deploy are to read Secrets by name, and not to list
or to watch them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..core.errors import Failure
from ..kube.client import Client
from ..kube.task import Task
from ..readiness import status as readiness_status
from . import conditions, resource
from .inputs import Input, inputs

#: Version of an input by namespace, name of the resource, and input.
Versions = dict[tuple[str, str, Input], str]


class Watch:
    """Looks at the resources of some namespaces again and again.

    :param params: connection options.
    :param report: takes a line for the log.
    """

    def __init__(
        self, client: Client, params: Mapping[str, Any], namespaces: Sequence[str], report: Callable[[str], None]
    ) -> None:
        self._client = client
        self._params = params
        self._namespaces = namespaces
        self._report = report
        self._versions: Versions = {}

    def look(self, at_workloads: bool) -> None:
        """Look once; what cannot be read or written now is tried with the next look."""
        for namespace in self._namespaces:
            try:
                found = self._client.request("get", resource.path(namespace))["items"]
            except Failure as failure:
                self._report(f"{namespace}: {failure.message}")
                continue
            for each in found:
                try:
                    self._look_at(each, at_workloads)
                except Failure as failure:
                    self._report(f"{namespace}/{each['metadata']['name']}: {failure.message}")

    def _look_at(self, found: Mapping[str, Any], at_workloads: bool) -> None:
        if found["metadata"].get("deletionTimestamp"):
            return
        self._look_at_inputs(found)
        if at_workloads:
            self._look_at_workloads(found)

    def _look_at_inputs(self, found: Mapping[str, Any]) -> None:
        namespace, name = found["metadata"]["namespace"], found["metadata"]["name"]
        for wanted in inputs(found["spec"]):
            key = (namespace, name, wanted)
            version = resource.input_version(self._client, namespace, wanted)
            before = self._versions.get(key)
            # The operator runs for each resource when it starts, and for a new one: the first look starts nothing.
            if before is not None and version != before:
                self._report(f"{namespace}/{name}: {wanted.kind} {wanted.name} has changed")
                resource.note_changed_input(self._client, found, wanted, version or "deleted")
            self._versions[key] = version

    def _look_at_workloads(self, found: Mapping[str, Any]) -> None:
        namespace, name = found["metadata"]["namespace"], found["metadata"]["name"]
        before = found.get("status") or {}
        if not before:
            return
        options = {"namespace": namespace, "release": name, "permissions": [], "awaited": []}
        task = Task({**self._params, **options, "health": None, "address": ""})
        try:
            observed = readiness_status.run(task)
        except Failure:
            # There are no workloads yet.
            return
        status = conditions.seen(before, observed, resource.timestamp(self._client.now()))
        if all(before.get(field) == value for field, value in status.items()):
            return
        if resource.write_status(self._client, found, status, unless_changed=True):
            was = str(before.get("phase", ""))
            now = str(status.get("phase", was))
            if was != now:
                resource.tell(
                    self._client, found, now, status.get("message", ""), is_warning=now == conditions.NOT_READY
                )
