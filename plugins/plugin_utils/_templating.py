# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evaluate a variable once, however many templates of a task name it.

Ansible evaluates a variable anew wherever one names it, after a copy of all variables. Its own lazy dictionary keeps
what it has evaluated, and stays as it is where it is given to the engine as the variables. It is no public part of
ansible-core (the same from 2.19 to 2.21): where it is not found or fails, all is evaluated as usual, and a deploy that
changes nothing takes a third longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    from ansible._internal._templating._engine import TemplateOptions
    from ansible._internal._templating._lazy_containers import _AnsibleLazyTemplateDict, _AnsibleLazyTemplateMixin
    from ansible._internal._templating._utils import TemplateContext
except Exception:  # noqa: BLE001 - whatever another ansible-core does there, it evaluates without this.
    TemplateContext = None

#: The variables as they were written, by the id of the dictionary that keeps their values; it keeps them alive, too.
_written: dict[int, tuple[Any, Mapping[str, Any]]] = {}


def remember(templar: Any, variables: Mapping[str, Any]) -> None:
    """Give a templar these variables, each of which it evaluates once.

    :param templar: a ``Templar`` or the engine in it, which nobody else uses.
    """
    templar.available_variables = variables
    kept = _lazy(getattr(templar, "_engine", templar), variables)
    if kept is not None:
        _written[id(kept)] = kept, variables
        templar.available_variables = kept


def _lazy(engine: Any, variables: Mapping[str, Any]) -> Any:
    """Return Ansible's own dictionary that keeps what it has evaluated, or nothing where this ansible-core has none."""
    try:
        with TemplateContext(
            template_value=None, templar=engine, options=TemplateOptions.DEFAULT, stop_on_template=False
        ):
            kept = _AnsibleLazyTemplateMixin._try_create(dict(variables))
        return kept if isinstance(kept, _AnsibleLazyTemplateDict) else None
    except Exception:  # noqa: BLE001 - as above.
        return None


def written(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return variables as they were written, with no value of one that was evaluated beside others."""
    return _written[id(variables)][1] if id(variables) in _written else variables
