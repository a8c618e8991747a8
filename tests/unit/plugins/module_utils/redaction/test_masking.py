# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No password of a log is shown."""

from __future__ import annotations

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.redaction.masking import masked, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "postgresql+psycopg2://airflow:s3cret@db:5432/airflow",
            "postgresql+psycopg2://airflow:********@db:5432/airflow",
        ),
        ("redis://:s3cret@redis:6379/0", "redis://:********@redis:6379/0"),
        ("amqp://u:p@ss@host", "amqp://u:********@host"),
        ("'mysql://u:p/w#d@h/db'", "'mysql://u:********@h/db'"),
        ("connect(host=db, password='s3cret', user=airflow)", "connect(host=db, password='********', user=airflow)"),
        ("PGPASSWORD=s3cret psql", "PGPASSWORD=******** psql"),
        ('{"fernet_key": "abc="}', '{"fernet_key": "********"}'),
        ("Authorization: Bearer eyJhbGciOi.J9", "Authorization: Bearer ********"),
        ("GET http://airflow-api-server:8080/api/v2", "GET http://airflow-api-server:8080/api/v2"),
        ("password authentication failed for user", "password authentication failed for user"),
        ("\x1b[31mred\x1b[0m\r", "red"),
    ],
)
def test_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_what_is_cut_is_masked_before() -> None:
    text = "x" * 20 + " postgresql://airflow:s3cret-s3cret-s3cret@db"
    assert "s3cret" not in shortened(text, 50)
