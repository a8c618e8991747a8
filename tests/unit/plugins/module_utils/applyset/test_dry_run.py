# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API server tries every object of a release, and everything that it refuses is told at once."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import dry_run as applyset_dry_run
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.apply_set import ApplySet
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset.prepare import prepare
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task

Manifest = dict[str, Any]
Sets = dict[str, list[Manifest]]

NO_DRY_RUN = ApiFailure('admission webhook "scan.example.com" does not support dry run', 400, "BadRequest")


def thing(kind: str, name: str, namespace: str = "", **rest: Any) -> Manifest:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **rest}


def invalid(message: str) -> ApiFailure:
    return ApiFailure(message, 422, "Invalid", {"causes": [{"field": "spec", "message": message}]})


@pytest.fixture
def dry_run(cluster: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Try sets, and return what is refused; nothing may be written."""
    monkeypatch.setattr(applyset_dry_run, "Client", lambda params, *rest: cluster)

    def run(sets: Sets, **given: Any) -> list[str]:
        params = {
            "release": "airflow",
            "namespace": "airflow",
            "secrets": [],
            "variables": {"extra_objects": "airflow_extra_objects"},
            "force_conflicts": False,
            "render": None,
        }
        try:
            result = applyset_dry_run.run(Task({**connection, **params, **given, "sets": sets}))
            assert not result["changed"]
            assert len(result["objects"]) == sum(len(list(filter(None, objects))) for objects in sets.values())
        except Failure as failure:
            return failure.message.splitlines()
        finally:
            assert cluster.writes == []
        return []

    return run


def test_everything_that_is_refused_is_told_at_once(cluster: Any, dry_run: Any) -> None:
    cluster.refusals = {
        "apply Service/api": invalid("nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"),
        "apply Deployment/flower": invalid("replicas: must be greater than or equal to 0"),
    }
    assert dry_run({"api_server": [thing("Service", "api")], "flower": [thing("Deployment", "flower"), {}]}) == [
        "Service/api: the cluster refuses it: nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
        "Deployment/flower: the cluster refuses it: replicas: must be greater than or equal to 0",
    ]


def test_what_is_there_as_it_should_be_is_only_read(
    cluster: Any, dry_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ApplySet, "_is_as_wanted", lambda _self, _manifest, live: live is not None)
    cluster.add("Service", "api")
    assert dry_run({"api_server": [thing("Service", "api"), thing("Service", "new")]}) == []
    assert cluster.log == ["apply Service/new?"]


def test_a_change_that_is_refused_says_so(cluster: Any, dry_run: Any) -> None:
    cluster.add("Service", "api")
    cluster.refusals["apply Service/api"] = invalid("field is immutable")
    (problem,) = dry_run({"api_server": [thing("Service", "api")]})
    assert "a field cannot be changed once the object exists" in problem


def test_what_a_deploy_would_replace_is_not_refused(cluster: Any, dry_run: Any) -> None:
    cluster.add("Job", "migrate", status={"conditions": [{"type": "Failed", "status": "True"}]})
    cluster.refusals["apply Job/migrate"] = invalid("field is immutable")
    assert dry_run({"migrations": [thing("Job", "migrate")]}) == []


def test_a_webhook_that_cannot_try_is_no_refusal(cluster: Any, dry_run: Any) -> None:
    cluster.refusals["apply Service/api"] = NO_DRY_RUN
    assert dry_run({"api_server": [thing("Service", "api")]}) == []


def test_what_comes_with_the_release_is_not_missed(cluster: Any, dry_run: Any) -> None:
    """To bind a Role takes to know it, where one's own rights are not all."""
    missing = ApiFailure("roles not found", 404, "NotFound", {"kind": "roles", "name": "pods"})
    cluster.refusals["apply RoleBinding/pods"] = missing
    objects = [thing("Role", "pods"), thing("RoleBinding", "pods")]
    assert dry_run({"extra_objects": objects}) == []
    missing.details["name"] = "others"
    (problem,) = dry_run({"extra_objects": objects})
    assert problem == "airflow_extra_objects: RoleBinding/pods: the cluster refuses it: roles not found"


class TestMissingNamespace:
    """Nothing can be tried in a namespace that is not there."""

    @pytest.fixture(autouse=True)
    def only_default(self, cluster: Any) -> None:
        cluster.objects.clear()
        cluster.add("Namespace", "default")

    sets: Sets = {"airflow": [thing("Namespace", "airflow")], "api_server": [thing("Service", "api")]}  # noqa: RUF012

    def test_the_namespace_default_stands_in(self, cluster: Any, dry_run: Any) -> None:
        assert dry_run(self.sets) == []
        assert sorted(cluster.log) == ["apply Namespace/airflow?", "create Service/api?"]

    def test_what_is_refused_there_is_refused(self, cluster: Any, dry_run: Any) -> None:
        cluster.refusals["create Service/api"] = invalid("may not be used")
        assert dry_run(self.sets) == ["Service/api: the cluster refuses it: may not be used"]

    @pytest.mark.parametrize(
        "refusal",
        [ApiFailure("exceeded quota", 403, "Forbidden"), ApiFailure("it is there", 409, "AlreadyExists"), NO_DRY_RUN],
    )
    def test_what_is_refused_for_reasons_of_its_own_is_not(
        self, cluster: Any, dry_run: Any, refusal: ApiFailure
    ) -> None:
        cluster.refusals["create Service/api"] = refusal
        assert dry_run(self.sets) == []

    def test_one_that_nobody_makes_is_told(self, cluster: Any, dry_run: Any) -> None:
        assert dry_run({"extra_objects": [thing("ConfigMap", "dashboard", "monitoring")]}) == [
            "airflow_extra_objects: ConfigMap/dashboard: there is no namespace monitoring. Create it first."
        ]

    def test_one_that_may_not_be_seen_is_there(self, cluster: Any, dry_run: Any) -> None:
        cluster.add("Namespace", "airflow")
        cluster.refusals["get Namespace/airflow"] = ApiFailure("forbidden", 403, "Forbidden")
        assert dry_run({"api_server": [thing("Service", "api")]}) == []
        assert cluster.log == ["apply Service/api?"]


class TestExtraObjects:
    service: Sets = {"api_server": [thing("Service", "api")]}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            ({"apiVersion": "v1", "metadata": {"name": "a"}}, "An object of the set extra_objects has no kind"),
            ({"apiVersion": "v1", "kind": "Secret"}, "An object of the set extra_objects has no metadata.name"),
            (thing("Bucket", "logs"), "The cluster has no kind Bucket in v1"),
            (thing("Service", "api"), "Service/api is an object of the role api_server already"),
            (thing("Secret", "airflow-fernet"), "Secret/airflow-fernet is an object of the role airflow already"),
        ],
    )
    def test_are_refused_with_their_variable(self, cluster: Any, dry_run: Any, given: Manifest, problem: str) -> None:
        cluster.unknown_kinds = {"Bucket"}
        (message,) = dry_run({**self.service, "extra_objects": [given]}, secrets=["airflow-fernet"])
        assert message.startswith(f"airflow_extra_objects: {problem}")

    def test_what_is_wrong_without_a_cluster_is_told_without_one(
        self, dry_run: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delattr(applyset_dry_run, "Client")
        given = [thing("Service", "api"), thing("Bucket", "logs"), {"kind": "Bucket"}]
        owned, nameless = dry_run({**self.service, "extra_objects": given}, render="somewhere")
        assert "has no apiVersion" in owned + nameless
        assert "already" in owned + nameless

    def test_one_name_twice(self, dry_run: Any) -> None:
        (message,) = dry_run({"extra_objects": [thing("Service", "a"), thing("Service", "a")]})
        assert message == "airflow_extra_objects: there are two objects Service/a. Give one of them another name."

    def test_the_same_name_elsewhere_or_of_another_kind_is_another(self, cluster: Any, dry_run: Any) -> None:
        cluster.add("Namespace", "other")
        extra = [thing("Service", "api", "other"), thing("ConfigMap", "api")]
        assert dry_run({**self.service, "extra_objects": extra}) == []


def test_what_is_missing_a_right_is_told(cluster: Any, dry_run: Any) -> None:
    cluster.refusals["apply Service/api"] = ApiFailure("services is forbidden", 403, "Forbidden")
    assert dry_run({"a": [thing("Service", "api")]}) == ["Service/api: the cluster forbids it: services is forbidden"]


def test_it_is_the_set_as_it_will_be_applied(cluster: Any) -> None:
    (member,), problems = applyset_dry_run.collect(
        {"sets": {"web": [thing("Service", "a")]}, "release": "r", "namespace": "n", "variables": {}}, lambda *_: True
    )
    assert [member.manifest] == prepare([thing("Service", "a")], "r", "web", "n")
    assert problems == []
