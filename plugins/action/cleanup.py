# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module cleanup, in Ansible's own process."""

from __future__ import annotations

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow import cleanup as airflow_cleanup
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    module = "airflow.kubernetes.cleanup"
    options = airflow_cleanup.OPTIONS
    work = staticmethod(airflow_cleanup.run)
