# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Input that only the cluster can tell to be wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from ..change_version.phases import DEPLOY, Record, Wish, refusal
from ..core.checksum import checksum
from ..core.errors import ApiFailure, Failure
from ..core.labels import RELEASE_LABEL, VERSION_LABEL
from ..core.names import upgrade_record_name
from ..core.objects import is_true, labels, spec
from ..kube.client import Client, Manifest
from ..kube.permissions import Right, ask
from ..probe_pod.services import ConnectivityCheck, ProbeRun, Service
from ..readiness.options import limits_of
from ..secrets import secret as _secret
from ..secrets import values as _values
from .volumes import Storage

#: What chooses the pods with a scheduler in them, and the volume that one has which makes pods of tasks.
SCHEDULERS, TASK_POD_VOLUME = "airflow.kubernetes/scheduler=true", "task-pod"

#: By this kind an OpenShift is known.
SECURITY_CONTEXT_CONSTRAINTS = ("security.openshift.io/v1", "SecurityContextConstraints")
#: What the labels of Pod Security begin with, and the label that has OpenShift leave them alone.
POD_SECURITY_LABELS = "pod-security.kubernetes.io/"
LABEL_SYNC = "security.openshift.io/scc.podSecurityLabelSync"
#: The first version of Kubernetes that has native sidecars without a feature gate.
#: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
NATIVE_SIDECARS = (1, 29)

#: Where the version of a deployed release is read from.


class Cluster:
    """What the checks want to know of the cluster; each check returns its problems."""

    def __init__(self, client: Client, namespace: str, release: str, storage: Storage) -> None:
        self.client = client
        self.namespace = namespace
        self.release = release
        self.storage = storage
        self.version: str | None = None
        self.options: Mapping[str, str] = {}
        self.secrets: dict[str, _values.Secret] = {}
        self.certificates: dict[str, str] = {}
        self.fewer_workers: dict[str, int] = {}

    def check_namespace(self, create: bool) -> list[str]:
        try:
            namespace = self.client.get("v1", "Namespace", self.namespace)
        except ApiFailure as failure:
            if failure.status == 403:
                return []
            raise
        if namespace is None and not create:
            return [
                f"There is no namespace {self.namespace} and airflow_namespace_create is false. "
                "Create it, or set it to true."
            ]
        if namespace is None:
            return ask(self.client, self.namespace, Right("create", "", "namespaces", cluster=True))
        if namespace and namespace.get("status", {}).get("phase") == "Terminating":
            return [f"The namespace {self.namespace} is being deleted. Wait until it is gone, or choose another."]
        return []

    def check_storage_classes(self, classes: Mapping[str, Any]) -> list[str]:
        wanted = {variable: name for variable, name in classes.items() if name}
        if not wanted:
            return []
        items = self.storage.classes()
        if items is None:
            return []
        names = sorted(item["metadata"]["name"] for item in items)
        return [
            f"{variable} is {name}, but the cluster has no such storage class. It has: {', '.join(names) or 'none'}."
            for variable, name in wanted.items()
            if name not in names
        ]

    def check_version(self, wanted: str, operation: str = DEPLOY) -> list[str]:
        """Refuse another version than the running one, unless it may roll, or this is what changes versions."""
        live = self._get("ConfigMap", f"{self.release}-config")
        self.version = (live or {}).get("metadata", {}).get("labels", {}).get(VERSION_LABEL)
        self.options = (live or {}).get("data") or {}
        record = Record.parse((self._get("ConfigMap", upgrade_record_name(self.release)) or {}).get("data") or {})
        name = f"release {self.release} in {self.namespace}"
        problem = refusal(Wish(operation, wanted, self.version or "", name), record)
        if problem and operation == DEPLOY and self.version and not record and self._has_only_tried(self.version):
            return []
        return [problem] if problem else []

    def _has_only_tried(self, version: str) -> bool:
        """Tell whether no migration to a version has succeeded, as of an image that has another one.

        From there to any version is a first deploy; if the schema did change, an older version's migration refuses it.
        """
        selector = f"{RELEASE_LABEL}={self.release},app.kubernetes.io/component=migrations"
        jobs = [job for job in self._list("batch/v1", "Job", selector) if labels(job).get(VERSION_LABEL) == version]
        return any(is_true(job, "Failed") for job in jobs) and not any(is_true(job, "Complete") for job in jobs)

    def check_secrets(self, wanted: Sequence[Mapping[str, Any]], separate_results: bool = False) -> list[str]:
        """Find out all values, and what is missing of them.

        :param separate_results: whether the result backend has to have a login that Airflow's database does not know.
        """
        secrets = [
            _values.Secret(given["name"], [_values.Key(**key) for key in given["keys"]], given["labels"])
            for given in wanted
        ]
        try:
            _values.resolve(secrets, self.release, _secret.look_up(secrets, lambda name: self._get("Secret", name)))
        except Failure as failure:
            return [failure.message]
        self.secrets = {secret.name: secret for secret in secrets}
        own = self.secrets.get(f"{self.release}-secrets")
        return list(check_results(own.values)) if separate_results and own else []

    def check_certificates(self, wanted: Sequence[Mapping[str, Any]]) -> list[str]:
        """A pod that mounts what is not there never starts; remember checksums of the files that are."""
        problems = []
        for certificate in wanted:
            kind, name, key = certificate["kind"], certificate["name"], certificate["key"]
            try:
                found = self.client.get("v1", kind, name, self.namespace)
            except ApiFailure as failure:
                if failure.status == 403:
                    continue
                raise
            held = {**(found.get("data") or {}), **(found.get("binaryData") or {})} if found else None
            problems.append(_values.lacking(certificate["variable"], kind, name, key, held))
            if held and key in held and certificate.get("file"):
                self.certificates[certificate["file"]] = checksum(held[key])
        return list(filter(None, problems))

    def check_kinds(self, wanted: Sequence[Mapping[str, str]]) -> list[str]:
        """What is defined by something else has to be installed first."""
        return [
            f"{given['variable']} takes the kind {given['kind']} of {given['api_version']}, which the cluster does not "
            f"know. Install what defines it, or leave the variable out."
            for given in wanted
            if not self.client.has_kind(given["api_version"], given["kind"])
        ]

    def check_openshift(self, run_as_user: str, namespace: Mapping[str, Any]) -> list[str]:
        """Refuse what OpenShift gives itself: UIDs, and the labels of Pod Security.

        :param namespace: the namespace as it is to be applied; empty: not at all.
        """
        metadata = namespace.get("metadata") or {}
        owned = owned_labels(metadata.get("labels") or {})
        if not (run_as_user or owned) or not self.client.has_kind(*SECURITY_CONTEXT_CONSTRAINTS):
            return []
        problems = []
        if run_as_user:
            problems.append(
                f"The cluster is an OpenShift, which gives each namespace UIDs of its own and refuses others, but "
                f"airflow_run_as_user is {run_as_user}. Let it give them: set airflow_run_as_user to an empty text "
                f'(airflow_run_as_user: "").'
            )
        if owned:
            problems.append(
                f"The cluster is an OpenShift, which sets the labels {', '.join(owned)} of the namespace "
                f"{self.namespace} itself, as airflow_pod_security or airflow_namespace_labels would. Leave them to "
                f'it: set airflow_pod_security to an empty text (airflow_pod_security: ""), and leave them out of '
                f'airflow_namespace_labels. To set them yourself, add {LABEL_SYNC}: "false" to '
                "airflow_namespace_labels."
            )
        return problems

    def check_native_sidecars(self, variables: Sequence[str]) -> list[str]:
        """Refuse what takes native sidecars of Kubernetes before them, which would wait for their end."""
        if not variables:
            return []
        version = str(self.client.request("get", "/version").get("gitVersion", ""))
        match = re.match(r"v(\d+)\.(\d+)", version)
        if not match or (int(match[1]), int(match[2])) >= NATIVE_SIDECARS:
            return []
        oldest = ".".join(map(str, NATIVE_SIDECARS))
        return [
            f"{variable} takes native sidecars, which Kubernetes has from {oldest} on, and the cluster runs {version}. "
            f"Leave {variable} out, or take a newer cluster."
            for variable in variables
        ]

    def check_neighbours(self, executors: Sequence[str]) -> list[str]:
        """Refuse two releases in one namespace that make pods of tasks.

        An executor takes pods for its own by the number of its scheduler's job, which both databases count from one.
        """
        if "kubernetes" not in executors:
            return []
        others = {
            labels(pod).get(RELEASE_LABEL, "")
            for pod in self._list("v1", "Pod", SCHEDULERS)
            if any(volume.get("name") == TASK_POD_VOLUME for volume in pod.get("spec", {}).get("volumes") or ())
        }
        return [
            f"airflow_executors has kubernetes, and so it has in release {name}, which is in the namespace "
            f"{self.namespace}, too: each of the two would take the other's tasks for its own. Give this release a "
            "namespace of its own (airflow_namespace), or leave kubernetes out."
            for name in sorted(others - {self.release, ""})
        ]

    def try_services(self, params: Mapping[str, Any]) -> list[str]:
        """Try what is not the release's own, and look into the image, from inside the cluster.

        Not what the release uses already as it is.
        """
        is_new_version = self.version != params["version"]
        new = [given for given in params["services"] if is_new_version or self._is_new(given)]
        packages = [
            Service(f"The image {params['image']} (airflow_image)", "package", options=given)
            for given in params["packages"]
            if is_new_version or self.options.get(given["option"]) != given["value"]
        ]
        runs = list(self._runs(new, packages, params["probe_pod"]))
        if not runs:
            return []
        namespace = params["namespace_object"] if params["create_namespace"] else None
        names = {spec(run.pod).get("serviceAccountName") for run in runs}
        accounts = [account for account in params["service_accounts"] if account["metadata"]["name"] in names]
        check = ConnectivityCheck(
            self.client, self.release, namespace or None, accounts, limits_of(params), params["timeout"]
        )
        return check.problems(runs)

    def _runs(self, new: Sequence[Mapping[str, Any]], packages: Sequence[Service], pod: Manifest) -> Iterator[ProbeRun]:
        """Yield what is tried in one pod: the services that name none of their own, and each of the others."""
        shared = [*(self._service(given) for given in new if not given.get("pod")), *packages]
        if shared:
            yield ProbeRun(pod, shared)
        yield from (ProbeRun(given["pod"], [self._service(given)]) for given in new if given.get("pod"))

    def _service(self, given: Mapping[str, Any]) -> Service:
        values = self.secrets[given["secret"]].values
        async_url = values[given["async_key"]] if given.get("async_key") else None
        sentinel = values[given["sentinel_key"]] if given.get("sentinel_key") else None
        return Service(given["what"], given["kind"], values[given["key"]], async_url, sentinel, given["options"])

    def _is_new(self, given: Mapping[str, Any]) -> bool:
        wanted = self.secrets[given["secret"]]
        names = ("key", "async_key", "sentinel_key", "settings_key")
        keys = filter(None, (given.get(name) for name in names))
        return any(wanted.existing.get(key) != wanted.values[key] for key in keys)

    def check_workers(
        self, groups: Sequence[Mapping[str, Any]], replicas: Any, overrides: Mapping[str, Any]
    ) -> list[str]:
        """Find out which groups get fewer pods, or are no longer wanted: their workers are drained before."""
        wanted = {f"{self.release}-{group.get('name')}": replicas_of(group, replicas, overrides) for group in groups}
        selector = f"{RELEASE_LABEL}={self.release},app.kubernetes.io/component=worker"
        for stateful_set in self._list("apps/v1", "StatefulSet", selector):
            name = stateful_set["metadata"]["name"]
            if wanted.get(name, 0) < int(spec(stateful_set).get("replicas", 1)):
                self.fewer_workers[name] = wanted.get(name, 0)
        return []

    def _list(self, api_version: str, kind: str, selector: str) -> list[Manifest]:
        """List objects of the namespace; none where they may not be listed, of which the check of permissions tells."""
        try:
            items: list[Manifest] = self.client.list(api_version, kind, self.namespace, selector)["items"]
        except ApiFailure as failure:
            if failure.status == 403:
                return []
            raise
        return items

    def _get(self, kind: str, name: str) -> Manifest | None:
        try:
            return self.client.get("v1", kind, name, self.namespace)
        except ApiFailure as failure:
            if failure.status == 403:
                return None
            raise


def replicas_of(group: Mapping[str, Any], replicas: Any, overrides: Mapping[str, Any]) -> int:
    """Return how many pods a group of workers is to have.

    :param replicas: for groups that do not say.
    :param overrides: of all groups, which the group's own go before.
    """
    given = group.get("replicas", replicas)
    for each in (overrides, group.get("overrides") or {}):
        given = (each.get("spec") or {}).get("replicas", given)
    return int(given)


def owned_labels(wanted: Mapping[str, str]) -> list[str]:
    """Return the labels of a namespace that OpenShift sets, of those that are wanted.

    A controller of it keeps them in step with what the namespace's accounts may do, unless a label says not to
    (OpenShift documentation, "Understanding and managing pod security admission").
    """
    if wanted.get(LABEL_SYNC) == "false":
        return []
    return sorted(label for label in wanted if label.startswith(POD_SECURITY_LABELS))


def check_results(urls: Mapping[str, str]) -> Iterator[str]:
    """Refuse a result backend whose login is that of Airflow's database, which workers shall not have.

    :param urls: by option; none is in the message.
    """
    results = urls.get("AIRFLOW__CELERY__RESULT_BACKEND", "")
    databases = ("DIRECT_SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
    if any(_login(results) == _login(urls[key]) for key in databases if key in urls):
        yield (
            "workers_database_access is false, but the URL in the Secret that airflow_result_backend_secret names logs "
            "in as Airflow does to its own database. Give the results a user of their own, who has no right to that "
            "database, or a Redis."
        )


def _login(url: str) -> tuple[str, str]:
    """Return the host and the user of a URL."""
    place = url.partition("://")[2].partition("/")[0]
    login, _at, address = place.rpartition("@")
    host = address.rpartition(":")[0] or address
    return host.lower(), unquote(login.partition(":")[0])
