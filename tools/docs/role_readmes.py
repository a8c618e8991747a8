"""Command line: write each role's README.md from its argument specs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from ..common.paths import ROLES
from .argument_specs import MARKUP, OPERATOR, entry_points, paragraphs, roles


def main() -> int:
    """Write the files and return the exit code."""
    for role in roles():
        (ROLES / role / "README.md").write_text(readme(role))
    print(f"Wrote README.md of {len(roles())} roles")
    return 0


def readme(role: str) -> str:
    """Return the README of a role."""
    return "\n".join(_lines(role, entry_points(role))) + "\n"


def _lines(name: str, points: Mapping[str, Any]) -> Iterator[str]:
    spec = points["main"]
    yield "<!-- Written by `make docs` from meta/argument_specs.yml. -->"
    yield f"# airflow.kubernetes.{name}"
    yield ""
    yield f"{spec['short_description']}."
    for paragraph in _texts(spec["description"]):
        yield ""
        yield paragraph
    if name not in ("airflow", OPERATOR):
        yield ""
        yield (
            "What all components share (the release's name and namespace, the image, the configuration) are variables "
            "of the role [airflow](../airflow/README.md), which comes before this one in a play."
        )
    yield ""
    yield "```yaml"
    yield f"- hosts: {'localhost' if name == OPERATOR else 'separated_services'}"
    yield "  gather_facts: false"
    yield "  module_defaults:"
    yield "    group/airflow.kubernetes.airflow:"
    yield '      context: "{{ airflow_context | default(omit, true) }}"'
    yield "  roles:"
    for role in [name] if name == OPERATOR else dict.fromkeys(("airflow", name)):
        yield f"    - airflow.kubernetes.{role}"
    yield "```"
    yield ""
    yield "## Variables"
    yield from _options(spec)
    for point, its in points.items():
        # A component in the pod of another role has all its variables there, too.
        if point != "main" and its["options"] != spec["options"]:
            yield ""
            yield f"## Entry point `{point}`"
            yield ""
            yield f"{its['short_description']}. {' '.join(_texts(its['description']))}"
            yield from _options(its)


def _options(spec: Mapping[str, Any]) -> Iterator[str]:
    for option, facts in spec.get("options", {}).items():
        yield ""
        yield f"### `{option}`"
        yield ""
        yield from _option(facts)


def _option(facts: Mapping[str, Any]) -> Iterator[str]:
    yield " ".join(_texts(facts["description"]))
    yield ""
    kind = facts["type"] + (f" of {facts['elements']}" if "elements" in facts else "")
    default = facts.get("default")
    if isinstance(default, (dict, list)) and default:
        yield f"Type: {kind}. Default:"
        yield ""
        yield "```yaml"
        yield yaml.safe_dump(default, sort_keys=False, width=110).rstrip()
        yield "```"
    elif "default" in facts:
        yield f"Type: {kind}. Default: `{_value(default)}`"
    else:
        yield f"Type: {kind}." + (" Required." if facts.get("required") else "")
    if "options" in facts:
        yield ""
    for name, inner in facts.get("options", {}).items():
        kind = inner["type"] + (", required" if inner.get("required") else "")
        yield f"- `{name}` ({kind}): {' '.join(_texts(inner['description']))}"


def _texts(description: str | list[str]) -> list[str]:
    return [MARKUP.sub(lambda match: f"`{match[2]}`", text) for text in paragraphs(description)]


def _value(value: Any) -> str:
    """Return a value as YAML has it."""
    return f'"{value}"' if isinstance(value, str) else yaml.safe_dump(value).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
