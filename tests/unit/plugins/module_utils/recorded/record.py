#!/usr/bin/env python3
# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Record the objects of a namespace, as they are now, for the tests of the verdicts.

    record.py NAMESPACE FILE.yaml

It needs kubectl and a cluster. What no judge looks at is left out: managed fields, and what differs from run to run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

KINDS = "deployments,replicasets,statefulsets,jobs,persistentvolumeclaims,pods,events"


# As the probe leaves them out: they say only that all goes well.
ROUTINE_EVENTS = {
    "Scheduled", "Pulled", "Created", "Started", "Killing", "SuccessfulCreate", "SuccessfulDelete", "Completed",
    "ScalingReplicaSet",
}  # fmt: skip


def tidy(obj: dict[str, Any]) -> dict[str, Any]:
    """Return an object without its managed fields, service account volume and copies of itself."""
    obj["metadata"].pop("managedFields", None)
    annotations = obj["metadata"].get("annotations") or {}
    annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    if obj["kind"] == "Pod":
        spec = obj["spec"]
        spec["volumes"] = [v for v in spec.get("volumes") or () if "projected" not in v]
        without_programs(spec)
        for which in ("tolerations", "preemptionPolicy", "priority"):
            spec.pop(which, None)
    if obj["kind"] in ("Deployment", "StatefulSet", "Job"):
        without_programs(obj["spec"]["template"]["spec"])
    if obj["kind"] == "ReplicaSet":
        obj.pop("spec", None)
    return obj


def without_programs(pod_spec: dict[str, Any]) -> None:
    """Leave out what containers run and are told."""
    for container in [*(pod_spec.get("initContainers") or ()), *pod_spec["containers"]]:
        for which in ("args", "command", "env", "envFrom", "securityContext", "volumeMounts"):
            container.pop(which, None)


class Indented(yaml.SafeDumper):
    """Writes lists the way the rest of this repository does."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def main() -> None:
    namespace, path = sys.argv[1:]
    command = ["kubectl", "-n", namespace, "get", KINDS, "-o", "json"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    recording = {
        "now": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "objects": [tidy(obj) for obj in found["items"] if obj.get("reason") not in ROUTINE_EVENTS],
    }
    Path(path).write_text("---\n" + yaml.dump(recording, Dumper=Indented, sort_keys=False, width=110), encoding="utf-8")


if __name__ == "__main__":
    main()
