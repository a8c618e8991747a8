"""A registry that answers late: it has one image, of ``sleep`` alone. Usage: registry.py PORT SECONDS."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import tarfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FILES = ("/bin/sleep", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def descriptor(media_type: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": digest(blob), "size": len(blob)}


def image() -> tuple[bytes, dict[str, bytes]]:
    """Return the manifest, and the blobs by digest (OCI image specification)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as archive:
        for path in FILES:
            archive.add(path, path.lstrip("/"))
    layer = gzip.compress(buffer.getvalue())
    rootfs = {"type": "layers", "diff_ids": [digest(buffer.getvalue())]}
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("config.v1+json", config),
        "layers": [descriptor("layer.v1.tar+gzip", layer)],
    }
    return json.dumps(manifest).encode(), {digest(blob): blob for blob in (config, layer)}


MANIFEST_BLOB, BLOBS = image()


class Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        last = self.path.rpartition("/")[2]
        body = MANIFEST_BLOB if "/manifests/" in self.path else BLOBS.get(last, b"")
        self.send_response(200)
        self.send_header("Content-Type", MANIFEST if "/manifests/" in self.path else "application/octet-stream")
        self.send_header("Docker-Content-Digest", digest(body))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET


if __name__ == "__main__":
    time.sleep(float(sys.argv[2]))
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Registry).serve_forever()
