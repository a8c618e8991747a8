# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuse bad input before anything is touched: what was wrong, where it was set, what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote

from ansible_collections.airflow.kubernetes.plugins.module_utils import _preflight_volumes, _secret
from ansible_collections.airflow.kubernetes.plugins.module_utils._apply_set import DryRuns, read_dry_runs
from ansible_collections.airflow.kubernetes.plugins.module_utils._client import (
    CONNECTION_OPTIONS,
    FIRST_PATIENCE,
    Client,
    Manifest,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils._dag_bundles import check_dag_bundles
from ansible_collections.airflow.kubernetes.plugins.module_utils._environment import environment
from ansible_collections.airflow.kubernetes.plugins.module_utils._errors import ApiFailure, Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils._input_rules import (
    check_architecture,
    check_computed_variables,
    check_executors,
    check_hosts,
    check_object_names,
    check_owned_options,
    check_secret_options,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils._labels import RELEASE_LABEL
from ansible_collections.airflow.kubernetes.plugins.module_utils._permissions import (
    PERMISSIONS_OPTIONS,
    Right,
    ask,
    missing,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils._preflight_services import Service, Trial
from ansible_collections.airflow.kubernetes.plugins.module_utils._preflight_volumes import Share, Storage
from ansible_collections.airflow.kubernetes.plugins.module_utils._task import Task
from ansible_collections.airflow.kubernetes.plugins.module_utils._verdict import is_true, labels
from ansible_collections.airflow.kubernetes.plugins.module_utils._wait_options import WAIT_OPTIONS, limits_of

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **PERMISSIONS_OPTIONS,
    **WAIT_OPTIONS,
    "release": {"type": "raw", "required": True},
    "namespace": {"type": "raw", "required": True},
    "create_namespace": {"type": "bool", "default": True},
    "version": {"type": "raw", "required": True},
    "image": {"type": "str", "default": ""},
    "config": {"type": "dict", "default": {}},
    "worker_groups": {"type": "list", "elements": "dict", "default": []},
    "dag_bundles": {"type": "list", "elements": "dict", "default": []},
    "executors": {"type": "list", "elements": "str", "default": ["celery"]},
    "packages": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "package": {"type": "str", "required": True},
            "variable": {"type": "str", "required": True},
            "option": {"type": "str", "required": True},
            "value": {"type": "str", "required": True},
        },
    },
    "storage_classes": {"type": "dict", "default": {}},
    "volumes": {"type": "list", "elements": "dict", "default": [], "options": _preflight_volumes.OPTIONS},
    "log_retention": {"type": "dict", "default": {}},
    "node_selector": {"type": "dict", "default": {}},
    "tolerations": {"type": "list", "elements": "dict", "default": []},
    "affinity": {"type": "dict", "default": {}},
    "secrets": _secret.OPTIONS["secrets"] | {"required": False, "default": []},
    "certificates": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "kind": {"type": "str", "choices": ["ConfigMap", "Secret"], "required": True},
            "name": {"type": "str", "required": True},
            "key": {"type": "str", "required": True, "no_log": False},
            "variable": {"type": "str", "required": True},
            "file": {"type": "str"},
        },
    },
    "kinds": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "api_version": {"type": "str", "required": True},
            "kind": {"type": "str", "required": True},
            "variable": {"type": "str", "required": True},
        },
    },
    "services": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "what": {"type": "str", "required": True},
            "kind": {"type": "str", "choices": ["broker", "database", "results"], "required": True},
            "secret": {"type": "str", "required": True, "no_log": False},
            "key": {"type": "str", "required": True, "no_log": False},
            "async_key": {"type": "str", "no_log": False},
            "sentinel_key": {"type": "str", "no_log": False},
            "options": {"type": "dict", "default": {}},
        },
    },
    "trial_pod": {"type": "dict", "default": {}},
    "namespace_object": {"type": "dict", "default": {}},
    "contradictions": {"type": "list", "elements": "str", "default": []},
    "remarks": {"type": "list", "elements": "str", "default": []},
    "separate_results": {"type": "bool", "default": False},
    "variables": {"type": "list", "elements": "str", "default": []},
    "known_variables": {"type": "list", "elements": "str", "default": []},
    "computed_variables": {"type": "list", "elements": "str", "default": []},
    "set_variables": {"type": "list", "elements": "str", "default": []},
    "groups": {"type": "list", "elements": "str", "default": []},
    "same_release": {"type": "list", "elements": "str", "default": []},
    "digest": {"type": "str", "default": ""},
    "render": {"type": "path"},
}

#: The oldest Airflow that the roles deploy.
OLDEST_VERSION = (3, 1, 0)

#: What chooses the pods with a scheduler in them, and the volume that one has which makes pods of tasks.
SCHEDULERS, TASK_POD_VOLUME = "airflow.kubernetes/scheduler=true", "task-pod"

#: Where the version of a deployed release is read from.
VERSION_LABEL = "app.kubernetes.io/version"

_DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
#: A tag of an image that begins with a version of Airflow; with 0 and 1, or a year, begin numbers of other origin.
_TAG_VERSION = re.compile(r"v?([2-9]\.\d+\.\d+)(?!\d)")
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)([-.+]?[A-Za-z0-9.-]*)")

#: Longest name of a release: the longest name made from it is a pod's, and that is also its host name.
LONGEST_NAME = 40


def run(task: Task) -> dict[str, Any]:
    """Check input and cluster; the result holds ``warnings``, the ``version`` that runs, and which dry run is due.

    Where objects are only written as files, no cluster is asked.
    """
    params = task.params
    problems, warnings = check_input(params)
    if problems:
        raise Failure("\n".join(problems))
    if params["render"]:
        return {"changed": False, "version": "", "warnings": warnings, **asdict(DryRuns(params["digest"]))}
    client = Client(params, task.say, FIRST_PATIENCE)
    storage = Storage(client, params["namespace"], params["release"], params)
    running = _Cluster(client, params["namespace"], params["release"], storage)
    with ThreadPoolExecutor(max_workers=6) as pool:
        checks = [
            pool.submit(running.check_namespace, params["create_namespace"]),
            pool.submit(missing, client, params["namespace"], params["permissions"]),
            pool.submit(running.check_storage_classes, params["storage_classes"]),
            pool.submit(storage.check, [Share(**given) for given in params["volumes"]]),
            pool.submit(running.check_version, params["version"]),
            pool.submit(running.check_secrets, params["secrets"], params["separate_results"]),
            pool.submit(running.check_certificates, params["certificates"]),
            pool.submit(running.check_kinds, params["kinds"]),
            pool.submit(running.check_neighbours, params["executors"]),
        ]
        dry_runs = pool.submit(read_dry_runs, client, params["release"], params["namespace"], params["digest"])
        problems = [problem for check in checks for problem in check.result()]
    if not problems and not task.check_mode:
        problems = running.try_services(params)
    if problems:
        raise Failure("\n".join(problems))
    return {
        "changed": False,
        "version": running.version,
        "warnings": warnings + storage.warnings,
        **asdict(dry_runs.result()),
    }


def check_input(params: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Check what can be checked without a cluster; return problems and warnings."""
    problems = [
        *check_architecture(params["groups"]),
        *check_hosts(params["release"], params["namespace"], params["same_release"]),
        *check_computed_variables(params["set_variables"], params["computed_variables"]),
        *params["contradictions"],
        *check_name("airflow_name", params["release"], LONGEST_NAME),
        *check_name("airflow_namespace", params["namespace"], 63),
        *(check_version(params["version"]) or check_image(params["image"], params["version"])),
        *check_worker_groups(params["worker_groups"]),
        *_preflight_volumes.check_retention(params["log_retention"], params["release"]),
        *check_dag_bundles(params["dag_bundles"]),
        *check_executors(params["executors"]),
    ]
    if not problems:
        groups = [str(group["name"]) for group in params["worker_groups"]]
        problems += check_object_names(params["release"], params["version"], groups)
    try:
        options = environment(params["config"])
        problems += [*check_owned_options(options), *check_secret_options(options, params["config"])]
    except Failure as failure:
        problems.append(failure.message)
    misspelt, warnings = check_variables(params["variables"], params["known_variables"])
    warnings += params["remarks"]
    problems += misspelt
    for given in params["volumes"]:
        wrong, idle = _preflight_volumes.check_share(Share(**given))
        problems += wrong
        warnings += idle
    return problems, warnings


def check_name(variable: str, name: Any, longest: int) -> list[str]:
    """A name has to be a DNS label (RFC 1035): it becomes part of host names."""
    if not isinstance(name, str):
        return [f"{variable} is {name!r}, a {type(name).__name__}. Quote it where it is set."]
    if not _DNS_LABEL.fullmatch(name) or len(name) > longest:
        return [
            f"{variable} is {name!r}, which is no DNS label of at most {longest} characters: "
            "lower-case letters, digits and hyphens, starting with a letter and ending with a letter or digit."
        ]
    return []


def check_version(version: Any) -> list[str]:
    """A version is text with three numbers, because 3.10 as a number is 3.1; and 3.1.0 is the oldest."""
    if not isinstance(version, str):
        return [
            f"airflow_version is {version!r}, a {type(version).__name__}, so 3.10 could not be told from 3.1. "
            'Write it in full and quoted: airflow_version: "3.1.8".'
        ]
    if not _VERSION.fullmatch(version):
        return [f'airflow_version is {version!r}. Write it in full, with three numbers: airflow_version: "3.1.8".']
    if _parts(version) < OLDEST_VERSION:
        return [f"airflow_version is {version}; the oldest that is supported is {'.'.join(map(str, OLDEST_VERSION))}."]
    return []


def check_image(image: str, version: str) -> list[str]:
    """Refuse a tag that begins with another version; what the image really has is known only to its migration Job."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    match = _TAG_VERSION.match(tag)
    if not match or _parts(match[1]) == _parts(version):
        return []
    return [
        f'airflow_image is {image}, but airflow_version is {version}. Set airflow_version: "{match[1]}" if that is the '
        f"Airflow in the image, or name an image of {version}. If {match[1]} is a number of your own, let the tag "
        "begin with the version of Airflow or with a word."
    ]


def check_worker_groups(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every group needs a name of its own, since its pods are named after it."""
    if not groups:
        return []
    names = [group.get("name") for group in groups]
    problems = [
        f"workers_groups has more than one group named {name}. Give each group a name of its own."
        for name in sorted({str(name) for name in names if names.count(name) > 1})
    ]
    for name in names:
        problems += check_name("The name of a group in workers_groups", name, LONGEST_NAME)
    return problems


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


def check_variables(names: Iterable[str], known: Sequence[str]) -> tuple[list[str], list[str]]:
    """Find variables that look like a role's but are none; return the misspelt ones and the merely strange ones."""
    misspelt, strange = [], []
    for name in sorted(set(names) - set(known)):
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if close:
            misspelt.append(f"There is no variable {name}. Did you mean {close[0]}?")
        else:
            strange.append(f"No role of this collection reads the variable {name}.")
    return misspelt, strange


def _parts(version: str) -> tuple[int, ...]:
    match = _VERSION.fullmatch(version)
    return tuple(int(part) for part in match.groups()[:3]) if match else ()


class _Cluster:
    """What the checks want to know of the cluster; each check returns its problems."""

    def __init__(self, client: Client, namespace: str, release: str, storage: Storage) -> None:
        self.client = client
        self.namespace = namespace
        self.release = release
        self.storage = storage
        self.version: str | None = None
        self.options: Mapping[str, str] = {}
        self.secrets: dict[str, _secret.Secret] = {}

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

    def check_version(self, wanted: str) -> list[str]:
        """Refuse to go back: the schema of the newer version stays in the database."""
        live = self._get("ConfigMap", f"{self.release}-config")
        self.version = (live or {}).get("metadata", {}).get("labels", {}).get(VERSION_LABEL)
        self.options = (live or {}).get("data") or {}
        if self.version and _parts(wanted) < _parts(self.version) and not self._has_only_tried(self.version):
            return [
                f"airflow_version is {wanted}, but release {self.release} in {self.namespace} runs {self.version}, "
                f"and Airflow does not go back by itself. Set airflow_version to {self.version} or newer."
            ]
        return []

    def _has_only_tried(self, version: str) -> bool:
        """Tell whether no migration to a version has succeeded, as of an image that has another one.

        Back from there is no downgrade; if the schema did change, the older version's migration refuses it.
        """
        selector = f"{RELEASE_LABEL}={self.release},app.kubernetes.io/component=migrations"
        try:
            jobs = self.client.list("batch/v1", "Job", self.namespace, selector)["items"]
        except ApiFailure as failure:
            if failure.status == 403:
                return False
            raise
        jobs = [job for job in jobs if labels(job).get(VERSION_LABEL) == version]
        return any(is_true(job, "Failed") for job in jobs) and not any(is_true(job, "Complete") for job in jobs)

    def check_secrets(self, wanted: Sequence[Mapping[str, Any]], separate_results: bool = False) -> list[str]:
        """Find out all values, and what is missing of them.

        :param separate_results: whether the result backend has to have a login that Airflow's database does not know.
        """
        secrets = [
            _secret.Secret(given["name"], [_secret.Key(**key) for key in given["keys"]], given["labels"])
            for given in wanted
        ]
        try:
            _secret.settle(secrets, self.release, _secret.look_up(secrets, lambda name: self._get("Secret", name)))
        except Failure as failure:
            return [failure.message]
        self.secrets = {secret.name: secret for secret in secrets}
        own = self.secrets.get(f"{self.release}-secrets")
        return list(check_results(own.values)) if separate_results and own else []

    def check_certificates(self, wanted: Sequence[Mapping[str, Any]]) -> list[str]:
        """A pod that mounts what is not there never starts."""
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
            problems.append(_secret.lacking(certificate["variable"], kind, name, key, held))
        return list(filter(None, problems))

    def check_kinds(self, wanted: Sequence[Mapping[str, str]]) -> list[str]:
        """What is defined by something else has to be installed first."""
        return [
            f"{given['variable']} takes the kind {given['kind']} of {given['api_version']}, which the cluster does not "
            f"know. Install what defines it, or leave the variable out."
            for given in wanted
            if not self.client.has_kind(given["api_version"], given["kind"])
        ]

    def check_neighbours(self, executors: Sequence[str]) -> list[str]:
        """Refuse two releases in one namespace that make pods of tasks.

        An executor takes pods for its own by the number of its scheduler's job, which both databases count from one.
        """
        if "kubernetes" not in executors:
            return []
        try:
            pods = self.client.list("v1", "Pod", self.namespace, SCHEDULERS)["items"]
        except ApiFailure as failure:
            if failure.status == 403:
                return []
            raise
        others = {
            labels(pod).get(RELEASE_LABEL, "")
            for pod in pods
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
        due = [self._service(given) for given in params["services"] if is_new_version or self._is_new(given)]
        due += [
            Service(f"The image {params['image']} (airflow_image)", "package", options=given)
            for given in params["packages"]
            if is_new_version or self.options.get(given["option"]) != given["value"]
        ]
        if not due:
            return []
        namespace = params["namespace_object"] if params["create_namespace"] else None
        trial = Trial(
            self.client, self.release, params["trial_pod"], namespace or None, limits_of(params), params["timeout"]
        )
        return trial.problems(due)

    def _service(self, given: Mapping[str, Any]) -> Service:
        values = self.secrets[given["secret"]].values
        async_url = values[given["async_key"]] if given.get("async_key") else None
        sentinel = values[given["sentinel_key"]] if given.get("sentinel_key") else None
        return Service(given["what"], given["kind"], values[given["key"]], async_url, sentinel, given["options"])

    def _is_new(self, given: Mapping[str, Any]) -> bool:
        wanted = self.secrets[given["secret"]]
        keys = filter(None, (given["key"], given.get("async_key"), given.get("sentinel_key")))
        return any(wanted.existing.get(key) != wanted.values[key] for key in keys)

    def _get(self, kind: str, name: str) -> Manifest | None:
        try:
            return self.client.get("v1", kind, name, self.namespace)
        except ApiFailure as failure:
            if failure.status == 403:
                return None
            raise
