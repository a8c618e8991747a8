"""Command line: write operator/airflows.yaml, the custom resource Airflow, from the roles' argument specifications."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from ansible_collections.airflow.kubernetes.plugins.module_utils.preflight.rules import RULES

from ..common.paths import CHECKOUT
from .argument_specs import operation_options, plain, release_options
from .cel import expression

PAGE = CHECKOUT / "operator" / "airflows.yaml"
GROUP = "airflow.kubernetes"
VERSION = "v1alpha1"

#: What the resource says by its name and namespace, what is the operator's own, and what makes no sense in a cluster.
LEFT_OUT = {
    "airflow_name",
    "airflow_namespace",
    "airflow_namespace_create",
    "airflow_namespace_labels",
    "airflow_kubeconfig",
    "airflow_context",
    "airflow_render_directory",
    "airflow_render_to",
    "airflow_render_ordering",
    "airflow_render_flux",
    "airflow_diagnosis_to",
    "airflow_diagnosis_archive",
    "health_diagnosis",
}
#: The operations that a change of the resource starts, and what they are told besides.
OPERATIONS = ("change_version", "destroy")
#: What takes a terminal or several releases.
LEFT_OUT_OF_OPERATIONS = {"airflow_upgrade_serial", "airflow_destroy_confirm"}

ARCHITECTURES = ("separated_services", "master_worker")
TYPES = {"str": "string", "path": "string", "int": "integer", "float": "number", "bool": "boolean"}
#: What a specification describes no further.
PRESERVE = {"x-kubernetes-preserve-unknown-fields": True}


class _Dumper(yaml.SafeDumper):
    """Writes each value where it stands, and no references to others."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def main() -> int:
    """Write the file and return the exit code."""
    PAGE.write_text(page())
    print(f"Wrote {PAGE.relative_to(CHECKOUT)}")
    return 0


def page() -> str:
    """Return the file as it has to be."""
    text = yaml.dump(resource(), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
    return f"---\n# Written by `make docs` from the roles' meta/argument_specs.yml.\n{text}"


def options() -> dict[str, Mapping[str, Any]]:
    """Return the variables that a resource can set, by name: those of a release that are no secret values."""
    found = {
        name: spec
        for name, spec in release_options().items()
        if name not in LEFT_OUT and spec.get("no_log") is not True
    }
    for operation in OPERATIONS:
        found |= {
            name: spec for name, spec in operation_options(operation).items() if name not in LEFT_OUT_OF_OPERATIONS
        }
    return found


def resource() -> dict[str, Any]:
    """Return the CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"airflows.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {"kind": "Airflow", "listKind": "AirflowList", "plural": "airflows", "singular": "airflow"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": list(_columns()),
                    "schema": {"openAPIV3Schema": _schema()},
                }
            ],
        },
    }


def _columns() -> Iterator[dict[str, Any]]:
    for name, path, kind, priority in (
        ("Phase", ".status.phase", "string", 0),
        ("Ready", '.status.conditions[?(@.type=="Ready")].status', "string", 0),
        ("Version", ".status.version", "string", 0),
        ("Address", ".status.address", "string", 0),
        ("Message", ".status.message", "string", 1),
        ("Age", ".metadata.creationTimestamp", "date", 0),
    ):
        yield {"name": name, "jsonPath": path, "type": kind, **({"priority": priority} if priority else {})}


def _schema() -> dict[str, Any]:
    return {
        "description": "A release of Apache Airflow with the Celery executor.",
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": 40, "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$"}},
            },
            "spec": _spec(),
            "status": _status(),
        },
    }


def _spec() -> dict[str, Any]:
    known = options()
    return {
        "description": "The variables of the release, as an inventory of the collection has them. Secret values are "
        "not among them: name the Secret that holds one.",
        "type": "object",
        "properties": {
            "architecture": {
                "description": "Which components share a pod: none in separated_services; in master_worker all but "
                "the workers do.",
                "type": "string",
                "enum": list(ARCHITECTURES),
                "default": ARCHITECTURES[0],
            },
            **{name: _option(spec) for name, spec in sorted(known.items())},
        },
        "x-kubernetes-validations": [
            {"rule": expression(rule.cel, known), "message": _message(rule.variables, rule.when)}
            for rule in RULES
            if rule.cel
        ],
    }


def _message(variables: str, when: str) -> str:
    return f"{', '.join(variables.split())}: {when}"


def _option(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a variable. What its specification leaves open stays open."""
    made: dict[str, Any] = {"description": _description(spec)}
    kind = spec["type"]
    if kind == "raw":
        made["x-kubernetes-int-or-string"] = True
        if isinstance(spec.get("default"), str):
            made = {"description": made["description"], "type": "string"}
    elif kind in TYPES:
        made["type"] = TYPES[kind]
    elif kind == "list":
        made["type"] = "array"
        made["items"] = _items(spec)
    else:
        made["type"] = "object"
        made |= _members(spec)
    if "choices" in spec:
        made["enum"] = spec["choices"]
    if _is_plain(spec.get("default")):
        made["default"] = spec["default"]
    return made


def _description(spec: Mapping[str, Any]) -> str:
    default = spec.get("default")
    text = plain(spec["description"])
    if default in (None, "", [], {}) or _is_plain(default):
        return text
    shown = default if isinstance(default, str) else yaml.safe_dump(default, default_flow_style=True, width=10000)
    return f"{text} Default: {shown.strip()}"


def _is_plain(default: Any) -> bool:
    """Tell whether the API server can set a default: one value, of which no other variable is a part.

    What is empty means that the variable is not set, which needs no default.
    """
    if isinstance(default, str):
        return default != "" and "{{" not in default
    return isinstance(default, (bool, int, float))


def _items(spec: Mapping[str, Any]) -> dict[str, Any]:
    elements = spec.get("elements", "dict")
    if elements in TYPES:
        made: dict[str, Any] = {"type": TYPES[elements]}
        if "choices" in spec:
            made["enum"] = spec["choices"]
        return made
    if elements == "raw":
        return {"x-kubernetes-int-or-string": True}
    return {"type": "object", **_members(spec)}


def _members(spec: Mapping[str, Any]) -> dict[str, Any]:
    if "options" not in spec:
        return dict(PRESERVE)
    members = spec["options"]
    made: dict[str, Any] = {"properties": {name: _option(inner) for name, inner in members.items()}}
    required = [name for name, inner in members.items() if inner.get("required")]
    if required:
        made["required"] = required
    return made


def _status() -> dict[str, Any]:
    text = {"type": "string"}
    number = {"type": "integer", "format": "int64"}
    return {
        "description": "What the operator knows of the release.",
        "type": "object",
        "properties": {
            "phase": {**text, "description": "Deploying, Upgrading, RollingBack, Ready, NotReady, Failed or Deleting."},
            "message": {**text, "description": "Why the last run failed, or what the release waits for."},
            "version": {**text, "description": "Version of Airflow that runs."},
            "address": {**text, "description": "Where the user interface is."},
            "flowerAddress": {**text, "description": "Where Flower is."},
            "observedGeneration": {**number, "description": "Generation of the resource that the last run was for."},
            "components": {
                "description": "The workloads of the release.",
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": text,
                        "kind": text,
                        "components": {"type": "array", "items": text},
                        "ready": number,
                        "wanted": number,
                        "verdict": text,
                        "reason": text,
                    },
                },
            },
            "conditions": {
                "description": "Ready: the release is healthy. Progressing: a run is at work. Degraded: the last run "
                "failed, or what was healthy is not.",
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
                "items": {
                    "type": "object",
                    "required": ["type", "status", "lastTransitionTime", "reason"],
                    "properties": {
                        "type": text,
                        "status": {**text, "enum": ["True", "False", "Unknown"]},
                        "observedGeneration": number,
                        "lastTransitionTime": {**text, "format": "date-time"},
                        "reason": text,
                        "message": text,
                    },
                },
            },
        },
    }


if __name__ == "__main__":
    sys.exit(main())
