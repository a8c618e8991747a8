# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is looked at before the version of a release is changed: the image, the DAGs and the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core.confirmation import lacks_confirmation
from ..core.errors import Failure
from ..core.labels import RELEASE_LABEL
from ..core.objects import spec
from ..kube.client import Client
from ..readiness.options import limits_of
from . import findings as _findings
from . import queries
from .asking import Asking
from .findings import Findings
from .phases import ROLLBACK, UPGRADE


class Check:
    """The check of one release; it changes nothing."""

    def __init__(self, client: Client, params: Mapping[str, Any], say: Callable[[str], None], asking: Asking) -> None:
        self._client = client
        self._params = params
        self._say = say
        self._asking = asking

    def run(self) -> tuple[Findings, list[str]]:
        """Return what was found, and warnings.

        :raises Failure: the change would fail, or has not been confirmed.
        """
        found = self._look_into_image()
        self._refuse_problems(found, self._params["version"])
        warnings = self._judge_dags(found) if self._params["operation"] == UPGRADE else []
        if self._params["operation"] == ROLLBACK and not found.has_wanted_schema:
            self._confirm(found, self._params["version"])
        self._tell_waiting(found)
        return found, warnings

    def _look_into_image(self) -> Findings:
        wanted = {
            "image": True,
            "dags": self._params["operation"] == UPGRADE,
            "queries": queries.CHECKS,
            "lost": self._params["operation"] == ROLLBACK,
        }
        self._say(f"looks into the image {self._params['image']}, on each node that has pods of the release")
        limits, timeout = limits_of(self._params), self._params["timeout"]
        answer = self._asking.in_image(self._params["pod"], wanted, self._nodes(), limits, timeout)
        return Findings(answer)

    def _nodes(self) -> list[str]:
        pods = self._client.list("v1", "Pod", self._params["namespace"], f"{RELEASE_LABEL}={self._params['release']}")
        found = {spec(pod).get("nodeName", "") for pod in pods["items"]}
        return sorted(found - {""})

    def _refuse_problems(self, found: Findings, wanted: str) -> None:
        problems = list(_findings.problems(found, wanted))
        problems += filter(None, [_findings.space_problem(found, self._asking.free_space(self._params["server"]))])
        if problems:
            raise Failure("\n".join([*problems, "Nothing was changed."]))

    def _judge_dags(self, found: Findings) -> list[str]:
        errors = found.import_errors()
        if not errors:
            return []
        head = f"With the new image {len(errors)} files with DAGs cannot be imported that can be now:"
        lines = [head, *_findings.import_error_lines(errors)]
        if self._params["dag_errors"] == "stop":
            way = "Correct them, or set airflow_upgrade_dag_errors to warn and go on without them."
            raise Failure("\n".join([*lines, f"{way} Nothing was changed."]))
        for line in lines:
            self._say(line)
        return [head]

    def _confirm(self, found: Findings, target: str) -> None:
        release, namespace = self._params["release"], self._params["namespace"]
        name = f"{namespace}/{release}"
        lost = _findings.losses(found, target)
        lack = lacks_confirmation("airflow_rollback_confirm", release, namespace, self._params["confirm"])
        if not lack:
            for line in lost:
                self._say(f"loses {line}")
            return
        raise Failure(
            "\n".join(
                [
                    f"Nothing was changed: the way of {name} back to {target} loses what follows for good, and {lack}:",
                    *(f"  {line}" for line in lost),
                    f"If you mean it: -e airflow_rollback_confirm={name}. Else restore a backup from before the "
                    "upgrade.",
                ]
            )
        )

    def _tell_waiting(self, found: Findings) -> None:
        waiting = queries.counts(found.answers, "waiting")
        for state, number in sorted(waiting.items()):
            self._say(f"{number} tasks are {state}")
        for line in _findings.kept(found, self._params["version"]):
            self._say(line)
