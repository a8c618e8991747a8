# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Collects all there is to know of a release, and writes it to a folder or an archive."""

from __future__ import annotations

import io
import os
import re
import tarfile
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..core.errors import Failure
from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.permissions import PERMISSIONS_OPTIONS, missing
from ..kube.retries import FIRST_PATIENCE
from ..kube.task import Task
from ..readiness.health_probe import HEALTH_OPTIONS, health_question
from . import write as _write
from .collect import collect

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **PERMISSIONS_OPTIONS,
    "namespace": {"type": "str", "required": True},
    "release": {"type": "str", "required": True},
    "health": {"type": "dict", "options": HEALTH_OPTIONS},
    "directory": {"type": "path", "default": "diagnosis"},
    "name": {"type": "str"},
    "archive": {"type": "bool", "default": False},
    "failure": {"type": "str", "default": ""},
}


def run(task: Task) -> dict[str, Any]:
    """Do the work of the module ``diagnose``."""
    began = time.monotonic()
    params = task.params
    namespace, release = params["namespace"], params["release"]
    client = Client(params, task.say, FIRST_PATIENCE)
    # It does with what it may read, and says first what that is not.
    unread = missing(client, namespace, params["permissions"])
    question = health_question(params["health"]) if params["health"] else None
    found = collect(client, namespace, release, question)
    diagnosis = _write.diagnose(namespace, release, params["failure"], found, client.now(), client.where)
    path = ""
    if not task.check_mode:
        path = write(
            _write.files(diagnosis),
            Path(params["directory"]),
            folder_name(params["name"] or release, diagnosis.time),
            params["archive"],
        )
        task.say(f"{diagnosis.title}: a diagnosis is in {path} ({time.monotonic() - began:.1f} s)")
    return {
        "changed": bool(path),
        "path": path,
        "healthy": diagnosis.state == "healthy",
        "verdicts": _write.verdict_rows(diagnosis),
        "summary": _write.summary(diagnosis),
        "problems": [diagnosis.redactor.text(problem) for problem in sorted(found.problems)],
        "warnings": unread,
        "seconds": round(time.monotonic() - began, 1),
    }


def folder_name(name: str, now: datetime) -> str:
    """Return the name of one diagnosis; those of a release sort by time."""
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}-{now:%Y%m%dT%H%M%SZ}"


def write(contents: Mapping[str, str], directory: Path, called: str, archive: bool) -> str:
    """Write the files for nobody but the user, and return where.

    :raises Failure: they cannot be written there.
    """
    directory = directory.absolute()
    try:
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True)
            # A diagnosis does not belong into the repository that it may have been started in.
            (directory / ".gitignore").write_text("*\n", encoding="utf-8")
        return _write_archive(contents, directory, called) if archive else _write_folder(contents, directory, called)
    except OSError as error:
        raise Failure(
            f"The diagnosis cannot be written to {directory}: {error.strerror or error}. "
            "Name a directory that can be written to (airflow_diagnosis_to)."
        ) from error


def _write_folder(contents: Mapping[str, str], directory: Path, called: str) -> str:
    folder = directory / called
    folder.mkdir(mode=0o700)
    for path, text in contents.items():
        (folder / path).parent.mkdir(mode=0o700, exist_ok=True)
        with open(folder / path, "x", encoding="utf-8", errors="replace", opener=_for_nobody_else) as file:
            file.write(text)
    return str(folder)


def _write_archive(contents: Mapping[str, str], directory: Path, called: str) -> str:
    target = directory / f"{called}.tar.gz"
    with (
        open(target, "xb", opener=_for_nobody_else) as file,
        tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as tar,
    ):
        for path, text in contents.items():
            data = text.encode("utf-8", "replace")
            member = tarfile.TarInfo(f"{called}/{path}")
            member.mode, member.size, member.mtime = 0o600, len(data), int(time.time())
            tar.addfile(member, io.BytesIO(data))
    return str(target)


def _for_nobody_else(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
