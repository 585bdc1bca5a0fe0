"""What a report is made of: figures, tables, charts and pictures; how it looks is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "Block",
    "Cell",
    "Chart",
    "Column",
    "Environment",
    "Figure",
    "Mark",
    "Matrix",
    "Picture",
    "Pictures",
    "Report",
    "Section",
    "Series",
    "Table",
    "Text",
]

Cell = str | int | float | bool | None
"""A value of a table; None where there is nothing to give."""

Unit = Literal["share", "number", "score", "seconds", "count"]
"""How a number reads: `share` 0.0123 as 1.23 %, `score` with three decimals, `count` as an integer."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One headline number with its interval.

    Attributes:
        name: As in "FNMR at FMR 1e-3"; equal names are set side by side when runs are compared.
        value: NaN where it cannot be given; then `note` says why.
        unit: How it reads.
        low: Lower end of the 95 % interval, if there is one.
        high: Upper end.
        better: Which direction is better; None where neither is.
        note: What it rests on, as in "500 genuine pairs".
    """

    name: str
    value: float
    unit: Unit = "share"
    low: float | None = None
    high: float | None = None
    better: Literal["higher", "lower"] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of plain text; `warning` ones stand out."""

    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its head, and how its numbers read."""

    name: str
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table; each row has a cell for each column."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """A line or a histogram of a chart.

    Attributes:
        name: What it is called.
        x: Finite numbers.
        y: As many.
        low: Lower ends of the 95 % intervals of y, or empty.
        high: Upper ends, or empty.
        labels: What is shown where the pointer rests, or empty, as in a threshold for each point.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A point or a line to point at, as in the threshold in use; x or y alone gives a line."""

    name: str
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves or histograms over common axes.

    Attributes:
        title: Equal titles are laid over each other when runs are compared.
        x_name: Of the axis.
        y_name: Of the axis.
        series: What is drawn.
        kind: `line`, `step` (horizontal, then vertical), `bars` (histograms: x the left edges of bins of
            equal width; with categories, their places), or `points`.
        x_scale: `linear`, `log`, or `deviate` (the axis of a DET curve: rates as normal deviates).
        y_scale: The same.
        marks: What is pointed at.
        note: How to read it.
        categories: Names of the places 0, 1, 2, … of a linear x axis, where it has no numbers, as for
            groups; an x between two places stands beside the nearer one.
    """

    title: str
    x_name: str
    y_name: str
    series: tuple[Series, ...]
    kind: Literal["line", "step", "bars", "points"] = "line"
    x_scale: Literal["linear", "log", "deviate"] = "linear"
    y_scale: Literal["linear", "log", "deviate"] = "linear"
    marks: tuple[Mark, ...] = ()
    note: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """Photos side by side with what is to be said of them.

    Attributes:
        photos: Paths of the photos; the face at `boxes` is cut out for the page.
        boxes: x1, y1, x2, y2 in pixels for each photo; None for the whole photo.
        names: What each photo is called, as in "Barack_Obama_0003".
        caption: As in "score 0.412, threshold 0.361".
        reason: What quality or pose suggests, as in "the second face is turned away"; empty if nothing.
        encoded: The faces as JPEG files, one for each photo, where they are not files of their own to be
            read again, as in prepared data; empty otherwise. The page has them, the JSON does not.
    """

    photos: tuple[Path, ...]
    boxes: tuple[tuple[float, float, float, float] | None, ...]
    names: tuple[str, ...]
    caption: str
    reason: str = ""
    encoded: tuple[bytes, ...] = field(default=(), repr=False, metadata={"json": False})


@dataclass(frozen=True, slots=True)
class Pictures:
    """A gallery of pictures, as in the worst false matches."""

    title: str
    items: tuple[Picture, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Numbers of rows against columns, each cell the darker the larger its number: a heat map.

    Up to twelve columns say their numbers; beyond, colours alone do, and the numbers where the pointer
    rests.

    Attributes:
        title: Equal titles are set side by side when runs are compared.
        row_name: What the rows are, as in "shown".
        column_name: What the columns are, as in "answered".
        row_names: One for each row.
        column_names: One for each column.
        values: As many rows of as many numbers; None where there is nothing to give.
        unit: How they read.
        texts: What cells say instead of their numbers, as in "412 (91.2 %)"; or empty.
        limit: The number of the strongest colour; below 0, that of the other colour has its negative.
        note: How to read it.
    """

    title: str
    row_name: str
    column_name: str
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    unit: Unit = "share"
    texts: tuple[tuple[str, ...], ...] = ()
    limit: float = 1.0
    note: str = ""


Block = Text | Table | Chart | Pictures | Matrix


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """What made the figures.

    Attributes:
        command: As typed.
        date: YYYY-MM-DD.
        version: Of faceprint.
        machine: As in {"cpu": …, "cores": 2, "python": …, "os": …}.
        models: For each model: {"role", "name", "model_id" or "digest", "licences", "training_data",
            "commercial", "paper", "source"}.
        settings: Those that matter for the figures, as in {"flip": False}.
        data: {"dataset", "root", "photos", "failures", "licence note"}.
    """

    command: str
    date: str
    version: str
    machine: dict[str, Any]
    models: tuple[dict[str, Any], ...]
    settings: dict[str, Any]
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """One run, ready to be written.

    Attributes:
        kind: As in "verification"; only runs of one kind are compared.
        title: As in "Verification on LFW view 1".
        run: What to call this run beside others, as in "yunet + sface".
        figures: The headline numbers.
        sections: The rest.
        environment: What made it.
        warnings: What a reader must know before the figures.
    """

    kind: str
    title: str
    run: str
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]
    environment: Environment
    warnings: tuple[str, ...] = field(default=())
