# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write one file of all CAs to trust: those that the image trusts, and those of the user's own.

The image trusts those of its system, and those of the package certifi, which Python's HTTP clients have instead.

    trust_certificates.py <own certificates> <file to write>
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def trusted() -> Iterator[Path]:
    """Yield the files of what the image trusts, as far as they are there."""
    certifi = importlib.util.find_spec("certifi")
    packaged = [Path(certifi.origin).with_name("cacert.pem")] if certifi and certifi.origin else []
    yield from (path for path in (SYSTEM, *packaged) if path.is_file())


def bundle(texts: Iterable[str]) -> str:
    """Return all certificates in texts, each once."""
    found = {"".join(one.split()): one for text in texts for one in CERTIFICATE.findall(text)}
    return "".join(f"{one}\n" for one in found.values())


def main(own: Path, target: Path) -> None:
    # Others may have written whatever they liked between the certificates.
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in (own, *trusted())]
    if not CERTIFICATE.search(texts[0]):
        sys.exit(f"{own} has no certificate in PEM: correct the ConfigMap that airflow_ca_config_map names.")
    written = target.with_suffix(".new")
    written.write_text(bundle(texts), encoding="utf-8")
    os.replace(written, target)
    print(f"{bundle(texts[:1]).count('BEGIN')} own and {bundle(texts).count('BEGIN')} certificates in all")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
