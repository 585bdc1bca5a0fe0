"""What photos are labelled with: how often, and what goes with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.evaluate.report import (
    Block,
    Cell,
    Chart,
    Column,
    Matrix,
    Section,
    Series,
    Table,
    Text,
)
from faceprint.train.data.shards import PreparedDataset
from faceprint.types import FloatArray

__all__ = ["correlations", "label_columns", "label_section", "words"]

_SEX: Final = "female"
_MEASURES: Final = ("sharpness", "eye_distance_px")
_STRONGEST: Final = 12
_FEW: Final = 4

_Float64 = npt.NDArray[np.float64]


def words(label: str) -> str:
    """The name of a label as people read it.

    >>> words("5_o_Clock_Shadow"), words("eye_distance_px")
    ('5 o Clock Shadow', 'eye distance, px')
    """
    return label.replace("_px", ", px").replace("_", " ")


def label_section(data: PreparedDataset) -> Section:
    """Histograms of the labels and their correlations."""
    if not data.labels:
        return Section("Labels", (Text("The photos have no labels beside who they show."),))
    return Section("Labels", (*_histograms(data), *_parts(data), *_correlations(data)))


def label_columns(data: PreparedDataset) -> dict[str, FloatArray]:
    """Labels and measures as numbers: a column for each class of a label that has classes.

    Columns that do not vary are left out.
    """
    found: dict[str, FloatArray] = {}
    for name, values in data.labels.items():
        if name not in data.classes:
            found[words(name)] = values
            continue
        for number, word in enumerate(data.classes[name]):
            column = np.where(np.isnan(values), np.nan, values == number)
            found[word] = column.astype(np.float32)
    found |= {words(name): data.measures[name] for name in _MEASURES}
    return {name: column for name, column in found.items() if _varies(column)}


def correlations(columns: Mapping[str, FloatArray]) -> _Float64:
    """Pearson's correlation of each two columns over the rows that have both.

    Args:
        columns: (N,) float32 each, NaN where unknown.

    Returns:
        (K, K) float64, -1 to 1; NaN where fewer than two rows have both, or one does not vary in them.
    """
    table = np.stack([column.astype(np.float64) for column in columns.values()], axis=1)
    there = ~np.isnan(table)
    mask = there.astype(np.float64)
    # Without their means, sums of squares lose no digits.
    middles = np.nansum(table, axis=0) / mask.sum(axis=0)
    filled = np.where(there, table - middles, 0.0)
    both = mask.T @ mask
    with np.errstate(all="ignore"):
        means = filled.T @ mask / both
        shared = filled.T @ filled / both - means * means.T
        spread = (filled**2).T @ mask / both - means**2
        found: _Float64 = shared / np.sqrt(spread * spread.T)
    found[(spread < 1e-12) | (spread.T < 1e-12)] = np.nan
    return np.clip(found, -1, 1)


def _varies(column: FloatArray) -> bool:
    known = column[~np.isnan(column)]
    return len(known) > 1 and bool(known.min() < known.max())


def _is_binary(values: FloatArray) -> bool:
    return bool(np.isin(values[~np.isnan(values)], (0, 1)).all())


def _histograms(data: PreparedDataset) -> Iterator[Block]:
    binary = []
    for name, values in data.labels.items():
        if name in data.classes:
            yield _class_chart(data, name)
        elif _is_binary(values):
            binary.append(name)
        else:
            yield _number_chart(data, name)
    if binary:
        yield _binary_block(data, binary)


def _class_chart(data: PreparedDataset, name: str) -> Chart:
    classes = data.classes[name]
    values = data.labels[name]
    counts = [float((values == number).sum()) for number in range(len(classes))]
    places = tuple(float(place) for place in range(len(classes)))
    shares = tuple(f"{count / max(1.0, sum(counts)):.1%}" for count in counts)
    series = Series("photos", places, tuple(counts), labels=shares)
    title = words(name)[:1].upper() + words(name)[1:]
    return Chart(title, words(name), "photos", (series,), "bars", categories=classes)


def _binary_block(data: PreparedDataset, names: list[str]) -> Block:
    """How often each label is a yes: bars, or a table where there are few."""
    known = {name: data.labels[name][~np.isnan(data.labels[name])] for name in names}
    shares = {name: float(values.mean()) for name, values in known.items() if len(values)}
    ordered = sorted(shares, key=lambda name: -shares[name])
    labels = tuple(f"{int(known[name].sum()):,} of {len(known[name]):,}" for name in ordered)
    if len(ordered) < _FEW:
        rows = tuple((words(n), shares[n], labels[k]) for k, n in enumerate(ordered))
        columns = (Column("label"), Column("share", "share"), Column("photos"))
        return Table("Yes or no", columns, rows)
    places = tuple(float(place) for place in range(len(ordered)))
    series = Series("yes", places, tuple(shares[name] for name in ordered), labels=labels)
    return Chart(
        "Yes or no",
        "label",
        "share of the photos",
        (series,),
        "bars",
        categories=tuple(map(words, ordered)),
    )


def _number_chart(data: PreparedDataset, name: str) -> Chart:
    values = data.labels[name]
    known = values[~np.isnan(values)]
    edges = np.histogram_bin_edges(known, bins="auto") if len(known) else np.array([0.0, 1.0])
    if len(known) and (known == np.round(known)).all() and np.ptp(known) <= 150:
        edges = np.arange(known.min(), known.max() + 2) - 0.5
    series = []
    for group, rows in _by_sex(data).items():
        chosen = values[rows]
        counts, _ = np.histogram(chosen[~np.isnan(chosen)], bins=edges)
        series.append(Series(group, tuple(edges[:-1].tolist()), tuple(counts.astype(float))))
    title = words(name)[:1].upper() + words(name)[1:]
    note = (
        f"5 % are below {np.quantile(known, 0.05):.0f}, half below {np.median(known):.0f}, 95 % below "
        f"{np.quantile(known, 0.95):.0f}."
        if len(known)
        else ""
    )
    return Chart(title, words(name), "photos", tuple(series), "bars", note=note)


def _by_sex(data: PreparedDataset) -> dict[str, npt.NDArray[np.bool_]]:
    """The rows of each sex as labelled, where there is such a label; else all."""
    sex = data.labels.get(_SEX)
    if sex is None or not _varies(sex):
        return {"photos": np.ones(len(data), dtype=np.bool_)}
    groups = {"labelled female": sex == 1, "labelled male": sex == 0}
    unknown = np.isnan(sex)
    return groups | ({"sex unknown": unknown} if unknown.any() else {})


def _parts(data: PreparedDataset) -> Iterator[Block]:
    """How many photos the publisher's parts have, by class where there are classes."""
    parts = np.array(data.parts)
    names = [name for name in dict.fromkeys(data.parts) if name]
    if not names:
        return
    groups = {
        word: data.labels[label] == number
        for label, classes in data.classes.items()
        if label in data.labels
        for number, word in enumerate(classes)
    }
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            name,
            int((parts == name).sum()),
            *(int((group & (parts == name)).sum()) for group in groups.values()),
        )
        for name in names
    )
    columns = (Column("part"), Column("photos", "count"), *(Column(g, "count") for g in groups))
    yield Table("The publisher's parts", columns, rows)


def _correlations(data: PreparedDataset) -> Iterator[Block]:
    columns = label_columns(data)
    if len(columns) < 2:
        return
    names = tuple(columns)
    found = correlations(columns)
    yield Matrix(
        "Correlations",
        "",
        "",
        names,
        names,
        tuple(tuple(None if np.isnan(v) else v for v in row) for row in found.tolist()),
        unit="number",
        texts=tuple(tuple(f"{v:+.2f}" for v in row) for row in found.tolist()),
        note="Labels and measures of photos, Pearson's correlation over the photos that have both. Blue "
        "goes together, red excludes each other. What goes together here, a network may take for the same.",
    )
    if len(names) > 4:
        yield _strongest(names, found, _rivals(data))


def _rivals(data: PreparedDataset) -> set[frozenset[str]]:
    """Classes of one label, which exclude each other: their correlation says nothing."""
    return {frozenset(pair) for some in data.classes.values() for pair in combinations(some, 2)}


def _strongest(names: tuple[str, ...], found: _Float64, rivals: set[frozenset[str]]) -> Table:
    pairs = [
        (one, other, float(found[i, j]))
        for (i, one), (j, other) in combinations(enumerate(names), 2)
        if not np.isnan(found[i, j]) and frozenset((one, other)) not in rivals
    ]
    pairs.sort(key=lambda pair: -abs(pair[2]))
    columns = (Column(""), Column(""), Column("correlation"))
    rows = tuple((one, other, f"{value:+.2f}") for one, other, value in pairs[:_STRONGEST])
    return Table("The strongest", columns, rows)
