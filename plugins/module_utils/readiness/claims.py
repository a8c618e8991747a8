# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a claim is bound, will be, or never can be."""

from __future__ import annotations

import re

from ..core.objects import Obj, deleted, name, spec, status
from ..redaction.masking import shortened
from .container_facts import kubectl
from .context import Context
from .images import is_transient
from .variables import claim_variable
from .verdict import PROGRESSING, Verdict, failed, pending, ready

ABOUT_CLAIM = re.compile(r"create Claim |persistentvolumeclaims ")


def claim_verdict(context: Context) -> Verdict:
    """Tell whether a claim is bound.

    A claim of a class that waits for its first consumer is *not yet*, and holds up no release that does not use it.
    """
    claim = context.subject
    phase = status(claim).get("phase")
    if deleted(claim):
        return pending("is being deleted")
    if phase == "Bound":
        return ready()
    if phase == "Lost":
        return failed(
            f"its volume {spec(claim).get('volumeName')} is gone",
            advice=f"Restore the volume, or delete the claim: {kubectl(claim, f'describe pvc {name(claim)}')}",
        )
    if failures := context.about(claim, "ProvisioningFailed", "FailedBinding"):
        return _unbound(context, shortened(failures[0].message))
    if not context.used and (not context.events or context.about(claim, "WaitForFirstConsumer")):
        return pending("is bound when a pod first uses it", blocks=False, hints=PROGRESSING)
    making = context.about(claim, "Provisioning", "ExternalProvisioning")
    return pending("its volume is made" if making else "waits to be bound", hints=PROGRESSING)


def _unbound(context: Context, message: str) -> Verdict:
    """Evaluate a claim that no volume could be found or made for."""
    claim = context.subject
    failures = context.about(claim, "ProvisioningFailed", "FailedBinding")
    failure = failures[0]
    storage_class = spec(claim).get("storageClassName")
    verdict = failed(
        f"no volume for it: {message}",
        since=failure.first,
        advice=_claim_advice(claim, storage_class, message),
    )
    if "storageclass" in message and "not found" in message:
        return context.after_grace(failure.first, context.limits.missing, verdict)
    if is_transient(message):
        return context.after_retries(failures, failure.first, verdict)
    if failure.reason == "ProvisioningFailed" and failure.count >= 3:
        return verdict
    return context.after_grace(failure.first, context.limits.retried, verdict)


def _claim_advice(claim: Obj, storage_class: str | None, message: str) -> str:
    see = f"See: {kubectl(claim, f'describe pvc {name(claim)}')}"
    its_class = claim_variable(claim, "storage_class", "")
    where = f" in {its_class}" if its_class else ""
    if "storageclass" in message and "not found" in message:
        return f'Create the storage class "{storage_class}", or name another{where} (kubectl get storageclass). {see}'
    if "ReadWriteOnce" in message or "access mode" in message.lower():
        modes = ", ".join(spec(claim).get("accessModes") or ())
        its_mode = claim_variable(claim, "access_mode", "")
        other = f"another access mode{f' in {its_mode}' if its_mode else ''}"
        return f"Name a storage class that can do {modes}{where}, or ask for {other}. {see}"
    if not storage_class:
        return (
            f"Name a storage class{where}, or make one the cluster's default, or create a volume for the claim. {see}"
        )
    return f'Ask whoever runs the storage class "{storage_class}". {see}'
