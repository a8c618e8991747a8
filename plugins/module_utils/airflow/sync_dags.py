# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mirror a local directory to the shared DAGs volume of a release.

Only the DAG processor may write to it, so the remote side is a program in its container, ``mirror_program.py``.
The local side compares the files of both, and sends those that differ.
"""

from __future__ import annotations

import inspect
import os
import stat
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..core.errors import Failure
from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.component_pod import find_pod
from ..kube.permissions import PERMISSIONS_OPTIONS, require
from ..kube.pod_stream import Exec, reader_of
from ..kube.retries import FIRST_PATIENCE
from ..kube.task import Task
from . import mirror_program
from .mirror_program import LENGTH, PIECE, excluded

COMPONENT = "dag-processor"

#: Paths of one kind that a result tells by name.
PATHS_TOLD = 200

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **PERMISSIONS_OPTIONS,
    "namespace": {"type": "str", "required": True},
    "release": {"type": "str", "required": True},
    "src": {"type": "path", "required": True},
    "path": {"type": "str", "default": "/opt/airflow/dags"},
    "subdir": {"type": "str", "default": ""},
    "exclude": {"type": "list", "elements": "str", "default": [".git", "__pycache__", "*.pyc", ".*.sync"]},
    "delete": {"type": "bool", "default": True},
    "allow_empty": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 60},
}


@dataclass(frozen=True)
class Source:
    """A local file to mirror.

    :param full: where it is.
    :param size: its bytes.
    :param sha256: of its content, in hex.
    :param executable: by its owner.
    """

    full: Path
    size: int
    sha256: str
    executable: bool = False


@dataclass
class Plan:
    """What makes the remote side equal to the local one: relative paths, sorted."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    @property
    def written(self) -> list[str]:
        return sorted(self.created + self.updated)

    def __bool__(self) -> bool:
        return bool(self.created or self.updated or self.deleted)


class Stream(Protocol):
    """The program's standard input and output."""

    def read(self, size: int) -> bytes:
        """Return exactly so many bytes, or raise Failure."""

    def write(self, data: bytes) -> None:
        """Send all bytes, or raise OSError."""


def run(task: Task) -> dict[str, Any]:
    """Mirror as the options say; the result tells the paths and how many, how much and how long it was."""
    params = task.params
    started = time.monotonic()
    if not params["src"]:
        raise Failure("No folder of DAGs is named. Set src; with playbooks/sync_dags.yml, set airflow_dags_source.")
    if not params["path"]:
        raise Failure(
            "airflow_dags_volume is none: the DAGs come with the image, and there is no volume to mirror to. Build "
            "them into airflow_image, or set airflow_dags_volume to a volume that holds them: docs/storage.md."
        )
    path, subdir = _target(params["path"], params["subdir"])
    sources = scan(Path(params["src"]), params["exclude"])
    if not sources and params["delete"] and not params["allow_empty"]:
        raise Failure(
            f"{params['src']} holds no files to mirror, so that all DAGs would be deleted. "
            "Check src and exclude; if that is what you want, set allow_empty: true."
        )
    client = Client(params, task.say, FIRST_PATIENCE)
    require(client, params)
    pod = find_pod(client, params["namespace"], params["release"], COMPONENT, params["timeout"])
    order = {"path": path, "subdir": subdir, "exclude": params["exclude"], "check": task.check_mode}
    with Exec(client, params["namespace"], pod, COMPONENT, command(program())) as stream:
        mirror = RemoteMirror(stream, f"{pod}:{path}")
        mirror.start(program())
        there = mirror.ask(order)["manifest"]
        plan = compare(sources, there, params["delete"])
        if plan and not task.check_mode:
            mirror.carry_out(plan, sources, params["delete"])
    result = report(plan, sources, time.monotonic() - started)
    if task.diff_mode:
        result["diff"] = diff(plan, sources, there)
    return result


def program() -> bytes:
    """Return the text of the program that runs in the pod, from wherever Python has imported it."""
    return inspect.getsource(mirror_program).encode("utf-8")


def command(text: bytes) -> list[str]:
    """Return the command that runs the program, which comes first on its standard input: an address has to be short."""
    # Neither the image's environment nor its site-packages: a quick start, and names of files are UTF-8.
    return ["python3", "-I", "-S", "-X", "utf8", "-c", reader_of(text, "mirror")]


class RemoteMirror:
    """The conversation with the program in the pod.

    :param name: the place, for messages.
    """

    def __init__(self, stream: Stream, name: str) -> None:
        self._stream = stream
        self._name = name

    def start(self, text: bytes) -> None:
        """Send the program itself."""
        self._send([text])

    def ask(self, message: Any) -> dict[str, Any]:
        """Send a message and return the answer.

        :raises Failure: the program reports an error, or ends.
        """
        self._send([mirror_program.pack(message)])
        return self._answer()

    def carry_out(self, plan: Plan, sources: dict[str, Source], prune: bool) -> None:
        """Have the plan carried out.

        :param prune: directories without files are removed.
        """
        written = [(path, sources[path]) for path in plan.written]
        message = {
            "write": [[path, source.size, source.sha256, source.executable] for path, source in written],
            "delete": plan.deleted,
            "prune": prune,
        }
        self._send([mirror_program.pack(message)])
        self._send(contents([source for _path, source in written]))
        self._answer()

    def _send(self, frames: Sequence[bytes] | Iterator[bytes]) -> None:
        try:
            for frame in frames:
                self._stream.write(frame)
        except (ConnectionError, TimeoutError) as error:
            self._answer()  # If it said why it ended, that is the message.
            raise Failure(f"The connection to {self._name} broke: {error}. Run again.") from error

    def _answer(self) -> dict[str, Any]:
        data = b""
        while not data:
            data = self._stream.read(LENGTH.unpack(self._stream.read(LENGTH.size))[0])
        answer: dict[str, Any] = mirror_program.unpack(data)
        if "error" in answer:
            raise Failure(f"The DAGs at {self._name} cannot be mirrored: {answer['error']}.")
        return answer


def contents(sources: Sequence[Source]) -> Iterator[bytes]:
    """Yield the frames that carry the contents of the files.

    :raises Failure: a file is no longer as long as it was.
    """
    compressor = zlib.compressobj(1)
    pending = b""
    for source in sources:
        for piece in _pieces(source):
            pending += compressor.compress(piece)
            if len(pending) >= PIECE:
                yield mirror_program.frame(pending)
                pending = b""
    pending += compressor.flush()
    yield mirror_program.frame(pending)


def _pieces(source: Source) -> Iterator[bytes]:
    left = source.size
    with source.full.open("rb") as file:
        while left:
            piece = file.read(min(PIECE, left))
            if not piece:
                raise Failure(f"{source.full} became shorter while it was being sent. Run again.")
            left -= len(piece)
            yield piece


def scan(src: Path, patterns: list[str]) -> dict[str, Source]:
    """Return the files below a directory by relative path; symbolic links are followed within it.

    :raises Failure: the directory does not exist, or holds what cannot be mirrored.
    """
    if not src.is_dir():
        what = "is not a directory" if os.path.lexists(src) else "does not exist"
        raise Failure(f"The folder of DAGs {src.absolute()} {what} here, where the task runs.")
    sources: dict[str, Source] = {}
    root = src.resolve()
    try:
        _scan("", (root,), patterns, sources)
    except OSError as error:
        raise Failure(f"{error.filename or src} cannot be read: {error.strerror}.") from error
    return sources


def _scan(below: str, folders: tuple[Path, ...], patterns: list[str], sources: dict[str, Source]) -> None:
    """Add the files of the last folder; the others are those that it is in, the root first."""
    root = folders[0]
    for entry in sorted(folders[-1].iterdir()):
        path = f"{below}/{entry.name}".lstrip("/")
        if excluded(path, patterns):
            continue
        full = entry.resolve() if entry.is_symlink() else entry
        if not full.is_relative_to(root):
            raise Failure(
                f"{entry} is a symbolic link to {full}, outside of {root}: the volume has no such file. "
                "Put the file itself there, or exclude the link."
            )
        status = full.stat()
        if stat.S_ISDIR(status.st_mode):
            if full in folders:
                raise Failure(f"{entry} is a symbolic link to a folder that it is in. Exclude it.")
            _scan(path, (*folders, full), patterns, sources)
        elif stat.S_ISREG(status.st_mode):
            executable = bool(status.st_mode & stat.S_IXUSR)
            sources[path] = Source(full, status.st_size, mirror_program.digest(full), executable)
        else:
            raise Failure(f"{entry} is neither a file nor a folder. Exclude it.")


def compare(sources: dict[str, Source], there: mirror_program.Manifest, delete: bool) -> Plan:
    """Tell what to do so that what is there becomes what is here.

    :param there: what the program found, by relative path.
    :param delete: what is only there goes.
    """
    plan = Plan()
    for path, source in sources.items():
        if path not in there:
            plan.created.append(path)
        elif _differs(source, there[path]):
            plan.updated.append(path)
    if delete:
        plan.deleted = [path for path in there if path not in sources]
    for paths in (plan.created, plan.updated, plan.deleted):
        paths.sort()
    return plan


def _differs(source: Source, entry: mirror_program.Entry) -> bool:
    size, content, executable = entry
    return (size, content) != (source.size, source.sha256) or executable not in (None, source.executable)


def report(plan: Plan, sources: dict[str, Source], seconds: float) -> dict[str, Any]:
    """Return the task's result."""
    kinds = {"created": plan.created, "updated": plan.updated, "deleted": plan.deleted}
    return {
        "changed": bool(plan),
        **{kind: [_printable(path) for path in paths[:PATHS_TOLD]] for kind, paths in kinds.items()},
        "counts": {
            **{kind: len(paths) for kind, paths in kinds.items()},
            "unchanged": len(sources) - len(plan.created) - len(plan.updated),
        },
        "bytes": sum(sources[path].size for path in plan.written),
        "seconds": round(seconds, 2),
    }


def diff(plan: Plan, sources: dict[str, Source], there: mirror_program.Manifest) -> dict[str, str]:
    """Return Ansible's ``diff``: the files that differ, each with its size, the start of its checksum, and its mode."""

    def lines(paths: list[str], entry: Callable[[str], Sequence[Any]]) -> str:
        return "".join(line(path, *entry(path)) for path in paths)

    def line(path: str, size: int, content: str, executable: bool | None) -> str:
        return f"{_printable(path)} {size} bytes {content[:12]}{' executable' * bool(executable)}\n"

    before = sorted(plan.updated + plan.deleted)
    return {
        "before_header": "the DAGs volume",
        "after_header": "the DAGs volume",
        "before": lines(before, lambda path: there[path]),
        "after": lines(plan.written, lambda path: astuple(sources[path])[1:]),
    }


def _printable(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _target(path: str, subdir: str) -> tuple[str, str]:
    path = os.path.normpath(path)
    if not path.startswith("/") or path.strip("/") == "":
        raise Failure(f"path must be the full path of the DAGs folder in the container, not {path!r}.")
    parts = [part for part in subdir.split("/") if part not in ("", ".")]
    if ".." in parts or subdir.startswith("/"):
        raise Failure(f"subdir must be a folder below {path}, not {subdir!r}.")
    return path, "/".join(parts)
