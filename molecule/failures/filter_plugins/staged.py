# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a run that failed: what it said, and how long after the cluster knew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

#: Seconds without a heartbeat after which Airflow calls a triggerer unhealthy, as host_vars sets it.
SILENCE = timedelta(seconds=15)


Objects = list[Mapping[str, Any]]


def judged(run: Mapping[str, Any], case: Mapping[str, Any], namespace: str, objects: Objects) -> dict[str, Any]:
    """Return what a run said, and ``seconds`` from the cluster's first word of it to the run's end.

    :param run: the result of the task that ran it, with times in UTC.
    :param objects: the events, pods and namespaces of the release, as the cluster has them now.
    :returns: ``known`` is whether the cluster has said it yet, ``told`` whether the run has.
    """
    output = re.sub(r"\x1b\[[0-9;]*m", "", run["stdout"] + run["stderr"])
    said = " ".join(output.split())
    began, ended = (datetime.fromisoformat(run[moment][:19] + "+00:00") for moment in ("start", "end"))
    if case["known"] == "ending":
        known = _ending(namespace, objects)
    elif case["known"] == "start":
        known = [began]
    elif case["known"] == "heartbeat":
        known = _silent(said, ended)
    else:
        known = [moment for moment in _told(case, objects) if moment >= began]
    return {
        "told": bool(re.search(case["message"], said)),
        "said": said,
        "line": _line(output),
        "known": bool(known),
        # What is told before the cluster has written its event counts as told at once.
        "seconds": max(0, int((ended - min(known)).total_seconds())) if known else 0,
    }


def _ending(namespace: str, objects: Objects) -> list[datetime]:
    metadata = [obj["metadata"] for obj in objects if obj["metadata"]["name"] == namespace]
    return [datetime.fromisoformat(found["deletionTimestamp"]) for found in metadata if "deletionTimestamp" in found]


def _silent(said: str, ended: datetime) -> list[datetime]:
    times = re.findall(r"heartbeat is too old .*?since (\d\d:\d\d:\d\d) UTC", said)
    return [datetime.fromisoformat(f"{ended:%Y-%m-%d}T{time}+00:00") + SILENCE for time in times]


def _told(case: Mapping[str, Any], objects: Objects) -> Iterator[datetime]:
    pods = {obj["metadata"]["name"] for obj in objects if obj["kind"] == "Pod"}
    for obj in objects:
        if obj["kind"] == "Event" and obj.get("reason") == case["known"] and re.search(case["about"], _about(obj)):
            about = obj["involvedObject"]
            # What is said of a pod that is gone is said of an earlier case's.
            if about["kind"] == "Pod" and about["name"] not in pods:
                continue
            yield datetime.fromisoformat(obj["metadata"]["creationTimestamp"])
        if obj["kind"] == "Pod" and case["known"] == "crash":
            yield from _second_ends(obj["status"])
        if obj["kind"] == "Pod" and case["known"] == "FailedScheduling":
            # The event of it may come late.
            for condition in obj["status"].get("conditions", []):
                if condition.get("reason") == "Unschedulable":
                    yield datetime.fromisoformat(condition["lastTransitionTime"])


def _second_ends(status: Mapping[str, Any]) -> Iterator[datetime]:
    """Yield when containers ended that had ended before; the event of it the kubelet drops after many of a probe."""
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        for state in (container["state"], container["lastState"]):
            if container["restartCount"] and state.get("terminated", {}).get("exitCode"):
                yield datetime.fromisoformat(state["terminated"]["finishedAt"])


def _about(event: Mapping[str, Any]) -> str:
    return f"{event['involvedObject']['kind']}/{event['involvedObject']['name']}: {event.get('message', '')}"


def _line(output: str) -> str:
    """Return the first line of what the message says happened, with the object it happened to."""
    found = re.search(r"cannot become ready: (?P<object>\S+/\S+)$", output, re.MULTILINE)
    found = found or re.search(r"^\s*1\. (?P<object>\S+/\S+)$", output, re.MULTILINE)
    what = re.search(r"^\s*What: (?P<what>.*)$", output, re.MULTILINE)
    if found and what:
        return f"{found['object']}: {what['what']}".replace("|", "\\|")
    told = re.search(r"Action failed: (?P<what>.*)$", output, re.MULTILINE)
    return told["what"] if told else ""


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"judged": judged}
