# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a Job to its end, and return what its pod answers."""

from __future__ import annotations

import copy
import json
import secrets as random
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from ..core.errors import Failure
from ..core.labels import RELEASE_LABEL
from ..core.names import FIELD_MANAGER
from ..core.objects import Obj, condition, spec, status
from ..core.objects import name as name_of
from ..kube.client import Client, Manifest
from ..readiness.context import Context, Limits
from ..readiness.pods import pod_verdict
from ..readiness.verdict import LogSource, State, Verdict
from ..readiness.watcher import Probe

#: The container whose log holds the answer, in a line that begins so (roles/airflow/files/backup.py).
CONTAINER = "backup"
ANSWER = "ANSWER "
#: Of the pods of a Job. https://kubernetes.io/docs/reference/labels-annotations-taints/
JOB_LABEL = "batch.kubernetes.io/job-name"
#: Seconds between two looks; without a pod, until the Job's events tell why; and until it is shown again that it runs.
LOOK, NO_POD, SHOW_AGAIN = 1.0, 20.0, 30.0
#: Seconds after which Kubernetes deletes a finished Job whose run was killed.
LEFT_BEHIND = 600


class BackupJob:
    """Runs Jobs of one release, one after the other; none of them stays.

    :param say: shows a line to the user.
    :param keep: is called while the Job runs, to keep the Lease of the release.
    :param timeout: seconds until a Job must have ended.
    """

    def __init__(
        self,
        client: Client,
        release: str,
        namespace: str,
        say: Callable[[str], None],
        keep: Callable[[], None],
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.probe = Probe(client, namespace, release)
        self.release = release
        self.namespace = namespace
        self.say = say
        self.keep = keep
        self.timeout = timeout
        self.clock = clock
        self.sleep = sleep

    def run(self, job: Mapping[str, Any], what: str) -> dict[str, Any]:
        """Run a Job to its end.

        :param job: the batch/v1 Job, but for its name.
        :param what: what it does, as the subject of a sentence.
        :returns: the answer of its program; empty where it has none.
        :raises Failure: it failed, cannot run, or does not end in time; says why.
        """
        made = copy.deepcopy(dict(job))
        name = f"{self.release}-backup-{random.token_hex(4)}"
        # Without the release's label no deploy takes what a killed run has left behind for a part of the release.
        labels = {key: text for key, text in made["metadata"].get("labels", {}).items() if key != RELEASE_LABEL}
        made["metadata"] = {"name": name, "namespace": self.namespace, "labels": labels}
        made["spec"]["ttlSecondsAfterFinished"] = LEFT_BEHIND
        self.client.create(made, FIELD_MANAGER)
        try:
            pod = self._wait(name, what)
            return self._answer(pod)
        finally:
            self.client.delete("batch/v1", "Job", name, self.namespace)

    def _wait(self, name: str, what: str) -> str:
        """Return the name of the Job's pod, once that has succeeded."""
        began, shown, shown_at = self.clock(), "", 0.0
        while True:
            pod = self._pod(name)
            passed = self.clock() - began
            if pod is None:
                reason = self._refusal(name) if passed >= NO_POD else ""
                if reason:
                    raise Failure(f"{what} failed, because no pod was made for it: {reason}")
            else:
                phase = status(pod).get("phase")
                if phase == "Succeeded":
                    return str(pod["metadata"]["name"])
                verdict = self._verdict(pod)
                if verdict.state is State.FAILED or phase == "Failed":
                    raise Failure(f"{what} failed: {self._reason(pod, verdict)}")
                doing = running_container(pod) or verdict.reason
                if doing != shown or passed - shown_at >= SHOW_AGAIN:
                    shown, shown_at = doing, passed
                    self.say(f"{doing}, {passed:.0f} s")
            if passed >= self.timeout:
                doing = shown or "there is no pod yet"
                raise Failure(
                    f"{what} has not ended after {self.timeout:.0f} s: {doing}. Raise airflow_backup_timeout."
                )
            self.keep()
            self.sleep(LOOK)

    def _pod(self, name: str) -> Manifest | None:
        pods = self.client.list("v1", "Pod", self.namespace, f"{JOB_LABEL}={name}")["items"]
        return pods[0] if pods else None

    def _verdict(self, pod: Manifest) -> Verdict:
        claims = self.client.list("v1", "PersistentVolumeClaim", self.namespace)["items"]
        context = Context(
            pod,
            self.client.now(),
            events=self.probe.events_about(pod),
            claims=frozenset(map(name_of, claims)),
            pending_claims=frozenset(name_of(claim) for claim in claims if status(claim).get("phase") != "Bound"),
            limits=Limits(),
        )
        return pod_verdict(pod, context)

    def _reason(self, pod: Manifest, verdict: Verdict) -> str:
        """Return why a pod failed: what its program said last, or what the cluster says."""
        failed = failed_container(pod)
        source = LogSource(pod["metadata"]["name"], failed) if failed else verdict.log
        log = self.probe.log(source) if source else []
        if log:
            return f"{log[-1]}" if len(log) == 1 else "\n  ".join([f"the log of {failed} ends with:", *log[-4:]])
        deadline = str(status(pod).get("message") or "")
        return f"{verdict.reason or deadline or 'its pod failed'}. {verdict.advice}".strip()

    def _refusal(self, name: str) -> str:
        """Return why a Job has no pod, or ""."""
        job = self.client.get("batch/v1", "Job", name, self.namespace)
        if job is None:
            return f"the Job {name} was deleted by somebody else."
        if failed := condition(job, "Failed"):
            return str(failed.get("message") or "")
        events = self.probe.events_about(job).get(job["metadata"].get("uid", ""), [])
        refused = [event.message for event in events if event.reason == "FailedCreate"]
        return refused[-1] if refused else ""

    def _answer(self, pod: str) -> dict[str, Any]:
        path = f"/api/v1/namespaces/{quote(self.namespace)}/pods/{quote(pod)}/log"
        found: dict[str, Any] = {}
        for line in self.client.text("get", path, query_params=[("container", CONTAINER)]).splitlines():
            if line.startswith(ANSWER):
                found = json.loads(line.removeprefix(ANSWER))
            elif line:
                self.say(line)
        return found


def running_container(pod: Obj) -> str:
    """Return what a pod does now, by the container that runs; empty where none does."""
    running = [
        each["name"]
        for field in ("initContainerStatuses", "containerStatuses")
        for each in status(pod).get(field) or ()
        if "running" in (each.get("state") or {}) and each["name"] not in _sidecars(pod)
    ]
    return f"{running[0]} runs" if running else ""


def failed_container(pod: Obj) -> str:
    """Return the name of the container that has ended with an error, or ""."""
    for field in ("initContainerStatuses", "containerStatuses"):
        for each in status(pod).get(field) or ():
            ended = (each.get("state") or {}).get("terminated") or {}
            if ended.get("exitCode") and each["name"] not in _sidecars(pod):
                return str(each["name"])
    return ""


def _sidecars(pod: Obj) -> set[str]:
    return {
        container["name"]
        for container in spec(pod).get("initContainers") or ()
        if container.get("restartPolicy") == "Always"
    }
