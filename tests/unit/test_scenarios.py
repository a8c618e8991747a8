# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all scenarios of Molecule have in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[2]
SCENARIOS: Mapping[str, Any] = {
    path.parent.name: yaml.safe_load(path.read_text()) for path in sorted(CHECKOUT.glob("molecule/*/molecule.yml"))
}


@pytest.mark.parametrize("scenario", [name for name, config in SCENARIOS.items() if "prepare" in str(config)])
def test_what_is_prepared_is_prepared_after_a_run_that_was_interrupted_too(scenario: str) -> None:
    """Molecule prepares a scenario once until it is destroyed; the cleanup alone removes what was prepared."""
    sequence = SCENARIOS[scenario]["scenario"]["test_sequence"]
    assert "destroy" in sequence[: sequence.index("prepare")]
