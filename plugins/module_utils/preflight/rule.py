# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule of input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: The options of the module ``preflight``, and its ``values``.
Given = Mapping[str, Any]
#: What a message has in braces beside the names of :data:`Given`.
Fields = Mapping[str, Any]


def never(_given: Given) -> bool:
    return False


@dataclass(frozen=True)
class Rule:
    """What input must not be.

    :param variables: names of the variables that it is about, separated by spaces.
    :param when: ends the sentence "Refused when ...", for the documentation.
    :param message: what is wrong and what to write instead, with names of values and of fields in braces.
    :param applies: whether the rule is violated, where there is one violation at most.
    :param find: the fields of the message for each violation, where there can be several.
    :param is_warning: the deploy goes on.
    :param cel: what has to hold, for the API server's check of the custom resource, where it can say it; see
        tools/docs/cel.py. The preflight does not read it.
    """

    variables: str
    when: str
    message: str
    applies: Callable[[Given], Any] = never
    find: Callable[[Given], Iterable[Fields]] | None = None
    is_warning: bool = False
    cel: str = ""

    def messages(self, given: Given) -> Iterator[str]:
        """Yield the message of each violation."""
        found = self.find(given) if self.find else [{}] * bool(self.applies(given))
        for fields in found:
            yield self.message.format_map({**given, **fields})
