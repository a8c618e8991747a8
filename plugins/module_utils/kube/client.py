# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Kubernetes API as the plugins of this collection use it: plain dictionaries in, plain dictionaries out.

Connection options, their environment variables and their precedence are kubernetes.core's own.
"""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

from ..core.errors import ApiFailure, Failure, NoAnswer
from .retries import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    READY_PATIENCE,
    REQUEST_TIMEOUT,
    TELL_AFTER,
    PlainErrors,
    describe,
    may_pass,
    retry_after,
)

try:
    import kubernetes.client
    import kubernetes.config
    import kubernetes.dynamic
    import kubernetes.watch
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client

    IMPORT_ERROR = ""
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

#: Requests under way at once, each over a connection of its own.
CONCURRENCY = 8
#: Reads that are sooner done one after the other than over another connection, which takes several round trips to make.
READS_PER_CONNECTION = 6

#: HTTP's status of what is there since this request.
CREATED = 201

CONNECTION_OPTIONS: dict[str, Any] = dict(AUTH_ARG_SPEC)

Manifest = dict[str, Any]
_Answer = TypeVar("_Answer")


def connections_for(reads: int) -> int:
    """Return over how many connections so many objects are read soonest."""
    return min(reads // READS_PER_CONNECTION + 1, CONCURRENCY)


class Client:
    """A connection to one cluster.

    :param params: a task's connection options (``kubeconfig``, ``context``...); ``K8S_AUTH_*`` give what is missing.
    :param say: shows a line to the user, when the cluster has not answered for a while.
    :param patience: seconds for which a request is sent again where nobody answers. All that is sent can be sent twice.
    :ivar guard: called with the path before anything is written; what it raises prevents that.
    :raises Failure: the options lead to no cluster, or none answers.
    """

    def __init__(
        self, params: Mapping[str, Any], say: Callable[[str], None] = lambda _line: None, patience: float = 0
    ) -> None:
        self.where = describe(params)
        self.guard: Callable[[str], None] = lambda _path: None
        self._options = {name: params[name] for name in CONNECTION_OPTIONS if params.get(name) is not None}
        self._say = say
        self._patience = patience
        self._lock = threading.Lock()
        self._silent = False
        self._hides_readiness = False
        self._clock_difference = timedelta()
        self._dynamic = self._insist(self._connect)
        self.host: str = self._dynamic.configuration.host

    def _connect(self) -> Any:
        with self._speaking_plainly():
            return get_api_client(**self._options).client

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        """Return one object, or ``None`` if there is none of that name."""
        path = self._resource(api_version, kind).path(name=name, namespace=namespace)
        try:
            return self._object("get", path)
        except ApiFailure as failure:
            if failure.status == 404:
                return None
            raise

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> Manifest:
        """Return the List object: ``items``, and the ``metadata.resourceVersion`` that a watch starts from."""
        path = self._resource(api_version, kind).path(namespace=namespace)
        return self._object("get", path, label_selector=label_selector)

    def apply(self, manifest: Manifest, field_manager: str, dry_run: bool = False, force: bool = False) -> Manifest:
        """Server-side apply one object and return it as the cluster then has it (or would have it).

        :raises ApiFailure: 409 when another manager owns a field and ``force`` is not set; 422 when a field is
            immutable or invalid.
        """
        return self.apply_and_tell(manifest, field_manager, dry_run, force)[0]

    def apply_and_tell(
        self, manifest: Manifest, field_manager: str, dry_run: bool = False, force: bool = False
    ) -> tuple[Manifest, bool]:
        """Apply as :meth:`apply` does; also tell whether that has created the object."""
        metadata = manifest["metadata"]
        path = self._resource(manifest["apiVersion"], manifest["kind"]).path(
            name=metadata["name"], namespace=metadata.get("namespace")
        )
        status, text = self._answer(
            "patch",
            path,
            body=manifest,
            content_type="application/apply-patch+yaml",
            field_manager=field_manager,
            force_conflicts="true" if force else None,
            dry_run="All" if dry_run else None,
        )
        return json.loads(text), status == CREATED

    def create(self, manifest: Manifest, field_manager: str, dry_run: bool = False) -> Manifest:
        """Create one object; a 409 :class:`ApiFailure` says that it exists already.

        A dry run refuses fields that there are not, as an apply does.
        """
        path = self._resource(manifest["apiVersion"], manifest["kind"]).path(
            namespace=manifest["metadata"].get("namespace")
        )
        strict = {"dry_run": "All", "query_params": [("fieldValidation", "Strict")]} if dry_run else {}
        return self._object("post", path, body=manifest, field_manager=field_manager, **strict)

    def delete(
        self, api_version: str, kind: str, name: str, namespace: str | None = None, dry_run: bool = False
    ) -> Manifest | None:
        """Delete one object, its dependents in the background; ``None`` if it was not there."""
        path = self._resource(api_version, kind).path(name=name, namespace=namespace)
        try:
            return self._object("delete", path, propagation_policy="Background", dry_run="All" if dry_run else None)
        except ApiFailure as failure:
            if failure.status == 404:
                return None
            raise

    def watch(
        self,
        api_version: str,
        kind: str,
        namespace: str | None,
        resource_version: str,
        label_selector: str | None = None,
        timeout: int = 300,
        **params: Any,
    ) -> Iterator[tuple[str, Manifest]]:
        """Yield ``(ADDED | MODIFIED | DELETED | BOOKMARK, object)`` from a list's ``resource_version`` on.

        Ends after ``timeout`` seconds or when the server closes the stream.

        :param params: further query parameters, as :meth:`request` takes them.
        :raises ApiFailure: 410 when the version is too old: list again.
        """
        resource = self._resource(api_version, kind)
        with self._speaking_plainly():
            for event in kubernetes.watch.Watch().stream(
                resource.get,
                namespace=namespace,
                label_selector=label_selector,
                resource_version=resource_version,
                timeout_seconds=timeout,
                allow_watch_bookmarks=True,
                serialize=False,
                _request_timeout=(REQUEST_TIMEOUT[0], timeout + 30),
                **params,
            ):
                yield event["type"], event["raw_object"]

    def has_kind(self, api_version: str, kind: str) -> bool:
        """Tell whether the cluster knows a kind of object, which may be defined by what has to be installed first.

        It is asked itself: what the library has discovered before may have been removed.
        """
        try:
            known = self._object("get", f"/apis/{api_version}")
        except ApiFailure as failure:
            if failure.status == 404:
                return False
            raise
        return any(resource["kind"] == kind for resource in known["resources"])

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        """Tell whether objects of a kind live in a namespace, as the cluster says.

        :raises Failure: the cluster does not know the kind.
        """
        return bool(self._resource(api_version, kind).namespaced)

    def request(self, method: str, path: str, body: Any = None, patience: float | None = None, **params: Any) -> Any:
        """Send one request; return the decoded JSON, or the text where the answer is not JSON.

        :param patience: seconds for which to send it again, if not the connection's.
        :param params: query parameters under the dynamic client's names, ``None`` for those not wanted.
        :raises ApiFailure: the server answered with an error.
        :raises NoAnswer: no server answered.
        """
        text = self.text(method, path, body, patience, **params)
        try:
            return json.loads(text)
        except ValueError:
            return text

    def text(self, method: str, path: str, body: Any = None, patience: float | None = None, **params: Any) -> str:
        """Send one request as :meth:`request` does, and return the text of the answer as it is."""
        return self._answer(method, path, body, patience, **params)[1]

    def _answer(
        self, method: str, path: str, body: Any = None, patience: float | None = None, **params: Any
    ) -> tuple[int, str]:
        """Return the status and the text of the answer."""
        if method != "get" and not params.get("dry_run"):
            self.guard(path)
        params = {name: value for name, value in params.items() if value is not None}
        params.setdefault("_request_timeout", REQUEST_TIMEOUT)
        return self._insist(lambda: self._send(method, path, body, **params), patience)

    def _send(self, method: str, path: str, body: Any, **params: Any) -> tuple[int, str]:
        if "query_params" in params:
            # The library adds to the list.
            params["query_params"] = [*params["query_params"]]
        with self._speaking_plainly():
            response = self._dynamic.request(method, path, body=body, serialize=False, **params)
            self._note_time(response.headers.get("Date"))
        # A log is what a program has written, and may be cut within a character.
        return response.status, response.data.decode("utf-8", "replace")

    def _insist(self, send: Callable[[], _Answer], patience: float | None = None) -> _Answer:
        """Return the answer; while there is none, or one that will soon be another, send again.

        Credentials that are no longer accepted are read anew once: a kubeconfig, a token's file, or the program that
        a kubeconfig names may have others by now. What is forbidden is asked for once more when the server is ready.
        """
        patience = self._patience if patience is None else patience
        began = time.monotonic()
        pause = FIRST_PAUSE
        is_renewed = is_ready = False
        while True:
            dynamic = getattr(self, "_dynamic", None)
            try:
                answer = send()
            except Failure as failure:
                passed = time.monotonic() - began
                if isinstance(failure, ApiFailure) and failure.status == 401 and not is_renewed:
                    is_renewed = True
                    self._reconnect(dynamic)
                    continue
                if isinstance(failure, ApiFailure) and failure.status == 403 and dynamic and not is_ready:
                    is_ready = True
                    self._wait_ready()
                    continue
                if not may_pass(failure) or passed >= patience:
                    raise
                if passed >= TELL_AFTER:
                    self._tell_silence(failure, patience - passed)
                time.sleep(max(pause, min(retry_after(failure), LONGEST_PAUSE)))
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._tell_answer(time.monotonic() - began)
                return answer

    def _reconnect(self, rejected: Any) -> None:
        with self._lock:
            # Of several requests that were rejected at once, one reads the credentials.
            if getattr(self, "_dynamic", None) is rejected:
                self._dynamic = self._connect()

    def _wait_ready(self) -> None:
        """Wait until the API server knows who may do what; where nothing tells that, once and no longer."""
        end = time.monotonic() + READY_PATIENCE
        while not self._is_ready():
            if self._hides_readiness or time.monotonic() >= end:
                self._hides_readiness = True
                return
            time.sleep(FIRST_PAUSE)

    def _is_ready(self) -> bool:
        """Tell whether the API server is ready; where it forbids to ask, whether it answers a review of one's rights.

        Everybody may ask either, unless a cluster takes that right away (``system:public-info-viewer``,
        ``system:basic-user``): https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles. An API
        server that is about to start forbids both.
        """
        try:
            self._send("get", "/readyz", None, _request_timeout=REQUEST_TIMEOUT)
        except ApiFailure as failure:
            return failure.status == 403 and self._reviews_rights()
        except Failure:
            return False
        return True

    def _reviews_rights(self) -> bool:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"nonResourceAttributes": {"path": "/readyz", "verb": "get"}},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        try:
            self._send("post", path, review, _request_timeout=REQUEST_TIMEOUT)
        except Failure:
            return False
        return True

    def _tell_silence(self, failure: Failure, left: float) -> None:
        with self._lock:
            if not self._silent:
                self._silent = True
                cause = failure.cause if isinstance(failure, NoAnswer) else failure.message
                self._say(f"the cluster does not answer ({cause}); trying again for {left:.0f} s")

    def _tell_answer(self, seconds: float) -> None:
        if self._silent:
            with self._lock:
                if self._silent:
                    self._silent = False
                    self._say(f"the cluster answers again, after {seconds:.0f} s")

    def _object(self, method: str, path: str, body: Any = None, **params: Any) -> Manifest:
        """Send a request that is answered with an object."""
        answer: Manifest = self.request(method, path, body=body, **params)
        return answer

    def now(self) -> datetime:
        """Return the time by the API server's clock, as its last answer told it."""
        return datetime.now(UTC) + self._clock_difference

    def _note_time(self, date: str | None) -> None:
        try:
            difference = parsedate_to_datetime(date or "") - datetime.now(UTC)
        except (TypeError, ValueError):
            return
        # The header has whole seconds: what is within them is no difference.
        self._clock_difference = difference if abs(difference) > timedelta(seconds=2) else timedelta()

    @property
    def connection(self) -> Any:
        """The library's ``ApiClient``, for what is not a request and an answer (a websocket to a pod)."""
        return self._dynamic.client

    def _resource(self, api_version: str, kind: str) -> Any:
        return self._insist(lambda: self._discover(api_version, kind))

    def _discover(self, api_version: str, kind: str) -> Any:
        with self._speaking_plainly():
            try:
                return self._dynamic.resources.get(api_version=api_version, kind=kind)
            except kubernetes.dynamic.exceptions.ResourceNotFoundError as error:
                raise Failure(
                    f"The cluster {self.where} has no kind {kind} in {api_version}. "
                    "Install what defines it, or leave out the option that needs it."
                ) from error

    def _speaking_plainly(self) -> PlainErrors:
        return PlainErrors(self.where)
