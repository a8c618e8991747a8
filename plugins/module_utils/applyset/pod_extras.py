# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What users add to the pods of a release: volumes, mounts, containers, environment, host aliases and metadata.

Additions come in levels: those of all components, of one component, of one worker group. Each adds to what the
collection has and to the levels before it; where two name the same, the later level's counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import Failure
from ..kube.client import Manifest

#: The lists, each with the key that tells its entries apart. https://kubernetes.io/docs/reference/kubernetes-api/
KEYS = {
    "extra_volumes": "name",
    "extra_volume_mounts": "mountPath",
    "extra_containers": "name",
    "extra_init_containers": "name",
    "host_aliases": "ip",
}
MAPPINGS = ("annotations", "labels")
#: Of all of these a variable of a role is named ``<role>_<field>``; a worker group has them by their own names.
FIELDS = (*KEYS, *MAPPINGS, "env_from", "tmp_size")
#: What all components have already, by the templates of the role ``airflow``.
_SHARED_FIELDS = frozenset({"labels", "tmp_size"})

#: The pods of tasks, as a role: their variables begin with it.
TASK_POD = "airflow_task_pod"
#: Roles whose container has another name than they. What workers have for tasks, a task's pod has, too.
_CONTAINERS = {"workers": ("worker", "base"), "postgres": ("postgresql",), TASK_POD: ("base",)}
#: The role whose pod holds the containers of others.
MASTER = "master"
#: The probe pod of the preflight, as a role that has no variables.
PREFLIGHT = "preflight"
#: The pods of backups, as a role that has no variables, and those of their containers that use an object store.
BACKUP = "backup"
_BACKUP_CONTAINERS = ("prepare-backup", "backup", "db-clean")
#: The role whose pods end by themselves, as those of tasks do.
MIGRATIONS = "migrations"
_ENDING = {MIGRATIONS: "Job", TASK_POD: "pod of a task"}

#: Names within pods that the collection gives.
OWN_VOLUMES = frozenset({
    "backup-programs", "backups", "bundles", "certificates", "dags", "git", "identity", "kubernetes-api", "logs",
    "mysql-data", "postgresql-data", "redis-data", "run", "scripts", "set-up", "task-pod", "tmp",
    "trusted-certificates", "user", "webserver-config",
})  # fmt: skip
OWN_CONTAINERS = frozenset({
    "api-server", "backup", "base", "cloud-sql-proxy", "dag-processor", "db-clean", "dump", "flower", "log-retention",
    "make-user", "migrations", "mysql", "pgbouncer", "postgresql", "prepare-backup", "probe", "redis", "scheduler",
    "triggerer", "trust-certificates", "wait-for-api-server", "wait-for-schema", "worker",
})  # fmt: skip
_OWN_NAMES = {
    "extra_volumes": OWN_VOLUMES,
    "extra_containers": OWN_CONTAINERS,
    "extra_init_containers": OWN_CONTAINERS,
}
#: Labels and annotations by which the collection finds and compares what it made.
_OWN_PREFIX = "airflow.kubernetes/"


@dataclass(frozen=True)
class Extras:
    """The additions of one level.

    :param role: the role whose variables they are.
    :param fields: the values that are not empty, by the names in FIELDS.
    :param group: the worker group whose they are.
    :param is_for_all: whether they go to every container of ours that does not end before the others begin.
    """

    role: str
    fields: Mapping[str, Any]
    group: str = ""
    is_for_all: bool = False

    def variable(self, field: str) -> str:
        return f"{field} of worker group {self.group}" if self.group else f"{self.role}_{field}"

    def entries(self, field: str) -> Sequence[Mapping[str, Any]]:
        entries: Sequence[Mapping[str, Any]] = self.fields.get(field) or ()
        return entries

    def is_for(self, container: Mapping[str, Any], is_main: bool) -> bool:
        """Tell whether mounts and environment of this level go to a container of ours.

        Those of all components go to each that reads the release's configuration, init containers too.
        """
        if self.is_for_all:
            return is_main
        if self.role == "airflow":
            return bool(container.get("envFrom"))
        if self.role == MASTER:
            return is_main
        if self.role == BACKUP:
            return container["name"] in _BACKUP_CONTAINERS
        return is_main and container["name"] in _CONTAINERS.get(self.role, (self.role.replace("_", "-"),))


def extras_of_role(role: str, read: Callable[[str], Any]) -> Extras:
    """Return what a role's variables add.

    :param read: returns a variable's value, or something empty where there is none.
    """
    fields = {field: read(f"{role}_{field}") for field in FIELDS if role != "airflow" or field not in _SHARED_FIELDS}
    return Extras(role, {field: value for field, value in fields.items() if value})


def extras_of_group(group: Mapping[str, Any]) -> Extras:
    """Return what one of ``workers_groups`` adds; an image of its own is that of all its containers."""
    fields = {field: group[field] for field in (*FIELDS, "image") if group.get(field)}
    return Extras("workers", fields, str(group.get("name", "")))


def without_endless(extras: Extras) -> Extras:
    """Return the additions without containers that do not end by themselves, beside which a pod would never end."""
    native = [container for container in extras.entries("extra_containers") if _is_native_sidecar(container)]
    fields = {key: value for key, value in extras.fields.items() if key != "extra_containers"}
    return Extras(extras.role, {**fields, **({"extra_containers": native} if native else {})}, extras.group)


def problems_of_extras(levels: Sequence[Extras]) -> Iterator[str]:
    """Tell what cannot work, whatever the pods are that the additions of all roles and groups go to."""
    volumes = OWN_VOLUMES | {str(volume.get("name")) for extras in levels for volume in extras.entries("extra_volumes")}
    for extras in levels:
        yield from _problems(extras)
        for mount in extras.entries("extra_volume_mounts"):
            if mount.get("name") not in volumes:
                yield _unknown_volume(extras, mount, "no pod has")


def _unknown_volume(extras: Extras, mount: Mapping[str, Any], who: str) -> str:
    return (
        f"{extras.variable('extra_volume_mounts')} mounts the volume {mount.get('name')}, which {who}. "
        f"Add it to {extras.variable('extra_volumes')}."
    )


def _problems(extras: Extras) -> Iterator[str]:
    for field, key in KEYS.items():
        seen: dict[str, Mapping[str, Any]] = {}
        for entry in extras.entries(field):
            name = entry.get(key)
            if not isinstance(name, str) or not name:
                yield f"{extras.variable(field)} has an entry without {key}. Give it one."
                continue
            if field != "host_aliases" and seen.setdefault(name, entry) != entry:
                yield f"{extras.variable(field)} has {name} twice. Leave out one of them."
            if name in _OWN_NAMES.get(field, ()):
                yield f"{extras.variable(field)} has {name}, a name that the collection uses. Give it another one."
    for field in MAPPINGS:
        for name in extras.fields.get(field) or ():
            if str(name).startswith(_OWN_PREFIX):
                yield f"{extras.variable(field)} has {name}, which the collection sets itself. Leave it out."
    if extras.role in _ENDING:
        for container in extras.entries("extra_containers"):
            if not _is_native_sidecar(container):
                yield (
                    f"{extras.variable('extra_containers')} has {container.get('name')}, and the "
                    f"{_ENDING[extras.role]} would not end "
                    "before it does. Add restartPolicy: Always to it, which makes it a native sidecar."
                )


def add_extras(
    workload: Mapping[str, Any],
    levels: Sequence[Sequence[Extras]],
    container_defaults: Mapping[str, Any],
) -> Manifest:
    """Return a workload, or a pod, with the additions of all levels.

    :param levels: from the general to the special; what stands in one level must not contradict itself.
    :param container_defaults: what an added container has where it does not say otherwise.
    :raises Failure: an addition contradicts another one, or what the collection has.
    """
    made: Manifest = _plain(workload)
    template = _pod_template(made)
    spec = template["spec"]
    own = [(container, False) for container in spec.get("initContainers", ())]
    own += [(container, True) for container in spec["containers"]]
    if not any(container.get("envFrom") for container, _is_main in own):
        # Neither a server nor the volume's janitor has a use for what Airflow's components mount.
        levels = [
            [_metadata_only(extras) if extras.role == "airflow" else extras for extras in each] for each in levels
        ]
    targets = [
        (container, [[extras for extras in each if extras.is_for(container, is_main)] for each in levels])
        for container, is_main in own
    ]
    _add_metadata(template, levels)
    _add_volumes(spec, levels)
    _set_single_values(spec, [container for container, _is_main in own], levels)
    for container, its_levels in targets:
        _add_to_container(container, its_levels)
    _add_containers(spec, levels, container_defaults)
    _add_host_aliases(spec, levels)
    _check_mounts(made, spec, levels)
    return made


def add_sidecar(workload: Mapping[str, Any], sidecar: Mapping[str, Any]) -> Manifest:
    """Return a workload, or a pod, with a native sidecar before all its other init containers, which may need it."""
    made: Manifest = _plain(workload)
    spec = _pod_template(made)["spec"]
    spec["initContainers"] = [_plain(sidecar), *spec.get("initContainers", ())]
    return made


def _metadata_only(extras: Extras) -> Extras:
    kept = (*MAPPINGS, "host_aliases")
    return Extras(extras.role, {field: value for field, value in extras.fields.items() if field in kept})


def _plain(value: Any) -> Any:
    """Return a copy that is a dictionary or list of its own, down to the leaves."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


def _pod_template(workload: Manifest) -> Manifest:
    kind = workload["kind"]
    if kind == "Pod":
        return workload
    spec = workload["spec"]["jobTemplate"]["spec"] if kind == "CronJob" else workload["spec"]
    template: Manifest = spec["template"]
    return template


def _chosen(levels: Sequence[Sequence[Extras]], field: str) -> dict[str, Any]:
    """Return a field's entries by their keys, a later level's instead of an earlier one's.

    :raises Failure: one level has two different ones with the same key.
    """
    chosen: dict[str, Any] = {}
    for level in levels:
        found: dict[str, tuple[Extras, Any]] = {}
        for extras in level:
            for key, entry in _keyed(extras, field):
                other, first = found.setdefault(key, (extras, entry))
                if first != entry:
                    raise Failure(
                        f"{extras.variable(field)} and {other.variable(field)} both have {key}, in one pod, and "
                        "differ. Give one of them another name, or make them equal."
                    )
        chosen.update({key: entry for key, (_extras, entry) in found.items()})
    return chosen


def _keyed(extras: Extras, field: str) -> Iterable[tuple[str, Any]]:
    if field in MAPPINGS:
        return [(str(key), _text(value)) for key, value in (extras.fields.get(field) or {}).items()]
    return [(entry[KEYS[field]], _plain(entry)) for entry in extras.entries(field)]


def _text(value: Any) -> str:
    """Return what Kubernetes wants as text: in YAML a number or ``true`` is easily none."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _add_metadata(template: Manifest, levels: Sequence[Sequence[Extras]]) -> None:
    for field in MAPPINGS:
        added = _chosen(levels, field)
        if added:
            metadata = template.setdefault("metadata", {})
            metadata[field] = {**metadata.get(field, {}), **added}


def _add_volumes(spec: Manifest, levels: Sequence[Sequence[Extras]]) -> None:
    added = _chosen(levels, "extra_volumes")
    if added:
        spec["volumes"] = [*spec.get("volumes", ()), *added.values()]


def _set_single_values(spec: Manifest, own: Sequence[Manifest], levels: Sequence[Sequence[Extras]]) -> None:
    for extras in (extras for level in levels for extras in level):
        if "image" in extras.fields:
            for container in own:
                container["image"] = extras.fields["image"]
        if "service_account_name" in extras.fields:
            spec["serviceAccountName"] = extras.fields["service_account_name"]
        if "tmp_size" in extras.fields:
            for volume in spec.get("volumes", ()):
                if volume["name"] == "tmp":
                    volume["emptyDir"]["sizeLimit"] = _text(extras.fields["tmp_size"])


def _add_to_container(container: Manifest, levels: Sequence[Sequence[Extras]]) -> None:
    mounts = _chosen(levels, "extra_volume_mounts")
    for mount in container.get("volumeMounts", ()):
        if mount["mountPath"] in mounts:
            raise Failure(
                f"{_origin(levels, 'extra_volume_mounts', mount['mountPath'])} has {mount['mountPath']}, where the "
                f"collection mounts the volume {mount['name']} into {container['name']}. Choose another path."
            )
    if mounts:
        container["volumeMounts"] = [*container.get("volumeMounts", ()), *mounts.values()]
    sources = [_plain(source) for level in levels for extras in level for source in extras.entries("env_from")]
    _add_environment(container, levels)
    if sources:
        own = container.get("envFrom", [])
        container["envFrom"] = own + [source for at, source in enumerate(sources) if source not in sources[:at] + own]


def _add_environment(container: Manifest, levels: Sequence[Sequence[Extras]]) -> None:
    """Add the variables that the container has not: what users set counts."""
    added = {
        variable["name"]: _plain(variable) for level in levels for extras in level for variable in extras.entries("env")
    }
    if added:
        # What is left out is neither a list nor a mapping.
        own = env if isinstance(env := container.get("env"), list) else []
        names = {variable["name"] for variable in own if isinstance(variable, Mapping)}
        container["env"] = [*own, *(variable for name, variable in added.items() if name not in names)]


def _add_containers(spec: Manifest, levels: Sequence[Sequence[Extras]], container_defaults: Mapping[str, Any]) -> None:
    """Native sidecars come first, for our own init containers may connect through them; init containers come last."""
    beside, before = (
        [{**_plain(container_defaults), **container} for container in _chosen(levels, field).values()]
        for field in ("extra_containers", "extra_init_containers")
    )
    native = [container for container in beside if _is_native_sidecar(container)]
    spec["containers"] = spec["containers"] + [container for container in beside if not _is_native_sidecar(container)]
    if native or before:
        spec["initContainers"] = native + spec.get("initContainers", []) + before
    names = [container["name"] for container in (*spec.get("initContainers", ()), *spec["containers"])]
    for name in (name for at, name in enumerate(names) if name in names[:at]):
        field = "extra_init_containers" if name in {each["name"] for each in before} else "extra_containers"
        raise Failure(
            f"{_origin(levels, field, name)} has {name}, but the pod has a container of that name. Rename it."
        )


def _is_native_sidecar(container: Mapping[str, Any]) -> bool:
    """https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/."""
    return container.get("restartPolicy") == "Always"


def _add_host_aliases(spec: Manifest, levels: Sequence[Sequence[Extras]]) -> None:
    """An address stands once, with the names that all levels give it."""
    names: dict[str, list[str]] = {}
    for alias in (alias for level in levels for extras in level for alias in extras.entries("host_aliases")):
        known = names.setdefault(alias["ip"], [])
        known += [name for name in alias.get("hostnames") or () if name not in known]
    if names:
        spec["hostAliases"] = [{"ip": ip, "hostnames": hostnames} for ip, hostnames in names.items()]


def _check_mounts(workload: Manifest, spec: Manifest, levels: Sequence[Sequence[Extras]]) -> None:
    known = {volume["name"] for volume in spec.get("volumes", ())}
    claims = workload["spec"].get("volumeClaimTemplates", ()) if workload["kind"] == "StatefulSet" else ()
    known |= {claim["metadata"]["name"] for claim in claims}
    for extras in (extras for level in levels for extras in level):
        for mount in extras.entries("extra_volume_mounts"):
            if mount.get("name") not in known:
                name = workload["metadata"].get("name", extras.role)
                raise Failure(_unknown_volume(extras, mount, f"the pods of {name} do not have"))


def _origin(levels: Sequence[Sequence[Extras]], field: str, key: str) -> str:
    """Return the variable that has an entry."""
    return next(
        extras.variable(field)
        for level in reversed(levels)
        for extras in level
        for found, _entry in _keyed(extras, field)
        if found == key
    )
