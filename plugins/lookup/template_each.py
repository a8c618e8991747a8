# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lookup ``template_each``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: template_each
short_description: Evaluate a variable once for each item of a list
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Returns the value of a variable for each item, with the item under a name that the variable refers to.
  - This is a loop for data, where a task's C(loop) would need one task, and one apply set, an item.
options:
  _terms:
    description:
      - Name of the variable to evaluate, whose value may be anything.
    required: true
  items:
    description: The items.
    type: list
    elements: raw
    required: true
  item_name:
    description: The variable that holds the item meanwhile.
    type: str
    required: true
"""

EXAMPLES = r"""
objects: "{{ query('airflow.kubernetes.template_each', 'my_group_deployment', items=my_groups, item_name='my_group') }}"
"""

RETURN = r"""
_list:
  description: The values, one an item.
  type: list
  elements: raw
"""

from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.airflow.kubernetes.plugins.plugin_utils._templating import remember, written


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        if len(terms) != 1:
            raise AnsibleError("The lookup template_each takes the name of one variable.")
        name, item_name = terms[0], self.get_option("item_name")
        known = written(variables or {})
        if name not in known:
            raise AnsibleError(f"The lookup template_each knows no variable {name}.")
        values = []
        for item in self.get_option("items"):
            templar = self._templar.copy_with_new_env()
            remember(templar, {**known, item_name: item})
            values.append(templar.template(known[name]))
        return values
