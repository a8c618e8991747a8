# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module stop, in Ansible's own process."""

from __future__ import annotations

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow import stop as airflow_stop
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    module = "airflow.kubernetes.stop"
    options = airflow_stop.OPTIONS
    work = staticmethod(airflow_stop.run)
