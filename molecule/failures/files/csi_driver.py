"""A CSI driver that registers late; its volumes are empty folders. Usage: csi_driver.py NAME NODE SECONDS.

The messages are so small that they are written here by hand (CSI specification, csi.proto; kubelet,
pluginregistration/v1/api.proto).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc

KUBELET = "/var/lib/kubelet"


def text(number: int, value: str) -> bytes:
    """Return a field of protobuf that holds a text of less than 128 bytes."""
    return bytes([number << 3 | 2, len(value)]) + value.encode()


def texts(message: bytes) -> dict[int, bytes]:
    """Return the fields of a message that have a length."""
    found, at = {}, 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        tag = number()
        if tag & 7 != 2:
            number()
            continue
        length = number()
        found[tag >> 3] = message[at : at + length]
        at += length
    return found


def serve(socket: str, service: str, methods: dict[str, Callable[[bytes], bytes]]) -> grpc.Server:
    def handler(method: Callable[[bytes], bytes]) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(lambda request, _context: method(request))

    server = grpc.server(ThreadPoolExecutor(4))
    handlers = {name: handler(method) for name, method in methods.items()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    return server


def publish(request: bytes) -> bytes:
    os.makedirs(texts(request)[4], exist_ok=True)
    return b""


def unpublish(request: bytes) -> bytes:
    os.rmdir(texts(request)[2])
    return b""


def forget(*sockets: str) -> None:
    """Remove sockets, by which the kubelet notices that the driver is gone."""
    for socket in sockets:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(socket)


def main(name: str, node: str, seconds: str) -> None:
    endpoint, registry = f"{KUBELET}/plugins/{name}.sock", f"{KUBELET}/plugins_registry/{name}.sock"
    forget(endpoint, registry)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    time.sleep(float(seconds))
    info = text(1, "CSIPlugin") + text(2, name) + text(3, endpoint) + text(4, "1.0.0")
    driver = serve(
        endpoint,
        "csi.v1.Node",
        {
            "NodeGetInfo": lambda _request: text(1, node),
            "NodeGetCapabilities": lambda _request: b"",
            "NodePublishVolume": publish,
            "NodeUnpublishVolume": unpublish,
        },
    )
    registration = serve(
        registry,
        "pluginregistration.Registration",
        {"GetInfo": lambda _request: info, "NotifyRegistrationStatus": lambda _request: b""},
    )
    try:
        registration.wait_for_termination()
    finally:
        forget(endpoint, registry)
        driver.stop(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
