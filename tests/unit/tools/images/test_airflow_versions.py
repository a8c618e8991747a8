"""One folder is built for every version of Airflow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tools.common.paths import IMAGES
from tools.images import app_images
from tools.images.airflow_versions import AIRFLOW_VERSIONS, DEPLOYED, build_arguments, constraints

#: The images that are of a version of Airflow.
FOLDERS = ("airflow", "airflow-logs")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_names_no_version_of_airflow(folder: str) -> None:
    for name in ("Dockerfile", "requirements.txt"):
        text = (IMAGES / folder / name).read_text()
        assert not re.search(r"\b3\.\d\.\d", text)
        assert not [version.newest for version in AIRFLOW_VERSIONS.values() if version.newest in text]


def test_a_dockerfile_takes_the_arguments_of_a_version() -> None:
    arguments = re.findall(r"^ARG (\w+)$", (IMAGES / "airflow" / "Dockerfile").read_text(), re.MULTILINE)
    assert sorted(arguments) == sorted(["BASE", *build_arguments(DEPLOYED)])


@pytest.mark.parametrize("version", AIRFLOW_VERSIONS)
def test_the_constraints_pin_what_the_image_requires(version: str) -> None:
    lines = constraints(version).splitlines()
    assert lines[0] == f"apache-airflow=={version}"
    required = (IMAGES / "airflow" / "requirements.txt").read_text().splitlines()
    # Nothing requires pydantic by that name.
    assert {re.split("==|<", line)[0] for line in lines} - {"pydantic"} <= set(required)


def test_other_versions_are_built_where_they_are_asked_for_alone() -> None:
    assert {f"airflow-{version}" for version in AIRFLOW_VERSIONS} <= set(app_images.FURTHER_IMAGES)
    names = [image.name for image in app_images.APP_IMAGES]
    assert [name for name in names if name.startswith("apache/airflow:3")] == [f"apache/airflow:{DEPLOYED}"]


def test_each_version_has_a_recipe_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    recipes: dict[str, str] = {}
    monkeypatch.setattr(app_images, "image_id", lambda name: "there")
    monkeypatch.setattr(app_images, "image_recipe", lambda name: "earlier")
    monkeypatch.setattr(app_images, "_pull_or_build", lambda image, recipe: recipes.update({image.name: recipe}))
    for version in AIRFLOW_VERSIONS:
        app_images.ensure_app_image(app_images.airflow_image(version))
    assert len(set(recipes.values())) == len(AIRFLOW_VERSIONS)


@pytest.mark.parametrize("version", AIRFLOW_VERSIONS)
def test_a_build_gets_what_its_version_needs(version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built: dict[str, Any] = {}

    def build(
        folder: str, tag: str, *, arguments: dict[str, str], extra_files: dict[str, Path], **options: object
    ) -> None:
        built.update(arguments, constraints=extra_files["constraints.txt"].read_text())

    monkeypatch.setattr(app_images, "build", build)
    monkeypatch.setattr(app_images, "pull", lambda name: False)
    monkeypatch.setattr(app_images, "cache", lambda name: tmp_path)
    monkeypatch.setattr(app_images, "ensure_base_image", lambda: "base")
    monkeypatch.setattr(app_images, "_certificates", lambda: Path(__file__))
    app_images._pull_or_build(app_images.airflow_image(version), "recipe")
    assert built == {"BASE": "base", **build_arguments(version), "constraints": constraints(version)}
