# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each bad input has one message, which says where it was set and what to write instead."""

from __future__ import annotations

import base64
import contextlib
from typing import Any, ClassVar

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight import preflight
from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.cluster import check_results
from ansible_collections.airflow.kubernetes.plugins.module_utils.probe_pod import services
from ansible_collections.airflow.kubernetes.plugins.module_utils.secrets.values import Key
from tests.unit.plugins.module_utils.preflight.given import GOOD, check

FORBIDDEN = ApiFailure("forbidden", 403, "Forbidden")


def problems(**given: Any) -> list[str]:
    """Return what is wrong without a cluster being asked."""
    return check(**given)[0]


def test_no_cluster_is_asked_where_objects_are_only_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(preflight, "Client")
    result = preflight.run(Task({**GOOD, "render": "rendered"}))
    known = {"version": "", "warnings": [], "certificates": {}, "fewer_workers": {}}
    assert result == {"changed": False, **known, "digest": "d1", "dry_run_due": True, "sets": ()}
    with pytest.raises(Failure, match="airflow_namespace"):
        preflight.run(Task({**GOOD, "render": "rendered", "namespace": "Airflow"}))


class TestDryRuns:
    """The API server tries what it has not tried yet."""

    @pytest.mark.parametrize(("noted", "digest", "is_due"), [("d1", "d1", False), ("d0", "d1", True), ("", "", True)])
    def test_are_due_where_something_was_set_anew(
        self, cluster: Any, run: Any, noted: str, digest: str, is_due: bool
    ) -> None:
        note = {"annotations": {"airflow.kubernetes/dry-run": noted}}
        cluster.add("ConfigMap", "airflow-apply-sets", metadata=note, data={"web": "v1 Service web", "airflow": ""})
        result = run(digest=digest)
        assert (result["dry_run_due"], result["sets"], result["digest"]) == (is_due, ["airflow", "web"], digest)

    def test_are_due_before_the_first_deploy(self, run: Any) -> None:
        assert run()["dry_run_due"]

    def test_are_due_where_nothing_can_be_read(self, cluster: Any, run: Any) -> None:
        cluster.refusals["get ConfigMap/airflow-apply-sets"] = FORBIDDEN
        assert run()["dry_run_due"]


def test_a_short_absence_of_the_cluster_is_outlasted(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(params: Any, say: Any, patience: float) -> None:
        raise Failure(f"away for {patience:.0f} s")

    monkeypatch.setattr(preflight, "Client", away)
    with pytest.raises(Failure, match="away for 20 s"):
        preflight.run(Task(GOOD))


@pytest.fixture
def run(cluster: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the task with some input changed and return its result."""
    monkeypatch.setattr(preflight, "Client", lambda params, *rest: cluster)

    def run(**given: Any) -> dict[str, Any]:
        return preflight.run(Task({**connection, **GOOD, **given}))

    return run


def secret(name: str, *keys: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "labels": {}, "keys": [{**vars(Key("")), **key} for key in keys]}


def test_good_input_has_no_problem() -> None:
    assert problems() == []


class TestNames:
    @pytest.mark.parametrize("name", ["airflow", "a", "data-team-1", "a" * 35])
    def test_a_dns_label_will_do(self, name: str) -> None:
        assert problems(release=name) == []

    @pytest.mark.parametrize("name", ["", "Airflow", "1st", "-a", "a-", "a.b", "a_b", "a b", "a" * 41, "a\n"])
    def test_what_is_no_dns_label_will_not(self, name: str) -> None:
        (problem,) = problems(release=name)
        assert problem.startswith(f"airflow_name is {name!r}, which is no DNS label of at most 40 characters")

    def test_a_namespace_may_be_longer(self) -> None:
        assert problems(namespace="a" * 63) == []
        (problem,) = problems(namespace="a" * 64)
        assert problem.startswith("airflow_namespace is ")

    @pytest.mark.parametrize("name", [3, True, 1.5, None])
    def test_what_is_no_text_is_asked_to_be_quoted(self, name: Any) -> None:
        (problem,) = problems(release=name)
        assert problem == f"airflow_name is {name!r}, a {type(name).__name__}. Quote it where it is set."


class TestVersion:
    @pytest.mark.parametrize("version", ["3.1.0", "3.1.8", "3.10.2", "4.0.0", "3.2.0rc1", "3.1.1+local.2"])
    def test_will_do(self, version: str) -> None:
        assert problems(version=version, image=f"apache/airflow:{version.replace('+', '-')}") == []

    @pytest.mark.parametrize(
        "image",
        [
            "apache/airflow:3.1.0-python3.12",
            "registry.example.com:5000/airflow",
            "registry:5000/airflow:v3.1.0-7@sha256:0f1e",
            "airflow@sha256:3.1.8",
            "airflow:latest",
            "airflow:data-3.1.8",
            # A build's number, a date, a number that begins like the version.
            "airflow:1.4.2",
            "airflow:2026.11.28",
            "airflow:3.1",
        ],
    )
    def test_may_have_an_image_that_says_no_other(self, image: str) -> None:
        assert problems(image=image) == []

    @pytest.mark.parametrize(
        ("image", "told"),
        [
            ("x:3.1.8-python3.12", "3.1.8"),
            ("registry:5000/team/airflow:v3.2.0@sha256:0f1e", "3.2.0"),
            ("airflow:2.11.0", "2.11.0"),
            ("airflow:3.1.10", "3.1.10"),
        ],
    )
    def test_is_not_that_of_the_image(self, image: str, told: str) -> None:
        (problem,) = problems(image=image)
        assert problem.startswith(f"airflow_image is {image}, but airflow_version is 3.1.0. ")
        assert f'Set airflow_version: "{told}"' in problem

    @pytest.mark.parametrize("version", [3.1, 3])
    def test_a_number_could_be_another_version(self, version: Any) -> None:
        (problem,) = problems(version=version)
        assert "airflow_version is " in problem
        assert "3.10 could not be told from 3.1" in problem
        assert 'airflow_version: "3.1.8"' in problem

    @pytest.mark.parametrize("version", ["3.1", "latest", "", "v3.1.0", "3.1.x"])
    def test_three_numbers_are_wanted(self, version: str) -> None:
        (problem,) = problems(version=version)
        assert problem.startswith(f"airflow_version is {version!r}. Write it in full, with three numbers")

    @pytest.mark.parametrize("version", ["3.0.6", "2.11.0"])
    def test_is_too_old(self, version: str) -> None:
        assert problems(version=version) == [f"airflow_version is {version}; the oldest that is supported is 3.1.0."]


class TestWorkerGroups:
    def test_two_of_one_name(self) -> None:
        groups = [{"name": "big"}, {"name": "worker"}, {"name": "big"}]
        assert problems(worker_groups=groups) == [
            "workers_groups has more than one group named big. Give each group a name of its own."
        ]

    def test_a_name_that_is_no_dns_label(self) -> None:
        (problem,) = problems(worker_groups=[{"name": "Big_One"}])
        assert problem.startswith("The name of a group in workers_groups is 'Big_One', which is no DNS label")

    def test_a_group_without_a_name(self) -> None:
        (problem,) = problems(worker_groups=[{"queues": ["default"]}])
        assert problem.startswith("The name of a group in workers_groups is None")


class TestConfig:
    @pytest.mark.parametrize(
        "option", ["parallelism", "core_parallelism", "core.parallelism", "__parallelism", "core__"]
    )
    def test_an_option_without_a_section(self, option: str) -> None:
        (problem,) = problems(config={option: 1})
        assert problem.startswith(f"airflow_config has no option {option!r}")
        assert "core__parallelism" in problem

    @pytest.mark.parametrize("option", ["core__parallelism", "CORE__PARALLELISM", "AIRFLOW__CORE__PARALLELISM"])
    def test_any_case_will_do(self, option: str) -> None:
        assert problems(config={option: 1}) == []

    def test_one_option_in_two_spellings(self) -> None:
        (problem,) = problems(config={"core__parallelism": 1, "CORE__PARALLELISM": 2})
        assert problem == "airflow_config sets AIRFLOW__CORE__PARALLELISM twice. Keep one of the spellings."


class TestVariables:
    known = ("scheduler_replicas", "scheduler_resources", "airflow_version", "airflow_config")

    def check(self, *names: str) -> tuple[list[str], list[str]]:
        return check(variables=list(names), known_variables=list(self.known))

    def test_what_is_known_is_no_problem(self) -> None:
        assert self.check(*self.known) == ([], [])

    @pytest.mark.parametrize(
        ("misspelt", "meant"),
        [("scheduler_replica", "scheduler_replicas"), ("airflow_versoin", "airflow_version")],
    )
    def test_what_is_misspelt_is_told_with_what_was_meant(self, misspelt: str, meant: str) -> None:
        assert self.check(misspelt) == ([f"There is no variable {misspelt}. Did you mean {meant}?"], [])

    def test_what_resembles_nothing_may_be_the_users_own(self) -> None:
        assert self.check("airflow_team") == ([], ["No role of this collection reads the variable airflow_team."])


def test_every_problem_is_told_at_once_and_no_cluster_is_asked(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(params: Any, *rest: Any) -> None:
        raise AssertionError("a cluster was asked")

    monkeypatch.setattr(preflight, "Client", refuse)
    with pytest.raises(Failure) as failure:
        run(release="A", version="3.0.0", config={"x": 1})
    assert [line.split()[0] for line in failure.value.message.splitlines()] == [
        "airflow_name",
        "airflow_version",
        "airflow_config",
    ]


class TestNamespace:
    def test_missing_and_not_to_be_created(self, cluster: Any, run: Any) -> None:
        cluster.objects.clear()
        with pytest.raises(Failure, match="There is no namespace airflow and airflow_namespace_create is false"):
            run(create_namespace=False)

    def test_missing_and_to_be_created(self, cluster: Any, run: Any) -> None:
        cluster.objects.clear()
        assert run()["changed"] is False

    def test_going(self, cluster: Any, run: Any) -> None:
        cluster.add("Namespace", "airflow", status={"phase": "Terminating"})
        with pytest.raises(Failure, match="The namespace airflow is being deleted"):
            run()

    def test_not_to_be_read_is_no_problem(self, cluster: Any, run: Any) -> None:
        cluster.refusals["get Namespace/airflow"] = FORBIDDEN
        assert run(create_namespace=False)["changed"] is False


class TestPermissions:
    def test_what_is_missing_is_told_beside_other_problems(self, cluster: Any, run: Any) -> None:
        cluster.rights = lambda verb, resource: resource != "pods"
        cluster.objects.clear()
        with pytest.raises(Failure) as failure:
            run(create_namespace=False, permissions=[{"resources": ["pods"], "verbs": ["list"]}])
        told = failure.value.message.splitlines()
        assert [line.partition(" (")[0] for line in told] == [
            "There is no namespace airflow and airflow_namespace_create is false. Create it, or set it to true.",
            "No permission to list pods in the namespace airflow",
        ]

    def test_to_create_a_namespace_takes_a_right_only_where_there_is_none(self, cluster: Any, run: Any) -> None:
        cluster.rights = lambda verb, resource: (verb, resource) != ("create", "namespaces (cluster)")
        run()
        cluster.objects.clear()
        with pytest.raises(Failure, match="No permission to create namespaces in the whole cluster"):
            run()


class TestStorageClasses:
    def test_one_that_is_not_there(self, cluster: Any, run: Any) -> None:
        for name in ("standard", "fast"):
            cluster.add("StorageClass", name)
        with pytest.raises(Failure) as failure:
            run(storage_classes={"airflow_dags_storage_class": "efs", "airflow_logs_storage_class": "fast"})
        assert failure.value.message == (
            "airflow_dags_storage_class is efs, but the cluster has no such storage class. It has: fast, standard."
        )

    def test_a_cluster_without_any(self, run: Any) -> None:
        with pytest.raises(Failure, match="It has: none"):
            run(storage_classes={"airflow_dags_storage_class": "efs"})

    def test_empty_means_the_clusters_own(self, cluster: Any, run: Any) -> None:
        cluster.refusals["list StorageClass"] = ApiFailure("nobody asks", 500)
        run(storage_classes={"airflow_dags_storage_class": ""})

    def test_not_to_be_listed_is_a_warning(self, cluster: Any, run: Any) -> None:
        cluster.refusals["list StorageClass"] = FORBIDDEN
        assert run(storage_classes={"airflow_dags_storage_class": "efs"})["warnings"] == [
            "Storage classes could not be checked: no permission to list storageclasses."
        ]


class TestVolumes:
    def test_what_is_missing_is_told_without_a_cluster(self) -> None:
        (problem,) = problems(volumes=[{"name": "dags", "type": "existing_claim"}])
        assert problem.startswith("airflow_dags_volume is existing_claim, but no claim is named")

    def test_what_has_no_effect_is_a_warning(self, run: Any) -> None:
        (warning,) = run(volumes=[{"name": "logs", "type": "none", "sub_path": "a"}])["warnings"]
        assert warning.startswith("airflow_logs_sub_path is set, and without effect")

    def test_what_the_cluster_does_not_have_is_told(self, run: Any) -> None:
        with pytest.raises(Failure, match="airflow_logs_existing_claim is mine, but the namespace airflow has no such"):
            run(volumes=[{"name": "logs", "type": "existing_claim", "existing_claim": "mine"}])

    def test_a_wrong_retention_is_told(self) -> None:
        (problem,) = problems(log_retention={"airflow_logs_retention_days": "a week"})
        assert problem.startswith("airflow_logs_retention_days is 'a week'")


class TestDowngrade:
    def running(self, cluster: Any, version: str) -> None:
        labels = {"app.kubernetes.io/version": version}
        cluster.add("ConfigMap", "airflow-config", metadata={"labels": labels})

    def test_is_refused_by_both_versions(self, cluster: Any, run: Any) -> None:
        self.running(cluster, "3.10.0")
        with pytest.raises(Failure) as failure:
            run(version="3.9.1")
        assert failure.value.message == (
            "airflow_version is 3.9.1, but release airflow in airflow runs 3.10.0, "
            "and Airflow does not go back by itself. Set airflow_version to 3.10.0 or newer."
        )

    @pytest.mark.parametrize("version", ["3.1.0", "3.1.1", "3.10.0"])
    def test_the_same_and_a_newer_one_will_do(self, cluster: Any, run: Any, version: str) -> None:
        self.running(cluster, "3.1.0")
        assert run(version=version)["version"] == "3.1.0"

    def migration(self, cluster: Any, version: str, condition: str, name: str = "a", release: str = "airflow") -> None:
        labels = {
            "airflow.kubernetes/release": release,
            "app.kubernetes.io/component": "migrations",
            "app.kubernetes.io/version": version,
        }
        status = {"conditions": [{"type": condition, "status": "True"}]} if condition else {}
        cluster.add("Job", f"{release}-migrations-{name}", metadata={"labels": labels}, status=status)

    def test_from_a_version_that_was_only_tried_is_none(self, cluster: Any, run: Any) -> None:
        """As after a deploy whose image had an older Airflow than airflow_version said."""
        self.running(cluster, "3.1.8")
        self.migration(cluster, "3.1.8", "Failed")
        assert run(version="3.1.0")["version"] == "3.1.8"

    @pytest.mark.parametrize("condition", ["Complete", ""])
    def test_from_a_version_that_has_migrated_or_may_yet_is_refused(
        self, cluster: Any, run: Any, condition: str
    ) -> None:
        self.running(cluster, "3.1.8")
        self.migration(cluster, "3.1.8", condition)
        self.migration(cluster, "3.1.0", "Failed", name="older")
        self.migration(cluster, "3.1.8", "Failed", release="other")
        with pytest.raises(Failure, match=r"runs 3\.1\.8"):
            run(version="3.1.0")

    def test_one_of_two_migrations_is_enough(self, cluster: Any, run: Any) -> None:
        self.running(cluster, "3.1.8")
        self.migration(cluster, "3.1.8", "Failed", name="first")
        self.migration(cluster, "3.1.8", "Complete", name="second")
        with pytest.raises(Failure, match=r"runs 3\.1\.8"):
            run(version="3.1.0")

    def test_migrations_that_may_not_be_listed_count_as_done(self, cluster: Any, run: Any) -> None:
        self.running(cluster, "3.1.8")
        cluster.refusals["list Job"] = FORBIDDEN
        with pytest.raises(Failure, match=r"runs 3\.1\.8"):
            run(version="3.1.0")

    def test_nothing_runs_yet(self, run: Any) -> None:
        assert run()["version"] is None


class TestSecrets:
    def test_the_users_own_lacks_a_key(self, cluster: Any, run: Any) -> None:
        cluster.add("Secret", "airflow-secrets", data={"A": base64.b64encode(b"hunter2").decode()})
        with pytest.raises(Failure, match=r"The Secret airflow-secrets is not the collection's.*no key B") as failure:
            run(secrets=[secret("airflow-secrets", {"key": "A"}, {"key": "B", "generate": "password"})])
        assert "hunter2" not in failure.value.message

    def test_nothing_is_written(self, cluster: Any, run: Any) -> None:
        run(secrets=[secret("airflow-secrets", {"key": "A", "generate": "password"})])
        assert cluster.log == []

    def test_not_to_be_read_is_left_to_the_one_who_writes_it(self, cluster: Any, run: Any) -> None:
        cluster.refusals["get Secret/airflow-secrets"] = FORBIDDEN
        run(secrets=[secret("airflow-secrets", {"key": "A", "generate": "password"})])


class TestResults:
    DATABASE = "postgresql+psycopg2://airflow:hunter2@db.example.com:5432/airflow?sslmode=require"

    @pytest.mark.parametrize(
        "results",
        [
            "db+postgresql://airflow:hunter2@db.example.com:5432/airflow",
            "db+postgresql://airflow:hunter2@DB.example.com/results",
        ],
    )
    def test_with_the_login_of_the_database_are_refused_where_they_are_to_be_apart(
        self, cluster: Any, run: Any, results: str
    ) -> None:
        keys = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.DATABASE, "AIRFLOW__CELERY__RESULT_BACKEND": results}
        secrets = [secret("airflow-secrets", *({"key": key, "value": value} for key, value in keys.items()))]
        run(secrets=secrets)
        with pytest.raises(Failure, match="logs in as Airflow does to its own database") as failure:
            run(secrets=secrets, separate_results=True)
        assert "hunter2" not in failure.value.message

    def test_through_pgbouncer_it_is_the_server_that_counts(self) -> None:
        urls = {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://airflow:a@airflow-pgbouncer:6432/airflow",
            "DIRECT_SQL_ALCHEMY_CONN": self.DATABASE,
            "AIRFLOW__CELERY__RESULT_BACKEND": "db+postgresql://airflow:a@db.example.com/results",
        }
        assert len([*check_results(urls)]) == 1

    @pytest.mark.parametrize(
        "results",
        ["db+postgresql://celery:a@db.example.com:5432/results", "redis://:a@redis.example.com/0", "redis://redis/0"],
    )
    def test_of_their_own_will_do(self, results: str) -> None:
        urls = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.DATABASE, "AIRFLOW__CELERY__RESULT_BACKEND": results}
        assert [*check_results(urls)] == []


def test_a_kind_that_the_cluster_does_not_know(cluster: Any, run: Any) -> None:
    route = {"api_version": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "variable": "flower_routes"}
    run(kinds=[route])
    cluster.unknown_kinds |= {"HTTPRoute"}
    said = "flower_routes takes the kind HTTPRoute of gateway.networking.k8s.io/v1, which the cluster does not know"
    with pytest.raises(Failure, match=said):
        run(kinds=[route])


@pytest.mark.parametrize("version", ["v1.29.0", "v1.34.1-gke.100", "v2.0.0", "main"])
def test_native_sidecars_are_there(cluster: Any, run: Any, version: str) -> None:
    cluster.kubernetes = version
    run(native_sidecars=["airflow_cloud_sql_instance"])


def test_native_sidecars_are_newer_than_the_cluster(cluster: Any, run: Any) -> None:
    cluster.kubernetes = "v1.28.15-gke.1"
    run()
    said = "airflow_cloud_sql_instance takes native sidecars.*from 1.29 on, and the cluster runs v1.28.15-gke.1"
    with pytest.raises(Failure, match=said):
        run(native_sidecars=["airflow_cloud_sql_instance"])


def test_the_problems_of_the_cluster_are_told_at_once(cluster: Any, run: Any) -> None:
    cluster.add("ConfigMap", "airflow-config", metadata={"labels": {"app.kubernetes.io/version": "3.2.0"}})
    with pytest.raises(Failure) as failure:
        run(storage_classes={"airflow_dags_storage_class": "efs"})
    assert len(failure.value.message.splitlines()) == 2


def test_another_error_of_the_cluster_is_not_taken_for_an_answer(cluster: Any, run: Any) -> None:
    cluster.refusals["get ConfigMap/airflow-config"] = ApiFailure("etcd is gone", 500)
    with pytest.raises(Failure, match="etcd is gone"):
        run()


class TestPodsOfTasks:
    """They take a package in the image, and a namespace in which no other release makes some."""

    PACKAGE: ClassVar = {
        "package": "apache-airflow-providers-cncf-kubernetes",
        "variable": "airflow_executors",
        "option": "AIRFLOW__CORE__EXECUTOR",
        "value": "CeleryExecutor,KubernetesExecutor",
    }

    LIMITS: ClassVar = {"timeout": 600, "unschedulable_grace": 60, "retry_grace": 60, "restart_grace": 60}

    def scheduler(self, cluster: Any, release: str, *volumes: str) -> None:
        marks = {"airflow.kubernetes/release": release, "airflow.kubernetes/scheduler": "true"}
        spec = {"volumes": [{"name": name} for name in volumes]}
        cluster.add("Pod", f"{release}-scheduler", metadata={"labels": marks}, spec=spec)

    def test_an_unknown_executor_is_refused_without_a_cluster(self) -> None:
        (problem,) = problems(executors=["local"])
        assert problem.startswith("airflow_executors has local")

    def test_another_release_of_the_namespace_that_makes_some_is_named(self, cluster: Any, run: Any) -> None:
        self.scheduler(cluster, "other", "tmp", "task-pod")
        run()
        with pytest.raises(Failure, match="so it has in release other, which is in the namespace airflow, too"):
            run(executors=["celery", "kubernetes"])

    def test_itself_and_one_that_makes_none_are_no_hindrance(self, cluster: Any, run: Any) -> None:
        self.scheduler(cluster, "airflow", "task-pod")
        self.scheduler(cluster, "other", "tmp")
        run(executors=["celery", "kubernetes"])

    @pytest.mark.parametrize(
        ("executor", "version", "looked"),
        [
            ("CeleryExecutor", "3.1.0", True),
            ("CeleryExecutor,KubernetesExecutor", "3.0.9", True),
            ("CeleryExecutor,KubernetesExecutor", "3.1.0", False),
        ],
    )
    def test_the_image_is_looked_into_where_that_is_new(
        self, cluster: Any, run: Any, monkeypatch: pytest.MonkeyPatch, executor: str, version: str, looked: bool
    ) -> None:
        asked: list[Any] = []
        monkeypatch.setattr(
            services.ConnectivityCheck, "problems", lambda _self, runs: asked.extend(runs[0].services) or ["It lacks"]
        )
        labels = {"app.kubernetes.io/version": version}
        cluster.add(
            "ConfigMap", "airflow-config", metadata={"labels": labels}, data={"AIRFLOW__CORE__EXECUTOR": executor}
        )
        with pytest.raises(Failure, match="It lacks") if looked else contextlib.nullcontext():
            run(packages=[self.PACKAGE], executors=["celery", "kubernetes"], **self.LIMITS)
        assert [(service.kind, service.options) for service in asked] == ([("package", self.PACKAGE)] if looked else [])


class TestOpenShift:
    """It gives UIDs and the labels of Pod Security itself."""

    ENFORCE, WARN = "pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/warn"
    SYNC = "security.openshift.io/scc.podSecurityLabelSync"

    @pytest.fixture(autouse=True)
    def _openshift(self, cluster: Any) -> None:
        cluster.unknown_kinds.discard("SecurityContextConstraints")

    def namespace(self, **labels: str) -> dict[str, Any]:
        return {"metadata": {"name": "airflow", "labels": labels}}

    def test_takes_what_leaves_that_to_it(self, run: Any) -> None:
        run(run_as_user="", namespace_object=self.namespace(team="data"))

    def test_refuses_a_uid(self, run: Any) -> None:
        with pytest.raises(Failure, match=r'airflow_run_as_user is 50000.*airflow_run_as_user: ""') as failure:
            run(run_as_user="50000")
        assert "\n" not in str(failure.value)

    def test_refuses_labels_that_it_sets(self, run: Any) -> None:
        wanted = self.namespace(**{self.ENFORCE: "restricted", self.WARN: "restricted", "team": "data"})
        with pytest.raises(Failure, match=f'{self.ENFORCE}, {self.WARN} of.*airflow_pod_security: ""'):
            run(run_as_user="", namespace_object=wanted)

    def test_leaves_a_namespace_alone_that_is_not_made(self, run: Any, cluster: Any) -> None:
        cluster.add("Namespace", "airflow")
        wanted = self.namespace(**{self.WARN: "restricted"})
        run(run_as_user="", namespace_object=wanted, create_namespace=False)

    def test_takes_labels_where_it_is_told_to_leave_them(self, run: Any) -> None:
        run(run_as_user="", namespace_object=self.namespace(**{self.WARN: "restricted", self.SYNC: "false"}))

    def test_another_cluster_takes_both(self, run: Any, cluster: Any) -> None:
        cluster.unknown_kinds.add("SecurityContextConstraints")
        run(run_as_user="50000", namespace_object=self.namespace(**{self.WARN: "restricted"}))


class TestCertificates:
    """Their checksums replace the pods that read them when they start."""

    CA: ClassVar[dict[str, Any]] = {
        "kind": "ConfigMap",
        "name": "ca",
        "key": "ca.crt",
        "variable": "airflow_ca_config_map",
        "file": "ca.crt",
    }

    def test_a_change_of_one_is_seen(self, cluster: Any, run: Any) -> None:
        cluster.add("ConfigMap", "ca", data={"ca.crt": "one"})
        before = run(certificates=[self.CA])["certificates"]
        assert run(certificates=[self.CA])["certificates"] == before
        cluster.add("ConfigMap", "ca", data={"ca.crt": "two"})
        after = run(certificates=[self.CA])["certificates"]
        assert before.keys() == after.keys() == {"ca.crt"}
        assert before != after

    def test_one_that_is_not_there_is_refused(self, cluster: Any, run: Any) -> None:
        with pytest.raises(Failure, match="airflow_ca_config_map names the ConfigMap ca, but the namespace has none"):
            run(certificates=[self.CA])

    def test_where_they_may_not_be_read_there_is_none(self, cluster: Any, run: Any) -> None:
        cluster.refusals["get ConfigMap/ca"] = FORBIDDEN
        assert run(certificates=[self.CA])["certificates"] == {"ca.crt": ""}

    def test_where_no_cluster_is_asked_a_word_stands_for_it(self) -> None:
        result = preflight.run(Task({**GOOD, "render": "rendered", "certificates": [self.CA]}))
        assert result["certificates"] == {"ca.crt": "rendered"}


class TestFewerWorkers:
    @pytest.fixture(autouse=True)
    def _live(self, cluster: Any) -> None:
        for name, replicas in (("airflow-worker", 3), ("airflow-big", 1)):
            labels = {"airflow.kubernetes/release": "airflow", "app.kubernetes.io/component": "worker"}
            cluster.add("StatefulSet", name, metadata={"labels": labels}, spec={"replicas": replicas})

    @pytest.mark.parametrize(
        ("given", "fewer"),
        [
            ({"worker_groups": [{"name": "worker"}, {"name": "big"}], "worker_replicas": 3}, {}),
            ({"worker_groups": [{"name": "worker"}, {"name": "big"}], "worker_replicas": "1"}, {"airflow-worker": 1}),
            ({"worker_groups": [{"name": "worker", "replicas": 4}]}, {"airflow-big": 0}),
            (
                {
                    "worker_groups": [{"name": "worker", "replicas": 4, "overrides": {"spec": {"replicas": 2}}}],
                    "worker_overrides": {"spec": {"replicas": 5}},
                },
                {"airflow-worker": 2, "airflow-big": 0},
            ),
        ],
        ids=["as many", "fewer", "without a group", "by an override"],
    )
    def test_groups_that_shrink_are_told(self, run: Any, given: dict[str, Any], fewer: dict[str, int]) -> None:
        assert run(**given)["fewer_workers"] == fewer

    def test_workers_that_may_not_be_listed_are_left_to_the_check_of_permissions(self, cluster: Any, run: Any) -> None:
        cluster.refusals["list StatefulSet"] = FORBIDDEN
        assert run()["fewer_workers"] == {}
