# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Watches the inputs and the workloads of custom resources, in the second container of the operator.

The namespaces are in ``WATCH_NAMESPACE``, with commas between them, and the kubeconfig file is in
``AIRFLOW_OPERATOR_KUBECONFIG``.
"""

from __future__ import annotations

import os
import time

from ansible_collections.airflow.kubernetes.plugins.module_utils.custom_resource.watch import Watch
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.client import Client

#: Seconds between two looks at the inputs of all resources.
INPUT_SECONDS = 5
#: Looks at the inputs for each one at the workloads.
LOOKS = 4
#: Seconds for which an API server that does not answer is asked again.
PATIENCE = 60


def main() -> None:
    """Look until the process is ended."""
    params = {"kubeconfig": os.environ["AIRFLOW_OPERATOR_KUBECONFIG"]}
    namespaces = os.environ["WATCH_NAMESPACE"].split(",")
    watch = Watch(Client(params, patience=PATIENCE), params, namespaces, lambda line: print(line, flush=True))
    looks = 0
    while True:
        watch.look(at_workloads=looks % LOOKS == 0)
        looks += 1
        time.sleep(INPUT_SECONDS)


if __name__ == "__main__":
    main()
