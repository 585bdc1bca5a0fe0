"""What measuring attribute models gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceprint.evaluate.estimates import Estimate, json_number, json_rate
from faceprint.match import Rate
from faceprint.match.agreement import Reliability
from faceprint.pipeline.results import Failure

__all__ = ["AgeFigures", "AgePart", "AttributesResult", "GenderFigures", "GenderPart"]


@dataclass(frozen=True, slots=True)
class AgePart:
    """How far ages are off, for all faces or for some of them.

    Attributes:
        name: As in "20 to 29 years".
        faces: How many.
        mean_error: Mean absolute error in years.
        bias: Mean of estimate less label in years: above 0 they are made older.
        within_five: Share of the faces that are off by 5 years or less.
    """

    name: str
    faces: int
    mean_error: Estimate
    bias: Estimate
    within_five: Rate

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "name": self.name,
            "faces": self.faces,
            "mean_error_years": self.mean_error.to_dict(),
            "bias_years": self.bias.to_dict(),
            "within_five_years": json_rate(self.within_five),
        }


@dataclass(frozen=True, slots=True)
class AgeFigures:
    """How well a model tells ages.

    Attributes:
        model: Card name.
        whole: Of all faces.
        root_mean_square: Root of the mean squared error, years.
        explained: Share of the variance of ages that is explained (R²); below 0 where the mean age would
            do better.
        covered: Share of the ages inside the interval that the model gives; None where it gives none.
        bands: By labelled age.
        sexes: By labelled sex.
        places: Up to 2,000 of (labelled age, estimate), for drawing.
    """

    model: str
    whole: AgePart
    root_mean_square: Estimate
    explained: Estimate
    covered: Rate | None
    bands: tuple[AgePart, ...]
    sexes: tuple[AgePart, ...]
    places: tuple[tuple[int, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values, without `places`."""
        return {
            "model": self.model,
            **self.whole.to_dict(),
            "root_mean_square_years": self.root_mean_square.to_dict(),
            "r2": self.explained.to_dict(),
            "interval_covers": None if self.covered is None else json_rate(self.covered),
            "bands": [part.to_dict() for part in self.bands],
            "sexes": [part.to_dict() for part in self.sexes],
        }


@dataclass(frozen=True, slots=True)
class GenderPart:
    """How often the estimated gender is the labelled sex, for some of the faces."""

    name: str
    accuracy: Rate

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {"name": self.name, "accuracy": json_rate(self.accuracy)}


@dataclass(frozen=True, slots=True, eq=False)
class GenderFigures:
    """How well estimated gender from appearance agrees with sex as labelled.

    Attributes:
        model: Card name.
        accuracy: Share of the faces where they agree, taking the likelier gender.
        precision: Of those estimated female, then male, the share that is labelled so.
        recall: Of those labelled female, then male, the share that is estimated so.
        f1: Harmonic mean of the two, female, then male.
        confusion: Counts: rows labelled female, male; columns estimated female, male.
        calibration_error: Mean distance of the stated probability and what came true (ECE, 15 bins).
        brier: Mean squared error of the probability of female.
        reliability: Stated against observed shares.
        bands: By labelled age.
    """

    model: str
    accuracy: Rate
    precision: tuple[Rate | None, Rate | None]
    recall: tuple[Rate | None, Rate | None]
    f1: tuple[Estimate, Estimate]
    confusion: tuple[tuple[int, int], tuple[int, int]]
    calibration_error: Estimate
    brier: Estimate
    reliability: Reliability
    bands: tuple[GenderPart, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        sexes = ("female", "male")
        return {
            "model": self.model,
            "accuracy": json_rate(self.accuracy),
            "precision": _rates(sexes, self.precision),
            "recall": _rates(sexes, self.recall),
            "f1": {name: one.to_dict() for name, one in zip(sexes, self.f1, strict=True)},
            "confusion": {
                f"labelled {name}": dict(
                    zip(("estimated female", "estimated male"), row, strict=True)
                )
                for name, row in zip(sexes, self.confusion, strict=True)
            },
            "calibration_error": self.calibration_error.to_dict(),
            "brier": self.brier.to_dict(),
            "reliability": [
                {"stated": json_number(x), "observed": json_number(y), "faces": int(count)}
                for x, y, count in zip(
                    self.reliability.stated,
                    self.reliability.observed,
                    self.reliability.counts,
                    strict=True,
                )
            ],
            "bands": [part.to_dict() for part in self.bands],
        }


@dataclass(frozen=True, slots=True, eq=False)
class AttributesResult:
    """How attribute models do on photos with ages and sexes.

    Attributes:
        root: Folder of the photos.
        detector: Card name of what found the faces.
        models: Card names.
        drawn: How many photos were looked at.
        duplicates: How many copies were left out.
        conflicts: Groups of copies with labels that differ, left out; names of their files.
        not_found: Of the photos that could be read, the share in which no face was found (FTE).
        ages: One for each model that estimates ages.
        genders: One for each model that estimates gender.
        failures: Photos that do not count: names that say nothing, unreadable, no face.
    """

    root: Path
    detector: str
    models: tuple[str, ...]
    drawn: int
    duplicates: int
    conflicts: tuple[tuple[str, ...], ...]
    not_found: Rate
    ages: tuple[AgeFigures, ...]
    genders: tuple[GenderFigures, ...]
    failures: tuple[Failure, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "root": str(self.root),
            "detector": self.detector,
            "models": list(self.models),
            "drawn": self.drawn,
            "duplicates": self.duplicates,
            "conflicts": [list(some) for some in self.conflicts],
            "not_found": json_rate(self.not_found),
            "age": [one.to_dict() for one in self.ages],
            "gender": [one.to_dict() for one in self.genders],
            "failures": [one.to_dict() for one in self.failures],
        }


def _rates(names: tuple[str, str], rates: tuple[Rate | None, Rate | None]) -> dict[str, Any]:
    return {
        name: None if one is None else json_rate(one)
        for name, one in zip(names, rates, strict=True)
    }
