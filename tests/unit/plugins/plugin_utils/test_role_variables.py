# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables of a role that is included later are what they will be then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.airflow.kubernetes.plugins.plugin_utils._role_variables import with_roles


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    for role in ("scheduler", "workers"):
        for folder, value in (("defaults", f"{role}_replicas: 1"), ("vars", f"__{role}_objects: []")):
            file = tmp_path / role / folder / "main.yml"
            file.parent.mkdir(parents=True)
            file.write_text(f"{value}\n")
    return tmp_path


def variables(roles: Path, *names: str, **given: Any) -> dict[str, Any]:
    return dict(with_roles(given, roles, names, DataLoader()))


def test_the_inventory_wins_over_defaults_and_vars_over_the_inventory(roles: Path) -> None:
    given = {"__scheduler_objects": [1], "other": 2}
    assert variables(roles, "scheduler", **given) == {"scheduler_replicas": 1, "__scheduler_objects": [], "other": 2}
    assert variables(roles, "scheduler", scheduler_replicas=3)["scheduler_replicas"] == 3


def test_without_a_role_nothing_is_added(roles: Path) -> None:
    given = {"scheduler_replicas": 3}
    assert with_roles(given, roles, [], DataLoader()) is given
