"""No test of this folder may reach a cluster."""

from __future__ import annotations

import os

os.environ["KUBECONFIG"] = os.devnull
for name in [name for name in os.environ if name.startswith("K8S_AUTH_")]:
    del os.environ[name]
