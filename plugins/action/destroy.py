# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module destroy, in Ansible's own process; only here somebody can be asked."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsiblePromptInterrupt, AnsiblePromptNoninteractive
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import destroy as applyset_destroy
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.holder import awx_job
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    module = "airflow.kubernetes.destroy"
    options = applyset_destroy.OPTIONS
    work = staticmethod(applyset_destroy.run)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        args = self._task.args
        loses_data = boolean(args.get("data") or False, strict=False) and not self._task.check_mode
        if loses_data and not args.get("confirm"):
            args["confirm"] = self._ask(f"{args.get('namespace')}/{args.get('release')}")
        return super().run(tmp, task_vars)

    def _ask(self, release: str) -> list[str]:
        """Have the release's name typed; empty where nobody is there to do it."""
        # A job of AWX has a terminal, but nobody in front of it.
        if awx_job(os.environ):
            return []
        prompt = f"This deletes the volumes and Secrets of {release}. Type {release} to confirm:"
        try:
            answer: bytes = self._display.prompt_until(prompt)
        except (AnsiblePromptInterrupt, AnsiblePromptNoninteractive):
            return []
        return [answer.decode(errors="replace")]
