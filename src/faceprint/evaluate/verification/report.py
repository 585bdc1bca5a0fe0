"""The report of a verification: curves, thresholds, and the pairs to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence

from faceprint.evaluate.estimates import Estimate, estimate_figure
from faceprint.evaluate.looking import Finding, failure_section, pictures_of
from faceprint.evaluate.report import (
    Block,
    Chart,
    Column,
    Environment,
    Figure,
    Mark,
    Report,
    Section,
    Series,
    Table,
    Text,
    figure_of,
    percent,
    rate_cell,
)
from faceprint.evaluate.verification.charts import curve_of, curves, discard_chart
from faceprint.evaluate.verification.results import (
    FmrPoint,
    VerificationFigures,
    VerificationResult,
)
from faceprint.evaluate.verification.suspects import worst_pairs

__all__ = ["headline_figures", "points_table", "rate_name", "verification_report"]

_SHOWN = 12


def verification_report(
    result: VerificationResult, environment: Environment, *, run: str, fmr: float = 1e-3
) -> Report:
    """The report.

    Args:
        result: What was found.
        environment: What made it.
        run: What to call it beside others.
        fmr: False match rate of the threshold that pictures and curves are seen at; the product's own
            threshold for it, or without a calibration that of these pairs.
    """
    threshold = _threshold(result, fmr)
    return Report(
        kind="verification",
        title=f"Verification on {result.pairs.name}",
        run=run,
        figures=headline_figures(result.figures),
        sections=(
            Section("Error rates", _rates(result)),
            Section("Curves", curves(result, threshold)),
            Section("Quality", (discard_chart(result, threshold),)),
            *_evidence(result),
            Section("Pairs to look at", _worst(result, threshold)),
            *failure_section(result.embeddings),
        ),
        environment=environment,
        warnings=result.notes,
    )


def rate_name(value: float) -> str:
    """A rate as people ask for it.

    >>> rate_name(0.001), rate_name(0.02)
    ('1e-3', '2e-2')
    """
    return f"{value:.0e}".replace("e-0", "e-")


def _threshold(result: VerificationResult, fmr: float) -> Mark:
    """The threshold in use, as a mark on the axis of scores."""
    if result.calibration is not None:
        found = result.calibration.threshold(fmr)
        return Mark(f"threshold for FMR {rate_name(fmr)}", x=found.score)
    score = curve_of(result).threshold_at(fmr)
    return Mark(f"threshold for FMR {rate_name(fmr)} on these pairs", x=score)


def headline_figures(figures: VerificationFigures) -> tuple[Figure, ...]:
    """The numbers that head a report, those alone that the data support."""
    found: list[Figure] = []
    if figures.accuracy is not None:
        value = figures.accuracy
        note = f"threshold from {value.fitted_on}"
        if value.standard_error is not None:
            note = f"standard error {percent(value.standard_error)}; {note}"
        estimated = Estimate(value.value, value.low, value.high)
        found.append(estimate_figure("accuracy", estimated, better="higher", note=note))
    for product in figures.product:
        name = rate_name(product.threshold.asked_fmr)
        found.append(figure_of(f"FNMR at the product's {name}", product.fnmr))
        found.append(figure_of(f"FMR at the product's {name}", product.fmr))
    counts = f"{figures.genuine_count:,} genuine, {figures.impostor_count:,} impostor pairs"
    found.append(estimate_figure("EER", figures.eer, better="lower", note=counts))
    found += [
        figure_of(f"FNMR at FMR {rate_name(point.asked)}", point.fnmr)
        for point in figures.points
        if point.supported
    ]
    found.append(estimate_figure("AUC", figures.auc, better="higher", note=counts))
    found.append(
        estimate_figure("d′", figures.d_prime, better="higher", unit="number", note=counts)
    )
    return tuple(found)


def _rates(result: VerificationResult) -> tuple[Block, ...]:
    blocks: list[Block] = [points_table("FNMR at fixed FMR", result.figures)]
    if result.figures.product:
        blocks.append(_product_table("At the product's own thresholds", result.figures))
    accuracy = result.figures.accuracy
    if accuracy is not None and accuracy.folds:
        rows = tuple(
            (number, value, threshold)
            for number, (value, threshold) in enumerate(
                zip(accuracy.folds, accuracy.thresholds, strict=True), 1
            )
        )
        columns = (
            Column("fold", "count"),
            Column("accuracy", "share"),
            Column("threshold", "score"),
        )
        note = f"Each threshold is the most accurate on {accuracy.fitted_on}."
        blocks.append(Table("Folds", columns, rows, note))
    blocks.append(
        Text(
            "Intervals hold 95 %. They come from drawing people anew with all their pairs, since pairs that "
            "share a person are not independent, and are never narrower than that of the counts. Accuracy "
            "over folds has the interval of Student for that many folds."
        )
    )
    if result.without_failures is not None:
        failed, same = result.failed, result.pairs.same
        blocks.append(
            Text(
                f"{int((failed & same).sum()):,} genuine and {int((failed & ~same).sum()):,} impostor "
                "pairs could not be compared. Above they count as refused, as a user meets them. "
                "Without them:"
            )
        )
        blocks.append(_both_ways(result.figures, result.without_failures))
    return tuple(blocks)


def points_table(title: str, figures: VerificationFigures) -> Table:
    """FNMR at each false match rate that was asked for, with what it rests on."""
    rows = tuple(
        (
            rate_name(point.asked),
            point.threshold,
            rate_cell(point.fmr),
            rate_cell(point.fnmr),
            _support(point),
        )
        for point in figures.points
    )
    names = ("asked FMR", "threshold", "FMR", "FNMR", "rests on")
    return Table(title, _columns(names, threshold="score"), rows)


def _support(point: FmrPoint) -> str:
    if not point.allowed:
        return f"nothing: this rate needs at least {math.ceil(1 / point.asked):,} impostor pairs"
    count = f"{point.allowed:,} false {'match' if point.allowed == 1 else 'matches'}"
    return f"{count}: few" if point.few else count


def _product_table(title: str, figures: VerificationFigures) -> Table:
    rows = tuple(
        (
            rate_name(point.threshold.asked_fmr),
            point.threshold.score,
            rate_cell(point.fmr),
            rate_cell(point.fnmr),
            "yes" if point.threshold.supported else "no: the strictest that is",
        )
        for point in figures.product
    )
    names = ("asked FMR", "threshold", "FMR", "FNMR", "supported by the calibration")
    dataset = figures.product[0].threshold.dataset
    note = f"Calibrated on {dataset}: figures on these photos themselves flatter."
    return Table(title, _columns(names, threshold="score"), rows, note)


def _both_ways(counted: VerificationFigures, made: VerificationFigures) -> Table:
    rows: list[tuple[str, str, str]] = []
    if counted.accuracy is not None and made.accuracy is not None:
        values = (percent(counted.accuracy.value), percent(made.accuracy.value))
        rows.append(("accuracy", *values))
    rows.append(("EER", percent(counted.eer.value), percent(made.eer.value)))
    for a, b in zip(counted.points, made.points, strict=True):
        if a.allowed:
            name = f"FNMR at FMR {rate_name(a.asked)}"
            rows.append((name, rate_cell(a.fnmr), rate_cell(b.fnmr)))
    for c, d in zip(counted.product, made.product, strict=True):
        name = f"FNMR at the product's {rate_name(c.threshold.asked_fmr)}"
        rows.append((name, rate_cell(c.fnmr), rate_cell(d.fnmr)))
    columns = (Column("figure"), Column("failures refused"), Column("failures left out"))
    return Table("Failures counted both ways", columns, tuple(rows))


def _columns(names: Sequence[str], *, threshold: str) -> tuple[Column, ...]:
    return tuple(Column(name, "score") if name == "threshold" else Column(name) for name in names)


def _evidence(result: VerificationResult) -> tuple[Section, ...]:
    found = result.evidence
    if found is None:
        return ()
    ece = found.ece if math.isfinite(found.ece) else None
    rows = (("Cllr, bits", found.cllr), ("ECE", ece), ("Brier score", found.brier))
    left_out = "" if ece is not None else " Fewer than 100 pairs say nothing of the ECE."
    table = Table(
        "Stated probabilities against what happened",
        (Column("figure"), Column("value", "number")),
        rows,
        "Cllr: 0 is perfect, 1 is no information. ECE and Brier score: 0 is perfect; at a prior of "
        f"{found.prior:.3g}, the share of genuine pairs here.{left_out}",
    )
    stated = tuple(found.diagram.stated.tolist())
    chart = Chart(
        "Reliability",
        "stated probability",
        "observed share",
        (
            Series(
                "pairs",
                stated,
                tuple(found.diagram.observed.tolist()),
                labels=tuple(f"{count:,} pairs" for count in found.diagram.counts),
            ),
            Series("perfect", (0.0, 1.0), (0.0, 1.0)),
        ),
        note="Points on the diagonal: what is stated is what happens.",
    )
    return (Section("Probabilities", (table, chart)),)


def _worst(result: VerificationResult, threshold: Mark) -> tuple[Block, ...]:
    pairs, embeddings, scores = result.pairs, result.embeddings, result.scores
    limit = threshold.x or 0.0
    caption = f"score {{score}}, threshold {limit:.3f}"

    def worst(*, same: bool) -> tuple[Finding, ...]:
        return worst_pairs(pairs, embeddings, scores, same=same, threshold=limit, count=_SHOWN)

    blocks: list[Block] = [
        pictures_of(
            "Most alike of two people",
            worst(same=False),
            embeddings,
            caption,
            "Impostor pairs of the highest scores: false matches where they reach the threshold.",
        ),
        pictures_of(
            "Least alike of one person",
            worst(same=True),
            embeddings,
            caption,
            "Genuine pairs of the lowest scores: misses where they are below the threshold.",
        ),
    ]
    if result.suspects:
        blocks.append(
            pictures_of(
                "Labels to look at",
                result.suspects,
                embeddings,
                "score {score}, labelled {label}",
                "Pairs of two people far more alike than chance would have it, and clear pairs of one "
                "person no more alike than strangers are. A wrong label counts as an error of the model "
                "in all figures above: none is left out.",
            )
        )
    return tuple(blocks)
