# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a pod gets a node, and what has become of the node that it had."""

from __future__ import annotations

import re
from datetime import datetime

from ..core.objects import Obj, condition, moment, name, spec, status
from ..redaction.masking import shortened
from .container_facts import ended_container, kubectl
from .context import Context
from .variables import variable
from .verdict import PROGRESSING, Verdict, failed, pending

# What the scheduler says of nodes that take no pod (kubernetes/pkg/scheduler/framework/plugins), and the way out.
_PLACING = (
    (r"Insufficient|Too many pods", "Ask for less in {resources}, or add a node that fits."),
    (r"untolerated taint", "Tolerate the taint in airflow_tolerations, or take it off the node."),
    (
        r"didn't match Pod's node affinity/selector",
        "Correct airflow_node_selector, airflow_affinity or {overrides}, or label a node.",
    ),
    (
        r"volume node affinity conflict|didn't match PersistentVolume's node affinity",
        "Its volume is on another node: make room there, or restore the data into a volume that this node reaches.",
    ),
    (r"didn't match pod (anti-)?affinity|existing pods anti-affinity", "Correct airflow_affinity, or add a node."),
    (r"didn't match pod topology spread", "Correct {spread}, or add a node."),
    (r"were unschedulable", "Let a node take pods again (kubectl uncordon), or add one."),
    (r"free ports", "Let it use another port of the node, or add a node."),
)
_ABOUT_PREEMPTION = re.compile(r"[.,]?\s*(no new claims to deallocate,?\s*)?preemption: .*", re.DOTALL)


def requests_in_words(pod: Obj) -> str:
    """Return what a pod asks of a node, as written in its containers: ``cpu 2, memory 4Gi``, or ``""``."""
    asked: dict[str, list[str]] = {}
    for container in spec(pod).get("containers") or ():
        for resource, amount in ((container.get("resources") or {}).get("requests") or {}).items():
            asked.setdefault(resource, []).append(str(amount))
    return ", ".join(f"{resource} {' + '.join(amounts)}" for resource, amounts in sorted(asked.items()))


def unplaced_verdict(pod: Obj, context: Context) -> Verdict | None:
    """Evaluate a pod that no node has taken yet."""
    scheduled = condition(pod, "PodScheduled")
    if spec(pod).get("nodeName") or scheduled.get("status") == "True":
        return None
    if scheduled.get("reason") == "SchedulingGated":
        return pending("a scheduling gate holds the pod back")
    claims = sorted(context.pending_claims & _claims(pod))
    if scheduled.get("reason") != "Unschedulable":
        return pending(f"waits for claim {', '.join(claims)}" if claims else "waits for a node", hints=PROGRESSING)
    message = shortened(_ABOUT_PREEMPTION.sub("", scheduled.get("message") or "").rstrip("."))
    if "unbound immediate PersistentVolumeClaims" in message:
        return pending(f"waits for claim {', '.join(claims) or 'of its volumes'}", hints=PROGRESSING)
    if leaving := re.search(r'persistentvolumeclaim "([^"]+)" is being deleted', message):
        # As the scheduler last saw it. One that never goes, or never comes again, is told of by itself.
        return pending(f"waits for claim {leaving[1]}", hints=PROGRESSING)
    if absent := re.search(r'persistentvolumeclaim "([^"]+)" not found', message):
        if absent[1] in context.claims:
            # It was made after the scheduler looked, which looks again only after a while.
            return pending(f"waits for claim {absent[1]}", hints=PROGRESSING)
        verdict = failed(
            f"its claim {absent[1]} does not exist",
            advice=f"Create the claim, or correct its name. See: {kubectl(pod, 'get pvc')}",
        )
        return context.after_grace(moment(scheduled.get("lastTransitionTime")), context.limits.missing, verdict)
    scaling = context.about(pod, "TriggeredScaleUp", "Nominated", "NotTriggerScaleUp")
    if scaling and scaling[0].reason != "NotTriggerScaleUp":
        return pending(f"waits for a new node ({shortened(scaling[0].message, 120)})", hints=PROGRESSING)
    asks = requests_in_words(pod)
    verdict = failed(
        f"no node takes it: {message}" + (f" (it asks for {asks})" if asks else ""),
        advice=_placing_advice(pod, message, context),
        unplaced=pod if "Insufficient" in message else None,
    )
    hopeless = scaling or context.adds_nodes is False
    grace = min(context.limits.unscalable, context.limits.unschedulable) if hopeless else context.limits.unschedulable
    return context.after_grace(moment(scheduled.get("lastTransitionTime")), grace, verdict)


def _placing_advice(pod: Obj, message: str, context: Context) -> str:
    variables = {
        "resources": variable(context.subject, "resources", "the resources of its role"),
        "overrides": variable(context.subject, "overrides", "the overrides of its role"),
        "spread": variable(context.subject, "topology_spread_constraints", "its topology spread constraints"),
    }
    advice = [way_out.format(**variables) for words, way_out in _PLACING if re.search(words, message)]
    if "Insufficient" in message:
        advice.append("A node that is added later is waited for with health_unschedulable_grace.")
    return " ".join([*advice, f"See: {kubectl(pod, f'describe pod {name(pod)}')}"])


def lost_verdict(pod: Obj, context: Context) -> Verdict | None:
    """Evaluate a pod whose node is gone, or which was thrown off it."""
    state = status(pod)
    if state.get("phase") == "Failed" and not ended_container(pod):
        why = shortened(state.get("message") or state.get("reason") or "it failed")
        return pending(f"pod {name(pod)} is to be replaced: {why}")
    since = silent_since(pod, context)
    return context.after_grace(since, context.limits.lost, node_is_gone(pod)) if since else None


def silent_since(pod: Obj, context: Context) -> datetime | None:
    """Return since when the node of a pod is not heard of, ``None`` if it is."""
    if status(pod).get("reason") == "NodeLost":
        return moment(condition(pod, "Ready").get("lastTransitionTime")) or context.now
    unready = context.about(pod, "NodeNotReady")
    ready_since = moment(condition(pod, "Ready").get("lastTransitionTime"))
    return unready[0].last if unready and ready_since and unready[0].last >= ready_since else None


def node_is_gone(pod: Obj) -> Verdict:
    node = spec(pod).get("nodeName")
    return failed(
        f"its node {node} does not answer",
        place=f"Pod {name(pod)}",
        advice=(
            f"Bring the node back, or if it is gone for good remove it, so that its pods are made elsewhere: "
            f"kubectl delete node {node}"
        ),
    )


def _claims(pod: Obj) -> frozenset[str]:
    """Return the names of the claims that a pod mounts."""
    volumes = spec(pod).get("volumes") or ()
    return frozenset(v["persistentVolumeClaim"]["claimName"] for v in volumes if v.get("persistentVolumeClaim"))
