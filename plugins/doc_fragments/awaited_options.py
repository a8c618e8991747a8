# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """What is looked at besides workloads, Jobs and claims."""

    DOCUMENTATION = r"""
options:
  awaited:
    description: Further kinds of the release's objects to look at, which other software defines.
    type: list
    elements: dict
    default: []
    suboptions:
      api_version:
        description: Their API version.
        type: str
        required: true
      kind:
        description: The kind.
        type: str
        choices: [Route, ExternalSecret]
        required: true
"""
