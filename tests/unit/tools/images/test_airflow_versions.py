"""One folder is built for every version of Airflow; the oldest is built from it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.common.errors import ToolError
from tools.common.paths import IMAGES
from tools.images import airflow_versions, app_images
from tools.images.airflow_versions import AIRFLOW_VERSIONS, WRITTEN_FOR, context_files, requirements

OTHERS = sorted(set(AIRFLOW_VERSIONS) - {WRITTEN_FOR})
FOLDER = IMAGES / "airflow"


def test_the_folder_is_as_it_is_for_the_version_that_it_is_written_for() -> None:
    """So that its image is not built again."""
    assert context_files(WRITTEN_FOR) == {}
    lines = (FOLDER / "requirements.txt").read_text().splitlines()
    assert requirements(WRITTEN_FOR).splitlines() == [line for line in lines if not line.startswith("#")]
    assert f"NEWEST={AIRFLOW_VERSIONS[WRITTEN_FOR].newest}\n" in (FOLDER / "Dockerfile").read_text()


@pytest.mark.parametrize("version", OTHERS)
def test_another_version_has_its_own_day_version_and_pins(version: str) -> None:
    files = context_files(version)
    assert f"ARG NEWEST={AIRFLOW_VERSIONS[version].newest}\n" in files["Dockerfile"]
    assert f"AIRFLOW_VERSION={version} " in files["Dockerfile"]
    assert WRITTEN_FOR not in files["Dockerfile"] + files["requirements.txt"]
    required = files["requirements.txt"].splitlines()
    assert required[:2] == [f"apache-airflow=={version}", "apache-airflow-providers-celery[flower]"]
    assert "apache-airflow-providers-cncf-kubernetes" in required
    assert not [line for line in required if line.startswith("pydantic")]


def test_a_folder_that_is_written_for_another_version_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow" / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.setattr(airflow_versions, "IMAGES", tmp_path)
    with pytest.raises(ToolError, match=r"Dockerfile has ARG NEWEST=.* not once"):
        context_files(OTHERS[0])


def test_the_other_versions_are_built_where_they_are_asked_for_alone() -> None:
    assert {f"airflow-{version}" for version in OTHERS} <= set(app_images.FURTHER_IMAGES)
    names = [image.name for image in app_images.APP_IMAGES]
    assert [name for name in names if name.startswith("apache/airflow:3")] == [f"apache/airflow:{WRITTEN_FOR}"]


def test_each_version_has_a_recipe_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    recipes: dict[str, str] = {}
    monkeypatch.setattr(app_images, "image_id", lambda name: "there")
    monkeypatch.setattr(app_images, "image_recipe", lambda name: "earlier")
    monkeypatch.setattr(app_images, "_pull_or_build", lambda image, recipe: recipes.update({image.name: recipe}))
    for version in AIRFLOW_VERSIONS:
        app_images.ensure_app_image(app_images.airflow_image(version))
    assert len(set(recipes.values())) == len(AIRFLOW_VERSIONS)


def test_a_build_gets_the_files_of_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built: dict[str, str] = {}

    def build(folder: str, tag: str, *, extra_files: dict[str, Path], **options: object) -> None:
        built.update({name: path.read_text() for name, path in extra_files.items()})

    monkeypatch.setattr(app_images, "build", build)
    monkeypatch.setattr(app_images, "pull", lambda name: False)
    monkeypatch.setattr(app_images, "cache", lambda name: tmp_path)
    monkeypatch.setattr(app_images, "ensure_base_image", lambda: "base")
    monkeypatch.setattr(app_images, "_certificates", lambda: Path(__file__))
    app_images._pull_or_build(app_images.airflow_image(OTHERS[-1]), "recipe")
    assert {name: built[name] for name in ("Dockerfile", "requirements.txt")} == context_files(OTHERS[-1])
