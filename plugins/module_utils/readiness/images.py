# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether an image will be pulled, and why not."""

from __future__ import annotations

import re

from ..core.objects import Obj, created, name
from ..redaction.masking import shortened
from .container_facts import container_place, kubectl
from .context import Context, Event
from .variables import image_variable
from .verdict import Verdict, failed

IMAGE_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)

# What passes by itself: time-outs, DNS, and the status codes of a server that is too busy. A message may say besides
# that something was not found.
_TRANSIENT = re.compile(
    r"timed? ?out|time-?out|deadline ?exceeded|connection (refused|reset)|no such host|server misbehaving|\bEOF\b"
    r"|temporary failure|network is unreachable|no route to host|too ?many ?requests|rate exceeded|throttl|unavailable"
    r"|code = (Aborted|DeadlineExceeded|ResourceExhausted|Unavailable)"
    r"|\b(429|50[0-4]) [A-Z]|(status|code)[^0-9]{1,40}(429|50[0-4])\b",
    re.IGNORECASE,
)
# What registries answer when trying again cannot help. Everything else may be chance.
_IMAGE_IS_WRONG = re.compile(
    r"not found|unknown|does not exist|unauthori[sz]ed|authentication required|denied|forbidden|no basic auth"
    r"|no match for platform|no matching manifest|invalid reference|x509",
    re.IGNORECASE,
)
_PULL_PREFIX = re.compile(
    r'^(Back-off pulling image "[^"]*":? ?|ErrImagePull: |failed to pull and unpack image "[^"]*": '
    r'|failed to resolve (reference|image)( "[^"]*")?: )+'
)
_REGISTRY_REFUSES = re.compile(r"unauthori[sz]ed|authentication required|denied|forbidden|no basic auth", re.IGNORECASE)


def image_verdict(pod: Obj, container_status: Obj, waiting: Obj, context: Context) -> Verdict:
    container_name = str(container_status.get("name"))
    failures = failed_pulls(pod, container_status, context)
    error = _pull_error(waiting.get("message") or "", failures)
    verdict = failed(
        f'image "{container_status.get("image")}" cannot be pulled: {error}' + _missing_pull_secret(pod, context),
        place=container_place(pod, container_name),
        since=min((e.first for e in failures), default=created(pod)),
        advice=_image_advice(pod, error, image_variable(context.subject, container_name)),
    )
    if waiting.get("reason") in ("InvalidImageName", "ErrImageNeverPull") or is_permanent_pull_error(error):
        return verdict
    return context.after_retries(failures, verdict.since, verdict)


def is_permanent_pull_error(error: str) -> bool:
    """Tell whether trying again cannot help, by what the registry or the container runtime said."""
    return bool(_IMAGE_IS_WRONG.search(error)) and not _TRANSIENT.search(error)


def is_transient(message: str) -> bool:
    """Tell whether a message is about what passes by itself, such as a time-out or a server that is too busy."""
    return bool(_TRANSIENT.search(message))


def failed_pulls(pod: Obj, container_status: Obj, context: Context) -> list[Event]:
    container_name = container_status.get("name")
    return [e for e in context.about(pod, "Failed") if e.container == container_name and "Failed to pull" in e.message]


def _pull_error(message: str, failures: list[Event]) -> str:
    """Return the registry's words: from the container's state or, where that says only "back-off", from the event."""
    if (message.startswith("Back-off") and ": " not in message) or not message:
        message = failures[0].message if failures else message
    message = message.rpartition("desc = ")[2]
    return shortened(_PULL_PREFIX.sub("", message) or "no reason given")


def _missing_pull_secret(pod: Obj, context: Context) -> str:
    missing = context.about(pod, "FailedToRetrieveImagePullSecret")
    return f". {shortened(missing[0].message)}" if missing else ""


def _image_advice(pod: Obj, error: str, its_variable: str) -> str:
    see = f"See: {kubectl(pod, f'describe pod {name(pod)}')}"
    where = f" in {its_variable}" if its_variable else ""
    if _REGISTRY_REFUSES.search(error) and not is_transient(error):
        secrets = "airflow_image_pull_secrets" if its_variable else "image pull secret"
        return f"Check the image's name{where}, and that the registry lets this cluster in ({secrets}). {see}"
    if is_permanent_pull_error(error):
        return f"Check the image's name and tag{where}, and that the registry has it for this node's platform. {see}"
    return f"Check the image's name and tag{where}, and that the node reaches the registry. {see}"
