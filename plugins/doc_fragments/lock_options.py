# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """How a release is changed by one run at a time."""

    DOCUMENTATION = r"""
options:
  lock_timeout:
    description:
      - Seconds to wait for another run that is at work on the release to end; V(0) fails at once.
      - A run of this machine that was killed is not waited for. One of another machine counts as ended when it has not
        renewed the Lease C(<release>-deploy) for a minute.
    type: int
    default: 600
  lock_holder:
    description: Names the run to other runs. Set by the action plugin.
    type: str
    default: ""
"""
