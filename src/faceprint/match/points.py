"""What a calibration measured, point by point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceprint.errors import CalibrationError

__all__ = ["OperatingPoint", "SearchPoint", "Tail", "TailCheck", "check_ladder"]


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold and what it costs.

    Attributes:
        fmr: False match rate.
        score: The threshold.
        low: Lower end of the 95 % interval of the threshold.
        high: Upper end.
        fnmr: False non-match rate at the threshold; NaN where there were no genuine pairs.
        fnmr_low: Lower end of its 95 % interval, each person with genuine pairs counting as one trial;
            None where it was not measured.
        fnmr_high: Upper end.
    """

    fmr: float
    score: float
    low: float
    high: float
    fnmr: float
    fnmr_low: float | None = None
    fnmr_high: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.fmr < 1:
            raise CalibrationError(f"A false match rate lies between 0 and 1, got {self.fmr!r}.")
        if not self.low <= self.score <= self.high or not np.isfinite([self.low, self.high]).all():
            raise CalibrationError(
                f"The threshold at a false match rate of {self.fmr:g} must be finite and lie in its "
                f"interval, got {self.score!r} in {self.low!r} to {self.high!r}."
            )


@dataclass(frozen=True, slots=True)
class TailCheck:
    """How well a tail foretells: the strictest measured decade was hidden, fitted without, and compared.

    Attributes:
        fmr: The false match rate that was foretold, ten times below what the fit saw.
        predicted: The threshold that the tail gave for it.
        measured: The threshold as measured.
        measured_fmr: The false match rate as measured at the predicted threshold.
    """

    fmr: float
    predicted: float
    measured: float
    measured_fmr: float


@dataclass(frozen=True, slots=True)
class Tail:
    """Thresholds for stricter rates than the data supports, from the shape of the highest scores.

    Attributes:
        start: The score from which on the shape was fitted.
        shape: Of the generalised Pareto law that ends at a score of 1; below 0. A rate that is f times
            smaller brings the threshold nearer to 1 by the factor f**shape.
        points: The thresholds, loosest rate first.
        check: What hiding the strictest decade showed; None where there is too little to hide.
    """

    start: float
    shape: float
    points: tuple[OperatingPoint, ...]
    check: TailCheck | None = None

    def __post_init__(self) -> None:
        if not (-np.inf < self.shape < 0 and np.isfinite(self.start)) or not self.points:
            raise CalibrationError(
                f"A tail has a start, a negative shape and points, got {self.start!r}, {self.shape!r} "
                f"and {len(self.points)} points."
            )


@dataclass(frozen=True, slots=True)
class SearchPoint:
    """False positives of whole searches, measured with galleries of people who had no part in the threshold.

    Attributes:
        people: How many people the galleries held.
        templates: How many templates.
        fpir: The false positive identification rate that was asked for.
        threshold: The mean of the thresholds that were derived from it.
        measured_fpir: What the searches gave.
        low: Lower end of its 95 % interval, from resampling the people who were searched for.
        high: Upper end.
        fnir: False negative identification rate at rank 1; None where nobody had a photo to spare.
        probes: How many searches for people who were not enrolled.
    """

    people: int
    templates: int
    fpir: float
    threshold: float
    measured_fpir: float
    low: float
    high: float
    fnir: float | None
    probes: int


def check_ladder(points: tuple[OperatingPoint, ...]) -> None:
    """Refuses thresholds that do not rise while the rate falls.

    Raises:
        CalibrationError: There are none, or they are out of order.
    """
    if not points:
        raise CalibrationError("There are no operating points. Calibrate again on more people.")
    rates, scores = (np.array([getattr(p, part) for p in points]) for part in ("fmr", "score"))
    if (np.diff(rates) >= 0).any() or (np.diff(scores) < 0).any():
        raise CalibrationError(
            "The operating points are out of order: the loosest rate comes first, and a stricter rate "
            "never has a lower threshold."
        )
