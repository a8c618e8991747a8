# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Server-side apply of an apply set: all the objects that one role owns in one release.

Which objects a set holds is remembered in the ConfigMap ``<release>-apply-sets`` of the release's namespace, one key a
set, one line an object (:meth:`Reference.line`). It is written before an object is created and shortened after one is
deleted, so that a run killed at any moment leaves nothing that the next run does not know of.
"""

from __future__ import annotations

import copy
import functools
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ansible.module_utils.common.yaml import yaml_dump

from ansible_collections.airflow.kubernetes.plugins.module_utils._applied import is_applied
from ansible_collections.airflow.kubernetes.plugins.module_utils._checksum import checksum
from ansible_collections.airflow.kubernetes.plugins.module_utils._client import (
    CONCURRENCY,
    CONNECTION_OPTIONS,
    PATIENCE,
    Client,
    Manifest,
    connections_for,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils._errors import ApiFailure, Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils._labels import RELEASE_LABEL, SET_LABEL
from ansible_collections.airflow.kubernetes.plugins.module_utils._lease import LEASE_OPTIONS, LostError, held
from ansible_collections.airflow.kubernetes.plugins.module_utils._proxy import exempt_in_pods
from ansible_collections.airflow.kubernetes.plugins.module_utils._task import Task
from ansible_collections.airflow.kubernetes.plugins.module_utils._text_fields import text_fields

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

FIELD_MANAGER = "airflow.kubernetes"

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    "release": {"type": "str", "required": True},
    "set": {"type": "str", "required": True},
    "replaces": {"type": "list", "elements": "str", "default": []},
    "namespace": {"type": "str", "required": True},
    "objects": {"type": "list", "elements": "dict", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force_conflicts": {"type": "bool", "default": False},
    "render": {"type": "path"},
    "dry_run_digest": {"type": "str", "default": ""},
    "checksums_of": {"type": "dict", "default": {}},
}

#: What input the API server has tried the release's objects for, on the ConfigMap that remembers the sets.
DRY_RUN_ANNOTATION = "airflow.kubernetes/dry-run"

#: What holds data or secrets leaves a set without being deleted: only a user who names it deletes it.
KEPT_KINDS = frozenset({"Namespace", "PersistentVolume", "PersistentVolumeClaim", "Secret", "CustomResourceDefinition"})

#: What lives in no namespace, of Kubernetes' own kinds and of some that many clusters have; every other kind does, as
#: far as can be told without a cluster: with one, it is asked.
CLUSTER_KINDS = frozenset(
    {
        "APIService",
        "CSIDriver",
        "CertificateSigningRequest",
        "ClusterIssuer",
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterSecretStore",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "GatewayClass",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttributesClass",
    }
)

#: Order matters between these waves and nowhere else; what is not named is applied last. Who is no administrator of the
#: cluster can bind only a role that is there: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
WAVES: tuple[frozenset[str], ...] = (
    frozenset({"Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "PersistentVolume", "Role"}),
    frozenset(
        {
            "ServiceAccount",
            "RoleBinding",
            "ConfigMap",
            "Secret",
            "PersistentVolumeClaim",
            "ResourceQuota",
            "LimitRange",
            "NetworkPolicy",
        }
    ),
)

#: Seconds that a deleted object may take to be gone before it is created anew.
GONE_SECONDS = 30


@dataclass(frozen=True, order=True)
class Reference:
    """Names one object of the cluster; ``namespace`` is empty for what lives in none."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    @classmethod
    def of(cls, manifest: Manifest) -> Reference:
        metadata = manifest["metadata"]
        return cls(manifest["apiVersion"], manifest["kind"], metadata["name"], metadata.get("namespace", ""))

    @classmethod
    def parse(cls, line: str, namespace: str) -> Reference:
        """Read a line of the inventory: ``apiVersion Kind name``, and where it is not in the release's namespace, which
        it is in; ``-`` where it is in none.
        """
        api_version, kind, name, *elsewhere = line.split()
        return cls(api_version, kind, name, elsewhere[0].removeprefix("-") if elsewhere else namespace)

    def line(self, namespace: str) -> str:
        """Return the line of the inventory of a release in this namespace."""
        elsewhere = "" if self.namespace == namespace else f" {self.namespace or '-'}"
        return f"{self.api_version} {self.kind} {self.name}{elsewhere}"

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass
class Outcome:
    """What became of one object: ``created``, ``configured``, ``replaced``, ``unchanged``, ``deleted`` or ``kept``."""

    reference: Reference
    result: str
    before: Manifest | None = None
    after: Manifest | None = None

    @property
    def changed(self) -> bool:
        return self.result not in ("unchanged", "kept")

    def as_data(self) -> dict[str, str]:
        return {"kind": self.reference.kind, "name": self.reference.name, "result": self.result}


def run(task: Task) -> dict[str, Any]:
    """Apply the set as the options say; the result holds ``objects`` and, in diff mode, ``diff``."""
    params = task.params
    objects = [] if params["state"] == "absent" else params["objects"]
    if params["render"]:
        manifests = prepare(objects, params["release"], params["set"], params["namespace"])
        result = _render_all(manifests, Path(params["render"]), params, task.check_mode)
    else:
        result = _apply_all(objects, task)
    result["checksums"] |= {name: checksum(value) for name, value in params["checksums_of"].items()}
    return result


def _apply_all(objects: Sequence[Manifest], task: Task) -> dict[str, Any]:
    """Apply the set, and delete those whose place it takes."""
    params = task.params
    client = Client(params, task.say, PATIENCE)
    manifests = prepare(objects, params["release"], params["set"], params["namespace"], client.is_namespaced)
    apply_set = ApplySet(client, params["release"], params["set"], params["namespace"], task.check_mode)
    with held(client, task):
        outcomes = apply_set.apply(manifests, force=params["force_conflicts"])
        apply_set.note_dry_run(params["dry_run_digest"])
        for name in params["replaces"]:
            outcomes += ApplySet(client, params["release"], name, params["namespace"], task.check_mode).apply([])
    result: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in outcomes),
        "objects": [outcome.as_data() for outcome in outcomes],
        "checksums": checksums(manifests),
    }
    if task.diff_mode:
        result["diff"] = [diff(outcome) for outcome in outcomes if outcome.changed]
    return result


def is_namespaced(_api_version: str, kind: str) -> bool:
    """Tell whether objects of a kind live in a namespace, where no cluster can be asked."""
    return kind not in CLUSTER_KINDS


def prepare(
    objects: Iterable[Manifest | None],
    release: str,
    set_name: str,
    namespace: str,
    is_namespaced: Callable[[str, str], bool] = is_namespaced,
) -> list[Manifest]:
    """Return copies of the objects with name, namespace and labels in place; empty ones are left out.

    A ``metadata.generateName`` is completed with a checksum of the ``spec``: a Job's template can never be changed, so
    that what differs needs another name, and what does not keeps its own.

    :param is_namespaced: tells of an ``apiVersion`` and kind whether its objects live in a namespace.
    :raises Failure: an object names no kind, no name, or the same one as another.
    """
    manifests: dict[Reference, Manifest] = {}
    for given in objects:
        if not given:
            continue
        manifest = text_fields(copy.deepcopy(given))
        exempt_in_pods(manifest, release, namespace)
        missing = [key for key in ("apiVersion", "kind") if not manifest.get(key)]
        metadata = manifest["metadata"] = manifest["metadata"] if isinstance(manifest.get("metadata"), dict) else {}
        if "generateName" in metadata:
            metadata["name"] = metadata.pop("generateName") + checksum(manifest.get("spec"))
        if not metadata.get("name"):
            missing.append("metadata.name")
        if missing:
            raise Failure(f"An object of the set {set_name} has no {missing[0]}: {_outline(manifest)}.")
        if not isinstance(metadata["name"], str):
            raise Failure(f"{manifest['kind']}/{metadata['name']}: its metadata.name is no text. Quote it.")
        if is_namespaced(manifest["apiVersion"], manifest["kind"]):
            metadata["namespace"] = metadata.get("namespace") or namespace
        else:
            metadata.pop("namespace", None)
        metadata["labels"] = {**(metadata.get("labels") or {}), RELEASE_LABEL: release, SET_LABEL: set_name}
        reference = Reference.of(manifest)
        if reference in manifests:
            raise Failure(f"The set {set_name} has two objects {reference}. Give one of them another name.")
        manifests[reference] = manifest
    return list(manifests.values())


def checksums(manifests: Iterable[Manifest]) -> dict[str, str]:
    """Return a checksum of the content of each ConfigMap, by its name, for the pods that read it."""
    return {
        manifest["metadata"]["name"]: checksum(manifest.get("data"))
        for manifest in manifests
        if manifest["kind"] == "ConfigMap"
    }


def render(manifests: Sequence[Manifest], directory: Path, set_name: str, check_mode: bool = False) -> dict[str, Any]:
    """Write the manifests as ``<directory>/<set>/<wave>-<kind>-<name>.yaml``, and remove what the set wrote before.

    The names sort in the order in which ``kubectl apply`` has to take the files: the namespace comes first.
    No cluster is asked. The result holds the ``files``, and whether one of them changed.
    """
    folder = directory / set_name
    wanted = {
        folder / _file_name(manifest): yaml_dump(manifest, sort_keys=False, explicit_start=True, width=120)
        for manifest in manifests
    }
    present = {path: path.read_text(encoding="utf-8") for path in folder.glob("*.yaml")}
    if not check_mode:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in wanted.items():
            path.write_text(content, encoding="utf-8")
        for path in present.keys() - wanted.keys():
            path.unlink()
    return {
        "changed": present != wanted,
        "files": sorted(str(path) for path in wanted),
        "objects": [],
        "checksums": checksums(manifests),
    }


def _render_all(
    manifests: Sequence[Manifest], directory: Path, params: Mapping[str, Any], check_mode: bool
) -> dict[str, Any]:
    """Write the set, and remove what was written of those whose place it takes."""
    result = render(manifests, directory, params["set"], check_mode)
    for name in params["replaces"]:
        if (directory / name).is_dir():
            result["changed"] |= render([], directory, name, check_mode)["changed"]
    return result


def _file_name(manifest: Manifest) -> str:
    kind = manifest["kind"]
    return f"{wave_of(kind)}-{kind.lower()}-{manifest['metadata']['name']}.yaml"


def in_waves(manifests: Iterable[Manifest]) -> list[list[Manifest]]:
    """Order the manifests into waves; a namespace is a wave of its own."""
    ordered: dict[tuple[int, bool], list[Manifest]] = {}
    for manifest in manifests:
        kind = manifest["kind"]
        ordered.setdefault((wave_of(kind), kind != "Namespace"), []).append(manifest)
    return [ordered[wave] for wave in sorted(ordered)]


def wave_of(kind: str) -> int:
    """Return the number of the wave in which objects of this kind are applied."""
    return next((number for number, kinds in enumerate(WAVES) if kind in kinds), len(WAVES))


def inventory_name(release: str) -> str:
    """Return the name of the ConfigMap that remembers what the sets of a release hold."""
    return f"{release}-apply-sets"


@dataclass(frozen=True)
class DryRuns:
    """Whether the API server has to try the release's objects before they are applied.

    :param digest: of what a user has set.
    :param dry_run_due: it has not tried them for that.
    :param sets: names of the sets that hold objects.
    """

    digest: str
    dry_run_due: bool = True
    sets: Sequence[str] = ()


def read_dry_runs(client: Client, release: str, namespace: str, digest: str) -> DryRuns:
    """Compare a digest with that of the last dry run of which nothing was refused."""
    try:
        config_map = client.get("v1", "ConfigMap", inventory_name(release), namespace) or {}
    except ApiFailure as failure:
        if failure.status == 403:
            return DryRuns(digest)
        raise
    noted = config_map.get("metadata", {}).get("annotations", {}).get(DRY_RUN_ANNOTATION)
    return DryRuns(digest, not digest or noted != digest, sorted(config_map.get("data") or {}))


class ApplySet:
    """One role's objects in one release of one cluster."""

    def __init__(self, client: Client, release: str, name: str, namespace: str, check_mode: bool = False) -> None:
        self.client = client
        self.release = release
        self.name = name
        self.namespace = namespace
        self.check_mode = check_mode
        self._noted = ""
        #: Of the objects that are applied.
        self._names: frozenset[str] = frozenset()

    def apply(self, manifests: Sequence[Manifest], force: bool = False) -> list[Outcome]:
        """Apply the manifests in waves, then delete what has left the set.

        :raises Failure: names every object that the cluster refused in the first wave that had one, and what to do;
            ``objects`` of its result tells what was done until then.
        """
        waves = in_waves(manifests)
        self._names = frozenset(manifest["metadata"]["name"] for manifest in manifests)
        outcomes: list[Outcome] = []
        if waves and waves[0][0]["kind"] == "Namespace":
            outcomes += self._apply_wave(waves.pop(0), force, outcomes)
            # Only in it can the release be held, and by now another run may have changed what the set holds.
            self.client.guard("")
        known = self._known()
        wanted = frozenset(map(Reference.of, manifests))
        if not wanted <= known:
            self._remember(wanted | known)
        for wave in waves:
            outcomes += self._apply_wave(wave, force, outcomes)
        left = self._all(self._leave, sorted(known - wanted), outcomes)
        # What is kept in another namespace is found by nothing else.
        kept = {outcome.reference for outcome in left if outcome.result == "kept" and self._is_elsewhere(outcome)}
        if len(kept) < len(left):
            self._remember(wanted | kept)
        return outcomes + left

    def _is_elsewhere(self, outcome: Outcome) -> bool:
        return outcome.reference.namespace not in ("", self.namespace)

    def dry_run(self, manifest: Manifest, force: bool = False) -> None:
        """Have the API server tell whether it would take an object of the set; nothing is changed in check mode.

        :raises ApiFailure: it would not; the message says what to do.
        """
        live = self._get(Reference.of(manifest))
        if not self._is_as_wanted(manifest, live):
            self._apply_one((manifest, live), force)

    def _apply_wave(self, wave: Sequence[Manifest], force: bool, done: list[Outcome]) -> list[Outcome]:
        """Read all objects of a wave, and apply those that are not as they should be."""
        references = list(map(Reference.of, wave))
        present = self._all(self._get, references, done, connections_for(len(wave)))
        pairs = list(zip(wave, present, strict=True))
        apply_one = functools.partial(self._apply_one, force=force)
        applied = self._all(apply_one, [pair for pair in pairs if not self._is_as_wanted(*pair)], done)
        outcomes = {outcome.reference: outcome for outcome in applied}
        return [
            outcomes.get(reference) or Outcome(reference, "unchanged", before, before)
            for reference, before in zip(references, present, strict=True)
        ]

    def _all(
        self,
        function: Callable[[_Item], _Answer],
        items: Sequence[_Item],
        done: list[Outcome],
        at_once: int = CONCURRENCY,
    ) -> list[_Answer]:
        """Run the function over the items at once; a failure of one is told when the others have ended."""
        answers, failures = [], []
        with ThreadPoolExecutor(max_workers=at_once) as pool:
            for future in [pool.submit(function, item) for item in items]:
                try:
                    answers.append(future.result())
                except LostError:
                    raise
                except Failure as failure:
                    failures.append(failure.message)
        if failures:
            outcomes = done + [answer for answer in answers if isinstance(answer, Outcome)]
            raise Failure("\n".join(failures), objects=[outcome.as_data() for outcome in outcomes])
        return answers

    def _is_as_wanted(self, manifest: Manifest, live: Manifest | None) -> bool:
        return live is not None and not self._left_over(live) and is_applied(manifest, live, FIELD_MANAGER)

    def _apply_one(self, pair: tuple[Manifest, Manifest | None], force: bool) -> Outcome:
        manifest, before = pair
        reference = Reference.of(manifest)
        if before is not None and self._left_over(before):
            return self._replace(manifest, before)
        try:
            after, is_new = self.client.apply_and_tell(manifest, FIELD_MANAGER, dry_run=self.check_mode, force=force)
        except ApiFailure as failure:
            if self.check_mode and (self._in_missing_namespace(reference, failure) or self._comes_with_it(failure)):
                return Outcome(reference, "created", None, manifest)
            if before is not None and _immutable_causes(failure) and self._never_held_anything(before):
                return self._replace(manifest, before)
            message = explain(failure, manifest, is_new=before is None)
            raise ApiFailure(message, failure.status, failure.reason, failure.details) from failure
        if before is None and not is_new and manifest["kind"] == "Namespace":
            # It was made while the release was nobody's, and another run was faster.
            before = after
        if before is None:
            return Outcome(reference, "created", None, after)
        return Outcome(reference, "configured" if _differs(before, after) else "unchanged", before, after)

    def _replace(self, manifest: Manifest, before: Manifest) -> Outcome:
        """Delete an object that can neither go on nor be changed, and create it anew."""
        reference = Reference.of(manifest)
        if self.check_mode:
            return Outcome(reference, "replaced", before, manifest)
        claims = self._claims_of(before)
        # First what would make its claims anew.
        self._delete(reference)
        for claim in claims:
            self._delete(Reference.of(claim))
        after = self.client.apply(manifest, FIELD_MANAGER)
        return Outcome(reference, "replaced", before, after)

    def _delete(self, reference: Reference) -> None:
        """Delete an object and wait until it is gone, which takes a moment where a finalizer looks first."""
        self.client.delete(reference.api_version, reference.kind, reference.name, reference.namespace or None)
        for _second in range(GONE_SECONDS * 4):
            if self._get(reference) is None:
                return
            time.sleep(0.25)
        raise Failure(
            f"{reference}: it has to be replaced, but after {GONE_SECONDS} s it is still there, though deleted. "
            f"Something holds it: look at its finalizers and at the pods that use it, then run again."
        )

    @staticmethod
    def _left_over(live: Manifest) -> bool:
        """Tell whether this is what Kubernetes never uses again.

        That is a Job that has failed, or a volume whose claim is gone: it remembers that claim. Where it is retained,
        what it leads to stays as it is.
        """
        if live["kind"] == "PersistentVolume":
            retained = live["spec"].get("persistentVolumeReclaimPolicy") == "Retain"
            return bool(retained and live.get("status", {}).get("phase") == "Released")
        conditions = live.get("status", {}).get("conditions") or []
        return live["kind"] == "Job" and any(
            condition["type"] == "Failed" and condition["status"] == "True" for condition in conditions
        )

    def _never_held_anything(self, live: Manifest) -> bool:
        """Tell whether this is a claim that was never bound, or a StatefulSet all of whose claims never were."""
        if live["kind"] == "PersistentVolumeClaim":
            return _unbound(live)
        if live["kind"] == "StatefulSet":
            ready = live.get("status", {}).get("readyReplicas")
            return bool(_claim_templates(live)) and not ready and all(map(_unbound, self._claims_of(live)))
        return False

    def _claims_of(self, live: Manifest) -> list[Manifest]:
        """Return the claims that a StatefulSet has made."""
        if live["kind"] != "StatefulSet":
            return []
        namespace = live["metadata"]["namespace"]
        names = [
            f"{template['metadata']['name']}-{live['metadata']['name']}-{ordinal}"
            for template in _claim_templates(live)
            for ordinal in range(live["spec"].get("replicas", 1))
        ]
        claims = [self.client.get("v1", "PersistentVolumeClaim", name, namespace) for name in names]
        return [claim for claim in claims if claim is not None]

    def _leave(self, reference: Reference) -> Outcome:
        live = self._get(reference)
        if live is None or not self._owns(live):
            return Outcome(reference, "unchanged")
        if reference.kind in KEPT_KINDS:
            return Outcome(reference, "kept", live, live)
        self.client.delete(
            reference.api_version, reference.kind, reference.name, reference.namespace or None, dry_run=self.check_mode
        )
        return Outcome(reference, "deleted", live, None)

    def _owns(self, live: Manifest) -> bool:
        labels = live["metadata"].get("labels", {})
        return bool(labels.get(RELEASE_LABEL) == self.release and labels.get(SET_LABEL) == self.name)

    def _get(self, reference: Reference) -> Manifest | None:
        return self.client.get(reference.api_version, reference.kind, reference.name, reference.namespace or None)

    def _in_missing_namespace(self, reference: Reference, failure: ApiFailure) -> bool:
        if failure.status != 404 or not reference.namespace:
            return False
        return self.client.get("v1", "Namespace", reference.namespace) is None

    def _comes_with_it(self, failure: ApiFailure) -> bool:
        """Tell whether what an object refers to is of the set, and so there once that is applied for good."""
        return failure.status == 404 and failure.details.get("name") in self._names

    @property
    def inventory_name(self) -> str:
        """Name of the ConfigMap that remembers what the sets of the release hold."""
        return inventory_name(self.release)

    def note_dry_run(self, digest: str) -> None:
        """Write down for what input the API server has tried the release's objects, if that is another than before."""
        if digest and digest != self._noted and not self.check_mode:
            self._write({"annotations": {DRY_RUN_ANNOTATION: digest}}, {}, "dry-run")

    def _known(self) -> frozenset[Reference]:
        config_map = self.client.get("v1", "ConfigMap", self.inventory_name, self.namespace) or {}
        self._noted = config_map.get("metadata", {}).get("annotations", {}).get(DRY_RUN_ANNOTATION, "")
        lines = config_map.get("data", {}).get(self.name, "").splitlines()
        return frozenset(Reference.parse(line, self.namespace) for line in lines if line.strip())

    def _remember(self, references: Iterable[Reference]) -> None:
        """Write down what the set holds; each set is the field manager of its own key."""
        if self.check_mode:
            return
        lines = sorted(reference.line(self.namespace) for reference in references)
        labels = {RELEASE_LABEL: self.release}
        self._write({"labels": labels}, {self.name: "\n".join(lines)} if lines else {}, self.name)

    def _write(self, metadata: Manifest, data: Mapping[str, str], manager: str) -> None:
        self.client.apply(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": self.inventory_name, "namespace": self.namespace, **metadata},
                "data": dict(data),
            },
            field_manager=f"{FIELD_MANAGER}/{manager}",
        )


def _claim_templates(stateful_set: Manifest) -> list[Manifest]:
    templates: list[Manifest] = stateful_set["spec"].get("volumeClaimTemplates") or []
    return templates


def _unbound(claim: Manifest) -> bool:
    return claim.get("status", {}).get("phase") == "Pending" and not claim["spec"].get("volumeName")


def explain(failure: ApiFailure, manifest: Manifest, is_new: bool = False) -> str:
    """Say what the cluster refused, and what to do.

    :param is_new: the object did not exist, so that none of its fields would have been changed.
    """
    reference = Reference.of(manifest)
    conflicts = [cause for cause in _causes(failure) if cause.get("reason") == "FieldManagerConflict"]
    if conflicts:
        said = "; ".join(f"{cause.get('field', '?')} ({cause.get('message', '')})" for cause in conflicts)
        return (
            f"{reference}: somebody else manages what this would change: {said}. "
            "Leave the field to them with the role's overrides, or take it with airflow_force_conflicts: true."
        )
    immutable = [] if is_new else _immutable_causes(failure)
    if immutable:
        fields = "; ".join(f"{cause.get('field', '?')}: {cause.get('message', '')}" for cause in immutable)
        return f"{reference}: a field cannot be changed once the object exists: {fields}. {_way_out(reference)}"
    if failure.status == 403 and failure.reason == "Forbidden":
        return f"{reference}: the cluster forbids it: {failure.message}"
    if failure.status == 404 and failure.message.startswith("namespaces "):
        way_out = "The role airflow creates the namespace unless airflow_namespace_create is false."
        return f"{reference}: {failure.message}. {way_out}"
    return f"{reference}: the cluster refuses it: {failure.message}"


def _causes(failure: ApiFailure) -> list[Mapping[str, Any]]:
    return [cause for cause in failure.details.get("causes") or [] if isinstance(cause, Mapping)]


def _immutable_causes(failure: ApiFailure) -> list[Mapping[str, Any]]:
    """Return what the cluster says of fields that cannot be changed; nothing if something else was wrong."""
    if failure.status != 422:
        return []
    return [cause for cause in _causes(failure) if _immutable(str(cause.get("message", "")))]


#: What the API's validation says of a field that had another value; what may not be *used* was never right.
_IMMUTABLE = re.compile(
    r"immutable|updates? to .* (is|are) forbidden|(may|can) ?not (be )?(chang|updat|modif|set once|unset|less than)"
    r"|(may|can) ?not be (added|removed|decreas|increas)"
)


def _immutable(message: str) -> bool:
    return bool(_IMMUTABLE.search(message))


def _way_out(reference: Reference) -> str:
    if reference.kind == "PersistentVolumeClaim":
        return "Set the old value again, or make a new claim of another name and move the data."
    if reference.kind == "PersistentVolume":
        return (
            "Set the old value again. To have the other: stop the pods, delete the claim that is bound to the volume, "
            f"and deploy once more; the files stay where they are: kubectl get persistentvolume {reference.name}"
        )
    where = f" -n {reference.namespace}" if reference.namespace else ""
    orphan = " --cascade=orphan" if reference.kind in ("StatefulSet", "Deployment") else ""
    return (
        f"Set the old value again, or delete the object and deploy once more: "
        f"kubectl delete {reference.kind.lower()} {reference.name}{where}{orphan}"
        + (" (its pods and claims stay)." if orphan else ".")
    )


#: What the cluster writes by itself, no part of what was asked for.
_BOOKKEEPING = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
_BOOKKEEPING_ANNOTATIONS = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
)


def _differs(before: Manifest, after: Manifest) -> bool:
    return _substance(before) != _substance(after)


def _substance(manifest: Manifest) -> Manifest:
    kept = {key: value for key, value in manifest.items() if key != "status"}
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in _BOOKKEEPING}
    annotations = metadata.pop("annotations", {}).items()
    if own := {key: value for key, value in annotations if key not in _BOOKKEEPING_ANNOTATIONS}:
        metadata["annotations"] = own
    kept["metadata"] = metadata
    return kept


def diff(outcome: Outcome) -> dict[str, Any]:
    """Return Ansible's ``diff`` of one object: its substance, with the values of a Secret hidden."""
    before, after = outcome.before, outcome.after
    return {
        "before_header": str(outcome.reference),
        "after_header": f"{outcome.reference} {outcome.result}",
        "before": hide(_substance(before)) if before else "",
        "after": hide(_substance(after), before) if after else "",
    }


def hide(manifest: Manifest, other: Manifest | None = None) -> Manifest:
    """Return a Secret with what may be told of its values: that they are there, and whether another's differ."""
    if manifest["kind"] != "Secret":
        return manifest
    hidden = dict(manifest)
    for part in ("data", "stringData"):
        if part in manifest:
            others = (other or {}).get(part, {})
            hidden[part] = {
                key: "(hidden)" if other is None or others.get(key) == value else "(hidden, differs)"
                for key, value in manifest[part].items()
            }
    return hidden


def _outline(manifest: Mapping[str, Any]) -> str:
    return str({"kind": manifest.get("kind"), "metadata": {"name": (manifest.get("metadata") or {}).get("name")}})
