# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The far side of a mirror: runs in a pod, where it lists, writes and deletes files below one directory.

The text of this file is sent to the container's Python (3.9 or later), so it uses the standard library only. Both sides
talk in frames: four bytes of length, big-endian, then that many bytes. A frame is a JSON message or a part of the
stream of file contents, zlib-compressed either way; an empty one says that the program is alive. The conversation:

1. An order: where, and what to leave alone.
2. The manifest: what is there.
3. A plan: what to write and to delete; then the contents of all files to write, one after the other.
4. ``{"done": true}``, or at any time ``{"error": "..."}``.

A file is written beside its target under a name that Airflow ignores, checked, and renamed when all are there. Whenever
the program is stopped, it leaves nothing but such temporary files and empty directories, which a later run removes.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import json
import os
import re
import signal
import socket
import stat
import struct
import sys
import time
import zlib
from pathlib import Path
from typing import Any, BinaryIO

#: Seconds without a sign of the other side, or spent on one file, after which the program gives up.
PATIENCE = 120

#: Seconds after which the other side is told that the program is alive.
SIGN_OF_LIFE = 5

#: Seconds to wait for another mirror of the same directory to end.
TURN = 60

#: What is never part of a mirror: it appears by itself.
TEMPORARY = re.compile(r"^\.airflow-[0-9a-f]+-[0-9]+\.sync$")
OWN_LIFE = ("__pycache__", "*.pyc", "lost+found")

LENGTH = struct.Struct(">I")

#: Bytes of a file held in memory at once.
PIECE = 64 * 1024

#: Of a file: its size in bytes, the SHA-256 of its content in hex, and whether it is executable, None where the file
#: system does not keep that; of what is no regular file: -1, what it is, and None.
Entry = list[Any]
Manifest = dict[str, Entry]


def excluded(path: str, patterns: list[str]) -> bool:
    """Tell whether a relative path is left alone: a pattern with a slash matches the whole, another one the name."""
    name = path.rpartition("/")[2]
    if TEMPORARY.match(name) or any(fnmatch.fnmatchcase(name, pattern) for pattern in OWN_LIFE):
        return True
    for pattern in patterns:
        wanted = pattern.rstrip("/")
        if fnmatch.fnmatchcase(path if "/" in wanted else name, wanted.lstrip("/")):
            return True
    return False


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(PIECE):
            found.update(chunk)
    return found.hexdigest()


def pack(message: Any) -> bytes:
    """Return a message as one frame."""
    return frame(zlib.compress(json.dumps(message).encode("ascii"), 1))


def frame(data: bytes) -> bytes:
    """Return data as one frame."""
    return LENGTH.pack(len(data)) + data


def unpack(data: bytes) -> Any:
    """Return the message in a frame's data."""
    return json.loads(zlib.decompress(data))


class Line:
    """The program's end of the conversation."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._told = time.monotonic()

    def send(self, message: Any) -> None:
        self._write(pack(message))

    def alive(self) -> None:
        """Start the clock anew: there is progress."""
        signal.alarm(PATIENCE)
        if time.monotonic() - self._told > SIGN_OF_LIFE:
            self._write(frame(b""))

    def receive(self) -> Any:
        return unpack(self.receive_frame())

    def receive_frame(self) -> bytes:
        self.alive()
        return self._read(LENGTH.unpack(self._read(LENGTH.size))[0])

    def _read(self, size: int) -> bytes:
        data = self._incoming.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def _write(self, data: bytes) -> None:
        self._told = time.monotonic()
        self._outgoing.write(data)
        self._outgoing.flush()


class Contents:
    """The contents of the files to write, as they arrive."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._inflate = zlib.decompressobj()
        self._data = b""

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, at least one."""
        while not self._data:
            # What the last frame still holds comes first; it may be in the decompressor with no input left.
            self._data = self._inflate.decompress(self._inflate.unconsumed_tail, PIECE)
            if not self._data:
                self._data = self._inflate.decompress(self._line.receive_frame(), PIECE)
        taken, self._data = self._data[:size], self._data[size:]
        return taken


class Mirror:
    """The directory ``root`` without what the patterns leave alone."""

    def __init__(self, root: Path, patterns: list[str], line: Line) -> None:
        self._root = root
        self._patterns = patterns
        self._line = line
        self._run = os.urandom(4).hex()
        self._staged: list[tuple[Path, Path]] = []

    def manifest(self, keeps_modes: bool = True) -> Manifest:
        """Return what is there, by path relative to the root."""
        return {path: self._entry(full, keeps_modes) for path, full, is_folder in self._walk() if not is_folder}

    def keeps_modes(self) -> bool:
        """Tell whether files there are executable if they are made so and else not; with SMB and many a FUSE, no.

        Where nothing can be written it is taken for no: then nothing is to be changed for a mode's sake.
        """
        temporary = self._root / f".airflow-{self._run}-0.sync"
        kept = []
        for mode in (0o664, 0o775):
            try:
                with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                    kept.append(_is_executable(os.fstat(file.fileno())) is bool(mode & stat.S_IXUSR))
                temporary.unlink()
            except OSError:
                return False
        return all(kept)

    def sweep(self) -> None:
        """Remove the temporary files of a stopped run."""
        for folder, _folders, files in os.walk(self._root):
            self._line.alive()
            for name in files:
                if TEMPORARY.match(name):
                    Path(folder, name).unlink()

    def carry_out(self, plan: dict[str, Any]) -> None:
        """Write and delete as planned; the contents follow on the line."""
        os.umask(0o002)
        delete = set(plan["delete"])
        try:
            contents = Contents(self._line)
            for number, (path, size, sha256, executable) in enumerate(plan["write"]):
                self._stage(number, path, size, sha256, executable, contents, delete)
            self._commit(delete)
            if plan["prune"]:
                self._prune()
            self._replace_directories()
        finally:
            for temporary, _target in self._staged:
                with contextlib.suppress(OSError):
                    temporary.unlink()

    def _stage(
        self, number: int, path: str, size: int, sha256: str, executable: bool, contents: Contents, delete: set[str]
    ) -> None:
        folder = self._folder(path.rpartition("/")[0], delete)
        temporary = folder / f".airflow-{self._run}-{number}.sync"
        self._staged.append((temporary, self._root / path))
        found = hashlib.sha256()
        # Workers and later pods may run as other users of the same group.
        mode = 0o775 if executable else 0o664
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            while size:
                chunk = contents.read(size)
                size -= len(chunk)
                found.update(chunk)
                file.write(chunk)
        if found.hexdigest() != sha256:
            raise OSError(f"{path} changed while it was being sent; run again")

    def _folder(self, path: str, delete: set[str]) -> Path:
        """Make a directory and those above it; return its full path. What is to be deleted makes room for it."""
        full = self._root
        for part in path.split("/") if path else []:
            full = full / part
            if _is_folder(full):
                continue
            if os.path.lexists(full):
                if str(full.relative_to(self._root)) not in delete:
                    raise OSError(f"{full} is there but is no directory, and nothing may be deleted")
                full.unlink()
            full.mkdir()
        return full

    def _commit(self, delete: set[str]) -> None:
        for temporary, target in self._staged:
            if not _is_folder(target):
                temporary.replace(target)
        for path in delete:
            self._line.alive()
            # It may have made room for a directory of that name.
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                (self._root / path).unlink()

    def _replace_directories(self) -> None:
        """Write what stands where a directory was, which is empty and gone by now."""
        for temporary, target in self._staged:
            if not temporary.exists():
                continue
            if _is_folder(target):
                raise OSError(f"{target} is a directory and holds files that are left alone; remove it first")
            temporary.replace(target)

    def _prune(self) -> None:
        """Remove directories in which nothing but compiled Python is left."""
        folders = [full for _path, full, is_folder in self._walk() if is_folder]
        for full in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
            self._line.alive()
            if {left.name for left in full.iterdir()} <= {"__pycache__"}:
                cache = full / "__pycache__"
                with contextlib.suppress(OSError):
                    for compiled in cache.iterdir():
                        compiled.unlink()
                    cache.rmdir()
                with contextlib.suppress(OSError):
                    full.rmdir()

    def _walk(self, below: str = "") -> list[tuple[str, Path, bool]]:
        """Return ``(relative path, full path, is a directory)`` of what is not left alone; no link is followed."""
        found = []
        with os.scandir(self._root / below) as entries:
            for entry in entries:
                path = f"{below}/{entry.name}".lstrip("/")
                if excluded(path, self._patterns):
                    continue
                is_folder = entry.is_dir(follow_symlinks=False)
                found.append((path, Path(entry.path), is_folder))
                if is_folder:
                    found += self._walk(path)
        return found

    def _entry(self, full: Path, keeps_modes: bool) -> Entry:
        self._line.alive()
        status = full.lstat()
        if not stat.S_ISREG(status.st_mode):
            return [-1, stat.filemode(status.st_mode)[0], None]
        return [status.st_size, digest(full), _is_executable(status) if keeps_modes else None]


def _is_executable(status: os.stat_result) -> bool:
    return bool(status.st_mode & stat.S_IXUSR)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def take_turn(root: Path, line: Line) -> socket.socket:
    """Wait until no other run mirrors to the directory; the turn ends with the process.

    A name of the network, which is the pod's own, works on every file system, and a killed process leaves nothing.
    """
    turn = socket.socket(socket.AF_UNIX)
    started = time.monotonic()
    while True:
        try:
            turn.bind("\0airflow-sync" + hashlib.sha256(os.fsencode(root)).hexdigest())
            return turn
        except OSError:
            if time.monotonic() - started > TURN:
                raise OSError(f"another sync to {root} has been under way for {TURN} s") from None
            line.alive()
            time.sleep(0.1)


def serve(line: Line) -> None:
    """Have the whole conversation."""
    order = line.receive()
    base = Path(order["path"])
    if not base.is_dir():
        raise OSError(f"{base} is no directory there; is the DAGs volume mounted?")
    root = base.resolve() / order["subdir"]
    mirror = Mirror(root, order["exclude"], line)
    if order["check"]:
        line.send({"manifest": mirror.manifest() if root.is_dir() else {}})
        return
    turn = take_turn(root, line)
    with turn:
        root.mkdir(parents=True, exist_ok=True)
        mirror.sweep()
        line.send({"manifest": mirror.manifest(mirror.keeps_modes())})
        plan = line.receive()
        if plan:
            mirror.carry_out(plan)
            line.send({"done": True})


def main() -> None:
    """Serve the one who has started the program, until both agree that all is said."""
    line = Line(sys.stdin.buffer, sys.stdout.buffer)
    try:
        try:
            serve(line)
        except OSError as error:
            line.send({"error": str(error)})
        # What was sent can be lost if the program ends before it is read: the other side leaves first.
        while True:
            line.receive_frame()
    except (EOFError, BrokenPipeError):
        pass


if __name__ == "__main__":
    main()
