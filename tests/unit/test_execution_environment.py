"""The execution environment: ansible-builder takes its files, and the image built here has the same packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tools.common.paths import CHECKOUT, IMAGES

DEFINITION = CHECKOUT / "execution-environment.yml"


def builder(*arguments: str | Path) -> str:
    command = [Path(sys.executable).parent / "ansible-builder", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True, timeout=120).stdout


def definition() -> Any:
    return yaml.safe_load(DEFINITION.read_text())


def test_ansible_builder_makes_a_build_context(tmp_path: Path) -> None:
    builder("create", "--file", DEFINITION, "--context", tmp_path / "context", "--output-filename", "Containerfile")
    recipe = (tmp_path / "context" / "Containerfile").read_text()
    assert f'ARG EE_BASE_IMAGE="{definition()["images"]["base_image"]["name"]}"' in recipe
    assert "USER 1000" in recipe


def test_ansible_builder_finds_what_the_collection_needs(tmp_path: Path) -> None:
    link = tmp_path / "ansible_collections" / "airflow" / "kubernetes"
    link.parent.mkdir(parents=True)
    link.symlink_to(CHECKOUT)
    found = yaml.safe_load(builder("introspect", tmp_path))
    (needed,) = [line for line in (CHECKOUT / "requirements.txt").read_text().splitlines() if line[0] != "#"]
    assert [line.partition("  #")[0] for line in found["python"]] == [needed]


def test_the_image_built_here_has_the_same_packages() -> None:
    dependencies = definition()["dependencies"]
    lines = (IMAGES / "execution-environment" / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        dependencies["ansible_core"]["package_pip"],
        dependencies["ansible_runner"]["package_pip"],
    ]


def test_its_collections_are_those_of_the_collection() -> None:
    galaxy = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text())
    wanted = {f"{galaxy['namespace']}.{galaxy['name']}": None, **galaxy["dependencies"]}
    collections = definition()["dependencies"]["galaxy"]["collections"]
    assert {entry["name"]: entry.get("version") for entry in collections} == wanted
