# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the volumes of a pod can be mounted."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..core.objects import Obj, name
from ..redaction.masking import shortened
from .container_facts import NOT_READ_YET, kubectl
from .context import Context, Event
from .verdict import Verdict, failed, pending

# The same of those that are mounted. What else is "not found" may come: a CSI driver that has not registered yet, a
# volume that is not attached, a SecretProviderClass.
_MOUNTED_OBJECT_IS_MISSING = re.compile(
    r'\b(secret|configmap|persistentvolumeclaim) "[^"]+" not found|references non-existent (secret|config) key'
)


def volume_verdict(pod: Obj, failures: Sequence[Event], context: Context) -> Verdict:
    """Evaluate a pod whose volumes are not mounted, by the events of that, newest first."""
    event = failures[0]
    message = shortened(event.message)
    if "Multi-Attach" in message:
        return pending(f"its volume is still attached to another node: {message}")
    if NOT_READ_YET.search(message):
        return pending(f"its volumes are mounted: {message}")
    verdict = failed(
        f"a volume cannot be mounted: {message}",
        since=event.first,
        advice=f"Create what is missing, or correct the volume. See: {kubectl(pod, f'describe pod {name(pod)}')}",
    )
    if _MOUNTED_OBJECT_IS_MISSING.search(message):
        return context.after_grace(event.first, context.limits.missing, verdict)
    return context.after_retries(failures, event.first, verdict)
