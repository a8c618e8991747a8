# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module change_version, in Ansible's own process."""

from __future__ import annotations

from ansible_collections.airflow.kubernetes.plugins.module_utils.change_version import (
    change_version as change_version_change_version,
)
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    module = "airflow.kubernetes.change_version"
    options = change_version_change_version.OPTIONS
    work = staticmethod(change_version_change_version.run)
