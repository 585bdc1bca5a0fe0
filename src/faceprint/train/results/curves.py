"""How a training run went: losses and metrics over its epochs."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from faceprint.errors import InputError
from faceprint.evaluate.report import Block, Chart, Mark, Section, Series, Text
from faceprint.evaluate.report.scales import is_share

__all__ = ["Metrics", "metric_name", "read_metrics", "training_section"]

Metrics = Mapping[str, Mapping[int, float]]
"""Of each column, its finite number in each epoch that has one, from 0."""

_PARTS: Final = {"train": "training", "validation": "validation"}
_PLAIN: Final = {"epoch", "step", "seconds", "learning_rate"}
_NAMES: Final = {
    "auc": "AUC",
    "eer": "EER",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
    "fnmr": "FNMR",
    "iou": "IoU",
}
_SHARES: Final = {"AUC", "EER"}


def read_metrics(path: Path) -> Metrics:
    """The columns of a run's metrics.csv, in its order.

    Rows of one epoch are put together: each column has its last number in it.

    Args:
        path: CSV with a head; `epoch` counts from 0, other cells are numbers or blank.

    Raises:
        InputError: The file cannot be read, or is no such table.
    """
    found: dict[str, dict[int, float]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames is None or "epoch" not in reader.fieldnames:
                raise InputError(f"{path} is no table of a run's metrics: it has no column epoch.")
            for name in reader.fieldnames:
                found[name] = {}
            for row in reader:
                _add(found, row)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise InputError(f"The metrics {path} cannot be read: {error}.") from error
    return found


def training_section(metrics: Path, *, kept: int | None = None) -> Section:
    """Losses and metrics over the epochs, each with its counterpart of validation.

    Args:
        metrics: The run's metrics.csv.
        kept: The epoch whose weights were kept, from 0; pointed at.

    Raises:
        InputError: The file cannot be read, or is no such table.
    """
    columns = read_metrics(metrics)
    epochs = sorted({epoch for column in columns.values() for epoch in column})
    if not epochs:
        return Section("Training", (Text("No epoch of this run has ended.", warning=True),))
    marks = () if kept is None else (Mark(f"kept: epoch {kept + 1}", x=kept + 1.0),)
    return Section("Training", (_summary(columns, epochs), *_charts(columns, marks)))


def metric_name(column: str) -> str:
    """A metric as people read it.

    >>> metric_name("auc"), metric_name("fnmr_at_1e-2"), metric_name("age_mae")
    ('AUC', 'FNMR at FMR 1e-2', 'age MAE')
    """
    words = [_NAMES.get(word, word) for word in column.split("_")]
    return re.sub(r"\bFNMR at (?=\d)", "FNMR at FMR ", " ".join(words))


def _add(found: dict[str, dict[int, float]], row: Mapping[str, str | None]) -> None:
    epoch = int(row["epoch"] or 0)
    for name, cell in row.items():
        if name in found and cell:
            value = float(cell)
            if math.isfinite(value):
                found[name][epoch] = value


def _summary(columns: Metrics, epochs: list[int]) -> Text:
    said = f"{len(epochs):,} epoch{'' if len(epochs) == 1 else 's'}"
    steps = columns.get("step", {})
    if steps:
        said += f", {int(max(steps.values())):,} steps"
    seconds = sum(columns.get("seconds", {}).values())
    if seconds:
        said += f", {_duration(seconds)} of training"
    return Text(f"{said}. Losses of training are means over the epoch, with augmentation.")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def _charts(columns: Metrics, marks: tuple[Mark, ...]) -> Iterable[Block]:
    named = {_stem(name): None for name in columns if name not in _PLAIN and columns[name]}
    stems = list(named)
    first = [stem for stem in stems if stem == "loss"]
    shares = [stem for stem in stems if _is_share(stem)]
    rest = [stem for stem in stems if stem not in first and stem not in shares]
    for stem in first:
        yield _chart("Loss", "loss", {stem: ""}, columns, marks)
    if shares:
        yield _chart("Rates", "share", {s: metric_name(s) for s in shares}, columns, marks)
    for stem in rest:
        name = metric_name(stem)
        yield _chart(name[:1].upper() + name[1:], name, {stem: ""}, columns, marks)
    if columns.get("learning_rate"):
        # "rate" in the name of an axis would make percents of its numbers.
        series = _series("learning rate", columns["learning_rate"])
        yield Chart("Learning rate", "epoch", "size of steps", (series,), marks=marks)


def _chart(
    title: str, axis: str, stems: Mapping[str, str], columns: Metrics, marks: tuple[Mark, ...]
) -> Chart:
    series = [
        _series(f"{_PARTS.get(part, '')} {name}".strip(), column)
        for stem, name in stems.items()
        for part in ("", *_PARTS)
        if (column := columns.get(f"{part}_{stem}" if part else stem))
    ]
    return Chart(title, "epoch", axis, tuple(series), marks=marks)


def _series(name: str, column: Mapping[int, float]) -> Series:
    return Series(name, tuple(epoch + 1.0 for epoch in column), tuple(column.values()))


def _stem(column: str) -> str:
    """The metric of a column, whichever part it is of."""
    part, _, stem = column.partition("_")
    return stem if part in _PARTS and stem else column


def _is_share(stem: str) -> bool:
    name = metric_name(stem)
    return is_share(name, "linear") or not _SHARES.isdisjoint(name.split())
