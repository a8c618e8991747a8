# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates for a day, of a CA made for them."""

from __future__ import annotations

import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificates(hosts: list[str], authority_name: str = "CA of a scenario") -> dict[str, str]:
    """Return ``ca.crt``, and ``tls.crt`` and ``tls.key`` of a server with these host names, all as PEM."""
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, authority_name)])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    return {
        "ca.crt": _sign(issuer, authority, issuer, authority, x509.BasicConstraints(ca=True, path_length=0)),
        "tls.crt": _sign(subject, server, issuer, authority, names),
        "tls.key": server.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    }


def bundle(certificate: str, others: int) -> str:
    """Return a bundle of so many CAs, of which the last one is that of a certificate, as clouds have theirs."""
    names = [f"CA {number} of nobody" for number in range(others)]
    return "".join(certificates(["nobody"], name)["ca.crt"] for name in names) + certificate


def _sign(subject: x509.Name, key: Any, issuer: x509.Name, signer: Any, extension: Any) -> str:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    )
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"bundle": bundle, "certificates": certificates}
