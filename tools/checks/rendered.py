"""Command line: write the golden manifests anew that the unit tests compare with.

The releases of the tests' inventory are rendered whole below ``tests/output``, where tests read them. What is kept of
them, and compared, is short: three releases whole, the others as what differs from ``defaults``; see :func:`golden`.
"""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..common.paths import CHECKOUT
from ..environment.variables import WITHOUT_COLOR

INVENTORY = CHECKOUT / "tests" / "unit" / "inventory"
GOLDEN = CHECKOUT / "tests" / "unit" / "golden"
#: Of this virtual environment, since another one has another Ansible.
RENDERED = CHECKOUT / "tests" / "output" / "rendered" / Path(sys.prefix).name
#: What manifests depend on.
SOURCES = ("playbooks", "plugins", "roles", "tests/unit/inventory")

#: The releases that are kept whole, the one that the others are compared with first.
WHOLE = ("defaults", "everything", "master")
#: Characters of what is written in one line, though it has parts.
SHORT = 100
_JOB_CHECKSUM = re.compile(r"(-migrations-[0-9-]+)-[0-9a-f]{10}\b")


def ensure(directory: Path = RENDERED, variables: Mapping[str, Any] | None = None) -> None:
    """Render the releases into a folder, if anything has changed since that was done.

    :param variables: what all releases have, instead of what the inventory says.
    :raises subprocess.CalledProcessError: with the output of ansible-playbook.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f"{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, digest = directory.parent / f"{directory.name}.digest", _digest()
        if directory.is_dir() and stamp.is_file() and stamp.read_text() == digest:
            return
        stamp.unlink(missing_ok=True)
        shutil.rmtree(directory, ignore_errors=True)
        render(directory, variables)
        stamp.write_text(digest)


def _digest() -> str:
    """Return a checksum of all that is rendered and of what renders it."""
    digest = hashlib.sha256(sys.version.encode())
    for name in SOURCES:
        for path in sorted((CHECKOUT / name).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def render(directory: Path, variables: Mapping[str, Any] | None = None, inventory: Path = INVENTORY) -> None:
    """Render every release of an inventory into a folder, which holds one folder for each then.

    :param variables: what all releases have, instead of what the inventory says.
    :raises subprocess.CalledProcessError: with the output of ansible-playbook.
    """
    playbook = CHECKOUT / "playbooks" / "render.yml"
    command: list[str | Path] = [Path(sys.executable).parent / "ansible-playbook", "-i", inventory, playbook]
    subprocess.run(
        [*command, "--extra-vars", json.dumps({**(variables or {}), "airflow_render_to": str(directory)})],
        cwd=CHECKOUT,
        env={**os.environ, **WITHOUT_COLOR},
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def golden(rendered: Path) -> dict[str, str]:
    """Return what is kept of rendered releases, by the path of the file that holds it.

    A word stands for each checksum, and for the text of programs, which are files of their own. So a change shows
    where it is made, and not in every release again.
    """
    releases = {path.name: _files(path) for path in sorted(rendered.iterdir()) if path.is_dir()}
    base = releases[WHOLE[0]]
    kept = {f"{release}/{name}": text for release in WHOLE for name, text in releases[release].items()}
    for release, files in releases.items():
        if release not in WHOLE:
            kept[f"{release}.diff"] = "".join(f"{line}\n" for line in _difference(base, files))
    return kept


def _files(release: Path) -> dict[str, str]:
    paths = [path for path in sorted(release.rglob("*")) if path.is_file()]
    return {_JOB_CHECKSUM.sub(r"\1", str(path.relative_to(release))): _kept(path) for path in paths}


def _kept(path: Path) -> str:
    if path.suffix != ".yaml":
        return path.read_text()
    manifest = yaml.safe_load(path.read_text())
    if manifest["kind"] == "ConfigMap" and manifest["metadata"]["name"].endswith("-scripts"):
        manifest["data"] = dict.fromkeys(manifest["data"], "<text>")
    text = yaml.dump(_without_checksums(manifest), Dumper=_Compact, sort_keys=False, width=200)
    return _JOB_CHECKSUM.sub(r"\1-<checksum>", text)


def _without_checksums(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: "<checksum>" if key.endswith("-checksum") and inner != "rendered" else _without_checksums(inner)
            for key, inner in value.items()
        }
    return [_without_checksums(inner) for inner in value] if isinstance(value, list) else value


def _difference(base: dict[str, str], files: dict[str, str]) -> Iterator[str]:
    """Yield what differs, file by file, without numbers of lines: what stands above would change them."""
    for name in sorted({*base, *files}):
        if name not in files:
            yield f"=== {name} is left out"
            continue
        old, new = base.get(name, "").splitlines(), files[name].splitlines()
        if old != new:
            yield f"=== {name}" if name in base else f"=== {name} is new"
            for line in [*difflib.unified_diff(old, new, n=0, lineterm="")][2:]:
                yield "@@" if line.startswith("@@") else line


class _Compact(yaml.SafeDumper):
    """Writes what is short in one line, and a text of several lines as a block."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        node.flow_style = _is_short(mapping)
        return node

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, flow_style)
        node.flow_style = _is_short(sequence)
        return node

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Compact.add_representer(str, _represent_text)


def _is_short(value: Any) -> bool:
    text = json.dumps(value)
    return len(text) <= SHORT and "\\n" not in text


def main() -> int:
    """Replace the golden files and return the exit code."""
    try:
        ensure()
    except subprocess.CalledProcessError as error:
        print(error.output, file=sys.stderr)
        return 1
    shutil.rmtree(GOLDEN, ignore_errors=True)
    kept = golden(RENDERED)
    for name, text in kept.items():
        path = GOLDEN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    lines = sum(text.count("\n") for text in kept.values())
    print(f"Wrote {len(kept)} files, {lines} lines, to {GOLDEN.relative_to(CHECKOUT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
