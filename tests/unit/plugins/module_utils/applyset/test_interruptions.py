# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever happens at whichever request: one more run, and the cluster is as if nothing had happened.

A deploy, a change and a destroy are run against an API server in memory, which fails at the first request, at the
second, and so on through all of them, in each of these ways: the run is killed before the request or after it; its
answer is lost; the server refuses once, or is away from then on.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import apply as applyset_apply
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import apply_set
from ansible_collections.airflow.kubernetes.plugins.module_utils.applyset import destroy as applyset_destroy
from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure, NoAnswer
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube import client as kube_client
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube import lease as kube_lease
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.client import Client
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.lease import LostError, lease_of
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task
from ansible_collections.airflow.kubernetes.plugins.module_utils.secrets import secret, values
from tools.checks.rendered import RENDERED

Manifest = dict[str, Any]
DEFAULTS = RENDERED / "defaults"
#: A role of each kind: what all share, a database with claims, a Job, workers, and what may be left out.
SETS = ("airflow", "postgres", "migrations", "workers", "flower")

SECRETS = [
    # It derives from one that is named after it.
    ("airflow-secrets", {"PASSWORD": {"generate": "password"}, "BROKER": {"derive": "redis://:{airflow-redis/KEY}@r"}}),
    ("airflow-redis", {"KEY": {"generate": "password"}}),
    ("airflow-jwt", {"KEY": {"generate": "password", "length": 64}}),
]


class Killed(BaseException):
    """The process is no more."""


def as_new(value: Any) -> Any:
    """Return a copy of what is JSON, in a tenth of the time that copy.deepcopy takes."""
    return json.loads(json.dumps(value))


class ApiServer:
    """Keeps objects by their paths, and fails at a request.

    :ivar fault: called with what is asked for at each request; what it returns is called after the request.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Manifest] = {}
        self.time = datetime(2026, 1, 1, 12, tzinfo=UTC)
        self.requests = 0
        self.fault: Callable[[int], Callable[[], None]] = lambda number: lambda: None
        self._version = 0
        self._applied: dict[tuple[str, str], Manifest] = {}
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, body: Any, params: dict[str, Any]) -> str:
        with self._lock:
            self.requests += 1
            after = self.fault(self.requests)
            try:
                return json.dumps(self._answer(method, path, body, params))
            finally:
                after()

    def _answer(self, method: str, path: str, body: Any, params: dict[str, Any]) -> Manifest:
        if method == "post":
            path = f"{path}/{body['metadata']['name']}"
            self._need_namespace(path)
            if path in self.objects:
                raise ApiFailure("already exists", 409, "AlreadyExists")
            return self._store(path, as_new(body))
        if method == "get" and "label_selector" in params:
            selector = dict(parse_qsl(params["label_selector"].replace(",", "&")))
            found = [item for name, item in sorted(self.objects.items()) if name.rpartition("/")[0] == path]
            return {"items": [i for i in found if selector.items() <= i["metadata"].get("labels", {}).items()]}
        live = self.objects.get(path)
        if method == "patch":
            version = body["metadata"].get("resourceVersion")
            if version and (live is None or live["metadata"]["resourceVersion"] != version):
                raise ApiFailure("the object has been modified", 409, "Conflict")
            if params["content_type"].startswith("application/apply"):
                return self._apply(path, body, params["field_manager"])
        if live is None:
            raise ApiFailure(f"{path} not found", 404, "NotFound")
        if method == "patch":
            changed = as_new(live)
            merge(changed, body)
            return self._store(path, changed)
        return self.objects.pop(path) if method == "delete" else live

    def _apply(self, path: str, body: Manifest, manager: str) -> Manifest:
        self._need_namespace(path)
        wanted = as_new(body)
        wanted["metadata"].pop("resourceVersion", None)
        changed = as_new(self.objects.get(path, {}))
        merge(changed, wanted, self._applied.get((path, manager), {}))
        self._applied[path, manager] = wanted
        return self.objects[path] if changed == self.objects.get(path) else self._store(path, changed)

    def _store(self, path: str, manifest: Manifest) -> Manifest:
        self._version += 1
        manifest["metadata"]["resourceVersion"] = str(self._version)
        self.objects[path] = manifest
        return manifest

    def _need_namespace(self, path: str) -> None:
        _root, found, after = path.partition("/namespaces/")
        if found and "/" in after and f"/api/v1/namespaces/{after.split('/')[0]}" not in self.objects:
            raise ApiFailure("namespace not found", 404, "NotFound")

    def secrets(self) -> dict[str, Any]:
        return {path: item["data"] for path, item in self.objects.items() if item["kind"] == "Secret"}

    def state(self, *without: str) -> dict[str, Any]:
        """Return the objects without what differs from run to run."""
        found = as_new({path: item for path, item in self.objects.items() if item["kind"] not in without})
        for item in found.values():
            del item["metadata"]["resourceVersion"]
            if item["kind"] == "Secret":
                item["data"] = dict.fromkeys(item["data"])
            if item["kind"] == "Lease":
                item["metadata"].pop("annotations", None)
                item["spec"] = item["spec"].get("holderIdentity")
        return found


def merge(live: Manifest, patch: Manifest, before: Manifest | None = None) -> None:
    """Give an object what is wanted now, and take what was wanted ``before`` and no longer is, or is ``None``."""
    for key in [*(before or {}).keys() - patch.keys(), *(key for key, value in patch.items() if value is None)]:
        live.pop(key, None)
    for key, value in patch.items():
        if isinstance(value, dict):
            old = (before or {}).get(key)
            merge(live.setdefault(key, {}), value, old if isinstance(old, dict) else None)
        elif value is not None:
            live[key] = value


class Connection(Client):
    """The real client, but for its network."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.where = "test"
        self.guard = lambda path: None
        self._say = lambda line: None
        self._patience = 60
        self._silent = False
        self._lock = threading.Lock()
        self._dynamic = None

    def _send(self, method: str, path: str, body: Any, **params: Any) -> tuple[int, str]:
        is_there = path in self.server.objects
        return 200 if is_there else 201, self.server.answer(method, path, body, params)

    def _resource(self, api_version: str, kind: str) -> Any:
        root = "/api/v1" if api_version == "v1" else f"/apis/{api_version}"
        plural = kind.lower()[:-1] + "ies" if kind.endswith("y") else kind.lower() + "s"

        class Resource:
            namespaced = kind != "Namespace"

            @staticmethod
            def path(name: str | None = None, namespace: str | None = None) -> str:
                where = f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"
                return f"{where}/{name}" if name else where

        return Resource

    def now(self) -> datetime:
        return self.server.time


@pytest.fixture(scope="module")
def sets() -> dict[str, list[Manifest]]:
    """What the roles apply, by set, without what makes it long."""
    found = {
        name: [yaml.safe_load(path.read_text()) for path in sorted((DEFAULTS / name).glob("*.yaml"))] for name in SETS
    }
    for item in [item for items in found.values() for item in items]:
        if "template" in item.get("spec", {}):
            item["spec"]["template"]["spec"] = {}
        if item["kind"] == "ConfigMap":
            item["data"] = dict.fromkeys(list(item["data"])[:2], "value")
    return found


class Runs:
    """Runs a release's tasks as a playbook does, each time as another process of another machine."""

    def __init__(self, sets: dict[str, list[Manifest]], connection: dict[str, Any], monkeypatch: Any) -> None:
        self.sets = sets
        self._options = connection
        self._number = 0
        self._monkeypatch = monkeypatch

    def deploy(self, server: ApiServer, change: bool = False, secrets: bool = True) -> None:
        """Deploy, or deploy a change: other configuration, a worker less, a role that is no longer wanted."""
        params = self._begin(server)
        for name, objects in self.sets.items():
            given = [changed(item) for item in objects] if change else objects
            given = [] if change and name == "flower" else given
            more = {"set": name, "objects": given, "state": "present", "render": None}
            more |= {"force_conflicts": False, "replaces": [], "dry_run_digest": "", "checksums_of": {}}
            applyset_apply.run(Task({**params, **more}))
            if name == "airflow" and secrets:
                secret.run(Task({**params, "secrets": wanted_secrets(), "render": None}))
        lease = lease_of(applyset_apply.Client({}), Task(params))
        lease.join()
        lease.give_back()

    def destroy(self, server: ApiServer, data: bool) -> None:
        params = self._begin(server)
        confirm = [f"{params['namespace']}/{params['release']}"]
        applyset_destroy.run(Task({**params, "data": data, "confirm": confirm, "timeout": 5, "permissions": []}))

    def _begin(self, server: ApiServer) -> dict[str, Any]:
        self._number += 1
        connection = Connection(server)
        for module in (applyset_apply, secret, applyset_destroy):
            self._monkeypatch.setattr(module, "Client", lambda *_given: connection)
        holder = f"run@elsewhere, process {self._number} [there 1]"
        given = {"release": "airflow", "namespace": "airflow", "lock_holder": holder, "lock_timeout": 0}
        return {**self._options, **given}


def changed(manifest: Manifest) -> Manifest:
    new = as_new(manifest)
    if new["kind"] == "ConfigMap":
        new["data"]["CHANGED"] = "true"
    if new["kind"] in ("Deployment", "StatefulSet"):
        new["spec"]["replicas"] = 5
        new["spec"]["template"]["metadata"].setdefault("annotations", {})["checksum"] = "changed"
    if new["kind"] == "Job":
        new["metadata"]["name"] += "-changed"
    return new


def wanted_secrets() -> list[dict[str, Any]]:
    defaults = {field: getattr(values.Key(""), field) for field in values.Key.__dataclass_fields__}
    return [
        {"name": name, "labels": {}, "keys": [{**defaults, "key": key, **how} for key, how in keys.items()]}
        for name, keys in SECRETS
    ]


class OneAfterTheOther(Executor):
    """Does at once what it is given, as a pool of threads would sooner or later."""

    def __init__(self, max_workers: int | None = None) -> None:
        pass

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 (also that the process is killed)
            future.set_exception(error)
        return future


@pytest.fixture
def runs(sets: dict[str, list[Manifest]], connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Runs:
    # One request after the other, so that each has its number.
    for module in (apply_set, secret):
        monkeypatch.setattr(module, "ThreadPoolExecutor", OneAfterTheOther)
    # A checksum is made to be slow.
    monkeypatch.setattr(secret, "checksum", lambda *_given: "")
    # An hour of patience passes at once.
    clock = iter(range(0, 10**9, 10))
    monkeypatch.setattr(kube_client.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(kube_client.time, "sleep", lambda seconds: None)
    return Runs(sets, connection, monkeypatch)


def killed_before(server: ApiServer, at: int) -> Callable[[int], Callable[[], None]]:
    def fault(number: int) -> Callable[[], None]:
        if number >= at:
            raise Killed
        return lambda: None

    return fault


def killed_after(server: ApiServer, at: int) -> Callable[[int], Callable[[], None]]:
    def die() -> None:
        raise Killed

    def fault(number: int) -> Callable[[], None]:
        if number > at:
            raise Killed
        return die if number == at else lambda: None

    return fault


def away_from_then_on(server: ApiServer, at: int) -> Callable[[int], Callable[[], None]]:
    def fault(number: int) -> Callable[[], None]:
        if number >= at:
            raise NoAnswer("No cluster answers", "Connection refused")
        return lambda: None

    return fault


def answer_lost(server: ApiServer, at: int) -> Callable[[int], Callable[[], None]]:
    def lose() -> None:
        raise NoAnswer("No cluster answers", "Connection reset by peer")

    return lambda number: lose if number == at else lambda: None


def refused_once(server: ApiServer, at: int) -> Callable[[int], Callable[[], None]]:
    def fault(number: int) -> Callable[[], None]:
        if number == at:
            raise ApiFailure("etcdserver: leader changed", 500, "InternalError")
        return lambda: None

    return fault


FATAL = [killed_before, killed_after, away_from_then_on]
PASSING = [answer_lost, refused_once]

Run = Callable[[ApiServer], None]


def interrupted(run: Run, before: ApiServer, fault: Any) -> Iterator[ApiServer]:
    """Yield, for each request of a run in turn, what the fault at that request left of the cluster."""
    undisturbed = copied(before)
    run(undisturbed)
    number = undisturbed.requests
    assert number > 20
    for at in range(1, number + 1):
        server = copied(before)
        server.fault = fault(server, at)
        try:
            run(server)
        except (Killed, Failure):
            assert fault in FATAL, f"request {at}"
        else:
            # Giving a release back is not insisted on: it expires.
            assert fault in PASSING or at >= number - 1, f"request {at}"
        server.fault = lambda number: lambda: None
        # By then the lease of a run that gave nothing back has expired.
        server.time += timedelta(hours=1)
        yield server


def copied(server: ApiServer) -> ApiServer:
    new = ApiServer()
    new.objects, new.time = as_new(server.objects), server.time
    new._version = server._version
    new._applied = {key: as_new(wanted) for key, wanted in server._applied.items()}
    return new


def check_secrets(server: ApiServer, left: dict[str, Any]) -> None:
    """No Secret that was left has changed, and what derives from another still fits it."""
    now = server.secrets()
    assert {path: data for path, data in now.items() if path in left} == left
    plain = {
        path.rpartition("/")[2]: {key: base64.b64decode(value).decode() for key, value in data.items()}
        for path, data in now.items()
    }
    assert plain["airflow-secrets"]["BROKER"] == f"redis://:{plain['airflow-redis']['KEY']}@r"


@pytest.fixture
def nothing() -> ApiServer:
    return ApiServer()


@pytest.fixture
def deployed(runs: Runs) -> ApiServer:
    server = ApiServer()
    runs.deploy(server)
    return copied(server)


every_fault = pytest.mark.parametrize("fault", FATAL + PASSING, ids=lambda fault: fault.__name__)


@every_fault
def test_a_fresh_deploy(runs: Runs, nothing: ApiServer, fault: Any) -> None:
    undisturbed = copied(nothing)
    runs.deploy(undisturbed)
    for server in interrupted(runs.deploy, nothing, fault):
        left = as_new(server.secrets())
        runs.deploy(server)
        assert server.state() == undisturbed.state()
        check_secrets(server, left)


@every_fault
def test_a_change(runs: Runs, deployed: ApiServer, fault: Any) -> None:
    def change(server: ApiServer) -> None:
        runs.deploy(server, change=True)

    undisturbed = copied(deployed)
    change(undisturbed)
    assert undisturbed.state() != deployed.state()
    for server in interrupted(change, deployed, fault):
        change(server)
        assert server.state() == undisturbed.state()
        check_secrets(server, deployed.secrets())


@every_fault
def test_a_change_that_is_taken_back(runs: Runs, deployed: ApiServer, fault: Any) -> None:
    """Nothing of the interrupted run is left, also where the next wants something else."""
    for server in interrupted(lambda server: runs.deploy(server, change=True), deployed, fault):
        runs.deploy(server)
        assert server.state() == deployed.state()
        check_secrets(server, deployed.secrets())


@pytest.mark.parametrize("fault", FATAL, ids=lambda fault: fault.__name__)
def test_a_fresh_deploy_that_is_not_wanted_any_more(runs: Runs, nothing: ApiServer, fault: Any) -> None:
    for server in interrupted(runs.deploy, nothing, fault):
        runs.destroy(server, data=True)
        assert set(server.state()) <= {"/api/v1/namespaces/airflow"}


@every_fault
@pytest.mark.parametrize("data", [False, True], ids=["keeping the data", "with the data"])
def test_a_destroy(runs: Runs, deployed: ApiServer, fault: Any, data: bool) -> None:
    def destroy(server: ApiServer) -> None:
        runs.destroy(server, data)

    undisturbed = copied(deployed)
    destroy(undisturbed)
    for server in interrupted(destroy, deployed, fault):
        destroy(server)
        assert server.state() == undisturbed.state()
        if not data:
            assert server.secrets() == deployed.secrets()


def test_a_task_that_outlives_its_run_leaves_the_release_held(
    runs: Runs, deployed: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the next run says from whom it takes the release over."""

    def outliving(client: Client, task: Task) -> kube_lease.Lease:
        made = lease_of(client, task)
        made.ended = lambda: True
        return made

    monkeypatch.setattr(kube_lease, "lease_of", outliving)
    with pytest.raises(LostError, match="has ended"):
        runs.deploy(deployed, change=True)
    (lease,) = (item for item in deployed.objects.values() if item["kind"] == "Lease")
    assert "process" in lease["spec"]["holderIdentity"]


def test_the_server_in_memory_is_strict(nothing: ApiServer) -> None:
    """What the other tests rely on."""
    connection = Connection(nothing)
    thing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "airflow"}}
    with pytest.raises(ApiFailure, match="namespace not found"):
        connection.create(thing, "test")
    connection.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "airflow"}}, "test")
    connection.create(thing, "test")
    with pytest.raises(ApiFailure, match="already exists"):
        connection.create(thing, "test")
    stale = {**thing, "metadata": {**thing["metadata"], "resourceVersion": "0"}}  # type: ignore[dict-item]
    with pytest.raises(ApiFailure, match="modified"):
        connection.apply(stale, "test")
