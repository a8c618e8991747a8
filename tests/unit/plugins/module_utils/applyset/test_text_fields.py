# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Kubernetes wants as text arrives as text, and each environment variable stands once."""

from __future__ import annotations

from typing import Any

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.text_fields import text_fields


def deployment(**pod: Any) -> dict[str, Any]:
    spec = {"replicas": 1, "template": {"metadata": pod.pop("metadata", {}), "spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def pod_of(manifest: dict[str, Any]) -> dict[str, Any]:
    return dict(text_fields(manifest)["spec"]["template"]["spec"])


def test_numbers_and_booleans_become_text_where_that_is_wanted() -> None:
    given = deployment(metadata={"annotations": {"prometheus.io/port": 9102, "prometheus.io/scrape": True}})
    made = text_fields(given)
    assert made["spec"]["template"]["metadata"]["annotations"] == {
        "prometheus.io/port": "9102",
        "prometheus.io/scrape": "true",
    }
    assert made["spec"]["replicas"] == 1
    assert pod_of(deployment(nodeSelector={"gpu": True}))["nodeSelector"] == {"gpu": "true"}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": 1}}
    assert text_fields(config_map)["data"] == {"a": "1"}


def test_values_of_the_environment_become_text() -> None:
    ports = [{"containerPort": 8080}]
    source = {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    made = pod_of(deployment(containers=[{"env": [{"name": "QDRANT_PORT", "value": 6333}, source], "ports": ports}]))
    assert made["containers"] == [{"env": [{"name": "QDRANT_PORT", "value": "6333"}, source], "ports": ports}]


def test_the_last_of_one_name_counts() -> None:
    env = [{"name": "TZ", "value": "UTC"}, {"name": "A", "value": "a"}, {"name": "TZ", "value": "CET"}]
    made = pod_of(deployment(containers=[{"env": env}]))
    assert made["containers"][0]["env"] == [{"name": "A", "value": "a"}, {"name": "TZ", "value": "CET"}]


def test_of_a_kind_of_others_only_the_metadata_are_known() -> None:
    given = {
        "apiVersion": "example.com/v1",
        "kind": "Bucket",
        "metadata": {"name": "a", "annotations": {"size": 1}},
        "spec": {"labels": {"a": 1}, "env": [{"name": "A"}, {"name": "A"}]},
    }
    made = text_fields(given)
    assert made["metadata"]["annotations"] == {"size": "1"}
    assert made["spec"] == given["spec"]
