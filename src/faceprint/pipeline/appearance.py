"""What the pipeline says of how faces look: estimates, never facts, and never ethnicity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faceprint.pipeline.results import Detection, rounded
from faceprint.types import Face

__all__ = ["AnalysedFace", "Analysis", "EstimatedAge"]

JsonObject = dict[str, Any]


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
    """One face and how it looks; what no model estimates is None or empty.

    Attributes:
        face: Where it is, and how well it can be seen.
        age: How old it looks.
        female_probability: 0 to 1: that it looks like a woman's; for a man's it is one less that.
        emotion: The probability that it looks like each emotion, likeliest first; they add up to 1.
    """

    face: Face
    age: EstimatedAge | None
    female_probability: float | None
    emotion: Mapping[str, float]

    def to_dict(self) -> JsonObject:
        """The estimates as JSON values; null for what no model estimates."""
        emotion = {name: rounded(share) for name, share in self.emotion.items()}
        return {
            "age": None if self.age is None else self.age.to_dict(),
            "female_probability": rounded(self.female_probability),
            "emotion": emotion or None,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """The faces of one photo and how they look. Nobody is identified.

    Attributes:
        detection: The faces, with their quality.
        faces: In the order of `detection.faces`.
        models: Model ids of what estimated; where several estimate the same, the first of them counts.
    """

    detection: Detection
    faces: tuple[AnalysedFace, ...]
    models: tuple[str, ...]

    def to_dict(self) -> JsonObject:
        """The record as JSON values; the estimates of a face stand under "appearance"."""
        record = self.detection.to_dict()
        for face, analysed in zip(record["faces"], self.faces, strict=True):
            face["appearance"] = analysed.to_dict()
        record["models"] = list(self.models)
        return record
