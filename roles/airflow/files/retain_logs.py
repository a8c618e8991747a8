# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delete old logs, so that their volume does not fill, without importing Airflow.

Files go that are older than DAYS, and the oldest ones while more than PERCENT of the file system are in use, by bytes
or by files; 0 is no such limit. Empty folders go too. What was written within the last hour stays, for it may still be
written to. Symbolic links are neither followed nor deleted, and no other file system is entered.

Usage: retain_logs.py FOLDER DAYS PERCENT
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

DAY = 86400.0
#: Seconds for which a file or folder counts as in use after it was written.
IN_USE = 3600.0


@dataclass(frozen=True)
class File:
    """A file below the folder.

    :param modified: seconds since the epoch.
    :param size: bytes that it takes on the disk.
    """

    path: str
    modified: float
    size: int


@dataclass
class Folder:
    """A folder below the folder: when it was modified, and how many entries it has."""

    modified: float
    entries: int = 0


@dataclass
class Found:
    """What lies below the folder, by relative path; ``unread`` tells what could not be read."""

    files: list[File] = field(default_factory=list)
    folders: dict[str, Folder] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Excess:
    """How much has to go."""

    size: int = 0
    files: int = 0


def main() -> None:
    folder, days, percent = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    now = time.time()
    found = scan(folder)
    chosen = choose(found.files, now, days, excess_of(os.statvfs(folder), percent) if percent else Excess())
    deleted, failed = delete(folder, chosen, found.folders)
    emptied = prune(folder, found.folders, now)
    share = used_percent(os.statvfs(folder))
    print(
        f"deleted {len(deleted)} of {len(found.files)} files ({sum(file.size for file in deleted) / 2**20:.1f} MiB) "
        f"and {emptied} empty folders; the file system is {share:.0f} % full"
    )
    if percent and share > percent:
        print(f"that is more than {percent} %, but nothing is left that was not written within the last hour")
    for path in found.unread + failed:
        print(path, file=sys.stderr)
    sys.exit(1 if failed else 0)


def scan(folder: str) -> Found:
    """Return what lies below a folder. What vanishes meanwhile is left out."""
    found = Found()
    with _opened(folder) as root:
        _scan(root, "", os.fstat(root).st_dev, found)
    return found


def _scan(handle: int, path: str, device: int, found: Found) -> None:
    try:
        entries = os.listdir(handle)
    except OSError as error:
        found.unread.append(f"{path}: {error.strerror}")
        return
    here = found.folders.setdefault(path, Folder(os.fstat(handle).st_mtime))
    here.entries = len(entries)
    for name in entries:
        below = os.path.join(path, name)
        try:
            status = os.stat(name, dir_fd=handle, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode) and status.st_dev == device:
                with _opened(name, handle) as child:
                    _scan(child, below, device, found)
            elif stat.S_ISREG(status.st_mode):
                found.files.append(File(below, status.st_mtime, status.st_blocks * 512))
        except PermissionError as error:
            found.unread.append(f"{below}: {error.strerror}")
        except OSError:
            # It has vanished, or become something else.
            here.entries -= 1


def choose(files: list[File], now: float, days: int, excess: Excess) -> list[File]:
    """Return the files to delete, oldest first."""
    chosen: list[File] = []
    size = 0
    for file in sorted(files, key=lambda file: (file.modified, file.path)):
        age = now - file.modified
        too_old = days > 0 and age > days * DAY
        too_much = size < excess.size or len(chosen) < excess.files
        if age <= IN_USE or not (too_old or too_much):
            break
        chosen.append(file)
        size += file.size
    return chosen


def excess_of(space: os.statvfs_result, percent: int) -> Excess:
    """Return what has to go so that at most so many percent are in use, as ``df`` counts them."""
    used, all_of_it = _blocks(space)
    nodes = space.f_files - space.f_ffree
    # Some file systems have no fixed number of files, and say 0.
    return Excess(
        size=max(0, used - all_of_it * percent // 100) * space.f_frsize,
        files=max(0, nodes - space.f_files * percent // 100) if space.f_files else 0,
    )


def used_percent(space: os.statvfs_result) -> float:
    """Return how full a file system is, by bytes or by files, whichever is more."""
    used, all_of_it = _blocks(space)
    shares = [used / all_of_it if all_of_it else 0.0]
    if space.f_files:
        shares.append((space.f_files - space.f_ffree) / space.f_files)
    return 100 * max(shares)


def _blocks(space: os.statvfs_result) -> tuple[int, int]:
    used = space.f_blocks - space.f_bfree
    return used, used + space.f_bavail


def delete(folder: str, files: list[File], folders: dict[str, Folder]) -> tuple[list[File], list[str]]:
    """Delete the files; return those that are gone by this, and what could not be deleted."""
    deleted, failed = [], []
    with _opened(folder) as root:
        for file in files:
            parent, name = os.path.split(file.path)
            try:
                with _below(root, parent) as handle:
                    # It may have been written to while others were deleted.
                    if os.stat(name, dir_fd=handle, follow_symlinks=False).st_mtime != file.modified:
                        continue
                    os.unlink(name, dir_fd=handle)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                continue
            except OSError as error:
                failed.append(f"{file.path}: {error.strerror}")
                continue
            deleted.append(file)
            folders[parent].entries -= 1
    return deleted, failed


def prune(folder: str, folders: dict[str, Folder], now: float) -> int:
    """Delete the folders that are empty, and were before anything was deleted not in use; return how many."""
    count = 0
    with _opened(folder) as root:
        for path in sorted(folders, key=lambda path: path.count("/"), reverse=True):
            if not path or folders[path].entries > 0 or now - folders[path].modified <= IN_USE:
                continue
            parent, name = os.path.split(path)
            try:
                with _below(root, parent) as handle:
                    os.rmdir(name, dir_fd=handle)
            except OSError:
                # Something is in it by now, or it is gone.
                continue
            count += 1
            folders[parent].entries -= 1
    return count


@contextmanager
def _opened(name: str, within: int | None = None) -> Iterator[int]:
    """Open a folder; one that is named within another is not entered through a symbolic link."""
    no_link = os.O_NOFOLLOW if within is not None else 0
    handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | no_link, dir_fd=within)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _below(root: int, path: str) -> Iterator[int]:
    """Open a folder below another, step by step, so that no symbolic link leads out of it."""
    handle = os.dup(root)
    try:
        for name in path.split("/") if path else ():
            with _opened(name, handle) as child:
                os.close(handle)
                handle = os.dup(child)
        yield handle
    finally:
        os.close(handle)


if __name__ == "__main__":
    main()
