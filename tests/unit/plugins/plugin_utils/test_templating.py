# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A variable that many templates name is evaluated once."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible._internal._templating._engine import TemplateEngine
from ansible.errors import AnsibleUndefinedVariable
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.airflow.kubernetes.plugins.action.apply import ActionModule
from ansible_collections.airflow.kubernetes.plugins.plugin_utils import _templating
from ansible_collections.airflow.kubernetes.plugins.plugin_utils._templating import remember, written

#: Another value at each evaluation, named twice by others.
VARIABLES: dict[str, Any] = {
    "number": trust_as_template("{{ 1000000000 | random }}"),
    "one": trust_as_template("{{ number }}"),
    "other": [trust_as_template("{{ number }}")],
    "broken": trust_as_template("{{ nothing }}"),
    "left_out": {"a": trust_as_template("{{ omit }}"), "b": trust_as_template("{{ missing | default('b') }}")},
}
BOTH = trust_as_template("{{ [one, other[0], number] }}")


@pytest.fixture
def templar() -> Templar:
    return Templar(DataLoader(), variables=VARIABLES)


def test_once_it_is_remembered(templar: Templar) -> None:
    assert len(set(templar.template(BOTH))) > 1
    remember(templar, VARIABLES)
    assert len(set(templar.template(BOTH))) == 1


def test_for_all_arguments_of_a_task_and_anew_for_the_next() -> None:
    engine = TemplateEngine(DataLoader(), variables=VARIABLES)
    found = []
    for _task in range(2):
        with ActionModule.get_finalize_task_args_context() as context:
            found.append({ActionModule.finalize_task_arg(name, BOTH, engine, context)[0] for name in "abc"})
    assert [len(values) for values in found] == [1, 1]
    assert found[0] != found[1]
    assert engine.available_variables is VARIABLES


def test_what_is_undefined_or_omitted_is_so_as_ever(templar: Templar) -> None:
    remember(templar, VARIABLES)
    for _time in range(2):
        with pytest.raises(AnsibleUndefinedVariable, match="nothing"):
            templar.template(trust_as_template("{{ broken }}"))
        assert templar.template(trust_as_template("{{ left_out }}")) == {"b": "b"}


def test_the_variables_as_they_were_written_can_be_had(templar: Templar) -> None:
    remember(templar, VARIABLES)
    templar.template(BOTH)
    assert templar.available_variables is not VARIABLES
    assert written(templar.available_variables) is VARIABLES
    assert written(VARIABLES) is VARIABLES


class TestAnotherAnsible:
    """What is no public part of ansible-core may be away, or be another thing, in another version of it."""

    @staticmethod
    def evaluates(templar: Templar) -> bool:
        remember(templar, VARIABLES)
        return len(set(templar.template(BOTH))) > 1

    @pytest.mark.parametrize("name", ["TemplateContext", "TemplateOptions", "_AnsibleLazyTemplateMixin"])
    @pytest.mark.parametrize("other", [None, object, MagicMock(spec=[], side_effect=RuntimeError)])
    def test_evaluates_as_usual(
        self, templar: Templar, monkeypatch: pytest.MonkeyPatch, name: str, other: object
    ) -> None:
        monkeypatch.setattr(_templating, name, other)
        assert self.evaluates(templar)

    @pytest.mark.parametrize("error", [ImportError, AttributeError, RuntimeError])
    def test_may_fail_in_any_way_to_load_it(self, monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
        class Broken:
            def __getattr__(self, name: str) -> Any:
                raise error(name)

        monkeypatch.setitem(sys.modules, "ansible._internal._templating._lazy_containers", Broken())
        spec = importlib.util.spec_from_file_location("_templating_elsewhere", str(_templating.__file__))
        assert spec
        assert spec.loader
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        assert loaded.TemplateContext is None
