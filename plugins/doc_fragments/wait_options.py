# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """How long pods are waited for."""

    DOCUMENTATION = r"""
options:
  timeout:
    description:
      - Seconds to wait at most.
      - The time in which a pod ends, within the grace that it was given, is not counted.
    type: int
    default: 600
  unschedulable_grace:
    description:
      - Seconds that a pod may stay without a node.
      - Its default is 60, and 10 where nothing adds nodes, or the cluster autoscaler says that none would help.
    type: int
  retry_grace:
    description:
      - Seconds that Kubernetes may go on trying what failed for a reason that may pass, such as a registry that does
        not answer or a volume that is not attached. Three tries are waited for besides.
    type: int
    default: 90
  restart_grace:
    description:
      - Seconds that a container may go on failing because a database or broker does not answer.
    type: int
    default: 120
"""
