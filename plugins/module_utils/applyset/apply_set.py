# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Server-side apply of an apply set: all the objects that one role owns in one release.

Which objects a set holds is remembered in the ConfigMap ``<release>-apply-sets`` of the release's namespace, one key a
set, one line an object (:meth:`Reference.line`). It is written before an object is created and shortened after one is
deleted, so that a run killed at any moment leaves nothing that the next run does not know of.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..core.errors import ApiFailure, Failure
from ..core.kinds import KEPT_KINDS
from ..core.labels import RELEASE_LABEL, SET_LABEL
from ..core.names import FIELD_MANAGER, inventory_name
from ..kube.client import CONCURRENCY, Client, Manifest, connections_for
from ..kube.lease import LostError
from ..kube.polling import poll
from .applied import is_applied
from .diff import is_changed
from .dry_runs import DRY_RUN_ANNOTATION
from .explain import explain, immutable_causes, is_of_day_two, replicas_note
from .reference import Outcome, Reference, in_waves

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

#: Seconds that a deleted object may take to be gone before it is created anew.
GONE_SECONDS = 30


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
            if is_of_day_two(failure):
                return self._apply_one(pair, force=True)
            if self.check_mode and (self._in_missing_namespace(reference, failure) or self._comes_with_it(failure)):
                return Outcome(reference, "created", None, manifest)
            if before is not None and immutable_causes(failure) and self._never_held_anything(before):
                return self._replace(manifest, before)
            message = explain(failure, manifest, is_new=before is None)
            raise ApiFailure(message, failure.status, failure.reason, failure.details) from failure
        if before is None and not is_new and manifest["kind"] == "Namespace":
            # It was made while the release was nobody's, and another run was faster.
            before = after
        if before is None:
            return Outcome(reference, "created", None, after)
        result = "configured" if is_changed(before, after) else "unchanged"
        return Outcome(reference, result, before, after, replicas_note(before, after))

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
        if poll(lambda: self._get(reference), lambda found: found is None, GONE_SECONDS, pause=0.25) is not None:
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
