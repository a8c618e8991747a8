# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables of roles before the play comes to them.

A role that a playbook imports has its variables known from the start; one that is included while the play runs has not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def with_roles(variables: Mapping[str, Any], folder: Path, roles: Iterable[str], loader: Any) -> Mapping[str, Any]:
    """Return the variables of a host with those of further roles of the collection, as if these were imported.

    :param folder: that of the roles.
    :param loader: Ansible's, which keeps the files that it has read.
    """
    found: dict[str, Any] = {}
    fixed: dict[str, Any] = {}
    for role in roles:
        found |= load_all(role_files(folder / role, "defaults"), loader)
        fixed |= load_all(role_files(folder / role, "vars"), loader)
    return {**found, **variables, **fixed} if found or fixed else variables


def role_files(role: Path, kind: str) -> list[Path]:
    """Return the files of a role's ``defaults`` or ``vars``: one file, or a folder with one for each subject."""
    return sorted([*role.glob(f"{kind}/main.yml"), *role.glob(f"{kind}/main/*.yml")])


def load_all(files: Iterable[Path], loader: Any) -> dict[str, Any]:
    """Return the variables of files as they are written."""
    found: dict[str, Any] = {}
    for file in files:
        found |= loader.load_from_file(str(file), unsafe=True, trusted_as_template=True) or {}
    return found
