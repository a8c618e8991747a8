# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pod that is made for a moment, to try something from inside the cluster."""

from __future__ import annotations

import contextlib
import copy
import os
import re
import secrets as random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from ..core.errors import ApiFailure, Failure
from ..core.names import FIELD_MANAGER
from ..core.objects import moment, spec, status
from ..kube.client import Client, Manifest
from ..kube.holder import Holder, is_dead, place, started, this_run
from ..kube.polling import poll
from ..readiness.context import Context, Limits
from ..readiness.node_scaling import adds_nodes
from ..readiness.pods import pod_verdict
from ..readiness.verdict import State, Verdict
from ..readiness.watcher import Probe

#: As the admission plugin ServiceAccount of the API server refuses.
_NO_ACCOUNT = re.compile(r"error looking up service account .* not found")

#: Marks probe pods, with the release's name. No selector of the release finds them.
PROBE_LABEL = "airflow.kubernetes/probe-of"

#: Annotation that says which process made the pod.
MADE_BY = "airflow.kubernetes/made-by"

#: Seconds between two looks at the pod.
LOOK = 0.3

#: Seconds for which a service account that is not there may be about to be made.
ACCOUNT_SECONDS = 10.0

#: Seconds that a pod may run which does not say it itself.
DEADLINE = 600.0


def is_left_behind(pod: Manifest, now: datetime) -> bool:
    """Tell whether nobody needs a probe pod any more: it or its run has ended, or its time is over.

    :param now: by the cluster's clock.
    """
    if status(pod).get("phase") in ("Succeeded", "Failed"):
        return True
    made_by = Holder.parse((pod["metadata"].get("annotations") or {}).get(MADE_BY, ""))
    if made_by and is_dead(made_by, place(), started):
        return True
    made = moment(pod["metadata"].get("creationTimestamp"))
    longest = float(spec(pod).get("activeDeadlineSeconds") or DEADLINE)
    # It may have waited for a node as long as it may run.
    return bool(made and now - made > timedelta(seconds=2 * longest))


def lacks_account(failure: ApiFailure) -> bool:
    """Tell whether a pod was refused because its service account is not there."""
    return failure.status == 403 and bool(_NO_ACCOUNT.search(failure.message))


class ProbePod:
    """Makes such pods for one release.

    :param pod: the pod, but for its name.
    :param what: what is tried in it, as the subject of a sentence in the plural.
    :param timeout: seconds until it must run: its image may still have to be pulled.
    """

    def __init__(
        self,
        client: Client,
        release: str,
        pod: Manifest,
        what: str,
        limits: Limits,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.release = release
        self.pod = pod
        self.what = what
        self.limits = limits
        self.timeout = timeout
        self.clock = clock
        self.sleep = sleep

    @contextlib.contextmanager
    def running(self) -> Iterator[Manifest]:
        """Make the pod, yield it when it runs, and delete it.

        :raises Failure: it cannot run.
        """
        pod = copy.deepcopy(self.pod)
        metadata = pod["metadata"]
        metadata["name"] = f"{self.release}-probe-{random.token_hex(4)}"
        metadata.setdefault("labels", {})[PROBE_LABEL] = self.release
        metadata.setdefault("annotations", {})[MADE_BY] = this_run(os.getpid()).identity
        self._remove_left_behind(metadata["namespace"])
        self._create(pod)
        try:
            yield self._started(metadata["namespace"], metadata["name"])
        finally:
            self.client.delete("v1", "Pod", metadata["name"], metadata["namespace"])

    def _create(self, pod: Manifest) -> None:
        """Create the pod; Kubernetes makes the service account "default" of a new namespace some moments after that."""
        end = self.clock() + ACCOUNT_SECONDS
        while True:
            try:
                self.client.create(pod, FIELD_MANAGER)
            except ApiFailure as failure:
                if not lacks_account(failure) or self.clock() >= end:
                    raise
            else:
                return
            self.sleep(LOOK)

    def _remove_left_behind(self, namespace: str) -> None:
        """Delete the probe pods of runs that were killed, and none that another run uses."""
        for pod in self.client.list("v1", "Pod", namespace, f"{PROBE_LABEL}={self.release}")["items"]:
            if is_left_behind(pod, self.client.now()):
                self.client.delete("v1", "Pod", pod["metadata"]["name"], namespace)

    def _started(self, namespace: str, name: str) -> Manifest:
        """Wait until the pod runs.

        :raises Failure: it never will, or not in time.
        """
        probe = Probe(self.client, namespace, self.release)
        scaling: bool | None = None
        asked = False

        def look() -> tuple[Manifest, Verdict]:
            nonlocal scaling, asked
            pod = self.client.get("v1", "Pod", name, namespace)
            if pod is None:
                raise Failure(f"The pod {name}, in which {self.what} are tried, was deleted by somebody else.")
            if not asked and not spec(pod).get("nodeName"):
                asked, scaling = True, adds_nodes(self.client)
            events = probe.events_about(pod)
            context = Context(pod, self.client.now(), events=events, adds_nodes=scaling, limits=self.limits)
            verdict = pod_verdict(pod, context)
            return pod, verdict

        ends = (State.READY, State.FAILED)
        pod, verdict = poll(look, lambda seen: seen[1].state in ends, self.timeout, LOOK, self.clock, self.sleep)
        if verdict.state is State.READY:
            return pod
        # The pod goes, and where its log is read from goes with it.
        log = probe.log(verdict.log) if verdict.log else []
        more = f"Its log ends with: {log[-1]}" if log else verdict.advice
        raise Failure(
            f"{self.what[:1].upper()}{self.what[1:]} cannot be tried, because the pod for it does not start: "
            f"{verdict.reason}. {more}".rstrip()
        )
