"""A DAG that is named after its file, and tells which version of it runs."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import dag, task

VERSION = "one"


@dag(dag_id=Path(__file__).stem, schedule=None)
def from_repository() -> None:
    @task
    def tell() -> None:
        print(f"this is version {VERSION} of {Path(__file__).name}")

    tell()


from_repository()
