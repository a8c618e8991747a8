"""Command line: what kube-score says of the objects of a namespace, as they are on the cluster."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..common.run import run
from ..common.versions import KUBERNETES
from ..programs.go import ensure_program
from ..programs.modules import SCORE_COMMAND

KINDS = "pods,deployments,statefulsets,jobs,cronjobs,services,poddisruptionbudgets,networkpolicies,ingresses"

#: What is left out, and what may be warned of; docs/pod-security.md tells why.
LEFT_OUT = (
    "container-image-pull-policy",
    "container-security-context-user-group-id",
    "pod-probes-identical",
)
MAY_WARN = (
    "deployment-has-host-podantiaffinity",
    "deployment-replicas",
    "service-type",
    "statefulset-has-host-podantiaffinity",
)

#: Grades of kube-score.
CRITICAL, WARNING = 1, 5


@dataclass(frozen=True)
class Finding:
    """What a check says of an object."""

    grade: int
    check: str
    where: str
    why: str

    def __str__(self) -> str:
        return f"{'CRITICAL' if self.grade <= CRITICAL else 'WARNING'} {self.where}: {self.why} ({self.check})"

    @property
    def is_told(self) -> bool:
        """Whether the documentation says why it stays."""
        return self.grade > CRITICAL and self.check in MAY_WARN


#: The policy of pods that the scheduler makes, none of which may be there: they belong to no workload.
TARGETS, TASK_POD_POLICY = "networkpolicy-targets-pod", "-task-pod"


def findings(answer: list[dict[str, Any]]) -> Iterator[Finding]:
    """Read kube-score's answer, in its format ``json``."""
    for scored in answer:
        where = f"{scored['type_meta']['kind']}/{scored['object_meta']['name']}"
        for check in scored["checks"]:
            if check["check"]["id"] == TARGETS and where.endswith(TASK_POD_POLICY):
                continue
            if not check["skipped"] and check["grade"] <= WARNING:
                comments = (" ".join(filter(None, (c["path"], c["summary"]))) for c in check["comments"] or [])
                yield Finding(check["grade"], check["check"]["id"], where, "; ".join(comments))


def score(context: str, namespace: str) -> list[Finding]:
    """Ask for the objects, and kube-score for its opinion of them."""
    objects = run(
        ["kubectl", "--context", context, "--namespace", namespace, "get", KINDS, "--output", "json"],
        timeout=60,
        log_stdout=False,
    )
    command = ensure_program(SCORE_COMMAND) / SCORE_COMMAND.name
    options = ["--kubernetes-version", f"v{KUBERNETES.rpartition('.')[0]}", "--ignore-container-cpu-limit"]
    options += ["--ignore-test", ",".join(LEFT_OUT), "--output-format", "json"]
    # Its exit code says that something is critical.
    answer = subprocess.run(
        [command, "score", *options, "-"], input=objects, stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )
    return list(findings(json.loads(answer.stdout)))


def main() -> int:
    """Print what is found; the exit code is 1 for what is critical or told nowhere."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--context", default="kind-airflow")
    parser.add_argument("--namespace", default="airflow")
    arguments = parser.parse_args()
    found = score(arguments.context, arguments.namespace)
    for finding in found:
        print(finding)
    critical = sum(finding.grade <= CRITICAL for finding in found)
    print(f"kube-score {SCORE_COMMAND.version}: {critical} critical, {len(found) - critical} warnings")
    return 0 if all(finding.is_told for finding in found) else 1


if __name__ == "__main__":
    sys.exit(main())
