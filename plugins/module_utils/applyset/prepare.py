# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Completes the manifests of an apply set, and writes them as files."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_dump

from ..core.checksum import checksum
from ..core.errors import Failure
from ..core.kinds import is_namespaced
from ..core.labels import RELEASE_LABEL, SET_LABEL
from ..kube.client import Manifest
from .diff import outline
from .ordering import FLUX, Wave, files, kustomizations
from .proxy_exemption import exempt_in_pods
from .reference import Reference
from .text_fields import text_fields


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
            raise Failure(f"An object of the set {set_name} has no {missing[0]}: {outline(manifest)}.")
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


def render(
    manifests: Sequence[Manifest], directory: Path, params: Mapping[str, Any], check_mode: bool = False
) -> dict[str, Any]:
    """Write the manifests as ``<directory>/<set>/<wave>-<kind>-<name>.yaml``, and remove what the set wrote before.

    The names sort in the order in which ``kubectl apply`` has to take the files: the namespace comes first.
    No cluster is asked. The result holds the ``files``, and whether one of them changed.

    :param params: the options of the module apply, of which ``render_ordering`` adds what a GitOps tool reads.
    """
    set_name, tool = params["set"], params["render_ordering"]
    folder = directory / set_name
    objects = files(manifests, set_name, tool)
    if tool == FLUX:
        others = {path.parents[1].name for path in directory.glob("*/*/*.yaml") if path.parent.name != set_name}
        objects |= kustomizations(directory, others | {path.parts[0] for path in objects}, params)
    wanted = {
        directory / path: yaml_dump(manifest, sort_keys=False, explicit_start=True, width=120)
        for path, manifest in objects.items()
    }
    # Whatever the ordering was.
    places = [folder, directory / FLUX, *(directory / wave.folder / set_name for wave in Wave)]
    present = {path: path.read_text(encoding="utf-8") for place in places for path in place.glob("*.yaml")}
    if not check_mode:
        for parent in {folder if tool != FLUX else directory} | {path.parent for path in wanted}:
            parent.mkdir(parents=True, exist_ok=True)
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


def render_all(
    manifests: Sequence[Manifest], directory: Path, params: Mapping[str, Any], check_mode: bool
) -> dict[str, Any]:
    """Write the set, and remove what was written of those whose place it takes."""
    result = render(manifests, directory, params, check_mode)
    for name in params["replaces"]:
        if any((directory / place / name).is_dir() for place in ("", *(wave.folder for wave in Wave))):
            result["changed"] |= render([], directory, {**params, "set": name}, check_mode)["changed"]
    return result
