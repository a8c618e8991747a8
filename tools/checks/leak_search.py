"""Where values of Secrets are that should be nowhere else: output, objects, events, logs, files, process lists."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from ..common.run import CommandError

#: What is shorter is a name, such as admin.
SHORTEST = 8
#: Seconds between two looks at all processes of the machine, among them those of the cluster's nodes.
PAUSE = 0.2

Kubectl = Callable[..., str]


def spellings(value: str) -> set[str]:
    """Return the ways in which a value may be written."""
    encoded = value.encode()
    ways = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], repr(value)[1:-1]}
    # Within a longer text that is encoded as a whole a value begins at any of three places.
    for lead in range(3):
        data = bytes(lead) + encoded
        whole = base64.b64encode(data[: len(data) // 3 * 3]).decode()
        ways.add(whole[4:] if lead else whole)
    return ways


class Values:
    """The values of a release's Secrets, of whenever they were looked at."""

    def __init__(self) -> None:
        self._spellings: dict[str, str] = {}

    def add(self, secret: Mapping[str, Any]) -> None:
        """Take the values of a Secret; where they are from is what is told of them."""
        for key, encoded in (secret.get("data") or {}).items():
            value = base64.b64decode(encoded).decode("utf-8", "replace").strip()
            if len(value) >= SHORTEST:
                for spelling in spellings(value):
                    self._spellings[spelling] = f"{secret['metadata']['name']}/{key}"

    def __len__(self) -> int:
        return len(self._spellings)

    def found_in(self, where: str, text: str) -> Iterator[str]:
        """Yield where each value is in a text that should not be, without the value."""
        for name in sorted({name for spelling, name in self._spellings.items() if spelling in text}):
            yield f"{where}: {name}"


class Processes:
    """The arguments of all processes of this machine, while something is done."""

    def __init__(self) -> None:
        self.arguments: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Processes:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(PAUSE):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.arguments.add(file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
                except OSError:
                    # It has ended meanwhile.
                    continue


def secrets(kubectl: Kubectl) -> list[dict[str, Any]]:
    """Return the Secrets of a namespace."""
    return list(json.loads(kubectl("get", "secrets", "--output", "json"))["items"])


def cluster_texts(kubectl: Kubectl) -> Iterator[tuple[str, str]]:
    """Yield all objects of a namespace, events among them, and its containers' logs, each with what it is.

    Of Secrets all but the data.
    """
    kinds = kubectl("api-resources", "--namespaced", "--verbs=list", "--output", "name").split()
    found = kubectl("get", ",".join(kinds), "--output", "json", "--show-managed-fields", "--ignore-not-found")
    for item in json.loads(found)["items"]:
        if item["kind"] == "Secret":
            item.pop("data", None)
        yield f"{item['kind']}/{item['metadata']['name']}", json.dumps(item, ensure_ascii=False)
        for container in _containers(item):
            for which in ("false", "true"):
                log = _log(kubectl, item["metadata"]["name"], container, which)
                yield f"log of {item['metadata']['name']}/{container}", log


def folder_texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the files below a folder, each with its name."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield str(file.relative_to(folder)), file.read_bytes().decode("utf-8", "replace")


def search(values: Values, texts: Iterable[tuple[str, str]]) -> list[str]:
    """Return where values are in texts, in their order."""
    return [line for where, text in texts for line in values.found_in(where, text)]


def _containers(item: Mapping[str, Any]) -> list[str]:
    if item["kind"] != "Pod":
        return []
    spec = item["spec"]
    return [container["name"] for container in (*spec.get("initContainers", []), *spec["containers"])]


def _log(kubectl: Kubectl, pod: str, container: str, previous: str) -> str:
    try:
        return kubectl("logs", pod, "--container", container, f"--previous={previous}")
    except CommandError:
        # It has not started, or not started anew, or is gone.
        return ""
