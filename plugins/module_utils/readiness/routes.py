# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a router of OpenShift serves a Route, will, or refuses to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.objects import Obj, condition, created, deleted, name, spec, status
from ..redaction.masking import shortened
from .container_facts import kubectl
from .context import Context
from .verdict import Verdict, failed, pending, ready

#: The next step, by the reason of the condition Admitted (openshift/router, pkg/router/controller).
_ADVICE: Mapping[str, str] = {
    "HostAlreadyClaimed": "Take another host or path in the base URL, or delete the Route that has it: "
    "kubectl get routes --all-namespaces. Routes of one host belong into one namespace.",
    "ExternalCertificateValidationFailed": "Let the router read the Secret with the certificate, and give it a "
    "certificate and its key (tls.crt, tls.key): docs/openshift.md.",
    "ExtendedValidationFailed": "Correct the certificates of the Route.",
}


def route_verdict(context: Context) -> Verdict:
    """Tell whether a router has admitted a Route.

    One router is enough, as each may serve some Routes only (sharding). A refusal counts if it is still there after
    the time in which a router looks again. Where no router says anything, for example because there is none, the Route
    is *pending* and holds up nothing after a grace.
    """
    route = context.subject
    if deleted(route):
        return pending("is being deleted")
    host = spec(route).get("host") or ""
    every = [entry for entry in status(route).get("ingress") or () if _admitted(entry)]
    # What is said of another host was said before that was changed.
    entries = [entry for entry in every if not host or entry.get("host") == host]
    if any(_admitted(entry).get("status") == "True" for entry in entries):
        return ready()
    if entries:
        return _refused(context, entries[0])
    since = max(filter(None, [created(route), context.started if every else None]))
    return context.after_grace(
        since,
        context.limits.unrouted,
        pending(
            "no router has said anything of it",
            advice=f"See: {kubectl(route, f'describe route {name(route)}')}",
            blocks=False,
        ),
    )


def _admitted(entry: Mapping[str, Any]) -> Obj:
    return condition({"status": entry}, "Admitted")


def _refused(context: Context, entry: Mapping[str, Any]) -> Verdict:
    route, admitted = context.subject, _admitted(entry)
    reason, message = str(admitted.get("reason") or "not admitted"), shortened(str(admitted.get("message") or ""))
    router = f"router {entry['routerName']} " if entry.get("routerName") else "a router "
    described = f"See: {kubectl(route, f'describe route {name(route)}')}"
    verdict = failed(
        f"{router}refuses it: {reason}" + (f": {message}" if message else ""),
        advice=_ADVICE.get(reason, described),
    )
    return context.after_grace(context.in_this_run(admitted.get("lastTransitionTime")), context.limits.missing, verdict)
