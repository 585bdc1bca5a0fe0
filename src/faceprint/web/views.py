"""What templates show: faces with places, labels and words for scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from faceprint.errors import ModelError
from faceprint.pipeline.facade import Faceprint
from faceprint.pipeline.face_choice import LIVENESS, PARSERS, best_here
from faceprint.pipeline.labels import chance, limit_words
from faceprint.pipeline.models import weight_store
from faceprint.pipeline.results import Detection, Identification, NamedEmbedding
from faceprint.pipeline.video.page import clock
from faceprint.types import Candidate, Decision, Face, Threshold
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.cards import Kind

__all__ = [
    "FILTERS",
    "FaceView",
    "Spot",
    "closeness",
    "face_label",
    "face_views",
    "models_in_use",
    "spot_of",
]

Place = Literal["above", "below", "inside"]

_LABEL_ROOM = 0.08
"""Share of the photo's height that a label needs beside its face."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a face is outlined and labelled; left to bottom are percent of the photo.

    Attributes:
        place: Where the label has room.
        anchor: Which edge of the face the label starts from.
    """

    left: float
    top: float
    right: float
    bottom: float
    place: Place
    anchor: Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class FaceView:
    """One face of a result as templates show it.

    Attributes:
        number: Counts from 1.
        index: Counts from 0, in the order of `detect`.
        decision: `match`, `unsure`, `unknown`, or `undecided` where the model has no calibration.
        label: What stands beside the face.
        words: The score in words; empty where nobody is enrolled.
        chance: The probability in words; empty where there is none.
        spot: Where it is outlined and labelled.
    """

    number: int
    index: int
    decision: str
    label: str
    name: str | None
    person_id: str | None
    score: float | None
    words: str
    chance: str
    candidates: tuple[Candidate, ...]
    crop: str
    quality: float | None
    spot: Spot


def face_label(who: NamedEmbedding) -> str:
    """What stands beside a face: a name, a guess, or Unknown."""
    if who.decision is None:
        return "Not decided"
    if who.decision is Decision.MATCH and who.name is not None:
        return who.name
    if who.decision is Decision.UNSURE and who.candidates:
        return f"Unsure: maybe {who.candidates[0].name}"
    return "Unknown"


def closeness(score: float, threshold: Threshold | None) -> str:
    """A score in words, relative to its limits; empty where there are none."""
    if threshold is None:
        return ""
    if score >= (threshold.score + 1) / 2:
        return "far above the limit"
    if score >= threshold.score:
        return "above the limit"
    return "just under the limit" if score >= threshold.unsure_score else "well under the limit"


def face_views(found: Identification, crops: list[str]) -> list[FaceView]:
    """The faces of a result, from left to right as one reads the photo.

    Args:
        found: The result.
        crops: A data URI for each face.
    """
    order = sorted(range(len(found.faces)), key=lambda i: float(found.faces[i].face.box[0]))
    return [
        _view(found, index, number, crops[index]) for number, index in enumerate(order, start=1)
    ]


def _view(found: Identification, index: int, number: int, crop: str) -> FaceView:
    one = found.faces[index]
    return FaceView(
        number=number,
        index=index,
        decision="undecided" if one.decision is None else one.decision.value,
        label=face_label(one.who),
        name=one.name,
        person_id=one.person_id,
        score=one.score,
        words="" if one.score is None else closeness(one.score, found.threshold),
        chance=chance(one.probability),
        candidates=one.candidates,
        crop=crop,
        quality=one.face.quality.score if one.face.quality else None,
        spot=spot_of(one.face, found.detection),
    )


def spot_of(face: Face, photo: Detection) -> Spot:
    """Where a face of a photo is outlined and labelled."""
    x1, y1, x2, y2 = (float(side) for side in face.box)
    left, right = (min(max(x / photo.width, 0.0), 1.0) for x in (x1, x2))
    top, bottom = (min(max(y / photo.height, 0.0), 1.0) for y in (y1, y2))
    return Spot(
        left=100 * left,
        top=100 * top,
        right=100 * right,
        bottom=100 * bottom,
        place=_place(top, bottom),
        anchor="left" if left + right < 1.2 else "right",
    )


def _place(top: float, bottom: float) -> Place:
    if top >= _LABEL_ROOM:
        return "above"
    return "below" if bottom <= 1 - _LABEL_ROOM else "inside"


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.day} {moment:%B %Y}"


def _moment(moment: datetime | None) -> str:
    """A day and a time of this machine."""
    if moment is None:
        return ""
    here = moment.astimezone()
    return f"{here.day} {here:%B %Y, %H:%M}"


def _count(number: int, singular: str, plural: str) -> str:
    return f"{number:,} {singular if number == 1 else plural}"


def _percent(value: float) -> str:
    return f"{value:.3f}%"


def _rate(value: float) -> str:
    """A small rate as people say it: 0.001 as "1 in 1,000"."""
    return f"1 in {round(1 / value):,}" if 0 < value < 0.5 else f"{value:.2g}"


def models_in_use(engine: Faceprint, *, attributes: bool) -> tuple[ModelCard, ...]:
    """The cards of the detector and the embedder, and of what analyses faces, as far as it is here."""
    settings = engine.settings
    store = weight_store(settings)
    names: tuple[str, ...] = ()
    if attributes:
        # A page about what runs here is to say so where no attribute model does.
        with suppress(ModelError):
            names = engine.models.attribute_names
    chosen: dict[Kind, str | None] = {
        "pose": settings.pose,
        "liveness": _chosen(settings.liveness, LIVENESS, store),
        "parser": _chosen(settings.parser, PARSERS, store),
    }
    return (
        store.card(settings.detector, kind="detector"),
        store.card(settings.embedder, kind="embedder"),
        *(store.card(name, kind=kind) for kind, name in chosen.items() if name is not None),
        *(store.card(name, kind="attributes") for name in names),
    )


def _chosen(wanted: str, best: Sequence[str], store: WeightStore) -> str | None:
    """The card that a setting stands for; None where it is to be the best one and none is here."""
    return best_here(best, store) if wanted == "auto" else wanted


FILTERS: dict[str, Callable[..., Any]] = {
    "chance": chance,
    "count": _count,
    "clock": clock,
    "day": _day,
    "moment": _moment,
    "percent": _percent,
    "limit_words": limit_words,
    "rate": _rate,
}
"""Filters of the templates."""
