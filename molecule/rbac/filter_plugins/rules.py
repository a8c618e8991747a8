# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes one right out of the rules of a Role."""

from __future__ import annotations

from typing import Any


def without(rules: list[dict[str, Any]], verb: str, group: str, resource: str) -> list[dict[str, Any]]:
    """Return the rules without one verb on one resource; raise ValueError if they do not have it."""
    left: list[dict[str, Any]] = []
    found = False
    for rule in rules:
        if group in rule["apiGroups"] and resource in rule["resources"] and verb in rule["verbs"]:
            found = True
            others = [name for name in rule["resources"] if name != resource]
            verbs = [name for name in rule["verbs"] if name != verb]
            left += [{**rule, "resources": others}] if others else []
            left += [{**rule, "resources": [resource], "verbs": verbs}] if verbs else []
        else:
            left.append(rule)
    if not found:
        raise ValueError(f"no rule allows to {verb} {resource}")
    return left


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        return {"without": without}
