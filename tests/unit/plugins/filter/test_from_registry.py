# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Another registry takes the place of the one that an image names."""

from __future__ import annotations

import pytest

from ansible_collections.airflow.kubernetes.plugins.filter.from_registry import from_registry

DIGEST = "sha256:7416a61b42b1662ca6ca89f02028ac133a309a2a30ba309614e8ec94d976dc5a"


@pytest.mark.parametrize(
    ("image", "path"),
    [
        ("docker.io/apache/airflow:3.1.0", "apache/airflow:3.1.0"),
        (f"docker.io/apache/airflow@{DIGEST}", f"apache/airflow@{DIGEST}"),
        ("registry.k8s.io/git-sync/git-sync:v4.4.2", "git-sync/git-sync:v4.4.2"),
        ("localhost/airflow:1", "airflow:1"),
        ("localhost:5000/airflow:1", "airflow:1"),
        ("registry:5000/a/b:1", "a/b:1"),
        ("apache/airflow:3.1.0", "apache/airflow:3.1.0"),
        ("postgres:17", "postgres:17"),
    ],
)
@pytest.mark.parametrize("registry", ["registry.example.com/mirror", "registry.example.com/mirror/"])
def test_the_rest_of_the_name_stays(image: str, path: str, registry: str) -> None:
    assert from_registry(image, registry) == f"registry.example.com/mirror/{path}"


def test_without_one_nothing_changes() -> None:
    assert from_registry("docker.io/library/postgres:17", "") == "docker.io/library/postgres:17"
