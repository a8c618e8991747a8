"""What has to hold for the objects of any release, seen on those in rendered/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tools.checks.rendered import RENDERED

Manifest = dict[str, Any]

RELEASES = sorted(path.name for path in RENDERED.iterdir())
MASTER_WORKER = ["gateway", "master", "small"]
#: What runs in the cluster besides Airflow, where it is not Redis and PostgreSQL.
SERVICES = {
    "managed": [],
    "pooled": [],
    "url": [],
    "mysql": ["redis", "mysql"],
    "mysql_managed": ["redis"],
    "private_ca": [],
}
SERVICES |= {"cloud_sql": ["redis"], "cloud_sql_pooled": ["redis"]}
WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob")
#: Those with DAGs from git.
GIT = ["git", "small", "executors"]
#: Those whose scheduler makes pods of tasks; the executor that comes first in the second is that one.
TASK_PODS = ["executors", "gateway", "private_ca"]
#: Those without network policies.
OPEN = ["least"]
#: Claims that are there already.
USERS_OWN = {"small": {"team-files"}, "everything": {"models"}, "executors": {"datasets"}}
#: Secrets that examples name and the user makes, with their keys.
USERS_SECRETS = {"git-sync": {"username", "password"}, "company": set(), "models": set(), "triggers": set()}
USERS_CONFIG_MAPS = {"company-ca", "further", "plans"}


@cache
def objects(release: str) -> list[Manifest]:
    return [yaml.safe_load(path.read_text()) for path in sorted((RENDERED / release).rglob("*.yaml"))]


class Pod(NamedTuple):
    """The pod template of a workload."""

    release: str
    workload: Manifest

    @property
    def template(self) -> Manifest:
        if self.workload["kind"] == "Pod":
            return self.workload
        spec = self.workload["spec"]
        return spec["jobTemplate"]["spec"]["template"] if self.workload["kind"] == "CronJob" else spec["template"]

    @property
    def spec(self) -> Manifest:
        return self.template["spec"]

    @property
    def containers(self) -> list[Manifest]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    def __str__(self) -> str:
        return f"{self.release}/{self.workload['metadata']['name']}"


def task_pods(release: str) -> list[Manifest]:
    """Return the pod that a release's scheduler makes others like, if it does."""
    texts = (manifest.get("data", {}).get("pod_template.yaml") for manifest in objects(release))
    return [yaml.safe_load(text) for text in texts if text]


PODS = [
    Pod(release, manifest)
    for release in RELEASES
    for manifest in [*objects(release), *task_pods(release)]
    if manifest["kind"] in (*WORKLOADS, "Pod")
]
every_pod = pytest.mark.parametrize("pod", PODS, ids=str)
every_release = pytest.mark.parametrize("release", RELEASES)


def secret_keys(release: str) -> dict[str, set[str]]:
    """Return the keys of each Secret, as the texts in secrets/ tell them."""
    return {
        path.stem: {line.split(":", 1)[0] for line in path.read_text().split("\n\n", 1)[1].splitlines()}
        for path in (RENDERED / release / "secrets").glob("*.txt")
    }


def names(release: str, kind: str) -> set[str]:
    return {manifest["metadata"]["name"] for manifest in objects(release) if manifest["kind"] == kind}


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return selector.items() <= labels.items()


def test_every_kind_of_workload_is_looked_at() -> None:
    assert {pod.workload["kind"] for pod in PODS} == {*WORKLOADS, "Pod"}
    assert len(PODS) > 20


@every_pod
def test_a_pod_is_admitted_under_pod_security_restricted(pod: Pod) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted."""
    context = pod.spec["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context.get("runAsUser") != 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.spec.keys()
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"}
    assert all(volume.keys() - {"name"} <= allowed for volume in pod.spec["volumes"])
    for container in pod.containers:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True


#: Where resources are the user's, and not all are given.
USERS_RESOURCES = {"least", "everything/af-big"}
UNITS = {"Mi": 2**20, "Gi": 2**30}


def in_bytes(quantity: str) -> int:
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


@every_pod
def test_a_container_says_what_it_needs_and_has_a_limit_of_what_it_could_take_from_others(pod: Pod) -> None:
    if {pod.release, str(pod)} & USERS_RESOURCES:
        return
    for container in pod.containers:
        assert container["resources"]["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}
        # No limit of the CPU: what is idle may be used, and what a container asks for it gets.
        assert container["resources"]["limits"].keys() == {"memory", "ephemeral-storage"}


@every_pod
def test_what_a_pod_can_write_on_its_node_has_a_limit_that_its_own_fits_in(pod: Pod) -> None:
    """The kubelet evicts a pod that keeps more than its containers' limits together, or one init container's."""
    folders = [volume["emptyDir"] for volume in pod.spec["volumes"] if "emptyDir" in volume]
    assert all("sizeLimit" in folder for folder in folders)
    written = sum(in_bytes(folder["sizeLimit"]) for folder in folders if folder.get("medium") != "Memory")
    limits = [
        [
            in_bytes(container["resources"]["limits"]["ephemeral-storage"])
            for container in containers
            if "ephemeral-storage" in container.get("resources", {}).get("limits", {})
        ]
        for containers in (pod.spec["containers"], pod.spec.get("initContainers", []))
    ]
    bound = max(sum(limits[0]), *limits[1], 0)
    assert not bound or written < bound


def test_one_registry_takes_the_place_of_all_others() -> None:
    images = {container["image"] for pod in PODS if pod.release == "git" for container in pod.containers}
    assert len(images) > 3
    assert {image.partition("/")[0] for image in images} == {"registry.example.com"}


def test_a_component_says_for_itself_where_it_runs_and_others_run_where_all_do() -> None:
    placed = {
        pod.workload["metadata"]["name"]: (pod.spec["priorityClassName"], pod.spec["nodeSelector"]["pool"])
        for pod in PODS
        if pod.release == "everything"
    }
    assert placed.pop("af-scheduler") == ("data-critical", "steady")
    assert placed.pop("af-big") == ("batch", "large")
    assert len(placed) > 7
    assert {*placed.values()} == {("data", "airflow")}


@every_pod
def test_a_pod_has_no_token_of_the_cluster(pod: Pod) -> None:
    assert pod.spec["automountServiceAccountToken"] is False
    assert pod.spec["serviceAccountName"] in names(pod.release, "ServiceAccount")


@every_release
def test_what_is_left_out_leaves_nothing_behind(release: str) -> None:
    files = [path for path in (RENDERED / release).rglob("*") if path.is_file()]
    assert files
    assert not [path.name for path in files if "Omit" in path.read_text()]


@pytest.mark.parametrize("pod", [pod for pod in PODS if pod.release in ("everything", "openshift")], ids=str)
def test_no_uid_is_set_where_the_platform_gives_them(pod: Pod) -> None:
    assert not {"runAsUser", "runAsGroup", "fsGroup"} & pod.spec["securityContext"].keys()


@every_pod
def test_what_a_pod_reads_is_there(pod: Pod) -> None:
    config_maps, claims, secrets = set(), set(), {}
    for container in pod.containers:
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                config_maps.add(source["configMapRef"]["name"])
            else:
                secrets.setdefault(source["secretRef"]["name"], set())
        for variable in container.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference and not reference.get("optional"):
                secrets.setdefault(reference["name"], set()).add(reference["key"])
    for volume in pod.spec["volumes"]:
        config_maps |= {volume["configMap"]["name"]} if "configMap" in volume else set()
        if volume["name"] == "git":
            config_maps |= {source["configMap"]["name"] for source in volume["projected"]["sources"][:1]}
            secrets |= {source["secret"]["name"]: set() for source in volume["projected"]["sources"][1:]}
        claims |= {volume["persistentVolumeClaim"]["claimName"]} if "persistentVolumeClaim" in volume else set()
    assert config_maps <= names(pod.release, "ConfigMap") | USERS_CONFIG_MAPS
    assert claims <= names(pod.release, "PersistentVolumeClaim") | USERS_OWN.get(pod.release, set())
    known = USERS_SECRETS | secret_keys(pod.release)
    assert secrets.keys() <= known.keys()
    assert all(keys <= known[name] for name, keys in secrets.items())


@every_pod
def test_what_a_container_mounts_is_a_volume_of_its_pod(pod: Pod) -> None:
    volumes = {volume["name"] for volume in pod.spec["volumes"]}
    volumes |= {claim["metadata"]["name"] for claim in pod.workload["spec"].get("volumeClaimTemplates", [])}
    for container in pod.containers:
        assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes


@every_pod
def test_what_the_image_has_is_not_hidden_but_by_volumes_for_it(pod: Pod) -> None:
    paths = {mount["mountPath"] for container in pod.containers for mount in container.get("volumeMounts", [])}
    hidden = {path for path in paths if path == "/opt" or path.startswith("/opt/airflow/") or path == "/opt/airflow"}
    without_dags = set() if pod.release == "storage" else {"/opt/airflow/dags"}
    clones = {"/opt/airflow/bundles"} if pod.release in GIT else set()
    added = {"/opt/airflow/config/airflow_kubernetes_mysql_tls.py"} if pod.release == "mysql_managed" else set()
    assert hidden <= {"/opt/airflow/logs"} | without_dags | clones | added


@pytest.mark.parametrize(
    ("release", "kinds"),
    [
        ("defaults", {("PersistentVolumeClaim", "airflow-dags"), ("PersistentVolumeClaim", "airflow-logs")}),
        ("storage", {("PersistentVolume", "airflow-airflow-logs"), ("PersistentVolumeClaim", "airflow-logs")}),
        ("small", set()),
    ],
)
def test_dags_and_logs_have_what_lies_behind_their_volumes(release: str, kinds: set[tuple[str, str]]) -> None:
    found = {
        (manifest["kind"], manifest["metadata"]["name"])
        for manifest in objects(release)
        if manifest["kind"].startswith("PersistentVolume")
    }
    assert found == kinds


def test_a_folder_that_is_there_is_bound_to_its_claim_alone() -> None:
    volume, claim = (
        next(manifest for manifest in objects("storage") if manifest["kind"] == kind)
        for kind in ("PersistentVolume", "PersistentVolumeClaim")
    )
    reference = volume["spec"]["claimRef"]
    assert (reference["namespace"], reference["name"]) == (claim["metadata"]["namespace"], claim["metadata"]["name"])
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    # A class would have a volume made; none at all, the default one.
    assert volume["spec"]["storageClassName"] == claim["spec"]["storageClassName"] == ""
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


@every_release
def test_logs_are_deleted_only_where_that_is_asked_for(release: str) -> None:
    wanted = {"everything": {"af-log-retention"}, "storage": {"airflow-log-retention"}}
    found = {name for name in names(release, "CronJob") if name.endswith("-log-retention")}
    assert found == wanted.get(release, set())


@every_release
def test_backups_and_the_deletion_of_old_rows_are_scheduled_only_where_that_is_asked_for(release: str) -> None:
    found = {name for name in names(release, "CronJob") if not name.endswith("-log-retention")}
    wanted = {"backups": {"airflow-backup", "airflow-db-clean"}, "oldest": {"airflow-db-clean"}}
    assert found == wanted.get(release, set())


@pytest.mark.parametrize(("release", "dry_run"), [("backups", False), ("oldest", True)])
def test_a_dry_run_deletes_and_exports_nothing(release: str, dry_run: bool) -> None:
    container = next(c for pod in PODS if pod.release == release for c in pod.containers if c["name"] == "db-clean")
    commands = [line.strip() for line in container["args"][2].splitlines() if line.strip().startswith("airflow db ")]
    assert ("--dry-run" in commands[0]) is dry_run
    others = ["airflow db export-archived", "airflow db drop-archived"]
    assert [" ".join(line.split()[:3]) for line in commands[1:]] == ([] if dry_run else others)


@every_pod
def test_a_workload_selects_its_own_pods_and_no_others(pod: Pod) -> None:
    if pod.workload["kind"] in ("Job", "CronJob", "Pod"):
        return
    selector = pod.workload["spec"]["selector"]["matchLabels"]
    selected = [
        str(other)
        for other in PODS
        if other.release == pod.release and selects(selector, other.template["metadata"]["labels"])
    ]
    assert selected == [str(pod)]


@every_release
def test_a_service_finds_pods_and_their_ports(release: str) -> None:
    pods = [pod for pod in PODS if pod.release == release]
    for service in (manifest for manifest in objects(release) if manifest["kind"] == "Service"):
        selector = service["spec"]["selector"]
        found = [pod for pod in pods if selects(selector, pod.template["metadata"]["labels"])]
        assert len(found) == 1, service["metadata"]["name"]
        ports = [port for container in found[0].containers for port in container.get("ports", [])]
        places = {place for port in ports for place in (port["name"], port["containerPort"])}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= places


@pytest.mark.parametrize(
    ("release", "kind", "paths"),
    [
        ("ingress", "Ingress", {"airflow-api-server": "/airflow", "airflow-flower": "/flower"}),
        ("gateway", "HTTPRoute", {"airflow-api-server": "/", "airflow-flower": "/flower"}),
    ],
)
def test_what_leads_in_from_outside_finds_a_service_and_its_port(
    release: str, kind: str, paths: dict[str, str]
) -> None:
    services = {
        manifest["metadata"]["name"]: manifest["spec"]["ports"][0]
        for manifest in objects(release)
        if manifest["kind"] == "Service"
    }
    found = {manifest["metadata"]["name"]: manifest for manifest in objects(release) if manifest["kind"] == kind}
    assert found.keys() == paths.keys()
    for name, manifest in found.items():
        (rule,) = manifest["spec"]["rules"]
        if kind == "Ingress":
            (path,) = rule["http"]["paths"]
            backend, led = path["backend"]["service"], path["path"]
            assert services[backend["name"]]["name"] == backend["port"]["name"]
        else:
            (backend,), led = rule["backendRefs"], rule["matches"][0]["path"]["value"]
            assert services[backend["name"]]["port"] == backend["port"]
        assert (backend["name"], led) == (name, paths[name])


def test_a_route_leads_to_the_port_that_speaks_as_its_termination_says() -> None:
    routes = {
        manifest["metadata"]["name"]: manifest for manifest in objects("openshift") if manifest["kind"] == "Route"
    }
    services = {
        manifest["metadata"]["name"]: manifest for manifest in objects("openshift") if manifest["kind"] == "Service"
    }
    edge, reencrypt = routes["airflow-api-server"]["spec"], routes["airflow-flower"]["spec"]
    for spec, port in ((edge, 8080), (reencrypt, 8443)):
        ports = {each["name"]: each["targetPort"] for each in services[spec["to"]["name"]]["spec"]["ports"]}
        assert ports[spec["port"]["targetPort"]] == port
    assert (edge["host"], edge["path"]) == ("airflow.apps.example.com", "/airflow")
    assert edge["tls"] == {
        "termination": "edge",
        "insecureEdgeTerminationPolicy": "Redirect",
        "externalCertificate": {"name": "certificate"},
    }
    assert (reencrypt["host"], "path" in reencrypt) == ("flower.apps.example.com", False)
    assert reencrypt["tls"]["destinationCACertificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert "externalCertificate" not in reencrypt["tls"]


@pytest.mark.parametrize("release", ["ingress", "gateway"])
def test_passwords_of_logins_reach_only_the_api_server(release: str) -> None:
    readers = {
        container["name"]
        for pod in PODS
        for container in pod.containers
        if pod.release == release and "airflow-auth" in yaml.safe_dump(container)
    }
    assert readers == {"api-server"}


@every_release
def test_a_disruption_budget_finds_pods(release: str) -> None:
    pods = [pod for pod in PODS if pod.release == release]
    for budget in (manifest for manifest in objects(release) if manifest["kind"] == "PodDisruptionBudget"):
        selector = budget["spec"]["selector"]["matchLabels"]
        assert sum(selects(selector, pod.template["metadata"]["labels"]) for pod in pods) == 1


def probes(pod: Pod) -> Iterator[tuple[Manifest, Manifest]]:
    for container in pod.containers:
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            if name in container:
                yield container, container[name]


@every_pod
def test_a_probe_over_http_asks_a_port_of_its_container(pod: Pod) -> None:
    for container, probe in probes(pod):
        if "httpGet" in probe:
            assert probe["httpGet"]["port"] in {port["name"] for port in container["ports"]}


@every_pod
def test_a_program_that_a_container_runs_is_among_the_scripts(pod: Pod) -> None:
    scripts = next(
        manifest["data"] for manifest in objects(pod.release) if manifest["metadata"]["name"].endswith("-scripts")
    )
    commands = [container.get("args", []) for container in pod.containers]
    commands += [probe["exec"]["command"] for _container, probe in probes(pod) if "exec" in probe]
    paths = [Path(word) for command in commands for word in command if word.endswith(".py")]
    assert {path.name for path in paths if str(path.parent) == "/opt/airflow-kubernetes"} <= scripts.keys()


@every_release
def test_every_object_names_its_release_and_set(release: str) -> None:
    for path in (RENDERED / release).rglob("*.yaml"):
        labels = yaml.safe_load(path.read_text())["metadata"]["labels"]
        assert labels["airflow.kubernetes/set"] == path.parent.name
        assert labels["airflow.kubernetes/release"] == ("af" if release == "everything" else "airflow")


@every_release
def test_files_sort_in_the_order_in_which_they_can_be_applied(release: str) -> None:
    """A folder is applied file by file, and an object is refused before its namespace is there."""
    kinds = [manifest["kind"] for manifest in objects(release)]
    if "Namespace" in kinds:
        assert kinds[0] == "Namespace"


#: The Secrets that a container reads, in whole or by a key, as docs/secrets.md tells.
REACH = {
    "api-server": {"secrets", "fernet", "api", "jwt"},
    "scheduler": {"secrets", "broker", "fernet", "jwt"},
    "dag-processor": {"secrets", "fernet"},
    "triggerer": {"secrets", "fernet", "api"},
    "worker": {"secrets", "broker", "redis-password", "api"},
    "flower": {"broker", "flower"},
    "migrations": {"secrets", "fernet", "admin"},
    "redis": {"redis-password"},
    "postgresql": {"secrets"},
    "pgbouncer": {"secrets"},
    "mysql": {"secrets", "mysql-root-password"},
    "wait-for-schema": {"secrets"},
    "db-clean": {"secrets"},
}


def secrets_read(container: Mapping[str, Any]) -> set[str]:
    """Return the names of the Secrets in a container's environment."""
    whole = [source["secretRef"] for source in container.get("envFrom", []) if "secretRef" in source]
    sources = [variable.get("valueFrom", {}) for variable in container.get("env", [])]
    keys = [source["secretKeyRef"] for source in sources if "secretKeyRef" in source]
    # What is there during a rotation alone is looked at by itself.
    keys = [key for key in keys if not key.get("optional")]
    return {reference["name"] for reference in whole + keys}


@every_release
def test_a_secret_reaches_only_what_uses_it(release: str) -> None:
    prefix = "af" if release == "everything" else "airflow"
    found: dict[str, set[str]] = {}
    for pod in PODS:
        if pod.release == release:
            for container in pod.containers:
                found.setdefault(container["name"], set()).update(secrets_read(container))
    for name, read in found.items():
        own = {secret.removeprefix(f"{prefix}-") for secret in read if secret.startswith(f"{prefix}-")}
        logins = {"auth"} if name == "api-server" and f"{prefix}-auth" in secret_keys(release) else set()
        logs = {"logs"} & {name.removeprefix(f"{prefix}-") for name in secret_keys(release)}
        with_logs = logs if name in ("api-server", "triggerer", "worker") else set()
        assert own == REACH.get(name, set()) | logins | with_logs, name


def test_workers_without_access_to_the_database_have_no_login_of_it_and_no_way_to_it() -> None:
    """The release's database listens at 6543, its result backend at 5432."""
    (worker,) = (pod for pod in PODS if str(pod) == "managed/airflow-worker")
    for container in worker.containers:
        assert [source for source in container.get("envFrom", []) if "secretRef" in source] == []
    sources = [variable.get("valueFrom", {}) for each in worker.containers for variable in each.get("env", [])]
    read = [source["secretKeyRef"] for source in sources if "secretKeyRef" in source]
    assert [key["key"] for key in read if key["name"] == "airflow-secrets"] == ["AIRFLOW__CELERY__RESULT_BACKEND"]
    assert [each["name"] for each in worker.spec["initContainers"]] == ["wait-for-api-server"]
    ports: dict[str, set[int]] = {}
    for manifest in objects("managed"):
        if manifest["kind"] == "NetworkPolicy":
            rules = manifest["spec"].get("egress", [])
            ports[manifest["metadata"]["name"]] = {port["port"] for rule in rules for port in rule.get("ports", [])}
    assert {name for name, its_ports in ports.items() if 6543 in its_ports} == {
        f"airflow-{component}" for component in ("api-server", "scheduler", "dag-processor", "triggerer", "migrations")
    }
    assert 5432 in ports["airflow-worker"]


@every_release
def test_what_a_rotation_keeps_reaches_only_redis(release: str) -> None:
    """Its Secret holds all old and new values."""
    prefix = "af" if release == "everything" else "airflow"
    holders = {
        (container["name"], variable["valueFrom"]["secretKeyRef"]["key"])
        for pod in PODS
        for container in pod.containers
        if pod.release == release
        for variable in container.get("env", [])
        if variable.get("valueFrom", {}).get("secretKeyRef", {}).get("name") == f"{prefix}-rotation"
    }
    assert holders in (set(), {("redis", "redis.old"), ("redis", "redis.new")})


@every_release
def test_the_other_secret_of_tokens_reaches_only_what_verifies_them(release: str) -> None:
    holders = [
        container["name"]
        for pod in PODS
        for container in pod.containers
        if pod.release == release and "OTHER_JWT_SECRET" in yaml.safe_dump(container.get("env", []))
    ]
    assert holders == ["api-server"]


#: The annotation that tells a pod's version of a Secret.
CHECKSUMS = {
    **{name: name for name in ("admin", "broker", "fernet", "jwt", "secrets")},
    "api": "api-secret",
    "flower": "login",
    "redis-password": "password",
}
#: Servers keep their data's own passwords, the broker's URL holds that of Redis, a migration has been made, and a Job
#: of a schedule reads what is there when it starts.
STAY = {
    ("postgresql", "secrets"),
    ("mysql", "secrets"),
    ("worker", "redis-password"),
    ("migrations", "fernet"),
    ("db-clean", "secrets"),
}


@every_pod
def test_a_change_of_a_secret_replaces_the_pods_that_read_it(pod: Pod) -> None:
    prefix = "af-" if pod.release == "everything" else "airflow-"
    annotations = pod.template["metadata"].get("annotations", {})
    for container in pod.containers:
        for secret in {name.removeprefix(prefix) for name in secrets_read(container)} & CHECKSUMS.keys():
            if (container["name"], secret) not in STAY:
                results_alone = (container["name"], secret) == ("worker", "secrets") and not reads_whole(
                    container, prefix
                )
                checksum = "results" if results_alone else CHECKSUMS[secret]
                assert f"airflow.kubernetes/{checksum}-checksum" in annotations, (container["name"], secret)


def reads_whole(container: Mapping[str, Any], prefix: str) -> bool:
    """Tell whether a container has all keys of the release's first Secret."""
    return {"secretRef": {"name": f"{prefix}secrets"}} in container.get("envFrom", [])


@pytest.mark.parametrize("release", ["git", "small"])
def test_logins_of_repositories_reach_only_what_fetches(release: str) -> None:
    readers = {
        container["name"]
        for pod in PODS
        for container in pod.containers
        if pod.release == release and any(mount["name"] == "git" for mount in container.get("volumeMounts", []))
    }
    assert readers == {"dag-processor", "worker"}
    secret = "airflow-dag-bundles"
    holders = {pod.workload["metadata"]["name"] for pod in PODS if pod.release == release and secret in str(pod.spec)}
    processor = "airflow-master" if release in MASTER_WORKER else "airflow-dag-processor"
    assert holders == {processor, "airflow-worker"}


def test_ssh_knows_its_user_where_the_image_does_not() -> None:
    fetching = {"airflow-dag-processor", "airflow-worker"}
    for pod in PODS:
        wanted = pod.release == "git" and pod.workload["metadata"]["name"] in fetching
        makers = [container for container in pod.containers if container["name"] == "make-user"]
        readers = [
            container
            for container in pod.containers
            if any(mount["mountPath"] == "/etc/passwd" for mount in container.get("volumeMounts", []))
        ]
        assert (len(makers), len(readers)) == ((1, 1) if wanted else (0, 0)), str(pod)


@every_release
def test_the_names_are_those_of_the_architecture(release: str) -> None:
    prefix = "af" if release == "everything" else "airflow"
    separate = {
        ("Deployment", f"{prefix}-api-server"),
        ("Deployment", f"{prefix}-scheduler"),
        ("Deployment", f"{prefix}-dag-processor"),
        ("StatefulSet", f"{prefix}-triggerer"),
    }
    master = {("Deployment", f"{prefix}-master")}
    wanted = {
        ("StatefulSet", f"{prefix}-worker"),
        ("Service", f"{prefix}-api-server"),
        ("ConfigMap", f"{prefix}-config"),
    }
    services = SERVICES.get(release, ["redis", "postgresql"])
    found = {
        (manifest["kind"], manifest["metadata"]["name"])
        for manifest in objects(release)
        if manifest["kind"] != "NetworkPolicy"
    }
    own, others = (master, separate) if release in MASTER_WORKER else (separate, master)
    assert own | wanted <= found
    assert not others & found
    for name in ("redis", "postgresql", "mysql"):
        expected = {("StatefulSet", f"{prefix}-{name}"), ("Service", f"{prefix}-{name}")} if name in services else set()
        assert {(kind, found_name) for kind, found_name in found if found_name == f"{prefix}-{name}"} == expected
    assert {f"{prefix}-secrets", f"{prefix}-redis-password"} <= secret_keys(release).keys()


def test_the_password_of_mysqls_root_reaches_only_mysql() -> None:
    readers = {
        pod.workload["metadata"]["name"]
        for pod in PODS
        if pod.release == "mysql" and "airflow-mysql-root-password" in yaml.safe_dump(pod.spec)
    }
    assert readers == {"airflow-mysql"}
    assert [release for release in RELEASES if "airflow-mysql-root-password" in secret_keys(release)] == ["mysql"]


def test_mysql_gets_its_own_settings_and_the_users() -> None:
    (pod,) = [pod for pod in PODS if str(pod) == "mysql/airflow-mysql"]
    arguments = pod.containers[0]["args"]
    assert {"--datadir=/var/lib/mysql/data", "--innodb_buffer_pool_size=1G", "--disable-log-bin"} <= set(arguments)
    assert all(argument.startswith("--") and not argument.endswith("=") for argument in arguments)


@pytest.mark.parametrize("release", MASTER_WORKER)
def test_containers_of_one_pod_have_nothing_to_write_in_common_but_logs_and_dags(release: str) -> None:
    (pod,) = [pod for pod in PODS if str(pod).endswith("-master") and pod.release == release]
    places = [
        (mount["name"], mount.get("subPath"))
        for container in pod.spec["containers"]
        for mount in container["volumeMounts"]
        # What users mount into all of them, they have in common.
        if not mount.get("readOnly") and mount["name"] not in ("logs", "dags", "further", "company-ca", "plans")
    ]
    assert len(places) == len(set(places))
    assert [name for name, _path in places].count("tmp") == len(pod.spec["containers"])


@pytest.mark.parametrize("release", MASTER_WORKER)
def test_every_service_chooses_the_pod_that_its_container_is_in(release: str) -> None:
    (pod,) = [pod for pod in PODS if str(pod).endswith("-master") and pod.release == release]
    ports = [
        (container["name"], place)
        for container in pod.spec["containers"]
        for port in container.get("ports", [])
        for place in (port["name"], port["containerPort"])
    ]
    services = [
        manifest
        for manifest in objects(release)
        if manifest["kind"] == "Service"
        and manifest["metadata"]["name"].endswith(("-api-server", "-flower", "-triggerer"))
    ]
    assert services
    for service in services:
        assert service["spec"]["selector"].items() <= pod.template["metadata"]["labels"].items()
        for port in service["spec"]["ports"]:
            (container,) = [name for name, place in ports if place == port["targetPort"]]
            assert service["metadata"]["name"].endswith(f"-{container}")


def policies(release: str) -> list[Manifest]:
    return [manifest for manifest in objects(release) if manifest["kind"] == "NetworkPolicy"]


def policies_of(pod: Pod) -> list[Manifest]:
    labels = pod.template["metadata"]["labels"]
    return [
        policy["spec"]
        for policy in policies(pod.release)
        if selects(policy["spec"]["podSelector"]["matchLabels"], labels)
    ]


@pytest.mark.parametrize("pod", [pod for pod in PODS if pod.release not in OPEN], ids=str)
def test_what_is_not_let_through_is_refused_to_every_pod(pod: Pod) -> None:
    (refusal, *_others) = sorted(policies_of(pod), key=len)
    assert refusal.keys() == {"podSelector", "policyTypes"}
    assert refusal["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.parametrize("release", OPEN)
def test_without_policies_there_is_none(release: str) -> None:
    assert policies(release) == []


@pytest.mark.parametrize("pod", [pod for pod in PODS if pod.release not in OPEN], ids=str)
def test_every_port_of_a_pod_that_something_asks_is_let_in(pod: Pod) -> None:
    """But that of the scheduler's health, which the kubelet asks."""
    ports = {port["containerPort"] for container in pod.spec["containers"] for port in container.get("ports", [])}
    let_in = {port["port"] for spec in policies_of(pod) for rule in spec.get("ingress", []) for port in rule["ports"]}
    assert let_in - {8974} == ports - {8974}


@every_release
def test_nobody_is_let_in_from_everywhere_but_to_what_is_published(release: str) -> None:
    """A rule without peers, or with an empty list of them, means everybody; `everything` says who its users are."""
    published = {
        tuple(manifest["spec"]["selector"].items())
        for manifest in objects(release)
        if manifest["kind"] == "Service" and manifest["spec"].get("type", "ClusterIP") != "ClusterIP"
    }
    open_for_all = {
        tuple(policy["spec"]["podSelector"]["matchLabels"].items())
        for policy in policies(release)
        for rule in policy["spec"].get("ingress", [])
        if not rule.get("from")
    }
    assert open_for_all == (set() if release in (*OPEN, "everything") else published)


@pytest.mark.parametrize(
    ("release", "component", "wanted"),
    [
        ("defaults", "scheduler", set()),
        ("managed", "scheduler", {("anywhere", 6543), ("anywhere", 6379), ("10.1.2.4/32", 5432)}),
        ("managed", "worker", {("anywhere", 6379), ("10.1.2.4/32", 5432)}),
        ("url", "worker", {("anywhere", 6000), ("10.1.2.3/32", 6379)}),
        ("url", "flower", {("10.1.2.3/32", 6379)}),
        ("mysql_managed", "migrations", {("anywhere", 3306)}),
        ("pooled", "pgbouncer", {("anywhere", 5432)}),
        ("pooled", "scheduler", {("anywhere", 5432), ("anywhere", 26379), ("anywhere", 6379)}),
        ("storage", "api-server", {("anywhere", 443)}),
        ("git", "dag-processor", {("anywhere", 443), ("anywhere", 22), ("anywhere", 2222)}),
    ],
)
def test_what_is_managed_gets_its_egress_from_what_configures_it(
    release: str, component: str, wanted: set[tuple[str, int]]
) -> None:
    (spec,) = [policy["spec"] for policy in policies(release) if policy["metadata"]["name"] == f"airflow-{component}"]
    rules = [rule for rule in spec["egress"] if "podSelector" not in str(rule) and "ports" in rule]
    assert {
        (rule["to"][0]["ipBlock"]["cidr"] if "to" in rule else "anywhere", port["port"])
        for rule in rules
        for port in rule["ports"]
    } == wanted


@pytest.mark.parametrize("pod", [pod for pod in PODS if pod.release == "private_ca"], ids=str)
def test_a_private_ca_is_trusted_by_every_container_with_airflow_in_it(pod: Pod) -> None:
    first, *others = pod.containers
    assert first["name"] == "trust-certificates"
    written = {mount["name"]: mount["mountPath"] for mount in first["volumeMounts"]}["trusted-certificates"]
    assert first["args"][-1].startswith(f"{written}/")
    for container in others:
        if not container["name"].startswith("wait-for-"):
            mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
            mount = mounts["/etc/ssl/certs/ca-certificates.crt"]
            assert (mount["name"], f"{written}/{mount['subPath']}") == ("trusted-certificates", first["args"][-1])
            assert {"configMapRef": {"name": "airflow-config"}} in container["envFrom"]
    (config,) = [found for found in objects("private_ca") if found["metadata"]["name"] == "airflow-config"]
    told = {key for key, value in config["data"].items() if value == "/etc/ssl/certs/ca-certificates.crt"}
    assert told == {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"}


def test_a_changed_ca_replaces_the_pods_that_trust_it() -> None:
    pods = [
        pod for pod in PODS if pod.release == "private_ca" and pod.workload["kind"] in ("Deployment", "StatefulSet")
    ]
    annotated = {
        str(pod) for pod in pods if "airflow.kubernetes/ca-checksum" in pod.template["metadata"]["annotations"]
    }
    assert annotated == {str(pod) for pod in pods if pod.containers[0]["name"] == "trust-certificates"}
    assert len(annotated) > 5


def test_the_private_ca_verifies_the_database_too() -> None:
    (server,) = [pod for pod in PODS if str(pod) == "private_ca/airflow-api-server"]
    (volume,) = [volume for volume in server.spec["volumes"] if volume["name"] == "certificates"]
    files = {
        item["path"]: source["configMap"]["name"]
        for source in volume["projected"]["sources"]
        for item in source["configMap"]["items"]
    }
    assert files == {"ca.crt": "company-ca", "database.crt": "company-ca"}


def test_external_secrets_make_the_secrets_that_are_named() -> None:
    made = {
        found["spec"]["target"]["name"]: found for found in objects("private_ca") if found["kind"] == "ExternalSecret"
    }
    assert made.keys() == {"login", "company"}
    login, company = made["login"]["spec"], made["company"]["spec"]
    assert login["secretStoreRef"] == {"name": "vault", "kind": "ClusterSecretStore"}
    assert login["data"] == [
        {"secretKey": "password", "remoteRef": {"key": "prod/airflow", "property": "password"}},
        {"secretKey": "redis", "remoteRef": {"key": "prod/redis"}},
    ]
    assert (login["refreshInterval"], company["refreshInterval"]) == ("15m", "1h")
    assert company["secretStoreRef"] == {"name": "vault", "kind": "SecretStore"}
    assert (company["dataFrom"], "data" in company, "dataFrom" in login) == (
        [{"extract": {"key": "prod/company"}}],
        False,
        False,
    )
    for found in made.values():
        # A Secret with the release's label would be one that the collection made, and destroys.
        assert "airflow.kubernetes/release" not in found["spec"]["target"]["template"]["metadata"]["labels"]
