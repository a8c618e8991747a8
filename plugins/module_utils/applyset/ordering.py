# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order in which a GitOps tool is to apply rendered objects, and what tells it so.

Argo CD reads the wave of an object from an annotation, and starts the next wave when the one before is healthy. Flux
knows no order within one Kustomization: each wave is a folder with a Kustomization of its own, which depends on the one
before. https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/,
https://fluxcd.io/flux/components/kustomize/kustomizations/
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..core.kinds import KEPT_KINDS
from ..core.labels import RELEASE_LABEL
from ..kube.client import Manifest
from .reference import WAVES, wave_of

#: The option ``render_flux`` of the module apply.
FLUX_OPTIONS: dict[str, Any] = {
    "path": {"type": "str"},
    "source_kind": {"type": "str", "choices": ["GitRepository", "OCIRepository", "Bucket"], "default": "GitRepository"},
    "source_name": {"type": "str", "default": "flux-system"},
    "namespace": {"type": "str", "default": "flux-system"},
    "interval": {"type": "str", "default": "10m"},
    "timeout": {"type": "str", "default": "15m"},
}

#: Folder of the Kustomizations.
FLUX = "flux"


class Wave(enum.IntEnum):
    """Each wave needs those before it to be healthy, and nothing needs the last one."""

    CONFIGURATION = 0
    SERVICES = 1
    MIGRATIONS = 2
    API_SERVER = 3
    COMPONENTS = 4
    EXTRAS = 5

    @property
    def title(self) -> str:
        return self.name.lower().replace("_", "-")

    @property
    def folder(self) -> str:
        return f"{self.value}-{self.title}"


#: What is complete once it exists. A claim is not: where its volume waits for the first pod, only a pod completes it.
_CONFIGURATION = frozenset().union(*WAVES) - {"PersistentVolumeClaim"}
#: What depends on others than the release to become healthy, or runs at its own time.
_EXTRAS = frozenset({"CronJob", "HTTPRoute", "Ingress", "Route"})
#: The wave of what else a set has.
_SETS = {
    "external_secrets": Wave.CONFIGURATION,
    "postgres": Wave.SERVICES,
    "mysql": Wave.SERVICES,
    "pgbouncer": Wave.SERVICES,
    "redis": Wave.SERVICES,
    "migrations": Wave.MIGRATIONS,
    # The claims of DAGs and logs, whose first pod is the API server's.
    "airflow": Wave.API_SERVER,
    "api_server": Wave.API_SERVER,
    "master": Wave.API_SERVER,
    "scheduler": Wave.COMPONENTS,
    "dag_processor": Wave.COMPONENTS,
    "triggerer": Wave.COMPONENTS,
    "workers": Wave.COMPONENTS,
    "flower": Wave.COMPONENTS,
    "backup": Wave.EXTRAS,
}


def gitops_wave(manifest: Manifest, set_name: str) -> Wave:
    """Return the wave of an object of a set.

    Of a user's own objects, those of custom resources come first, because pods may refer to them.
    """
    if manifest["kind"] in _CONFIGURATION:
        return Wave.CONFIGURATION
    if manifest["kind"] in _EXTRAS:
        return Wave.EXTRAS
    group = manifest["apiVersion"].rpartition("/")[0]
    is_custom = "." in group and not group.endswith(".k8s.io")
    return _SETS.get(set_name, Wave.CONFIGURATION if is_custom else Wave.EXTRAS)


def files(manifests: Iterable[Manifest], set_name: str, tool: str) -> dict[Path, Manifest]:
    """Return the objects of a set by the path of their file in the folder of the release.

    :param tool: ``none``, ``argocd`` or ``flux``: which annotations the objects have in addition to their own, and
        whether each wave has its folder.
    """
    return {
        _path(manifest, set_name, tool): manifest if tool == "none" else _ordered(manifest, set_name, tool)
        for manifest in manifests
    }


def _path(manifest: Manifest, set_name: str, tool: str) -> Path:
    kind = manifest["kind"]
    name = f"{wave_of(kind)}-{kind.lower()}-{manifest['metadata']['name']}.yaml"
    return Path(gitops_wave(manifest, set_name).folder if tool == FLUX else "", set_name, name)


def _ordered(manifest: Manifest, set_name: str, tool: str) -> Manifest:
    """Return the object with what the tool is to know of it; an annotation that it has itself stays."""
    is_kept = manifest["kind"] in KEPT_KINDS
    annotations = {}
    if tool == "argocd":
        annotations["argocd.argoproj.io/sync-wave"] = str(gitops_wave(manifest, set_name).value)
        if is_kept:
            annotations["argocd.argoproj.io/sync-options"] = "Prune=false,Delete=false"
    elif is_kept:
        annotations["kustomize.toolkit.fluxcd.io/prune"] = "disabled"
    ordered = {**manifest, "metadata": dict(manifest["metadata"])}
    if annotations:
        ordered["metadata"]["annotations"] = annotations | (ordered["metadata"].get("annotations") or {})
    if manifest["kind"] == "NetworkPolicy":
        # The API server stores no empty list of rules, and takes one for a change whenever it is applied.
        rules = ("ingress", "egress")
        ordered["spec"] = {key: value for key, value in manifest["spec"].items() if value or key not in rules}
    return ordered


def kustomizations(directory: Path, folders: Iterable[str], params: Mapping[str, Any]) -> dict[Path, Manifest]:
    """Return a Kustomization of Flux for each wave, by the path of its file in the folder of the release.

    :param directory: the folder of the release; its last two parts are its path in the source, if no other is given.
    :param folders: those of the waves that have objects.
    :param params: the options of the module apply.
    """
    release, namespace, options = params["release"], params["namespace"], params["render_flux"]
    path = (options["path"] or "/".join(directory.parts[-2:])).removeprefix("./").strip("/")
    present = [wave for wave in Wave if wave.folder in frozenset(folders)]
    names = {wave: f"{namespace}-{release}-{wave.title}" for wave in present}
    return {
        Path(FLUX, f"{wave.folder}.yaml"): {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {
                "name": names[wave],
                "namespace": options["namespace"],
                "labels": {RELEASE_LABEL: release},
            },
            "spec": {
                "interval": options["interval"],
                "retryInterval": "1m",
                "timeout": options["timeout"],
                "path": f"./{path}/{wave.folder}",
                "sourceRef": {"kind": options["source_kind"], "name": options["source_name"]},
                "prune": True,
                "wait": wave is not Wave.EXTRAS,
                "dependsOn": [{"name": names[before]}] if before is not None else [],
            },
        }
        for before, wave in zip([None, *present], present, strict=False)
    }
