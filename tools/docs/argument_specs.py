"""The argument specifications of the roles: the one source of READMEs, surveys and the custom resource."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from ..common.paths import ROLES

#: Ansible's markup: code, value, option, bold, italic.
MARKUP = re.compile(r"\b([CVOBI])\(([^)]*)\)")

#: The one role that is no part of a release.
OPERATOR = "operator"


def roles() -> list[str]:
    """Return the names of the roles: airflow first, which has what all components share, then in alphabetical order."""
    return sorted((path.name for path in ROLES.iterdir() if path.is_dir()), key=lambda name: (name != "airflow", name))


def entry_points(role: str) -> dict[str, Any]:
    """Return a role's entry points by name: ``main``, and one for each operation."""
    text = (ROLES / role / "meta" / "argument_specs.yml").read_text()
    return dict(yaml.safe_load(text)["argument_specs"])


def release_options() -> dict[str, Mapping[str, Any]]:
    """Return the variables of a release, of all roles, by name: each with its type, default, choices, description."""
    of_a_release = [role for role in roles() if role != OPERATOR]
    return {name: spec for role in of_a_release for name, spec in entry_points(role)["main"]["options"].items()}


def operation_options(operation: str) -> dict[str, Mapping[str, Any]]:
    """Return the variables that an operation has beside those of a release.

    :param operation: entry point of the role airflow, such as ``destroy``.
    """
    return dict(entry_points("airflow")[operation]["options"])


def plain(description: str | list[str]) -> str:
    """Return a description as plain text, without Ansible's markup."""
    return " ".join(MARKUP.sub(lambda match: match[2], text) for text in paragraphs(description))


def paragraphs(description: str | list[str]) -> list[str]:
    """Return the paragraphs of a description, with Ansible's markup."""
    return [description] if isinstance(description, str) else description
