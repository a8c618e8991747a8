"""Files of age, against what pyrage 1.4.0, which is made of age's own Rust library, has encrypted."""

from __future__ import annotations

import base64
import os

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.backups import age

#: Made for these tests, and used nowhere.
IDENTITY = "AGE-SECRET-KEY-1MAK74XN9RJQL654406250U6U254KUDWZX7RY2395XGKDSQGHA5PSDS6CT8"
RECIPIENT = "age1rft470qq2y49za8m46sysxdhter0lp45l6uvxxfju4gfv4v8muzsy5j2c9"
OTHER = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
#: With a stanza of a kind that nobody knows, as age adds them at random.
FILE = base64.b64decode(
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBwd0dnZmozTWVUU2d3Z0tzaE0vd21GZVUvQU5LdGlqT0Y3M0t0MTkvUjBRCnFDTnBuSWFn"
    "M2J3Ylptd01SVmxNM2lJQVRhNnlzMjhKMzdjYlZJdllCdWcKLT4gMHVGPSwyaW4tZ3JlYXNlIDw4Qi4gZzBGRWdnClhDTlFTVmZJcVVaTUJuenI5"
    "TVdHMWFnCi0tLSB6eXNCeFlMUVVPSEdxbFBBMkRHVFQ0MDhpWVkwVmN6MFk3RUl0QXlOSkIwCnp2jbjN7lzibiEJhQxPymuBu1zyXRV5Pe8TWiZg"
    "Zmg9yDyZeQk="
)


def test_what_age_has_encrypted_is_decrypted() -> None:
    assert age.decrypt(FILE, f"# created: today\n{IDENTITY}\n") == b"value"


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 200000])
def test_one_of_several_recipients_can_decrypt(size: int) -> None:
    plain = os.urandom(size)
    file = age.encrypt(plain, [OTHER, RECIPIENT])
    assert age.decrypt(file, IDENTITY) == plain
    assert plain not in file or size < 16


def test_nobody_else_can() -> None:
    with pytest.raises(ValueError, match="none of the identities"):
        age.decrypt(age.encrypt(b"value", [OTHER]), IDENTITY)


@pytest.mark.parametrize(
    ("at", "reason"),
    [(-1, "it is damaged"), (len(FILE) - 60, "header is damaged|it is damaged"), (0, "no file of age")],
)
def test_a_damaged_file_is_told(at: int, reason: str) -> None:
    damaged = bytearray(FILE)
    damaged[at] ^= 1
    with pytest.raises(ValueError, match=reason):
        age.decrypt(bytes(damaged), IDENTITY)


@pytest.mark.parametrize("recipient", [RECIPIENT[:-1] + "q", RECIPIENT[:-3], "age1", "ssh-ed25519 AAAA", IDENTITY, ""])
def test_a_mistyped_recipient_is_refused_and_not_shown(recipient: str) -> None:
    with pytest.raises(ValueError, match=r"^a key does not begin with age1, or is mistyped$"):
        age.encrypt(b"value", [recipient])


def test_without_a_recipient_nothing_is_encrypted() -> None:
    with pytest.raises(ValueError, match="there is no recipient"):
        age.encrypt(b"value", [])
