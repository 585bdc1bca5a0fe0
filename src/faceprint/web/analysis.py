"""An analysis as templates show it: layers over the photo, and what is told of each face."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from PIL import Image as Pillow

from faceprint.media.axes import axes_of
from faceprint.parse.classes import number_of
from faceprint.pipeline.analysis_picture import axes_place
from faceprint.pipeline.appearance import AnalysedFace, Analysis, Pose
from faceprint.pipeline.labels import chance, pose_words, share_words
from faceprint.pipeline.parts_pictures import PALETTE
from faceprint.pipeline.results import Detection, NamedEmbedding
from faceprint.quality import find_faults
from faceprint.types import Labels, Quality
from faceprint.web.appearance import AppearanceView, ShareView, appearance_view
from faceprint.web.pictures import PREVIEW_SIDE_PX, crop_uri
from faceprint.web.views import Spot, closeness, face_label, spot_of

if TYPE_CHECKING:
    from faceprint.pipeline.segmenting import FaceParts

__all__ = [
    "AnalysedView",
    "AxisView",
    "PoseView",
    "QualityView",
    "WhoView",
    "analysed_views",
    "parts_uri",
]

_AXES: Final[tuple[Literal["ear", "chin", "nose"], ...]] = ("ear", "chin", "nose")

_QUALITY_PARTS = {
    "sharpness": "sharp",
    "size": "large enough",
    "frontality": "turned to the camera",
    "uprightness": "upright",
    "exposure": "well lit",
    "confidence": "plain to find",
    "embedding": "clear to the model",
}
"""What each part of the quality is good for."""

_PARTS_ALPHA = 125


@dataclass(frozen=True, slots=True)
class WhoView:
    """Who a face is, as templates show it.

    Attributes:
        decision: `match`, `unsure`, `unknown`, or `undecided` where the model has no calibration.
        label: The name, a guess, or Unknown.
        person_id: Of the one who is named, or guessed; None where nobody is.
        score: Cosine similarity to the likeliest; None if nobody is enrolled.
        words: The score in words; empty where there is no limit.
        chance: The probability in words; empty where there is none.
    """

    decision: str
    label: str
    person_id: str | None
    score: float | None
    words: str
    chance: str


@dataclass(frozen=True, slots=True)
class AxisView:
    """One axis of a head as a line over the photo; x and y are percent of it.

    Attributes:
        name: Where it points: to the person's left `ear`, to the `chin`, or out of the face, as the `nose`.
    """

    name: Literal["ear", "chin", "nose"]
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class PoseView:
    """Where a head looks.

    Attributes:
        words: In plain words.
        yaw: Degrees with a sign, as are the others.
        pitch: Up is above 0.
        roll: Clockwise in the photo is above 0.
        axes: The same, to draw.
    """

    words: str
    yaw: str
    pitch: str
    roll: str
    axes: tuple[AxisView, ...]


@dataclass(frozen=True, slots=True)
class QualityView:
    """How well a face can be compared.

    Attributes:
        score: 0 to 1.
        words: What is wrong, or "good".
        parts: What the score is made of.
    """

    score: float
    words: str
    parts: tuple[ShareView, ...]


@dataclass(frozen=True, slots=True)
class AnalysedView:
    """One face of an analysis; what was not asked for, or cannot be told, is None or empty.

    Attributes:
        number: Counts from 1, from left to right.
        spot: Where it is outlined and labelled.
        label: What stands beside it: who it is, or nothing.
        decision: Of `who`; `found` where nobody was looked for.
        crop: A data URI.
        points: Its landmarks, x and y in percent of the photo.
        liveness: 0 to 1.
        parts: The parts of the head, the largest first.
        covered: How much of the face is, in words.
        looks: Age, gender and emotion.
    """

    number: int
    spot: Spot
    label: str
    decision: str
    crop: str
    who: WhoView | None
    points: tuple[tuple[float, float], ...]
    pose: PoseView | None
    quality: QualityView | None
    liveness: float | None
    parts: tuple[ShareView, ...]
    covered: str
    looks: AppearanceView | None


def analysed_views(found: Analysis) -> list[AnalysedView]:
    """The faces of an analysis, from left to right as one reads the photo."""
    order = sorted(range(len(found.faces)), key=lambda i: float(found.faces[i].face.box[0]))
    return [_view(found, index, number) for number, index in enumerate(order, start=1)]


def parts_uri(labels: Labels) -> str:
    """What the pixels of a photo show as a layer over it: colours where there is a part, else nothing.

    Args:
        labels: (H, W) uint8.

    Returns:
        A PNG as a data URI, at most as large as the preview of the photo.
    """
    layer = Pillow.fromarray(labels)
    layer.putpalette(PALETTE.tobytes())
    scale = min(1.0, PREVIEW_SIDE_PX / max(labels.shape))
    size = tuple(max(1, round(side * scale)) for side in (labels.shape[1], labels.shape[0]))
    layer = layer.resize(size, Pillow.Resampling.NEAREST)
    buffer = io.BytesIO()
    seen = bytes([0] + [_PARTS_ALPHA] * (len(PALETTE) - 1))
    layer.save(buffer, "PNG", transparency=seen, optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _view(found: Analysis, index: int, number: int) -> AnalysedView:
    item, photo = found.faces[index], found.detection
    who = None if item.who is None else _who(item.who)
    return AnalysedView(
        number=number,
        spot=spot_of(item.face, photo),
        label="" if who is None else who.label,
        decision="found" if who is None else who.decision,
        crop="" if found.crops is None else crop_uri(found.crops[index]),
        who=who,
        points=_points(item, photo),
        pose=None if item.pose is None else _pose(item, item.pose, photo),
        quality=None if item.face.quality is None else _quality(item.face.quality),
        liveness=item.liveness,
        parts=() if item.parts is None else _parts(item.parts),
        covered="" if item.parts is None else share_words(item.parts.occlusion),
        looks=appearance_view(item) if item.has_appearance else None,
    )


def _who(who: NamedEmbedding) -> WhoView:
    likeliest = who.candidates[0].person_id if who.candidates else None
    guessed = who.decision is not None and who.decision != "unknown"
    return WhoView(
        decision="undecided" if who.decision is None else who.decision.value,
        label=face_label(who),
        person_id=likeliest if guessed else None,
        score=who.score,
        words="" if who.score is None else closeness(who.score, who.threshold),
        chance=chance(who.probability),
    )


def _points(item: AnalysedFace, photo: Detection) -> tuple[tuple[float, float], ...]:
    if item.face.landmarks is None:
        return ()
    places = 100 * item.face.landmarks / np.array([photo.width, photo.height])
    return tuple((float(x), float(y)) for x, y in places[np.isfinite(places).all(axis=1)])


def _pose(item: AnalysedFace, pose: Pose, photo: Detection) -> PoseView:
    centre, size = axes_place(item.face)
    ends = np.concatenate([[centre], centre + size * axes_of(pose.yaw, pose.pitch, pose.roll)])
    (x1, y1), *tips = (100 * ends / np.array([photo.width, photo.height])).tolist()
    return PoseView(
        words=pose_words(pose),
        yaw=_degrees(pose.yaw),
        pitch=_degrees(pose.pitch),
        roll=_degrees(pose.roll),
        axes=tuple(
            AxisView(name, x1, y1, x2, y2) for name, (x2, y2) in zip(_AXES, tips, strict=True)
        ),
    )


def _degrees(angle: float) -> str:
    """An angle with its sign; nothing is minus nothing."""
    whole = round(angle)
    return f"{'−' if whole < 0 else '+' if whole else ''}{abs(whole)}°"


def _quality(quality: Quality) -> QualityView:
    parts = ((said, getattr(quality, name)) for name, said in _QUALITY_PARTS.items())
    return QualityView(
        score=quality.score,
        words=", ".join(find_faults(quality)) or "good",
        parts=tuple(
            ShareView(said, share_words(part), 100 * part)
            for said, part in parts
            if part is not None
        ),
    )


def _parts(parts: FaceParts) -> tuple[ShareView, ...]:
    shares = sorted(parts.areas.items(), key=lambda area: -area[1])
    return tuple(
        ShareView(
            name, share_words(share), 100 * share, f"#{bytes(PALETTE[number_of(name)]).hex()}"
        )
        for name, share in shares
    )
