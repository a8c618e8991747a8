# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """The permissions that a module needs."""

    DOCUMENTATION = r"""
options:
  permissions:
    description:
      - Permissions that the account needs in the namespace. Missing ones are reported before anything is changed.
    type: list
    elements: dict
    default: []
    suboptions:
      group:
        description: API group; empty for the core group.
        type: str
        default: ""
      resources:
        description: Resources of the group, such as V(pods) or V(pods/log).
        type: list
        elements: str
        required: true
      verbs:
        description: Verbs.
        type: list
        elements: str
        required: true
      names:
        description: Names of the objects that are meant. Empty means all of the resource.
        type: list
        elements: str
        default: []
      cluster:
        description: The resources live in no namespace.
        type: bool
        default: false
      namespace:
        description: The namespace, where it is not that of the release.
        type: str
        default: ""
      fallback:
        description: What to do instead of granting it, for the message.
        type: str
        default: ""
"""
