"""What is shown of other programs has no password in it."""

from __future__ import annotations

import pytest

from tools.common.mask import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pip --index-url https://me:hunter2@pypi.example/simple", "pip --index-url https://***@pypi.example/simple"),
        (
            "docker build --build-arg http_proxy=http://me:hunter2@proxy:3128",
            "docker build --build-arg http_proxy=http://***@proxy:3128",
        ),
        ("server --password hunter2 --port 80", "server --password *** --port 80"),
        ("server --api-token=hunter2", "server --api-token=***"),
        ("DB_PASSWORD=hunter2 AWS_SECRET_ACCESS_KEY: hunter2", "DB_PASSWORD=*** AWS_SECRET_ACCESS_KEY: ***"),
        ("secret/airflow-admin created", "secret/airflow-admin created"),
        (
            "k8s.io/kubernetes/pkg/controller/serviceaccount/tokens",
            "k8s.io/kubernetes/pkg/controller/serviceaccount/tokens",
        ),
    ],
)
def test_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
