"""How many photos of whom, and in what state they are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np

from faceprint.evaluate.report import (
    Block,
    Cell,
    Chart,
    Column,
    Pictures,
    Section,
    Series,
    Table,
    Text,
    crops_picture,
)
from faceprint.train.data.explore.labels import words
from faceprint.train.data.records import IntArray
from faceprint.train.data.shards import PreparedDataset
from faceprint.types import FloatArray

__all__ = ["people_section", "photo_counts", "photos_section", "sample_section"]

_LEAST: Final = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)
_EDGES: Final = (1, 2, 3, 4, 5, 6, 8, 11, 21, 51, 101, 201, 501)
_MEANINGS: Final = {
    "width_px": "Width of the photos",
    "height_px": "Height of the photos",
    "eye_distance_px": "Distance of the eyes in the photos",
    "sharpness": "Sharpness of the crops",
    "score": "Score of the detector",
}
_BINS: Final = 50
_EXTREMES: Final = 10
_SAMPLE_PEOPLE: Final = 40
_SAMPLE_OF_CLASS: Final = 10
_AGES: Final = (0, 3, 10, 20, 30, 40, 50, 60, 70, 80, 200)


def photo_counts(data: PreparedDataset) -> IntArray:
    """(P,) int64: how many photos each person has."""
    known = data.identity[data.identity >= 0]
    return np.bincount(known, minlength=len(data.people)).astype(np.int64)


def people_section(data: PreparedDataset) -> Section:
    """Photos per person: a histogram, the long tail, and what can be trained with whom."""
    counts = photo_counts(data)
    if not len(counts):
        text = "It is not known whom the photos show, so nothing can be said of people."
        return Section("People", (Text(text),))
    unknown = int((data.identity < 0).sum())
    notes = (Text(f"Of {unknown:,} photos it is not known whom they show."),) if unknown else ()
    most = np.argsort(-counts, kind="stable")[:10]
    names = Table(
        "Most photos",
        (Column("person"), Column("photos", "count")),
        tuple((data.people[k], int(counts[k])) for k in most),
    )
    return Section(
        "People", (*notes, _count_chart(counts), _tail_chart(counts), _least_table(counts), names)
    )


def photos_section(data: PreparedDataset) -> Section:
    """Sizes, sharpness and eye distance, and the photos that are worst in them."""
    measured = {name: values[~np.isnan(values)] for name, values in data.measures.items()}
    measured = {name: values for name, values in measured.items() if len(values)}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            words(name),
            *(float(f"{np.quantile(values, q):.4g}") for q in (0, 0.05, 0.5, 0.95, 1)),
        )
        for name, values in measured.items()
    )
    heads = ("", "least", "5 % below", "median", "95 % below", "most")
    table = Table(
        "",
        tuple(Column(head, "number" if head else None) for head in heads),
        rows,
        "Sharpness is the logarithm of the fine detail in the crop: the higher, the sharper.",
    )
    charts = [
        _measure_chart(name, measured[name])
        for name in _MEANINGS
        if name in measured and np.ptp(measured[name]) > 0
    ]
    return Section("State of the photos", (table, *charts, *_extremes(data)))


def sample_section(data: PreparedDataset, *, seed: int) -> Section:
    """Faces drawn at random: of each class or age where they are labelled, else of different people."""
    random = np.random.default_rng(seed)
    groups = _groups(data)
    items = []
    for name, rows in groups.items():
        count = _SAMPLE_PEOPLE if len(groups) == 1 else _SAMPLE_OF_CLASS
        drawn = np.sort(random.choice(rows, min(count, len(rows)), replace=False))
        caption = f"{name}: {len(rows):,} photos" if name else ""
        titles = [_face_name(data, row) for row in drawn.tolist()]
        photos = [data.names[row] for row in drawn.tolist()]
        items.append(crops_picture(data.read(drawn), photos, caption, names=titles))
    note = f"Crops of {data.side_px} px, drawn at random."
    return Section("Faces", (Pictures("A sample", tuple(items), note),))


def _count_chart(counts: IntArray) -> Chart:
    edges = [edge for edge in _EDGES if edge <= counts.max()]
    ends = [*edges[1:], None]
    names = [
        f"{low}" if high == low + 1 else f"{low} to {high - 1}" if high else f"{low} or more"
        for low, high in zip(edges, ends, strict=True)
    ]
    people, _ = np.histogram(counts, bins=[*edges, np.inf])
    labels = tuple(f"{share:.1%} of the people" for share in people / len(counts))
    places = tuple(float(place) for place in range(len(edges)))
    series = Series("people", places, tuple(people.astype(float)), labels=labels)
    return Chart(
        "Photos of a person",
        "photos",
        "people",
        (series,),
        "bars",
        categories=tuple(names),
        note=f"Mean {counts.mean():.1f}, median {np.median(counts):.0f}, most {counts.max():,}.",
    )


def _tail_chart(counts: IntArray) -> Chart:
    ordered = np.sort(counts)[::-1]
    shares = np.cumsum(ordered) / ordered.sum()
    half = int(np.searchsorted(shares, 0.5)) + 1
    ranks = tuple(np.arange(1, len(ordered) + 1).astype(float))
    labels = tuple(f"{share:.1%} of all photos up to here" for share in shares)
    return Chart(
        "The long tail",
        "people, from most photos to fewest",
        "photos",
        (Series("photos", ranks, tuple(ordered.astype(float)), labels=labels),),
        kind="step",
        x_scale="log",
        y_scale="log",
        note=f"{half:,} of {len(ordered):,} people have half of the photos.",
    )


def _least_table(counts: IntArray) -> Table:
    rows = []
    for least in _LEAST:
        kept = counts[counts >= least]
        if not len(kept):
            break
        pairs = int((kept * (kept - 1) // 2).sum())
        rows.append((least, len(kept), int(kept.sum()), pairs))
    columns = ("photos at least", "people", "their photos", "pairs of one person")
    return Table(
        "What there is to train on", tuple(Column(c, "count") for c in columns), tuple(rows)
    )


def _measure_chart(name: str, values: FloatArray) -> Chart:
    low, high = float(values.min()), float(values.max())
    if name.endswith("_px"):
        high = min(high, float(np.quantile(values, 0.99)) * 1.25)
    counts, edges = np.histogram(values, bins=_BINS, range=(low, high))
    beyond = int((values > high).sum())
    series = Series("photos", tuple(edges[:-1].tolist()), tuple(counts.astype(float)))
    note = f"{beyond:,} photos lie beyond." if beyond else ""
    return Chart(_MEANINGS[name], words(name), "photos", (series,), "bars", note=note)


def _extremes(data: PreparedDataset) -> Iterator[Block]:
    items = []
    for title, name, sign in (
        ("The blurriest", "sharpness", 1),
        ("The sharpest", "sharpness", -1),
        ("The smallest faces", "eye_distance_px", 1),
        ("The detector's least sure", "score", 1),
    ):
        values = data.measures[name]
        known = np.flatnonzero(~np.isnan(values))
        if not len(known) or not np.ptp(values[known]):
            continue
        rows = known[np.argsort(sign * values[known], kind="stable")[:_EXTREMES]]
        titles = [f"{values[row]:.3g}" for row in rows]
        photos = [data.names[row] for row in rows.tolist()]
        caption = f"{title}, by {words(name)}"
        items.append(crops_picture(data.read(rows), photos, caption, names=titles))
    if items:
        yield Pictures("The extremes", tuple(items), "Look here for what is no face at all.")


def _groups(data: PreparedDataset) -> dict[str, IntArray]:
    for label, classes in data.classes.items():
        if label in data.labels:
            rows = {
                word: np.flatnonzero(data.labels[label] == number)
                for number, word in enumerate(classes)
            }
            return {word: found for word, found in rows.items() if len(found)}
    if "age" in data.labels:
        place = np.digitize(data.labels["age"], _AGES) - 1
        names = [
            f"{low} to {high - 1} years" if high < 200 else f"{low} years and over"
            for low, high in pairwise(_AGES)
        ]
        rows = {name: np.flatnonzero(place == k) for k, name in enumerate(names)}
        return {f"Labelled {name}": found for name, found in rows.items() if len(found)}
    _, firsts = np.unique(data.identity, return_index=True)
    firsts = firsts[data.identity[firsts] >= 0]
    return {"": firsts if len(firsts) else np.arange(len(data))}


def _face_name(data: PreparedDataset, row: int) -> str:
    if data.identity[row] >= 0:
        return str(data.people[data.identity[row]]).replace("_", " ")
    age = data.labels.get("age")
    return "" if age is None or np.isnan(age[row]) else f"age {age[row]:.0f}"
