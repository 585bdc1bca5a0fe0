"""The report of a trained embedder: how training went, and how well it tells people apart.

Thresholds come from the people of the validation part alone, error rates from those of the test part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.evaluate.report import (
    Block,
    Column,
    Mark,
    Picture,
    Pictures,
    Report,
    Section,
    Table,
    Text,
    crops_picture,
    rate_cell,
)
from faceprint.evaluate.verification.charts import pair_curves, score_histograms
from faceprint.evaluate.verification.figures import ScoredPairs, pair_figures, training_pairs
from faceprint.evaluate.verification.listed import few_notes
from faceprint.evaluate.verification.report import headline_figures, points_table, rate_name
from faceprint.evaluate.verification.results import Accuracy, VerificationFigures
from faceprint.match import error_curve, false_matches, false_non_matches
from faceprint.train.results.confusion import confusion_table
from faceprint.train.results.curves import training_section
from faceprint.train.results.run import TrainedOn, run_section, training_environment
from faceprint.train.sampling import Pairs
from faceprint.types import FloatArray

__all__ = ["PairScores", "embedder_report"]

_RATES: Final = (1e-1, 1e-2, 1e-3)
_SHOWN: Final = 12


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Pairs of photos of a dataset, compared.

    Attributes:
        pairs: Their `first` and `second` are rows of the whole dataset, not of a part of it.
        scores: (P,) float32, the higher the more alike: cosine similarities, or what a classifier says.
    """

    pairs: Pairs
    scores: FloatArray


def embedder_report(
    *,
    name: str,
    recipe: Mapping[str, Any],
    metrics: Path,
    data: TrainedOn,
    validation: PairScores,
    test: PairScores,
    fmr: float,
    facts: Mapping[str, str],
    command: str,
    kept: int | None = None,
) -> Report:
    """The report.

    Args:
        name: Of the run.
        recipe: As nested tables of values.
        metrics: The run's metrics.csv.
        data: The dataset of both lists of pairs.
        validation: What thresholds are estimated on.
        test: What is measured, of other people.
        fmr: False match rate of the threshold that curves and pictures are seen at.
        facts: What else is to be known of the run, as in {"started from": "scratch"}.
        command: As typed.
        kept: The epoch whose weights were kept, from 0.

    Raises:
        InputError: A list lacks genuine or impostor pairs or holds scores that are no numbers, or the
            metrics cannot be read.
    """
    seen, held_out = _scored(validation, data, "validation"), _scored(test, data, "test")
    fitted = training_pairs(seen, name="validation pairs")
    figures = pair_figures(held_out, fitted, rates=sorted({*_RATES, fmr}, reverse=True))
    assert figures.accuracy is not None
    at_rate = error_curve(seen.scores[seen.same], seen.scores[~seen.same]).threshold_at(fmr)
    thresholds = (
        Mark(f"threshold for FMR {rate_name(fmr)}", x=at_rate),
        Mark("most accurate threshold", x=figures.accuracy.thresholds[0]),
    )
    return Report(
        kind="embedder training",
        title=f"Training of an embedder on {data.name}",
        run=name,
        figures=headline_figures(figures),
        sections=(
            run_section(recipe, facts),
            training_section(metrics, kept=kept),
            _validation_section(seen, thresholds),
            Section(
                "Test",
                (
                    *_people_of(seen, held_out),
                    _threshold_table("At the thresholds of validation", held_out, thresholds),
                    points_table("FNMR at FMR, thresholds from impostors of validation", figures),
                    Text(_intervals(figures.accuracy)),
                    *(_confusion(held_out, threshold) for threshold in thresholds),
                    *_test_curves(held_out, thresholds, name),
                ),
            ),
            Section("Pairs to look at", _hardest(test, data, thresholds[0])),
        ),
        environment=training_environment(data, recipe, command),
        warnings=_warnings(figures, seen, held_out),
    )


def _scored(found: PairScores, data: TrainedOn, part: str) -> ScoredPairs:
    pairs = found.pairs
    scores = np.asarray(found.scores, dtype=np.float32)
    if scores.shape != pairs.first.shape or not np.isfinite(scores).all():
        raise InputError(
            f"The {part} pairs need a finite score each: got {scores.shape} scores for {len(pairs):,} "
            f"pairs, {int((~np.isfinite(scores)).sum()):,} of them no numbers. The network may have "
            "diverged: take an earlier checkpoint."
        )
    if pairs.genuine.all() or not pairs.genuine.any():
        kind = "impostor" if pairs.genuine.all() else "genuine"
        raise InputError(f"The {part} part gives no {kind} pairs. Give it more people or photos.")
    people = np.stack([data.identity[pairs.first], data.identity[pairs.second]], axis=1)
    return ScoredPairs(scores, pairs.genuine, people)


def _validation_section(seen: ScoredPairs, thresholds: tuple[Mark, ...]) -> Section:
    blocks: tuple[Block, ...] = (
        Text(
            f"Thresholds are estimated here, on {_counts(seen)}, and nothing else is read off these "
            "pairs: rates at thresholds that were fitted to the same pairs flatter."
        ),
        _threshold_table("Thresholds, and what they give on validation itself", seen, thresholds),
        score_histograms(seen.scores, seen.same, thresholds, title="Scores of validation"),
    )
    return Section("Validation", blocks)


def _threshold_table(title: str, pairs: ScoredPairs, thresholds: tuple[Mark, ...]) -> Table:
    rows = []
    for mark in thresholds:
        limit = mark.x or 0.0
        right = (pairs.scores >= limit) == pairs.same
        rows.append(
            (
                mark.name,
                limit,
                float(right.mean()),
                rate_cell(false_matches(pairs.scores[~pairs.same], limit)),
                rate_cell(false_non_matches(pairs.scores[pairs.same], limit)),
            )
        )
    columns = (
        Column(""),
        Column("score", "score"),
        Column("accuracy", "share"),
        Column("FMR"),
        Column("FNMR"),
    )
    return Table(title, columns, tuple(rows), "Intervals here are those of the counts alone.")


def _confusion(pairs: ScoredPairs, threshold: Mark) -> Block:
    matched = pairs.scores >= (threshold.x or 0.0)
    counts = np.array(
        [
            [np.count_nonzero(matched[kind]), np.count_nonzero(~matched[kind])]
            for kind in (pairs.same, ~pairs.same)
        ]
    )
    return confusion_table(
        counts,
        ("one person", "two people"),
        answers=("match", "no match"),
        title=f"Confusion matrix at the {threshold.name}",
        note=f"Score {threshold.x or 0.0:.3f}, estimated on validation.",
    )


def _test_curves(pairs: ScoredPairs, thresholds: tuple[Mark, ...], name: str) -> tuple[Block, ...]:
    curves = pair_curves(pairs.scores, pairs.same, name=name, threshold=thresholds[0])
    histogram = score_histograms(pairs.scores, pairs.same, thresholds)
    return tuple(histogram if chart.title == histogram.title else chart for chart in curves)


def _people_of(seen: ScoredPairs, held_out: ScoredPairs) -> tuple[Block, ...]:
    both = np.intersect1d(seen.people, held_out.people)
    shared = f"{len(both):,} of them are" if len(both) else "nobody is"
    return (Text(f"Measured on {_counts(held_out)}; {shared} in the validation pairs."),)


def _counts(pairs: ScoredPairs) -> str:
    genuine = int(pairs.same.sum())
    return (
        f"{genuine:,} genuine and {len(pairs.same) - genuine:,} impostor pairs of "
        f"{len(np.unique(pairs.people)):,} people"
    )


def _intervals(accuracy: Accuracy) -> str:
    return (
        "Intervals of the headline figures and of FNMR at FMR hold 95 %: people are drawn anew with all "
        "their pairs, since pairs that share a person are not independent. The accuracy is that at the "
        f"most accurate threshold of {accuracy.fitted_on}, {accuracy.thresholds[0]:.3f}."
    )


def _warnings(
    figures: VerificationFigures, seen: ScoredPairs, held_out: ScoredPairs
) -> tuple[str, ...]:
    notes = few_notes(held_out.same, held_out.people[:, 0])
    both = np.intersect1d(seen.people, held_out.people)
    if len(both):
        notes.insert(
            0,
            f"{len(both):,} people are in the validation and in the test pairs: thresholds were fitted to "
            "faces that they are then measured on, so the figures flatter. Split by identity.",
        )
    if figures.auc.value < 0.5:
        notes.insert(0, "Strangers score higher than people with themselves: nothing was learnt.")
    return tuple(notes)


def _hardest(test: PairScores, data: TrainedOn, threshold: Mark) -> tuple[Block, ...]:
    genuine = test.pairs.genuine
    limit = threshold.x or 0.0
    order = np.argsort(test.scores, kind="stable")
    caption = f"score {{:.3f}}, {threshold.name} {limit:.3f}"
    return (
        Pictures(
            "Most alike of two people",
            _pictures(test, data, order[::-1][~genuine[order[::-1]]][:_SHOWN], caption),
            "Impostor pairs of the highest scores: false matches where they reach the threshold.",
        ),
        Pictures(
            "Least alike of one person",
            _pictures(test, data, order[genuine[order]][:_SHOWN], caption),
            "Genuine pairs of the lowest scores: misses where they are below the threshold, or labels "
            "that are wrong.",
        ),
    )


def _pictures(
    test: PairScores, data: TrainedOn, places: npt.NDArray[np.intp], caption: str
) -> tuple[Picture, ...]:
    rows = np.stack([test.pairs.first[places], test.pairs.second[places]], axis=1)
    crops = data.read(rows.ravel())
    return tuple(
        crops_picture(
            crops[2 * k : 2 * k + 2],
            [data.names[row] for row in pair],
            caption.format(float(test.scores[place])),
        )
        for k, (pair, place) in enumerate(zip(rows.tolist(), places, strict=True))
    )
