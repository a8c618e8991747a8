# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of a custom resource, from what it was and what is known now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: What a run does, by its operation: the phase of the resource meanwhile, and the reason of an Event when it is done.
PHASES = {"deploy": "Deploying", "upgrade": "Upgrading", "rollback": "RollingBack", "destroy": "Deleting"}
DONE = {"deploy": "Deployed", "upgrade": "Upgraded", "rollback": "RolledBack"}
READY, NOT_READY, FAILED = "Ready", "NotReady", "Failed"
#: Characters of a message that the API server takes in an Event; a condition takes more.
LONGEST_MESSAGE = 1024

Status = Mapping[str, Any]


def begun(before: Status, operation: str, generation: int, now: str) -> dict[str, Any]:
    """Return the status of a resource whose run begins.

    A run that looks whether all is as it should be, of a release that is ready, leaves the phase as it is.

    :param generation: of the resource that the run is for.
    :param now: the time, as the API has it (RFC 3339).
    """
    phase = PHASES[operation]
    is_check = operation == "deploy" and before.get("phase") == READY and before.get("observedGeneration") == generation
    conditions = [("Progressing", "True", phase, "")]
    if not before.get("conditions"):
        conditions += [("Ready", "False", "NotDeployed", ""), ("Degraded", "False", "NotDeployed", "")]
    return {
        "phase": READY if is_check else phase,
        "observedGeneration": generation,
        "conditions": _conditions(before, conditions, generation, now),
    }


def ended(before: Status, observed: Mapping[str, Any], generation: int, now: str) -> dict[str, Any]:
    """Return the status after a run that succeeded.

    :param observed: what the module ``status`` returns of the release.
    """
    conditions = [
        ("Progressing", "False", "Completed", ""),
        ("Ready", "True", "Healthy", ""),
        ("Degraded", "False", "Healthy", ""),
    ]
    return {
        **_observed(observed),
        "phase": READY,
        "message": "",
        "observedGeneration": generation,
        "conditions": _conditions(before, conditions, generation, now),
    }


def failed(
    before: Status, observed: Mapping[str, Any] | None, message: str, generation: int, now: str
) -> dict[str, Any]:
    """Return the status after a run that failed.

    :param observed: what the module ``status`` returns of the release, ``None`` if there is none.
    :param message: why it failed, as the run says it.
    """
    text = message.strip()[:LONGEST_MESSAGE]
    healthy = bool(observed and observed["healthy"])
    conditions = [
        ("Progressing", "False", "RunFailed", text),
        ("Ready", str(healthy), "Healthy" if healthy else "RunFailed", "" if healthy else text),
        ("Degraded", "True", "RunFailed", text),
    ]
    return {
        **(_observed(observed) if observed else {}),
        "phase": FAILED,
        "message": text,
        "observedGeneration": generation,
        "conditions": _conditions(before, conditions, generation, now),
    }


def seen(before: Status, observed: Mapping[str, Any], now: str) -> dict[str, Any]:
    """Return the status as it is between runs, and during one.

    What a run has to say of itself stays as it is.

    :param observed: what the module ``status`` returns of the release, without the health that Airflow reports.
    """
    made = {"components": _components(observed)}
    if is_true(before, "Progressing") or before.get("phase") == FAILED:
        return made
    generation = int(before.get("observedGeneration") or 0)
    if observed["healthy"]:
        conditions = [("Ready", "True", "Healthy", ""), ("Degraded", "False", "Healthy", "")]
        return {
            **made,
            "phase": READY,
            "message": "",
            "conditions": _conditions(before, conditions, generation, now),
        }
    text = why_not_healthy(observed["components"])
    conditions = [("Ready", "False", "NotHealthy", text), ("Degraded", "True", "NotHealthy", text)]
    return {
        **made,
        "phase": NOT_READY,
        "message": text,
        "conditions": _conditions(before, conditions, generation, now),
    }


def why_not_healthy(components: Sequence[Mapping[str, Any]]) -> str:
    """Return what components wait for, or that Airflow reports what no workload shows."""
    reasons = [f"{each['name']}: {each['reason']}" for each in components if each["verdict"] != "ready"]
    return "; ".join(reasons)[:LONGEST_MESSAGE] or "Airflow does not report that it is healthy"


def is_true(status: Status, condition: str) -> bool:
    """Tell whether a condition is true; what is not there is not."""
    return any(each["type"] == condition and each["status"] == "True" for each in status.get("conditions") or ())


def _components(observed: Mapping[str, Any]) -> list[dict[str, Any]]:
    fields = ("name", "kind", "components", "ready", "wanted", "verdict", "reason")
    return [{field: component[field] for field in fields} for component in observed["components"]]


def _observed(observed: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": str(observed["versions"].get("airflow") or ""),
        "address": observed["address"],
        "flowerAddress": observed["flower_address"],
        "components": _components(observed),
    }


def _conditions(
    before: Status, changed: Sequence[tuple[str, str, str, str]], generation: int, now: str
) -> list[dict[str, Any]]:
    """Return all conditions; the time of one whose status stays the same is kept."""
    known = {each["type"]: dict(each) for each in before.get("conditions") or ()}
    for kind, status, reason, message in changed:
        same = known.get(kind, {}).get("status") == status
        known[kind] = {
            "type": kind,
            "status": status,
            "observedGeneration": generation,
            "lastTransitionTime": known[kind]["lastTransitionTime"] if same else now,
            "reason": reason,
            "message": message,
        }
    return [known[kind] for kind in sorted(known)]
