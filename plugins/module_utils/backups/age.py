# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of age (https://age-encryption.org/v1), for X25519 recipients: what C2SP's specification of age says.

Neither Airflow's image nor those of databases have age; all of Airflow's have the library cryptography, as Ansible has.
This file runs in a pod, too, and so imports nothing of the collection.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import itertools
import os
from collections.abc import Iterator, Sequence

# Ansible and Airflow bring it with them.
with contextlib.suppress(ImportError):
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"age-encryption.org/v1"
_CHUNK = 64 * 1024
_TAG = 16
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def encrypt(plain: bytes, recipients: Sequence[str]) -> bytes:
    """Return the file of age that each of the recipients can decrypt.

    :raises ValueError: there is none, or one is no X25519 recipient.
    """
    if not recipients:
        raise ValueError("there is no recipient")
    file_key = os.urandom(16)
    header = _VERSION + b"\n" + b"".join(_stanza(file_key, _key(each, "age")) for each in recipients) + b"---"
    nonce = os.urandom(16)
    cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))
    chunks = [plain[start : start + _CHUNK] for start in range(0, len(plain), _CHUNK)] or [b""]
    payload = b"".join(
        cipher.encrypt(_nonce(number, number == len(chunks) - 1), chunk, None) for number, chunk in enumerate(chunks)
    )
    return header + b" " + _encoded(_mac(file_key, header)) + b"\n" + nonce + payload


def decrypt(file: bytes, identities: str) -> bytes:
    """Return what is in a file of age.

    :param identities: the text of an identity file: a line for each, and comments.
    :raises ValueError: it is no such file, it is damaged, or none of the identities can decrypt it.
    """
    header, separator, rest = file.partition(b"\n--- ")
    mac, _newline, payload = rest.partition(b"\n")
    lines = header.split(b"\n")
    if lines[0] != _VERSION or not separator:
        raise ValueError("it is no file of age")
    file_key = next(_file_keys(lines[1:], identities), None)
    if file_key is None:
        raise ValueError("none of the identities can decrypt it")
    if not hmac.compare_digest(_mac(file_key, header + b"\n---"), _decoded(mac)):
        raise ValueError("its header is damaged")
    nonce, body = payload[:16], payload[16:]
    cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))
    size = _CHUNK + _TAG
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    try:
        return b"".join(
            cipher.decrypt(_nonce(number, number == len(chunks) - 1), chunk, None)
            for number, chunk in enumerate(chunks)
        )
    except InvalidTag:
        raise ValueError("it is damaged") from None


def _stanza(file_key: bytes, recipient: bytes) -> bytes:
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    key = _derive(shared, share + recipient, _VERSION + b"/X25519")
    wrapped = ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)
    return b"-> X25519 " + _encoded(share) + b"\n" + _encoded(wrapped) + b"\n"


def _file_keys(lines: Sequence[bytes], identities: str) -> Iterator[bytes]:
    """Yield the file key of each stanza that one of the identities can open."""
    texts = [line.strip() for line in identities.splitlines()]
    keys = [_key(text, "age-secret-key-") for text in texts if text and not text.startswith("#")]
    for first, body in itertools.pairwise(lines):
        if not first.startswith(b"-> X25519 "):
            continue
        share = _decoded(first.split(b" ")[2])
        for key in keys:
            own = X25519PrivateKey.from_private_bytes(key)
            shared = own.exchange(X25519PublicKey.from_public_bytes(share))
            wrapping = _derive(shared, share + own.public_key().public_bytes_raw(), _VERSION + b"/X25519")
            try:
                yield ChaCha20Poly1305(wrapping).decrypt(bytes(12), _decoded(body), None)
            except InvalidTag:
                continue


def _derive(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(secret)


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derive(file_key, b"", b"header"), header, hashlib.sha256)


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _encoded(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)


def _key(text: str, prefix: str) -> bytes:
    """Return the 32 bytes of a recipient or identity, which are written in Bech32 (BIP 173).

    :raises ValueError: it is none; the text is not in the message, because it may be secret.
    """
    found, _one, data = text.strip().lower().rpartition("1")
    digits = [_ALPHABET.find(character) for character in data]
    wrong = ValueError(f"a key does not begin with {prefix}1, or is mistyped")
    if found != prefix or len(digits) < 6 or min(digits) < 0 or _checksum(found, digits) != 1:
        raise wrong
    number = 0
    for digit in digits[:-6]:
        number = number << 5 | digit
    bits = 5 * (len(digits) - 6)
    key = (number >> bits % 8).to_bytes(bits // 8, "big")
    if len(key) != 32:
        raise wrong
    return key


def _checksum(prefix: str, digits: Sequence[int]) -> int:
    found = 1
    expanded = [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]
    for digit in (*expanded, *digits):
        top = found >> 25
        found = (found & 0x1FFFFFF) << 5 ^ digit
        for position, generator in enumerate(_GENERATOR):
            found ^= generator if top >> position & 1 else 0
    return found
