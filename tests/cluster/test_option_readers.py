# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the image's Airflow reads an option where :mod:`option_readers` says, and nowhere else.

Environment: as ``test_dry_run.py``; ``AIRFLOW_IMAGE`` for another image than the one that the scenarios deploy.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.airflow.option_readers import READERS
from tools.images.airflow_versions import DEPLOYED

CONTEXT = os.environ.get("AIRFLOW_CONTEXT") or "kind-airflow"
IMAGE = os.environ.get("AIRFLOW_IMAGE") or f"apache/airflow:{DEPLOYED}"

#: Prints by ``section.key`` the files of Airflow and its providers that have both words in one call.
PROGRAM = r"""
import collections, json, pathlib, re, airflow
read = re.compile(r"conf\w*\s*\.\s*[a-z_]+\(\s*(?:section\s*=\s*)?['\"](\w+)['\"]\s*,\s*(?:key\s*=\s*)?['\"](\w+)['\"]")
home = pathlib.Path(airflow.__file__).parent
found = collections.defaultdict(set)
for file in home.rglob("*.py"):
    for section, key in read.findall(file.read_text(errors="replace")):
        found[f"{section}.{key}".lower()].add(str(file.relative_to(home)))
print(json.dumps({option: sorted(files) for option, files in found.items()}))
"""

#: The modules that run in one component alone.
MODULES = {
    "api-server": r"api_fastapi/|cli/commands/api_server_command|providers/fab/",
    "dag-processor": r"dag_processing/(manager|processor)\.py|cli/commands/dag_processor_command",
    "flower": r"providers/celery/executors/celery_executor\.py",
    "scheduler": r"jobs/scheduler_job_runner|utils/scheduler_health|cli/commands/scheduler_command"
    r"|providers/celery/executors/celery_executor\.py|providers/cncf/kubernetes/executors/kubernetes_executor\.py",
    "triggerer": r"jobs/triggerer_job_runner|cli/commands/triggerer_command",
    "worker": r"providers/celery/cli/celery_command|sdk/execution_time/supervisor",
}
#: Whose readers run in every component, but only to be the default of one command's argument, or a setting of Celery
#: that only its worker goes by.
DEFAULTS = r"cli/cli_config\.py|providers/celery/cli/definition\.py|providers/celery/executors/default_celery\.py"

OPTIONS = [
    (component, f"{section}.{key}")
    for component, sections in READERS.items()
    for section, keys in sections.items()
    for key in keys.split()
]


@pytest.fixture(scope="module")
def readers() -> Any:
    command = ["kubectl", "--context", CONTEXT, "--namespace", "default", "run", "option-readers", "--rm", "--stdin"]
    command += ["--quiet", "--restart=Never", f"--image={IMAGE}", "--command", "--", "python", "-"]
    answer = subprocess.run(command, check=False, input=PROGRAM, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


@pytest.mark.parametrize(("component", "option"), OPTIONS)
def test_nothing_else_reads_it(readers: dict[str, list[str]], component: str, option: str) -> None:
    own = re.compile(f"{MODULES[component]}|{DEFAULTS}")
    assert [file for file in readers.get(option, []) if not own.match(file)] == []


def test_the_survey_finds_most_of_them(readers: dict[str, list[str]]) -> None:
    """Some are read by a name that the program puts together; were it most of them, the test above would be empty."""
    assert len([option for _, option in OPTIONS if readers.get(option)]) > len(OPTIONS) * 0.7
