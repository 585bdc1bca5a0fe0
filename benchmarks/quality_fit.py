"""Fits the coefficients of the quality score on LFW people of peopleDevTrain, as they are and spoilt.

    python benchmarks/quality_fit.py --data ../shared/data --out src/faceprint/quality/table.json

Each photo with a face, spoilt or not, is compared with up to six photos of the same person as they are,
others than itself. What is fitted is the share of them at or above the threshold that the shipped
calibration gives for an FMR of 1e-3. The curve of a part is fitted on the photos as they are together with
those spoilt in this respect alone; those of frontality, confidence and embedding, which no fault makes
alone, on all photos. A curve has a ceiling of its own, so that it tells what this part costs, whatever
else does. Of other detectors than YuNet, the curve of their confidence is fitted on every fifth person, and
the rest is left as it is. Weights are at least 0: no part may make a face better by getting worse.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from scipy.optimize import minimize
from scipy.special import expit, xlog1py, xlogy

from faceprint import Faceprint
from faceprint.files import write_whole
from faceprint.quality.scoring import MEASURES, Curve, chance, scored
from spoilt_photos import Sample, embed, photos_of

console = Console()
FMR = 1e-3
MATES = 6
OTHER_DETECTORS = ("mtcnn", "dlib-hog")
EVERY = 5
MADE_BY: Mapping[str, tuple[str, ...]] = {
    "sharpness": ("blurred", "shaken", "enlarged"),
    "size": ("small",),
    "uprightness": ("tilted",),
    "exposure": ("dark", "bright", "faded"),
}
"""Which faults make each part worse and, by themselves, no other."""


def main(
    data: Annotated[
        Path, typer.Option(help="Folder that holds lfw/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
    embedder: Annotated[str, typer.Option(help="Card name.")] = "sface",
) -> None:
    """Embeds the photos and fits the table."""
    photos = photos_of(data / "lfw", "peopleDevTrain.txt")
    with Faceprint(detector="yunet", embedder=embedder) as faceprint:
        sample = embed(faceprint, photos, spoilt=2)
        threshold = threshold_of(faceprint)
    record = fit(sample, threshold)
    for detector in OTHER_DETECTORS:
        with Faceprint(detector=detector, embedder=embedder) as faceprint:
            fewer = embed(faceprint, of_some_people(photos), spoilt=1)
            succeed = success(fewer, threshold_of(faceprint))
        curve = fit_curve(fewer.measures.confidence, succeed)
        record["detectors"][detector] = _record(curve)
    record = {
        "about": "Coefficients of the quality score: see benchmarks/quality_fit.py",
        "detector": "yunet",
        "model_id": sample.model_id,
        "dataset": "LFW peopleDevTrain, as it is and spoilt twice",
        "people": len(np.unique(sample.person)),
        "photos": len(sample.person),
        "without_face": int((~sample.found).sum()),
        "fmr": FMR,
        "threshold": round(threshold, 6),
        "date": datetime.now(UTC).date().isoformat(),
        "command": shlex.join(["python", *sys.argv]),
        **record,
    }
    console.print_json(data=record)
    if out is not None:
        write_whole(out, (json.dumps(record, indent=2) + "\n").encode())


def threshold_of(faceprint: Faceprint) -> float:
    """The score of FMR 1e-3 by the shipped calibration."""
    calibration = faceprint.models.calibration
    if calibration is None:
        raise typer.BadParameter("This detector and embedder have no calibration.")
    return calibration.threshold(FMR).score


def fit(sample: Sample, threshold: float, rows: np.ndarray | None = None) -> dict[str, Any]:
    """The table of a sample, as JSON values.

    Args:
        sample: What to fit on.
        threshold: At or above it a comparison succeeds.
        rows: (N,) bool, only these photos; all unless given.
    """
    succeed = success(sample, threshold)
    used = np.isfinite(succeed) & (True if rows is None else rows)
    curves, odds = {}, {}
    for part, name in MEASURES.items():
        measure, some = getattr(sample.measures, name), used
        if part in MADE_BY:
            some = used & sample.alone & (sample.clean | np.isin(sample.kind, MADE_BY[part]))
        curves[part] = fit_curve(measure[some], succeed[some])
        odds[part] = curves[part].log_odds(measure)
    sure = fit_curve(sample.measures.confidence[used], succeed[used])
    odds["confidence"] = sure.log_odds(sample.measures.confidence)
    length = fit_curve(sample.lengths[used], succeed[used])
    informed = odds | {"embedding": length.log_odds(sample.lengths)}
    return {
        "curves": {part: _record(curve) for part, curve in curves.items()},
        "detectors": {"yunet": _record(sure), "yunet-f32": _record(sure)},
        "plain": fit_scoring({part: one[used] for part, one in odds.items()}, succeed[used]),
        "embedders": {
            ":".join(sample.model_id.split(":")[:2]): {
                "curve": _record(length),
                "scoring": fit_scoring(
                    {part: one[used] for part, one in informed.items()}, succeed[used]
                ),
            }
        },
    }


def success(sample: Sample, threshold: float) -> np.ndarray:
    """Share of the comparisons of each photo with good ones that succeed; NaN where there is none."""
    good: dict[str, list[int]] = {}
    for row in np.flatnonzero(sample.clean & sample.found):
        good.setdefault(sample.person[row], []).append(int(row))
    shares = np.full(len(sample.person), np.nan)
    for row in np.flatnonzero(sample.found):
        mates = [
            m for m in good.get(sample.person[row], []) if sample.photo[m] != sample.photo[row]
        ]
        if mates:
            scores = sample.vectors[mates[:MATES]] @ sample.vectors[row]
            shares[row] = np.mean(scores >= threshold)
    return shares


def of_some_people(photos: Sequence[Path]) -> list[Path]:
    """The photos of every fifth person."""
    people = set(sorted({photo.parent for photo in photos})[::EVERY])
    return [photo for photo in photos if photo.parent in people]


def fit_curve(measure: np.ndarray, succeed: np.ndarray) -> Curve:
    """The logistic curve under a ceiling that makes the successes likeliest; NaN is left out."""
    known = np.isfinite(measure) & np.isfinite(succeed)
    measure, succeed = measure[known], succeed[known]
    rising = 1.0 if np.corrcoef(measure, succeed)[0, 1] >= 0 else -1.0
    low, high = np.percentile(measure, [1, 99])
    lowest, highest = np.percentile(measure, [0.1, 99.9])

    def loss(values: np.ndarray) -> float:
        middle, width, ceiling = values[0], rising * np.exp(values[1]), expit(values[2])
        return _cost(ceiling * expit((measure - middle) / width), succeed)

    starts = [(at, np.log((high - low) / part)) for at in (low, high) for part in (6, 20)]
    found = [
        minimize(
            loss, [*start, 4.0], method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-9}
        )
        for start in starts
    ]
    middle, width, _ = min(found, key=lambda one: float(one.fun)).x
    return Curve(float(middle), float(rising * np.exp(width)), float(lowest), float(highest))


def fit_scoring(odds: Mapping[str, np.ndarray], succeed: np.ndarray) -> dict[str, Any]:
    """Logistic regression with weights that are not negative."""
    named = scored(odds)
    columns = np.stack(list(named.values()), axis=1)

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        expected = chance(values[0] + columns @ values[1:])
        wrong = (expected - succeed) / len(succeed)
        return _cost(expected, succeed), np.append(wrong.sum(), columns.T @ wrong)

    start = np.append(0.0, np.full(len(named), 0.3))
    bounds = [(None, None)] + [(0.0, None)] * len(named)
    values = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = {part: round(float(w), 4) for part, w in zip(named, values[1:], strict=True)}
    return {"bias": round(float(values[0]), 4), "weights": weights}


def _cost(expected: np.ndarray, succeed: np.ndarray) -> float:
    expected = expected.clip(1e-9, 1 - 1e-9)
    return -float(np.mean(xlogy(succeed, expected) + xlog1py(1 - succeed, -expected)))


def _record(curve: Curve) -> dict[str, float]:
    return {name: round(value, 4) for name, value in asdict(curve).items()}


if __name__ == "__main__":
    typer.run(main)
