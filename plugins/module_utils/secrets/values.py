# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the keys of a Secret come to their values: given, generated, kept, or derived from others."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets as random
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from ..core.errors import Failure
from ..core.labels import RELEASE_LABEL
from ..kube.client import Manifest

#: Letters and digits need no quoting anywhere: 32 of them are 190 bits.
PASSWORD_ALPHABET = string.ascii_letters + string.digits

#: In a derived value: ``{KEY}`` of the same Secret, or ``{secret-name/KEY}``.
PLACEHOLDER = re.compile(r"\{(?:(?P<secret>[a-z0-9.-]+)/)?(?P<key>[A-Za-z0-9_.-]+)\}")

Values = dict[str, str]


@dataclass(frozen=True)
class Key:
    """How one key of a Secret comes to its value.

    :param value: given by the user; wins over ``generate``.
    :param generate: ``fernet`` or ``password``: made once and then kept.
    :param derive: a template of other keys' values; made anew in every run. A Secret in it that is none of the
        task's is somebody else's.
    :param quote: what those values are put into: ``url``, ``json`` (a string of it, its quotes included), or ``none``.
    :param variable: the inventory variable that ``value`` or the Secret in ``derive`` comes from, for messages.
    :param keep: a given value that differs from what exists is refused: changing it takes more than a new Secret.
    :param optional: read where it is there, and never made.
    :param migrate_from: the Secret that used to hold it: its value is taken over from there, and the key removed.
    :param checksum: return a checksum of this value alone, for pods that read no other of the Secret.
    """

    key: str
    value: str | None = None
    generate: str | None = None
    length: int = 32
    derive: str | None = None
    quote: str = "url"
    variable: str | None = None
    keep: bool = False
    optional: bool = False
    migrate_from: str | None = None
    checksum: bool = False


@dataclass
class Secret:
    """One Secret as it is wanted and as it is."""

    name: str
    keys: list[Key]
    labels: dict[str, str] = field(default_factory=dict)
    live: Manifest | None = None
    values: Values = field(default_factory=dict)
    generated: list[str] = field(default_factory=list)

    @property
    def existing(self) -> Values:
        data = (self.live or {}).get("data") or {}
        return {key: base64.b64decode(value).decode("utf-8", "surrogateescape") for key, value in data.items()}

    def is_external(self, release: str) -> bool:
        """Tell whether somebody else made this Secret."""
        return self.live is not None and self.live["metadata"].get("labels", {}).get(RELEASE_LABEL) != release

    @property
    def changed(self) -> bool:
        existing = self.existing
        return self.live is None or any(existing.get(key) != value for key, value in self.values.items())

    def moved(self, secrets: Iterable[Secret]) -> list[str]:
        """Return the keys in it that others of the task hold by now."""
        existing = self.existing
        keys = (key for secret in secrets for key in secret.keys)
        return [key.key for key in keys if key.migrate_from == self.name and key.key in existing]


def resolve(secrets: list[Secret], release: str, others: Mapping[str, Secret] | None = None) -> None:
    """Give every Secret its ``values``: what exists, else what is given, else generated; then what derives from them.

    :param others: Secrets of somebody else's that values derive from.
    :raises Failure: a user's own Secret is not there or lacks a key, or a given value contradicts an existing one that
        has to stay.
    """
    before = {secret.name: secret.existing for secret in secrets}
    for secret in secrets:
        existing = before[secret.name]
        if secret.is_external(release):
            missing = [key.key for key in secret.keys if key.key not in existing and not key.optional]
            if missing:
                raise Failure(
                    f"The Secret {secret.name} is not the collection's (it lacks the label {RELEASE_LABEL}={release}), "
                    f"so it is only read, and it has no key {', '.join(missing)}. "
                    "Add what is missing, or delete the Secret to have it made."
                )
            secret.values = {key.key: existing[key.key] for key in secret.keys if key.key in existing}
            continue
        for key in secret.keys:
            if key.derive is None and (key.key in existing or not key.optional):
                former = before.get(key.migrate_from or "", {}).get(key.key)
                secret.values[key.key] = _resolve_key(secret, key, existing.get(key.key, former))
    by_name = {name: other.existing for name, other in (others or {}).items()}
    by_name |= {secret.name: secret.values for secret in secrets}
    for secret in sources_first(secrets):
        if not secret.is_external(release):
            for key in secret.keys:
                if key.derive is not None:
                    _refuse_missing(key, others or {})
                    secret.values[key.key] = derive(key.derive, secret.values, by_name, key.quote)


def _refuse_missing(key: Key, others: Mapping[str, Secret]) -> None:
    """Refuse a value that derives from a Secret of the user's that is not there, or has not the key."""
    for match in PLACEHOLDER.finditer(key.derive or ""):
        other = others.get(match["secret"] or "")
        if other is None:
            continue
        held = None if other.live is None else other.existing
        if problem := lacking(key.variable or key.key, "Secret", other.name, match["key"], held):
            raise Failure(problem)


def lacking(variable: str, kind: str, name: str, key: str, held: Iterable[str] | None) -> str:
    """Say what the user's own object lacks, and what to do; nothing if it has the key.

    :param variable: which names it.
    :param held: its keys; ``None`` if it is not there.
    """
    named = f"{variable} names the {kind} {name}"
    if held is None:
        return f"{named}, but the namespace has none of this name. Create it there, or name another."
    if key not in held:
        return f"{named}, which has no key {key}. It has: {', '.join(sorted(held)) or 'none'}."
    return ""


def sources_first(secrets: list[Secret]) -> list[Secret]:
    """Return the Secrets in an order in which each comes after those that its values derive from.

    A run that is killed between two of them would else leave a URL with a password that nothing else holds, and the
    next run would have to change it.
    """
    by_name = {secret.name: secret for secret in secrets}
    ordered: dict[str, Secret] = {}

    def take(secret: Secret, before: frozenset[str]) -> None:
        for key in secret.keys:
            for match in PLACEHOLDER.finditer(key.derive or ""):
                source = by_name.get(match["secret"] or "")
                if source and source.name not in before:
                    take(source, before | {source.name})
        ordered.setdefault(secret.name, secret)

    for secret in secrets:
        take(secret, frozenset({secret.name}))
    return list(ordered.values())


def _resolve_key(secret: Secret, key: Key, existing: str | None) -> str:
    if key.value:
        if key.keep and existing is not None and existing != key.value:
            raise Failure(
                f"{key.variable or key.key} differs from the value that the Secret {secret.name} holds under "
                f"{key.key}, and what was set up with that value still has it. "
                "Set the old value again, or leave the variable out to keep it."
            )
        return key.value
    if existing is not None:
        return existing
    if key.generate is None:
        raise Failure(f"The Secret {secret.name} needs a value for {key.key}: set {key.variable or key.key}.")
    secret.generated.append(key.key)
    return generate(key.generate, key.length)


def generate(what: str, length: int = 32) -> str:
    """Return a new random value.

    :param what: ``fernet`` (32 random bytes in URL-safe base64, as cryptography's Fernet wants) or ``password``.
    :param length: characters of a password.
    """
    if what == "fernet":
        return base64.urlsafe_b64encode(random.token_bytes(32)).decode("ascii")
    return "".join(random.choice(PASSWORD_ALPHABET) for _character in range(length))


_QUOTED: Mapping[str, Callable[[str], str]] = {
    "url": lambda value: quote(value, safe=""),
    "json": json.dumps,
    "none": str,
}


def derive(
    template: str, values: Mapping[str, str], others: Mapping[str, Mapping[str, str]], quoting: str = "url"
) -> str:
    """Fill a template with other keys' values.

    :param quoting: ``url`` percent-encodes each (RFC 3986), so that any password fits into a URL; ``json`` writes each
        as a string of JSON; ``none`` takes each as it is.
    :raises Failure: the template names a key that nothing holds.
    """

    def fill(match: re.Match[str]) -> str:
        source = others.get(match["secret"], {}) if match["secret"] else values
        if match["key"] not in source:
            raise Failure(f"A derived value needs {match[0]}, which no Secret of this task holds.")
        value = source[match["key"]]
        return _QUOTED[quoting](value)

    return PLACEHOLDER.sub(fill, template)


def checksums_of_keys(secret: Secret, namespace: str) -> dict[str, str]:
    """Return the checksums of single keys that are asked for, by key."""
    return {
        key.key: checksum({key.key: secret.values[key.key]}, f"{namespace}/{secret.name}")
        for key in secret.keys
        if key.checksum and key.key in secret.values
    }


def checksum(values: Mapping[str, str], salt: str) -> str:
    """Return what changes when a value does, and is no help in guessing one: scrypt (4 MiB, some 10 ms) over all."""
    content = "\0".join(f"{key}={values[key]}" for key in sorted(values))
    return hashlib.scrypt(
        content.encode("utf-8", "surrogateescape"), salt=salt.encode(), n=2**12, r=8, p=1, dklen=16
    ).hex()


def encode(value: str) -> str:
    """Return a value as it stands in a Secret's ``data``."""
    return base64.b64encode(value.encode("utf-8", "surrogateescape")).decode("ascii")
