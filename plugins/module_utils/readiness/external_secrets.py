# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the External Secrets operator has made a Secret, will, or cannot."""

from __future__ import annotations

from ..core.objects import condition, deleted, name, status
from ..redaction.masking import shortened
from .container_facts import kubectl
from .context import Context
from .verdict import Verdict, failed, pending, ready

#: Seconds for which an operator may be away, as while it is updated.
_UNREAD = 60


def external_secret_verdict(context: Context) -> Verdict:
    """Tell whether the Secret of an ExternalSecret has been made, of its present specification.

    The operator tries again with growing pauses, first after milliseconds, so that what is refused for a while is
    refused for good; a refusal of before this run may just have been corrected.
    """
    external = context.subject
    if deleted(external):
        return pending("is being deleted")
    condition_ready = condition(external, "Ready")
    described = f"See: {kubectl(external, f'describe externalsecret {name(external)}')}"
    if condition_ready.get("status") == "True":
        return ready() if _is_of_present_specification(context) else pending("is read again, because it has changed")
    if not condition_ready:
        verdict = failed(
            "no operator has read it",
            advice=f"See whether the External Secrets operator runs, and looks into this namespace. {described}",
        )
        return context.after_grace(context.in_this_run(external["metadata"].get("creationTimestamp")), _UNREAD, verdict)
    reason = str(condition_ready.get("reason") or "not ready")
    message = shortened(str(condition_ready.get("message") or ""), 500)
    return context.after_grace(
        context.in_this_run(condition_ready.get("lastTransitionTime")),
        context.limits.unsynced,
        failed(
            f"its Secret cannot be made: {reason}" + (f": {message}" if message else ""),
            advice=f"Correct its store or its keys in airflow_external_secrets. {described}",
        ),
    )


def _is_of_present_specification(context: Context) -> bool:
    """Tell whether the status is of the present generation, with which ``syncedResourceVersion`` begins."""
    synced = str(status(context.subject).get("syncedResourceVersion") or "")
    generation = (context.subject.get("metadata") or {}).get("generation")
    return not (synced and generation) or synced.partition("-")[0] == str(generation)
