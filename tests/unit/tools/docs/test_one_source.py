# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A description, a default and a choice stand in one place, from which README, custom resource and surveys are made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tools.common.paths import ROLES
from tools.docs import argument_specs, custom_resource, role_readmes, surveys

#: A variable of a release that the survey of a deploy asks for, and one of an operation.
VARIABLES = (("workers", "main", "workers_concurrency"), ("airflow", "change_version", "airflow_upgrade_drain_timeout"))


@pytest.mark.parametrize(("role", "point", "variable"), VARIABLES)
def test_what_is_changed_there_is_changed_everywhere(
    role: str, point: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = tmp_path / "roles"
    shutil.copytree(ROLES, copied, ignore=lambda _folder, names: [name for name in names if name in ("vars", "files")])
    file = copied / role / "meta" / "argument_specs.yml"
    specs = yaml.safe_load(file.read_text())
    option = specs["argument_specs"][point]["options"][variable]
    option |= {"description": "A description that is new.", "default": 4711}
    file.write_text(yaml.safe_dump(specs))
    made = (lambda: role_readmes.readme(role), custom_resource.page, surveys.text)
    assert not any("A description that is new." in make() for make in made)
    monkeypatch.setattr(argument_specs, "ROLES", copied)
    assert all("A description that is new." in make() for make in made)
    # A survey has no default of what an inventory sets.
    assert all("4711" in make() for make in (made if point != "main" else made[:2]))
