"""Thresholds as data: from an asked false match rate to a score, with its interval and its limits."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from faceprint.errors import CalibrationError
from faceprint.files import write_whole
from faceprint.types import FloatArray, Threshold

__all__ = ["Calibration", "OperatingPoint", "load_calibration", "save_calibration"]


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold and what it costs, as measured.

    Attributes:
        fmr: False match rate.
        score: The threshold.
        low: Lower end of the 95 % interval of the threshold.
        high: Upper end.
        fnmr: False non-match rate at the threshold.
    """

    fmr: float
    score: float
    low: float
    high: float
    fnmr: float


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

    def threshold(self, fmr: float) -> Threshold:
        """The threshold for an asked false match rate.

        Between measured rates the score is interpolated over the logarithm of the rate. A stricter rate
        than the data supports gives the strictest that it does, which the result says.

        Raises:
            CalibrationError: The rate is not between 0 and 1.
        """
        if not 0 < fmr < 1:
            raise CalibrationError(
                f"A false match rate lies between 0 and 1, as in 0.001, got {fmr!r}."
            )
        rates = np.array([p.fmr for p in self.points])
        given = float(np.clip(fmr, rates.min(), rates.max()))
        score, low, high = (
            self._at(given, np.array([getattr(p, part) for p in self.points]))
            for part in ("score", "low", "high")
        )
        unsure = self._at(
            float(np.clip(10 * given, rates.min(), rates.max())),
            np.array([p.score for p in self.points]),
        )
        return Threshold(
            score=score,
            unsure_score=min(unsure, score),
            fmr=given,
            asked_fmr=fmr,
            interval=(low, high),
            model_id=self.model_id,
            detector=self.detector,
            dataset=self.dataset,
        )

    def _at(self, fmr: float, values: FloatArray) -> float:
        logs = np.log10([p.fmr for p in self.points])[::-1]
        return float(np.interp(np.log10(fmr), logs, values[::-1]))


def load_calibration(
    detector: str, model_id: str, *, folder: Path | None = None
) -> Calibration | None:
    """The calibration of a detector and a model: the user's own, else the shipped one, else None.

    Args:
        detector: Card name.
        model_id: Of the embeddings.
        folder: Where the user's own are.

    Raises:
        CalibrationError: The file does not hold a calibration.
    """
    name = _file_name(detector, model_id)
    if folder is not None and (folder / name).is_file():
        return _parse((folder / name).read_text("utf-8"), str(folder / name))
    shipped = resources.files("faceprint.match") / "tables" / name
    return _parse(shipped.read_text("utf-8"), name) if shipped.is_file() else None


def save_calibration(calibration: Calibration, folder: Path) -> Path:
    """Writes a calibration where `load_calibration` finds it, whole or not at all; the path.

    Raises:
        OSError: The disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _file_name(calibration.detector, calibration.model_id)
    write_whole(path, (json.dumps(asdict(calibration), indent=1) + "\n").encode())
    return path


def _file_name(detector: str, model_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+-]", "_", f"{detector}__{model_id}") + ".json"


def _parse(text: str, origin: str) -> Calibration:
    try:
        fields = json.loads(text)
        points = tuple(OperatingPoint(**point) for point in fields.pop("points"))
        calibration = Calibration(**fields, points=points)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CalibrationError(
            f"{origin} is not a calibration ({error}). Delete it and calibrate again: "
            "faceprint calibrate FOLDER"
        ) from error
    if not points:
        raise CalibrationError(f"{origin} has no operating points. Calibrate again on more people.")
    return calibration
