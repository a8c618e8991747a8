# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module custom_resource, in Ansible's own process."""

from __future__ import annotations

from ansible_collections.airflow.kubernetes.plugins.module_utils.custom_resource import run
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    module = "airflow.kubernetes.custom_resource"
    options = run.OPTIONS
    work = staticmethod(run.run)
