"""The report of a look at a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from faceprint.evaluate.report import (
    Block,
    Environment,
    Figure,
    Picture,
    Pictures,
    Report,
    Section,
    Text,
    crops_picture,
)
from faceprint.train.data.explore.copies import Copies, copies_section, find_copies
from faceprint.train.data.explore.labels import label_section
from faceprint.train.data.explore.photos import (
    people_section,
    photo_counts,
    photos_section,
    sample_section,
)
from faceprint.train.data.explore.suspects import Faces, Suspect, Twin, find_suspects
from faceprint.train.data.records import IntArray
from faceprint.train.data.shards import PreparedDataset
from faceprint.types import FloatArray

__all__ = ["exploration_report"]

_SHOWN: Final = 24


def exploration_report(
    data: PreparedDataset,
    environment: Environment,
    *,
    vectors: FloatArray | None = None,
    embedder: str = "",
    why_no_vectors: str = "",
    seed: int = 0,
) -> Report:
    """The report: people, faces, the state of the photos, labels, copies, and names to look at.

    Args:
        data: The dataset.
        environment: What made it.
        vectors: (N, D) float32 of length 1, embeddings of its crops; None without.
        embedder: Card name of what made them.
        why_no_vectors: Why there are none, for the reader.
        seed: Of what is drawn to be shown.

    Raises:
        DatasetError: A crop cannot be read.
    """
    copies = find_copies(data)
    faces = None
    if vectors is not None and len(data.people):
        faces = find_suspects(vectors, data.identity)
    names = (
        Section("Names to look at", (Text(_why_not(data, why_no_vectors)),))
        if faces is None or vectors is None
        else _names_section(data, vectors, faces, embedder)
    )
    return Report(
        kind="data exploration",
        title=f"A look at {data.name}",
        run=data.name,
        figures=tuple(_figures(data, copies, faces, embedder)),
        sections=(
            people_section(data),
            sample_section(data, seed=seed),
            photos_section(data),
            label_section(data),
            copies_section(data, copies),
            names,
        ),
        environment=environment,
        warnings=tuple(_warnings(data, copies)),
    )


def _why_not(data: PreparedDataset, why: str) -> str:
    if not len(data.people):
        return "It is not known whom the photos show, so no name can be wrong."
    return f"Names were not checked against faces: {why or 'no embeddings were asked for'}."


def _figures(
    data: PreparedDataset, copies: Copies, faces: Faces | None, embedder: str
) -> Iterator[Figure]:
    yield Figure("photos", len(data), "count", note=f"crops of {data.side_px} px")
    counts = photo_counts(data)
    if len(counts):
        once = float((counts == 1).mean())
        yield Figure("people", len(counts), "count", note=f"{counts.mean():.1f} photos each")
        note = f"{int((counts == 1).sum()):,} people; they give no pair of one person"
        yield Figure("people with one photo", once, "share", note=note)
    for label, classes in data.classes.items():
        yield Figure(f"classes of {label}", len(classes), "count")
    note = f"{copies.exact:,} byte for byte, {copies.near:,} nearly"
    yield Figure("copies", copies.exact + copies.near, "count", note=note)
    yield Figure("groups of copies labelled differently", len(copies.disagreeing), "count")
    if faces is not None:
        note = f"of {faces.checked:,} photos, by {embedder}"
        yield Figure("photos nearer to somebody else", len(faces.suspects), "count", note=note)
        yield Figure("pairs of names that may be one person", len(faces.twins), "count")


def _warnings(data: PreparedDataset, copies: Copies) -> Iterator[str]:
    counts = photo_counts(data)
    if len(counts) == 1:
        yield "All photos show one person: there are no pairs of two to train on."
    elif len(counts) and counts.max() == 1:
        yield "Nobody has two photos: there are no pairs of one person to train on."
    if copies.disagreeing:
        yield (
            f"Some photos stand in the data several times under labels that contradict each other "
            f"({len(copies.disagreeing):,} of them)."
        )


def _names_section(
    data: PreparedDataset, vectors: FloatArray, faces: Faces, embedder: str
) -> Section:
    text = (
        f"Each photo of people with two or more ({faces.checked:,}) is compared, by {embedder}, with the "
        "middle of its person's other photos and with the middle of everybody else's. A photo nearer to "
        "somebody else may be mislabelled, or be a poor one: look at it."
    )
    blocks: list[Block] = [
        Text(text),
        Pictures(
            "Nearer to somebody else",
            tuple(_suspect(data, vectors, one) for one in faces.suspects[:_SHOWN]),
            f"{_told(len(faces.suspects))}The photo; the most typical one of the same name; the nearest one "
            "of the other.",
        ),
        Pictures(
            "One person under two names?",
            tuple(_twin(data, vectors, one) for one in faces.twins[:_SHOWN]),
            f"{_told(len(faces.twins))}People whose photos are as alike as those of one person: their "
            f"middles have a similarity of {faces.typical:.3f} at least, the median of a photo to its own "
            "person.",
        ),
    ]
    return Section("Names to look at", tuple(blocks))


def _told(count: int) -> str:
    return f"The first {_SHOWN} of {count:,}. " if count > _SHOWN else ""


def _suspect(data: PreparedDataset, vectors: FloatArray, found: Suspect) -> Picture:
    own = np.flatnonzero(data.identity == found.person)
    own = own[own != found.row]
    typical = own[(vectors[own] @ vectors[own].sum(axis=0)).argmax()]
    rows = np.array([found.row, typical, _nearest(data, vectors, found.other, vectors[found.row])])
    name, other = (data.people[who].replace("_", " ") for who in (found.person, found.other))
    return _picture(
        data,
        rows,
        f"{found.own_score:.3f} to {name}, {found.other_score:.3f} to {other}",
        [f"labelled {name}", name, other],
    )


def _twin(data: PreparedDataset, vectors: FloatArray, found: Twin) -> Picture:
    middle = vectors[data.identity == found.other].sum(axis=0)
    first = _nearest(data, vectors, found.person, middle)
    second = _nearest(data, vectors, found.other, vectors[first])
    names = [data.people[who].replace("_", " ") for who in (found.person, found.other)]
    return _picture(data, np.array([first, second]), f"similarity {found.score:.3f}", names)


def _nearest(data: PreparedDataset, vectors: FloatArray, person: int, to: FloatArray) -> int:
    rows = np.flatnonzero(data.identity == person)
    return int(rows[(vectors[rows] @ to).argmax()])


def _picture(data: PreparedDataset, rows: IntArray, caption: str, names: list[str]) -> Picture:
    photos = [data.names[row] for row in rows.tolist()]
    return crops_picture(data.read(rows), photos, caption, names=names)
