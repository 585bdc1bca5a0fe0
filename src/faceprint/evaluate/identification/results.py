"""Who is enrolled in an open-set identification, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.evaluate.estimates import SUPPORT, json_number, json_rate
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.protocols import PeopleFolder
from faceprint.match import OpenSet, Rate
from faceprint.types import Threshold

__all__ = [
    "Draw",
    "FpirPoint",
    "IdentificationFigures",
    "IdentificationPlan",
    "IdentificationResult",
    "ProductSearch",
]

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class IdentificationPlan:
    """Who is enrolled, and with what.

    Attributes:
        enrol: Photos that each person is enrolled with.
        share: Of the people with more photos than that, how many are enrolled; the others, and those with
            fewer photos, are the unknown.
        repetitions: How often to draw.
        seed: Equal seeds draw equal galleries.
        fpir: False positive identification rate asked of the product.
    """

    enrol: int = 1
    share: float = 0.5
    repetitions: int = 10
    seed: int = 0
    fpir: float = 0.01

    def __post_init__(self) -> None:
        if self.enrol < 1 or self.repetitions < 1:
            raise InputError(
                f"Expected at least one photo to enrol and one repetition, got {self.enrol} and "
                f"{self.repetitions}."
            )
        if not 0 < self.share < 1:
            raise InputError(
                "The share of people to enrol lies between 0 and 1, ends excluded, as in 0.5, got "
                f"{self.share!r}."
            )
        if not 0 < self.fpir < 1:
            raise InputError(
                f"A false positive identification rate lies between 0 and 1, got {self.fpir!r}."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One gallery and its probes, as indices of photos.

    Attributes:
        gallery: (G,) int64, what is enrolled.
        known: (K,) int64, other photos of those who are enrolled.
        unknown: (U,) int64, photos of people who are not.
    """

    gallery: _Ints
    known: _Ints
    unknown: _Ints


@dataclass(frozen=True, slots=True)
class FpirPoint:
    """FNIR at an asked FPIR, with the threshold from unknown probes of this very evaluation.

    Attributes:
        asked: The false positive identification rate.
        allowed: How many of the unknown probes of one repetition that is; 0 where there are too few.
        threshold: The lowest that has no more.
        fpir: As measured.
        fnir: Share of known probes whose person is not the best candidate, or is below the threshold.
    """

    asked: float
    allowed: int
    threshold: float
    fpir: Rate
    fnir: Rate

    @property
    def supported(self) -> bool:
        """Whether thirty false positives make the rate: enough for a headline."""
        return self.allowed >= SUPPORT

    @property
    def few(self) -> bool:
        """Whether false positives make the rate, but fewer than thirty."""
        return 0 < self.allowed < SUPPORT

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "fpir_asked": self.asked,
            "supported": self.supported,
            "few": self.few,
            "false_positives_allowed": self.allowed,
            "threshold": json_number(self.threshold),
            "fpir": json_rate(self.fpir),
            "fnir": json_rate(self.fnir),
        }


@dataclass(frozen=True, slots=True)
class ProductSearch:
    """What the threshold that the product chooses for such a gallery gives.

    Attributes:
        asked: The false positive identification rate.
        threshold: The threshold, with what it was calibrated on.
        fpir: As measured.
        fnir: As measured.
    """

    asked: float
    threshold: Threshold
    fpir: Rate
    fnir: Rate

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "fpir_asked": self.asked,
            "threshold": json_number(self.threshold.score),
            "threshold_supported": self.threshold.supported,
            "calibrated_on": self.threshold.dataset,
            "fpir": json_rate(self.fpir),
            "fnir": json_rate(self.fnir),
        }


@dataclass(frozen=True, slots=True, eq=False)
class IdentificationFigures:
    """The figures over all repetitions.

    Counts are means of a repetition, rounded; intervals come from drawing people anew.

    Attributes:
        people: How many are enrolled.
        templates: How many photos they are enrolled with, those without an embedding included.
        unenrolled: How many of them have no template, because all their photos failed.
        unknown_people: How many are not enrolled.
        rank1: Share of known probes whose own person scores highest, at no threshold.
        cmc: (R,) float64, identification rate at ranks 1 to R.
        points: FNIR at FPIR 10 %, 1 % and 0.1 %.
        product: At the product's own threshold; None without a calibration.
        pooled: All repetitions as one set of searches.
    """

    people: int
    templates: int
    unenrolled: float
    unknown_people: int
    rank1: Rate
    cmc: _Floats
    points: tuple[FpirPoint, ...]
    product: ProductSearch | None
    pooled: OpenSet

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "people": self.people,
            "templates": self.templates,
            "people_without_template": json_number(self.unenrolled),
            "unknown_people": self.unknown_people,
            "rank1": json_rate(self.rank1),
            "cmc": [json_number(float(value)) for value in self.cmc],
            "fnir_at_fpir": [point.to_dict() for point in self.points],
            "at_product_threshold": None if self.product is None else self.product.to_dict(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class IdentificationResult:
    """What an evaluation on a folder per person found.

    Attributes:
        folder: The photos.
        embeddings: Of its photos.
        plan: Who was enrolled, and with what.
        draw: The first gallery and its probes.
        figures: Photos without an embedding counted as misses, or as no false positives: the headline.
        without_failures: The figures of the photos that have one; None where all do, or where too few
            people are left.
        notes: What a reader of the figures must know.
    """

    folder: PeopleFolder
    embeddings: PhotoEmbeddings
    plan: IdentificationPlan
    draw: Draw
    figures: IdentificationFigures
    without_failures: IdentificationFigures | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        reduced = self.without_failures
        return {
            "dataset": self.folder.name,
            "detector": self.embeddings.detector,
            "model": self.embeddings.model_id,
            "photos": len(self.folder.photos),
            "people": len(self.folder.names),
            "failures": [failure.to_dict() for failure in self.embeddings.failures],
            "enrolled_photos_each": self.plan.enrol,
            "repetitions": self.plan.repetitions,
            "seed": self.plan.seed,
            "figures": self.figures.to_dict(),
            "figures_without_failures": None if reduced is None else reduced.to_dict(),
            "notes": list(self.notes),
        }
