"""What a section of the benchmark found, and how it is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Aim:
    """What a figure should not exceed.

    :param text: what the figure is.
    """

    text: str
    value: float
    limit: float
    unit: str = ""

    @property
    def met(self) -> bool:
        return self.value <= self.limit


@dataclass(frozen=True)
class Section:
    """A section of the report.

    :param method: how it was measured, in a line.
    :param rows: cells as text, the first row being the heading.
    :param figures: the same for machines, with every single measurement.
    """

    title: str
    method: str
    rows: Sequence[Sequence[str]]
    aims: Sequence[Aim]
    figures: Mapping[str, Any] = field(default_factory=dict)


def show(section: Section) -> None:
    """Print a section: its method, its table, its aims."""
    print(f"\n{section.title}\n  Method: {section.method}")
    widths = [max(len(row[column]) for row in section.rows) for column in range(len(section.rows[0]))]
    for number, row in enumerate(section.rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  " + "  ".join(cells).rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))
    for aim in section.aims:
        verdict = "met" if aim.met else "NOT met"
        print(f"  Aim: {aim.text} at most {aim.limit:g}{aim.unit}: {aim.value:.3g}{aim.unit}, {verdict}")
    print(flush=True)


def as_data(section: Section) -> dict[str, Any]:
    """Return a section as what JSON can hold."""
    aims = [vars(aim) | {"met": aim.met} for aim in section.aims]
    return {"title": section.title, "method": section.method, "aims": aims, **section.figures}
