# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether whoever runs a playbook means this release, where something may be lost for good."""

from __future__ import annotations

from collections.abc import Sequence


def lacks_confirmation(variable: str, release: str, namespace: str, confirmed: Sequence[str]) -> str:
    """Return what is wrong with a confirmation, as the end of a sentence; empty where it names the release.

    :param variable: what it is given in.
    :param confirmed: releases, each as ``namespace/name``.
    """
    names = [name.strip() for name in confirmed if name.strip()]
    if f"{namespace}/{release}" in names:
        return ""
    return f"{variable} names {', '.join(names)}" if names else "it was not confirmed"
