"""The curves of a verification."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceprint.evaluate.reasons import pair_quality
from faceprint.evaluate.report.blocks import Chart, Mark, Series
from faceprint.evaluate.report.shapes import percent
from faceprint.evaluate.verification.results import VerificationResult
from faceprint.match import ErrorCurve, clopper_pearson, error_curve
from faceprint.types import FloatArray

__all__ = ["curve_of", "curves", "discard_chart", "pair_curves", "score_histograms"]

_DISCARDS = tuple(round(0.02 * step, 2) for step in range(26))


def curve_of(result: VerificationResult) -> ErrorCurve:
    """FMR and FNMR over all thresholds."""
    same = result.pairs.same
    return error_curve(result.scores[same], result.scores[~same])


def curves(result: VerificationResult, threshold: Mark) -> tuple[Chart, ...]:
    """ROC, DET, the scores, and both rates over the threshold.

    Args:
        result: What was found.
        threshold: Pointed at; its x is a score.
    """
    name = result.embeddings.model_id
    return pair_curves(result.scores, result.pairs.same, name=name, threshold=threshold)


def pair_curves(
    scores: FloatArray, same: npt.NDArray[np.bool_], *, name: str, threshold: Mark
) -> tuple[Chart, ...]:
    """ROC, DET, the scores, and both rates over the threshold, of scored pairs.

    Args:
        scores: (P,) float32; -inf where a comparison could not be made.
        same: (P,) bool, whether a pair shows one person.
        name: Of what made the scores.
        threshold: Pointed at; its x is a score.
    """
    curve = error_curve(scores[same], scores[~same]).thinned()
    labels = tuple(f"threshold {value:.3f}" for value in curve.thresholds)
    ends = [
        clopper_pearson(round(rate * curve.genuine_count), curve.genuine_count)
        for rate in curve.fnmr
    ]
    here = curve.rates_at(np.array([0.0 if threshold.x is None else threshold.x]))
    fmr, fnmr = float(here[0][0]), float(here[1][0])
    smallest = f"The smallest FMR that {curve.impostor_count:,} impostor pairs can show is "
    note = smallest + f"{percent(1 / curve.impostor_count)}."
    roc = Chart(
        "ROC",
        "FMR",
        "TAR (1 - FNMR)",
        (
            Series(
                name,
                tuple(curve.fmr.tolist()),
                tuple((1 - curve.fnmr).tolist()),
                tuple(1 - high for _, high in ends),
                tuple(1 - low for low, _ in ends),
                labels,
            ),
        ),
        kind="step",
        x_scale="log",
        marks=(Mark(threshold.name, fmr, 1 - fnmr),) if fmr > 0 else (),
        note=note,
    )
    det = Chart(
        "DET",
        "FMR",
        "FNMR",
        (
            Series(
                name,
                tuple(curve.fmr.tolist()),
                tuple(curve.fnmr.tolist()),
                labels=labels,
            ),
        ),
        x_scale="deviate",
        y_scale="deviate",
        marks=(Mark(threshold.name, fmr, fnmr),) if fmr > 0 and fnmr > 0 else (),
        note=note,
    )
    steps = tuple(curve.thresholds.tolist())
    sweep = Chart(
        "Rates over the threshold",
        "threshold",
        "rate",
        (
            Series("FMR", steps, tuple(curve.fmr.tolist())),
            Series("FNMR", steps, tuple(curve.fnmr.tolist())),
        ),
        marks=(threshold,),
    )
    return roc, det, score_histograms(scores, same, (threshold,)), sweep


def score_histograms(
    scores: FloatArray,
    same: npt.NDArray[np.bool_],
    thresholds: tuple[Mark, ...],
    *,
    title: str = "Scores",
) -> Chart:
    """How alike genuine and impostor pairs are.

    Args:
        scores: (P,) float32; -inf where a comparison could not be made.
        same: (P,) bool, whether a pair shows one person.
        thresholds: Pointed at; their x are scores.
        title: Of the chart.
    """
    made = scores > -np.inf
    edges = np.histogram_bin_edges(scores[made].astype(np.float64), bins=60)
    series = []
    for name, kind in (("genuine", same), ("impostor", ~same)):
        counts, _ = np.histogram(scores[made & kind], bins=edges)
        shares = counts / int(kind.sum())
        series.append(Series(name, tuple(edges[:-1].tolist()), tuple(shares.tolist())))
    return Chart(
        title,
        "score",
        "share of the pairs",
        tuple(series),
        kind="bars",
        marks=thresholds,
        note="" if made.all() else "Comparisons that could not be made have no score.",
    )


def discard_chart(result: VerificationResult, threshold: Mark) -> Chart:
    """FNMR among the pairs that stay when those of the poorest faces are put aside."""
    pairs, same = result.pairs, result.pairs.same
    quality = np.array(
        [
            pair_quality(result.embeddings, int(a), int(b))
            for a, b in zip(pairs.first[same], pairs.second[same], strict=True)
        ]
    )
    missed = result.scores[same] < (threshold.x or 0.0)
    by_quality = missed[np.argsort(quality, kind="stable")]
    rates = [float(by_quality[int(share * len(missed)) :].mean()) for share in _DISCARDS]
    # What a perfect measure of quality would do: the misses go first.
    best = np.sort(missed)[::-1]
    ideal = [float(best[int(share * len(missed)) :].mean()) for share in _DISCARDS]
    return Chart(
        "Misses when the poorest faces are put aside",
        "share of the genuine pairs put aside",
        "FNMR",
        (
            Series("by quality", _DISCARDS, tuple(rates)),
            Series("the best there could be", _DISCARDS, tuple(ideal)),
        ),
        kind="step",
        note=f"At the {threshold.name}, {threshold.x or 0.0:.3f}, where {int(missed.sum()):,} pairs are "
        "missed. A falling line says that the quality score knows which comparisons go wrong.",
    )
