# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The labels by which the objects of a release are known."""

from __future__ import annotations

#: Names the release; what lacks it is not the collection's.
RELEASE_LABEL = "airflow.kubernetes/release"
#: Names the apply set within the release.
SET_LABEL = "airflow.kubernetes/set"
