# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """What the modules of this collection have in common."""

    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Its options can be set for all modules of the collection at once, with C(module_defaults).
    support: full
    membership: [airflow.kubernetes.airflow]
"""

    CHECK_MODE_FULL = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and predict changes without making them.
    support: full
"""

    CHECK_MODE_DRY_RUN = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and predict changes without making them.
    support: full
    details:
      - The API server is asked for a dry run of every object, so that it validates and defaults them as it would
        for real.
"""

    DIFF_MODE_FULL = r"""
options: {}
attributes:
  diff_mode:
    description: Returns what changed.
    support: full
    details: The values of Secrets are never shown, only whether they change.
"""

    DIFF_MODE_NONE = r"""
options: {}
attributes:
  diff_mode:
    description: Returns what changed.
    support: none
"""
