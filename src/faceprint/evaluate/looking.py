"""Comparisons and photos for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceprint.evaluate.estimates import json_number
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.report.blocks import Column, Picture, Pictures, Section, Table

__all__ = ["Finding", "failure_section", "pictures_of"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A pair to look at.

    Attributes:
        pair: Its index in the list.
        photos: The two.
        rows: Their indices among the photos of the list.
        same: Whether the label says one person.
        score: Cosine similarity.
        reason: What quality or the number of faces suggests.
    """

    pair: int
    photos: tuple[Path, Path]
    rows: tuple[int, int]
    same: bool
    score: float
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "photos": [str(photo) for photo in self.photos],
            "label": "same" if self.same else "different",
            "score": json_number(self.score),
            "reason": self.reason,
        }


def failure_section(embeddings: PhotoEmbeddings) -> tuple[Section, ...]:
    """The photos without an embedding; empty where there are none."""
    failures = embeddings.failures
    if not failures:
        return ()
    shown = failures[:200]
    note = f"The first {len(shown)} of {len(failures):,}." if len(failures) > len(shown) else ""
    rows = tuple((failure.image, failure.message) for failure in shown)
    title = "Photos without an embedding"
    return (Section(title, (Table(title, (Column("photo"), Column("reason")), rows, note),)),)


def pictures_of(
    title: str, findings: Sequence[Finding], embeddings: PhotoEmbeddings, caption: str, note: str
) -> Pictures:
    """Pairs side by side; the caption's {score} and {label} are filled in."""
    items = []
    for finding in findings:
        faces = (embeddings.faces[row] for row in finding.rows)
        boxes = tuple(None if face is None else face.box.astype(float).tolist() for face in faces)
        label = "same person" if finding.same else "two people"
        items.append(
            Picture(
                photos=finding.photos,
                boxes=tuple(None if box is None else (*box,) for box in boxes),
                names=tuple(photo.stem for photo in finding.photos),
                caption=caption.format(score=f"{finding.score:.3f}", label=label),
                reason=finding.reason,
            )
        )
    return Pictures(title, tuple(items), note)
