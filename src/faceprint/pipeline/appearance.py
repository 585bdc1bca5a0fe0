"""What the pipeline says of faces besides who they are: where they look, whether they live, how they look.

Estimates, never facts, and never ethnicity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faceprint.pipeline.results import Detection, NamedEmbedding, rounded
from faceprint.types import Face, Image

if TYPE_CHECKING:
    from faceprint.pipeline.segmenting import FaceParts, Segmentation

__all__ = ["AnalysedFace", "Analysis", "EstimatedAge", "Looks", "Pose"]

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Looks:
    """What is wanted of an analysis; the quality of each face always comes.

    Attributes:
        pose: Where the head looks.
        liveness: Whether it is a person before the camera, where a test of that is here.
        parts: What each pixel of the head shows; takes longer.
        appearance: Age, gender and emotion, as far as the attribute models estimate them.
    """

    pose: bool = True
    liveness: bool = True
    parts: bool = False
    appearance: bool = True


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a head looks, degrees; all 0 for a level head that looks into the camera.

    Attributes:
        yaw: Grows as the head turns towards the right of the image.
        pitch: Grows as it looks up.
        roll: Grows as it tilts clockwise in the image.
    """

    yaw: float
    pitch: float
    roll: float

    def to_dict(self) -> JsonObject:
        """The record as JSON values."""
        return {
            "yaw": round(self.yaw, 1),
            "pitch": round(self.pitch, 1),
            "roll": round(self.roll, 1),
        }


@dataclass(frozen=True, slots=True)
class EstimatedAge:
    """How old a face looks.

    Attributes:
        years: 0 and more.
        low: Lower end of the interval, at most `years`; None where the model gives none.
        high: Upper end, at least `years`. Between them the age lies with a probability of 80 % by the model's
            own account.
        band: What `years` is in words, as in "30 to 39 years".
    """

    years: float
    low: float | None
    high: float | None
    band: str

    def to_dict(self) -> JsonObject:
        """The record as JSON values."""
        return {
            "years": round(self.years, 1),
            "low": None if self.low is None else round(self.low, 1),
            "high": None if self.high is None else round(self.high, 1),
            "band": self.band,
        }


@dataclass(frozen=True, slots=True, eq=False)
class AnalysedFace:
    """One face and what is told of it; what was not asked for, or cannot be told, is None or empty.

    Attributes:
        face: Where it is, with its landmarks and how well it can be compared.
        age: How old it looks.
        female_probability: 0 to 1: that it looks like a woman's; for a man's it is one less that.
        emotion: The probability that it looks like each emotion, likeliest first; they add up to 1.
        pose: Where the head looks.
        liveness: 0 to 1; 1 for a person before the camera, 0 for a photo of a photo.
        parts: What the pixels of the head show.
        who: Who it is, by the gallery.
    """

    face: Face
    age: EstimatedAge | None
    female_probability: float | None
    emotion: Mapping[str, float]
    pose: Pose | None = None
    liveness: float | None = None
    parts: FaceParts | None = None
    who: NamedEmbedding | None = None

    @property
    def has_appearance(self) -> bool:
        """Whether anything of age, gender and emotion was estimated."""
        return not (self.age is None and self.female_probability is None and not self.emotion)

    def to_dict(self) -> JsonObject:
        """What is told beside the face itself, as JSON values; null for what is not."""
        return {
            "pose": None if self.pose is None else self.pose.to_dict(),
            "liveness": rounded(self.liveness),
            "parts": None if self.parts is None else self.parts.to_dict(),
            "appearance": self._appearance() if self.has_appearance else None,
            "who": None if self.who is None else self.who.to_dict(),
        }

    def _appearance(self) -> JsonObject:
        emotion = {name: rounded(share) for name, share in self.emotion.items()}
        return {
            "age": None if self.age is None else self.age.to_dict(),
            "female_probability": rounded(self.female_probability),
            "emotion": emotion or None,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """The faces of one photo and what is told of them. Nobody is identified unless that was asked for.

    Attributes:
        detection: The faces, with their quality.
        faces: In the order of `detection.faces`.
        models: Model ids of what estimated age, gender and emotion; where several estimate the same, the
            first of them counts.
        segmentation: What the pixels of the photo show, if that was asked for.
        crops: (N, S, S, 3) uint8 RGB: an upright picture of each face, to look at.
        by: What told the rest: "pose", "liveness" and "parts" to the name of a model.
        notes: What was asked for and could not be told: the same words, and "appearance", to the reason in
            plain words.
    """

    detection: Detection
    faces: tuple[AnalysedFace, ...]
    models: tuple[str, ...]
    segmentation: Segmentation | None = None
    crops: Image | None = None
    by: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> JsonObject:
        """The record as JSON values; the estimates of a face stand under "appearance"."""
        record = self.detection.to_dict()
        for face, analysed in zip(record["faces"], self.faces, strict=True):
            face |= analysed.to_dict()
        record["models"] = list(self.models)
        record["by"] = dict(self.by)
        record["notes"] = dict(self.notes)
        return record
