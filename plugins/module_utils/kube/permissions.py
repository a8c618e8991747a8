# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What whoever connects has to be allowed to do: asked for before anything is touched, and written as RBAC rules.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import Failure
from ..core.kinds import KEPT_KINDS, is_namespaced
from .client import Client

PERMISSIONS_OPTIONS: dict[str, Any] = {
    "permissions": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "group": {"type": "str", "default": ""},
            "resources": {"type": "list", "elements": "str", "required": True},
            "verbs": {"type": "list", "elements": "str", "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
            "cluster": {"type": "bool", "default": False},
            "namespace": {"type": "str", "default": ""},
            "fallback": {"type": "str", "default": ""},
        },
    },
}

#: In the order in which rules have them.
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")


@dataclass(frozen=True)
class Right:
    """One verb on one resource of an API group.

    :param resource: with a subresource behind a slash, where it is one.
    :param name: of the one object that is meant; empty for all.
    :param cluster: the resource lives in no namespace.
    :param fallback: what to do instead of granting it, for the message.
    :param namespace: where it is not that of the release.
    """

    verb: str
    group: str
    resource: str
    name: str = ""
    cluster: bool = False
    fallback: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        resource = ".".join(filter(None, [self.resource, self.group]))
        return f"{self.verb} {resource}" + (f" {self.name}" if self.name else "")


def rights(permissions: Iterable[Mapping[str, Any]]) -> Iterator[Right]:
    """Yield each right of a list of permissions, as the option ``permissions`` has them."""
    for given in permissions:
        for resource in given["resources"]:
            for verb in given["verbs"]:
                for name in given.get("names") or [""]:
                    yield Right(
                        verb,
                        given.get("group", ""),
                        resource,
                        name,
                        bool(given.get("cluster")),
                        given.get("fallback") or "",
                        given.get("namespace") or "",
                    )


def require(client: Client, params: Mapping[str, Any]) -> None:
    """Make sure that all of the option ``permissions`` is allowed in the namespace.

    :raises Failure: names each right that is missing.
    """
    problems = missing(client, params["namespace"], params["permissions"])
    if problems:
        raise Failure("\n".join(problems))


def missing(client: Client, namespace: str, permissions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Compare with the rules that the API server says hold for this user (SelfSubjectRulesReview)."""
    if not permissions:
        return []
    review = client.request(
        "post",
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        body={
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        },
    )
    rules = review.get("status", {}).get("resourceRules", [])
    return [
        problem
        for right in dict.fromkeys(rights(permissions))
        # A rule of the namespace says nothing of what lives in none, or in another.
        if right.cluster or right.namespace or not allows(rules, right)
        for problem in ask(client, namespace, right)
    ]


def ask(client: Client, namespace: str, right: Right) -> list[str]:
    """Ask about one right: the list of rules may be incomplete, and then only this tells. Return what is missing."""
    resource, _slash, subresource = right.resource.partition("/")
    namespace = right.namespace or namespace
    attributes = {
        "namespace": "" if right.cluster else namespace,
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "name": right.name,
    }
    review = client.request(
        "post",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body={
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        },
    )
    if review.get("status", {}).get("allowed"):
        return []
    scope = "in the whole cluster" if right.cluster else f"in the namespace {namespace}"
    return [
        f"No permission to {right} {scope} ({client.where}). "
        f"Grant it (playbooks/grant.yml), or {right.fallback or 'connect as somebody who has it'}."
    ]


def allows(rules: Sequence[Mapping[str, Any]], right: Right) -> bool:
    """Tell whether RBAC rules allow this right."""
    return any(
        _among(rule.get("verbs"), right.verb)
        and _among(rule.get("apiGroups"), right.group)
        and _among(rule.get("resources"), right.resource)
        and (not rule.get("resourceNames") or right.name in rule["resourceNames"])
        for rule in rules
    )


def resource_of(kind: str) -> str:
    """Return the name that the resource of a kind has in all of Kubernetes and nearly all else: its English plural."""
    singular = kind.lower()
    if singular == "endpoints":
        return singular
    if singular.endswith(("s", "x", "z", "ch", "sh")):
        return f"{singular}es"
    if singular.endswith("y") and not singular.endswith(("ay", "ey", "iy", "oy", "uy")):
        return f"{singular[:-1]}ies"
    return f"{singular}s"


def permissions_for(
    objects: Iterable[Mapping[str, Any]], namespace: str, verbs: Iterable[str], data: bool = False
) -> list[dict[str, Any]]:
    """Return the permissions for objects that a release applies, one for each kind and namespace.

    :param namespace: the release's.
    :param data: what holds data or secrets is deleted, too.
    """
    permissions = {}
    for manifest in objects:
        kind, metadata = str(manifest.get("kind") or ""), manifest.get("metadata")
        group = str(manifest.get("apiVersion") or "").rpartition("/")[0]
        elsewhere = (metadata.get("namespace") or "") if isinstance(metadata, Mapping) else ""
        needed = [verb for verb in verbs if verb != "delete" or kind not in KEPT_KINDS or data]
        permission: dict[str, Any] = {"group": group, "resources": [resource_of(kind)], "verbs": needed}
        if not is_namespaced("", kind):
            permission["cluster"] = True
        elif elsewhere not in ("", namespace):
            permission["namespace"] = elsewhere
        if kind:
            permissions[group, kind, permission.get("namespace", "")] = permission
    return list(permissions.values())


def _among(values: Any, wanted: str) -> bool:
    return "*" in (values or []) or wanted in (values or [])


def rules_of(permissions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the fewest RBAC rules that give the permissions: each resource is in one rule, or in one for each name."""
    verbs: dict[tuple[str, str, str], set[str]] = {}
    for right in rights(permissions):
        verbs.setdefault((right.group, right.resource, right.name), set()).add(right.verb)
    rules: dict[tuple[str, str, tuple[str, ...]], dict[str, Any]] = {}
    for (group, resource, name), wanted in sorted(verbs.items()):
        # What holds for all of a resource holds for each of it.
        needed = wanted - verbs.get((group, resource, ""), set()) if name else wanted
        if not needed:
            continue
        ordered = tuple(sorted(needed, key=VERBS.index))
        rule = rules.setdefault((group, name, ordered), {"apiGroups": [group], "resources": [], "verbs": [*ordered]})
        rule["resources"].append(resource)
        if name:
            rule["resourceNames"] = [name]
    return list(rules.values())
