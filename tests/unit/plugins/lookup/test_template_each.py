# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lookup template_each, in templates, as the roles use it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

# Ansible finds plugins of collections only once its loader is set up, which holds for a whole process.
PROGRAM = """
import json, os, sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader([os.environ["ANSIBLE_COLLECTIONS_PATH"]])
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

def trusted(value):
    if isinstance(value, dict):
        return {key: trusted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [trusted(inner) for inner in value]
    return trust_as_template(value) if isinstance(value, str) else value

expression, variables = json.load(sys.stdin)
templar = Templar(DataLoader(), variables=trusted(variables))
try:
    result = {"value": templar.template(trust_as_template(expression))}
except AnsibleError as error:
    result = {"error": str(error)}
print(json.dumps(result))
"""

PODS = "{{ query('airflow.kubernetes.template_each', 'pod', items=groups, item_name='group') }}"


def template(expression: str, **variables: Any) -> Any:
    given = json.dumps([expression, variables])
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    if "error" in result:
        raise LookupError(result["error"])
    return result["value"]


def test_evaluates_the_variable_once_for_each_item_through_other_variables() -> None:
    pods = template(
        PODS,
        groups=[{"name": "a", "size": 1}, {"name": "b"}],
        pod={"name": "{{ full_name }}", "size": "{{ group.size | default(7) }}", "also": ["{{ group.name }}"]},
        full_name="airflow-{{ group.name }}",
    )
    assert pods == [
        {"name": "airflow-a", "size": 1, "also": ["a"]},
        {"name": "airflow-b", "size": 7, "also": ["b"]},
    ]


def test_another_value_from_outside_is_not_taken_for_an_items() -> None:
    inner = "{{ query('airflow.kubernetes.template_each', 'name', items=group, item_name='inner') }}"
    found = template(
        "{{ query('airflow.kubernetes.template_each', 'both', items=groups, item_name='group') }}",
        groups=[["a"], ["b", "c"]],
        both=["{{ name }}", inner, "{{ name }}"],
        name="{{ inner | default('outside') }}",
    )
    assert found == [["outside", ["a"], "outside"], ["outside", ["b", "c"], "outside"]]


def test_drops_what_is_omitted() -> None:
    pods = template(
        PODS, groups=[{"name": "a"}, {"name": "b", "size": 1}], pod={"size": "{{ group.size | default(omit) }}"}
    )
    assert pods == [{}, {"size": 1}]


def test_no_items_give_no_values() -> None:
    assert template(PODS, groups=[], pod="{{ group.name }}") == []


def test_the_item_hides_a_variable_of_its_name_only_meanwhile() -> None:
    assert template(PODS + "{{ group }}", groups=["a", "b"], pod="{{ group }}", group="mine") == "['a', 'b']mine"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (
            "{{ query('airflow.kubernetes.template_each', 'nothing', items=[1], item_name='group') }}",
            "knows no variable nothing",
        ),
        (
            "{{ query('airflow.kubernetes.template_each', items=[1], item_name='group') }}",
            "takes the name of one variable",
        ),
        ("{{ query('airflow.kubernetes.template_each', 'pod', items=[1]) }}", "item_name"),
    ],
)
def test_says_what_is_wrong(expression: str, said: str) -> None:
    with pytest.raises(LookupError, match=said):
        template(expression, pod="{{ group }}")
