"""What is tried before the first object is applied is what the roles of the play apply, in both architectures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.checks.rendered import INVENTORY
from tools.common.paths import CHECKOUT
from tools.environment.variables import WITHOUT_COLOR

#: Releases that have every role between them, and some that a play has and a release has not.
RELEASES = ("everything", "mysql", "pooled", "master", "small")
EXTRA = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra", "labels": {"team": "data"}}}
#: Placeholders of checksums are in what is tried, so the end of a Job's name, a checksum too, is another.
CHECKSUM = 10


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render releases, each with what has been tried of it in a file, and return the folder."""
    directory = tmp_path_factory.mktemp("tried")
    note = {
        "name": "Note what was tried",
        "ansible.builtin.copy": {
            "content": "{{ __airflow_dry_run.objects | to_json }}",
            "dest": f"{directory}/{{{{ inventory_hostname }}}}.json",
        },
    }
    playbook = directory / "render.yml"
    playbook.write_text(
        yaml.safe_dump(
            [
                {"name": "Render", "import_playbook": str(CHECKOUT / "playbooks" / "render.yml")},
                {
                    "name": "Note",
                    "hosts": "all",
                    "gather_facts": False,
                    "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
                    "tasks": [note],
                },
            ]
        )
    )
    variables = {"airflow_render_to": str(directory), "airflow_extra_objects": [EXTRA]}
    done = subprocess.run(
        [
            *(Path(sys.executable).parent / "ansible-playbook", "-i", INVENTORY, playbook),
            *("--limit", ",".join(RELEASES), "--extra-vars", json.dumps(variables)),
        ],
        cwd=CHECKOUT,
        check=False,
        env={**os.environ, **WITHOUT_COLOR},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return directory


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_tried_is_what_is_applied(rendered: Path, release: str) -> None:
    tried = [
        (item["set"], item["kind"], item["name"]) for item in json.loads((rendered / f"{release}.json").read_text())
    ]
    manifests = [(path.parent.name, yaml.safe_load(path.read_text())) for path in rendered.glob(f"{release}/*/*.yaml")]
    applied = [(name, manifest["kind"], manifest["metadata"]["name"]) for name, manifest in manifests]
    assert len(applied) > 20
    assert sorted(map(without_checksum, tried)) == sorted(map(without_checksum, applied))


def without_checksum(item: tuple[str, str, str]) -> tuple[str, str, str]:
    set_name, kind, name = item
    return set_name, kind, name[:-CHECKSUM] if kind == "Job" else name


def test_an_object_of_the_users_own_has_our_labels_beside_its_own(rendered: Path) -> None:
    (file,) = rendered.glob("small/extra_objects/*.yaml")
    labels = yaml.safe_load(file.read_text())["metadata"]["labels"]
    assert labels["team"] == "data"
    assert labels["app.kubernetes.io/managed-by"] == "airflow.kubernetes"
    assert labels["airflow.kubernetes/set"] == "extra_objects"
