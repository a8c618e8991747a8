"""Renders the releases of the tests' inventory before the first test, for the folders whose conftest.py takes this."""

from __future__ import annotations

import subprocess

import pytest

from tools.checks import rendered


def pytest_configure(config: pytest.Config) -> None:
    # Processes that pytest-xdist starts find them.
    if not hasattr(config, "workerinput"):
        try:
            rendered.ensure()
        except subprocess.CalledProcessError as error:
            pytest.exit(f"The releases cannot be rendered:\n{error.output}", returncode=1)
