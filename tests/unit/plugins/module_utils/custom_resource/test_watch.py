# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A changed input starts one run, and the first look none."""

from __future__ import annotations

from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure
from ansible_collections.airflow.kubernetes.plugins.module_utils.custom_resource import resource
from ansible_collections.airflow.kubernetes.plugins.module_utils.custom_resource.watch import Watch


class Cluster:
    """The API of a cluster with one resource and one Secret.

    :ivar version: the Secret's resource version, "" if there is none.
    :ivar patched: the bodies of all patches.
    """

    def __init__(self) -> None:
        self.version = "1"
        self.broken = False
        self.patched: list[Any] = []

    def request(self, method: str, path: str, body: Any = None, **_more: Any) -> Any:
        if self.broken:
            raise ApiFailure("no", 500)
        if method == "patch":
            self.patched.append(body)
        elif path == resource.path("airflow"):
            metadata = {"name": "first", "namespace": "airflow", "resourceVersion": "7"}
            return {"items": [{"metadata": metadata, "spec": {"flower_password_secret": "login"}}]}
        elif not self.version:
            raise ApiFailure("no", 404)
        else:
            assert path == "/api/v1/namespaces/airflow/secrets/login"
            return {"metadata": {"resourceVersion": self.version}}
        return {}


def watched() -> tuple[Cluster, Watch, list[str]]:
    cluster, lines = Cluster(), []
    watch = Watch(cluster, {}, ["airflow"], lines.append)  # type: ignore[arg-type]
    watch.look(at_workloads=False)
    return cluster, watch, lines


def test_the_first_look_starts_nothing() -> None:
    cluster, watch, _ = watched()
    watch.look(at_workloads=False)
    assert cluster.patched == []


def test_a_changed_secret_starts_one_run() -> None:
    cluster, watch, lines = watched()
    cluster.version = "2"
    watch.look(at_workloads=False)
    watch.look(at_workloads=False)
    assert cluster.patched == [{"metadata": {"annotations": {resource.CHANGED_INPUT: "Secret/login 2"}}}]
    assert lines == ["airflow/first: Secret login has changed"]


def test_a_deleted_secret_starts_a_run_and_so_does_one_that_is_made() -> None:
    cluster, watch, _ = watched()
    for cluster.version in ("", "3"):
        watch.look(at_workloads=False)
    values = [each["metadata"]["annotations"][resource.CHANGED_INPUT] for each in cluster.patched]
    assert values == ["Secret/login deleted", "Secret/login 3"]


def test_an_api_server_that_fails_is_asked_again() -> None:
    cluster, watch, lines = watched()
    cluster.broken = True
    watch.look(at_workloads=False)
    assert lines == ["airflow: no"]
    cluster.broken, cluster.version = False, "2"
    watch.look(at_workloads=False)
    assert len(cluster.patched) == 1
