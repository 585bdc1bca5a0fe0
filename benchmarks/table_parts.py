"""What the tables of the README and the pages are made with."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

__all__ = ["Row", "interval", "percent", "rows_of", "table"]

HERE = Path(__file__).resolve().parent
Row = dict[str, str]


def rows_of(name: str) -> list[Row]:
    """The rows of a CSV."""
    with (HERE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *names: str) -> str:
    """A table in Markdown, and below it the commands of the CSVs that it comes from."""
    lines = [" | ".join(cells) for cells in (head, ["---"] * len(head), *rows)]
    text = "".join(f"| {line} |\n" for line in lines)
    commands = dict.fromkeys(row["command"] for name in names for row in rows_of(name))
    return f"{text}\nReproduce: {', '.join(f'`{command}`' for command in commands)}\n"


def percent(value: str | float, digits: int = 1) -> str:
    """A share as a percentage."""
    return "-" if value == "" else f"{100 * float(value):.{digits}f} %"


def interval(row: Row, name: str, digits: int = 1) -> str:
    """A share with its interval, from the columns NAME, NAME_low and NAME_high."""
    low, high = (f"{100 * float(row[f'{name}_{end}']):.{digits}f}" for end in ("low", "high"))
    return f"{percent(row[name], digits)} ({low} to {high})"
