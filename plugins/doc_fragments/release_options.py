# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """Which release a module is about."""

    DOCUMENTATION = r"""
options:
  namespace:
    description: Namespace of the release.
    type: str
    required: true
  release:
    description: Name of the release; its objects carry it in their label C(airflow.kubernetes/release).
    type: str
    required: true
"""
