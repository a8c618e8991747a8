# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make sure that the Secrets of a release hold what its pods need, and never say what that is.

A Secret that carries the release's label is the collection's: what is missing is generated and derived. One that does
not is the user's own (made by hand, by External Secrets...): it is read and never written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..core.errors import ApiFailure, Failure
from ..core.labels import RELEASE_LABEL
from ..core.names import FIELD_MANAGER
from ..kube.client import CONNECTION_OPTIONS, Client, Manifest, connections_for
from ..kube.lease import LEASE_OPTIONS, held
from ..kube.retries import PATIENCE
from ..kube.task import Task
from .values import PLACEHOLDER, Key, Secret, checksum, checksums_of_keys, encode, resolve, sources_first

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    "release": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "render": {"type": "path"},
    "secrets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "no_log": False,
        "options": {
            "name": {"type": "str", "required": True},
            "labels": {"type": "dict", "default": {}},
            "keys": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "no_log": False,
                "options": {
                    "key": {"type": "str", "required": True, "no_log": False},
                    "value": {"type": "str", "no_log": True},
                    "generate": {"type": "str", "choices": ["fernet", "password"]},
                    "length": {"type": "int", "default": 32},
                    "derive": {"type": "str"},
                    "quote": {"type": "str", "choices": ["json", "none", "url"], "default": "url"},
                    "variable": {"type": "str"},
                    "keep": {"type": "bool", "default": False},
                    "optional": {"type": "bool", "default": False},
                    "migrate_from": {"type": "str"},
                    "checksum": {"type": "bool", "default": False},
                },
            },
        },
    },
}


def run(task: Task) -> dict[str, Any]:
    """Make sure of the Secrets; the result holds names, checksums and what was generated, and no value."""
    release, namespace = task.params["release"], task.params["namespace"]
    secrets = [
        Secret(given["name"], [Key(**key) for key in given["keys"]], given["labels"])
        for given in task.params["secrets"]
    ]
    if task.params["render"]:
        return _render(secrets, Path(task.params["render"]), task.check_mode)
    client = Client(task.params, task.say, PATIENCE)
    with held(client, task):
        resolve(secrets, release, look_up(secrets, lambda name: client.get("v1", "Secret", name, namespace)))
        ours = [secret for secret in sources_first(secrets) if not secret.is_external(release)]
        changed = [secret for secret in ours if secret.changed]
        moved = {secret.name: keys for secret in ours if (keys := secret.moved(secrets))}
        if not task.check_mode:
            # What takes a value over comes first, so that no moment is without it.
            for secret in sorted(changed, key=lambda secret: all(key.migrate_from is None for key in secret.keys)):
                _write(client, secret, release, namespace)
            for name, keys in moved.items():
                patch(client, namespace, name, dict.fromkeys(keys))
    with ThreadPoolExecutor() as pool:
        sums = pool.map(lambda secret: checksum(secret.values, f"{namespace}/{secret.name}"), secrets)
        sums_of_keys = pool.map(lambda secret: checksums_of_keys(secret, namespace), secrets)
    return {
        "changed": bool(changed or moved),
        "secrets": {
            secret.name: {
                "checksum": its_sum,
                "checksums": its_sums,
                "changed": secret in changed or secret.name in moved,
                "generated": secret.generated,
                "managed": not secret.is_external(release),
            }
            for secret, its_sum, its_sums in zip(secrets, sums, sums_of_keys, strict=True)
        },
    }


def look_up(secrets: list[Secret], get: Callable[[str], Manifest | None]) -> dict[str, Secret]:
    """Give every Secret its ``live`` object, and return those that others of the task derive from, by their names.

    :param get: returns the Secret of a name, or None if there is none.
    """
    with ThreadPoolExecutor(max_workers=connections_for(len(secrets))) as pool:
        for secret, live in zip(secrets, pool.map(get, [secret.name for secret in secrets]), strict=True):
            secret.live = live
    own = {secret.name for secret in secrets}
    names = {
        match["secret"]
        for secret in secrets
        for key in secret.keys
        for match in PLACEHOLDER.finditer(key.derive or "")
        if match["secret"]
    }
    return {name: Secret(name, [], live=get(name)) for name in sorted(names - own)}


def _render(secrets: list[Secret], directory: Path, check_mode: bool) -> dict[str, Any]:
    """Write which Secrets and keys the rendered objects refer to; no value, since there is none without a cluster.

    Each is a text of its own, because they are no objects that ``kubectl apply`` could take.
    """
    folder = directory / "secrets"
    wanted = {folder / f"{secret.name}.txt": _describe(secret) for secret in secrets}
    changed = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if not check_mode:
        folder.mkdir(parents=True, exist_ok=True)
        for path in changed:
            path.write_text(wanted[path], encoding="utf-8")
    facts = {"checksum": "rendered", "changed": False, "generated": [], "managed": True}
    return {
        "changed": bool(changed),
        "secrets": {
            secret.name: {**facts, "checksums": {key.key: "rendered" for key in secret.keys if key.checksum}}
            for secret in secrets
        },
    }


def _describe(secret: Secret) -> str:
    """Return how each key of a Secret comes to its value, in words."""
    origins = {
        key.key: key.derive or ("given in the inventory" if key.value else f"generated: {key.generate}")
        for key in secret.keys
        if not key.optional
    }
    # A value of several lines is told in one.
    origins = {key: origin.strip().replace("\n", "\\n") for key, origin in origins.items()}
    return (
        f"The objects refer to the Secret {secret.name} and these keys of it. It is not rendered: make it with the\n"
        "module airflow.kubernetes.secret, with External Secrets, or by hand.\n\n"
        + "".join(f"{key}: {origin}\n" for key, origin in origins.items())
    )


def patch(client: Client, namespace: str, name: str, values: Mapping[str, str | None]) -> None:
    """Change keys of a Secret and leave the others; ``None`` removes one."""
    client.request(
        "patch",
        f"/api/v1/namespaces/{namespace}/secrets/{name}",
        {"data": {key: value if value is None else encode(value) for key, value in values.items()}},
        content_type="application/merge-patch+json",
        field_manager=FIELD_MANAGER,
    )


def _write(client: Client, secret: Secret, release: str, namespace: str) -> None:
    """Create or extend a Secret; whoever was first wins, so two runs at once never overwrite each other's keys."""
    metadata: dict[str, Any] = {
        "name": secret.name,
        "namespace": namespace,
        "labels": {**secret.labels, RELEASE_LABEL: release},
    }
    manifest: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "Opaque",
        "data": {key: encode(value) for key, value in secret.values.items()},
    }
    try:
        if secret.live is None:
            client.create(manifest, FIELD_MANAGER)
        else:
            metadata["resourceVersion"] = secret.live["metadata"]["resourceVersion"]
            client.apply(manifest, FIELD_MANAGER, force=True)
    except ApiFailure as failure:
        if failure.status == 409:
            live = client.get("v1", "Secret", secret.name, namespace)
            if (
                live
                and live.get("data") == manifest["data"]
                and not Secret(secret.name, [], live=live).is_external(release)
            ):
                # It was written, and only the answer was lost.
                return
            raise Failure(
                f"The Secret {secret.name} changed while this ran: somebody else has written it. Run again."
            ) from failure
        raise Failure(f"Secret/{secret.name}: {failure.message}") from failure
