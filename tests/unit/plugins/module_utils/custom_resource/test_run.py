# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which operation takes a release to the version of its resource."""

from __future__ import annotations

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.change_version.phases import Record
from ansible_collections.airflow.kubernetes.plugins.module_utils.custom_resource.run import due


@pytest.mark.parametrize(
    ("running", "wanted", "operation"),
    [
        ("", "3.3.2", "deploy"),
        ("3.3.2", "3.3.2", "deploy"),
        ("3.1.0", "3.3.2", "upgrade"),
        ("3.3.2", "3.1.0", "rollback"),
    ],
)
def test_the_versions_decide(running: str, wanted: str, operation: str) -> None:
    assert due(running, None, wanted) == operation


@pytest.mark.parametrize(
    ("operation", "wanted", "expected"),
    [("upgrade", "3.3.2", "upgrade"), ("upgrade", "3.1.0", "rollback"), ("rollback", "3.1.0", "rollback")],
)
def test_what_has_begun_goes_on_or_back(operation: str, wanted: str, expected: str) -> None:
    source, target = ("3.1.0", "3.3.2") if operation == "upgrade" else ("3.3.2", "3.1.0")
    record = Record(operation, source, target, "old", "new")
    assert due("3.1.0", record, wanted) == expected
