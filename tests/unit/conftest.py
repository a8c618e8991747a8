"""No test of this folder may reach a cluster."""

from __future__ import annotations

import os

from tests.rendering import pytest_configure

os.environ["KUBECONFIG"] = os.devnull
for name in [name for name in os.environ if name.startswith("K8S_AUTH_")]:
    del os.environ[name]

__all__ = ["pytest_configure"]
