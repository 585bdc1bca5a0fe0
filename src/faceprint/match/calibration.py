"""Thresholds as data: from an asked false match rate to a score, with its interval and its limits."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from faceprint.errors import CalibrationError
from faceprint.files import write_whole
from faceprint.match.evidence import Evidence
from faceprint.match.points import OperatingPoint, SearchPoint, Tail, check_ladder
from faceprint.types import Threshold

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = [
    "Calibration",
    "OperatingPoint",
    "load_calibration",
    "read_calibration",
    "save_calibration",
]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured for one detector and one embedding model.

    Attributes:
        detector: Card name.
        model_id: Of the embeddings.
        dataset: What it was measured on.
        people: How many people.
        photos: How many photos gave a face.
        failures: How many photos gave none, or could not be read.
        genuine_count: Pairs of photos of one person.
        impostor_count: Pairs of photos of two people.
        date: When, as YYYY-MM-DD.
        command: What made it.
        points: Loosest rate first.
        tail: For stricter rates than the data supports; None where it was not fitted.
        evidence: From scores to likelihood ratios; None where it was not fitted.
        searches: False positives of whole searches, as measured.
    """

    detector: str
    model_id: str
    dataset: str
    people: int
    photos: int
    failures: int
    genuine_count: int
    impostor_count: int
    date: str
    command: str
    points: tuple[OperatingPoint, ...]
    tail: Tail | None = None
    evidence: Evidence | None = None
    searches: tuple[SearchPoint, ...] = ()

    def __post_init__(self) -> None:
        check_ladder(self.points)
        check_ladder(self._ladder)

    @property
    def supported_fmr(self) -> float:
        """The strictest false match rate that the data supports."""
        return self.points[-1].fmr

    def threshold(self, fmr: float) -> Threshold:
        """The threshold for an asked false match rate.

        Between measured rates the score is interpolated over the logarithm of the rate. For a stricter rate
        than the data supports, the score comes from the fitted tail, at most two decades beyond; without
        a tail it is that of the strictest supported rate. Either way the result promises no more than that
        supported rate, and says so.

        Raises:
            CalibrationError: The rate is not between 0 and 1.
        """
        if not 0 < fmr < 1:
            raise CalibrationError(
                f"A false match rate lies between 0 and 1, as in 0.001, got {fmr!r}."
            )
        rates = [p.fmr for p in self._ladder]
        given = float(np.clip(fmr, rates[-1], rates[0]))
        unsure = float(np.clip(10 * given, rates[-1], rates[0]))
        score, low, high = (self._at(given, part) for part in ("score", "low", "high"))
        return Threshold(
            score=score,
            unsure_score=min(self._at(unsure, "score"), score),
            fmr=max(given, self.supported_fmr),
            asked_fmr=fmr,
            interval=(low, high),
            model_id=self.model_id,
            detector=self.detector,
            dataset=self.dataset,
            estimated_fmr=given if given < self.supported_fmr * (1 - 1e-9) else None,
        )

    def log10_ratio(self, scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """How much likelier scores are between photos of one person than of two, as logarithms.

        Args:
            scores: (N,) similarities; minus infinity for a comparison that could not be made.

        Returns:
            (N,) float64, base 10, within what the number of people supports.

        Raises:
            CalibrationError: This calibration has no likelihood ratios, or a score is NaN.
        """
        if self.evidence is None:
            raise CalibrationError(
                f"The calibration of {self.detector} and {self.model_id} has no likelihood ratios. "
                "Calibrate again: faceprint calibrate FOLDER"
            )
        return self.evidence.log10_ratio(scores)

    def to_json(self) -> bytes:
        """The calibration as `read_calibration` reads it."""
        return (json.dumps(asdict(self), indent=1) + "\n").encode()

    @property
    def _ladder(self) -> tuple[OperatingPoint, ...]:
        return self.points if self.tail is None else self.points + self.tail.points

    def _at(self, fmr: float, part: str) -> float:
        ladder = self._ladder[::-1]
        values = [getattr(p, part) for p in ladder]
        return float(np.interp(np.log10(fmr), np.log10([p.fmr for p in ladder]), values))


def load_calibration(
    detector: str, model_id: str, *, folder: Path | None = None, beside: Path | None = None
) -> Calibration | None:
    """The calibration of a detector and a model: the user's own, else what came with it, else None.

    Args:
        detector: Card name.
        model_id: Of the embeddings.
        folder: Where the user's own are.
        beside: A calibration that lies beside the weights; left out where it is of another detector, or
            of the model with other steps before it.

    Raises:
        CalibrationError: The file does not hold a calibration.
    """
    name = _file_name(detector, model_id)
    if folder is not None and (folder / name).is_file():
        return read_calibration(folder / name)
    if beside is not None:
        found = read_calibration(beside)
        if (found.detector, found.model_id) == (detector, model_id):
            return found
    shipped = resources.files("faceprint.match") / "tables" / name
    return _parse(shipped.read_text("utf-8"), name) if shipped.is_file() else None


def read_calibration(path: Path) -> Calibration:
    """The calibration in a file.

    Raises:
        CalibrationError: The file does not hold one.
    """
    return _parse(_read(path), str(path))


def save_calibration(calibration: Calibration, folder: Path) -> Path:
    """Writes a calibration where `load_calibration` finds it, whole or not at all; the path.

    Raises:
        OSError: The disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _file_name(calibration.detector, calibration.model_id)
    write_whole(path, calibration.to_json())
    return path


def _file_name(detector: str, model_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+-]", "_", f"{detector}__{model_id}") + ".json"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrationError(f"The calibration {path} cannot be read: {error}") from error


def _parse(text: str, origin: str) -> Calibration:
    from pydantic import ValidationError

    try:
        return _reader().validate_json(text, strict=True)
    except (ValidationError, CalibrationError) as error:
        raise CalibrationError(
            f"{origin} is not a calibration ({_reason(error)}). Delete it and calibrate again: "
            "faceprint calibrate FOLDER"
        ) from error


@cache
def _reader() -> TypeAdapter[Calibration]:
    from pydantic import TypeAdapter

    return TypeAdapter(Calibration)


def _reason(error: ValueError | CalibrationError) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error).rstrip(".")
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"])) or "the whole"
    return f"{place}: {first['msg']}"
