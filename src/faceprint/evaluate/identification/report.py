"""The report of an open-set identification: curves, thresholds, and the searches to look at."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from faceprint.evaluate.identification import (
    FpirPoint,
    IdentificationFigures,
    IdentificationResult,
)
from faceprint.evaluate.looking import Finding, failure_section, pictures_of
from faceprint.evaluate.reasons import explain
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
    rate_cell,
)

__all__ = ["identification_report"]

_SHOWN = 12

_Ints = npt.NDArray[np.int64]


def identification_report(
    result: IdentificationResult, environment: Environment, *, run: str
) -> Report:
    """The report.

    Args:
        result: What was found.
        environment: What made it.
        run: What to call it beside others.
    """
    return Report(
        kind="identification",
        title=f"Identification on {result.folder.name}",
        run=run,
        figures=_headline(result.figures),
        sections=(
            Section("Error rates", _rates(result)),
            Section("Curves", _curves(result)),
            Section("Searches to look at", _worst(result)),
            *failure_section(result.embeddings),
        ),
        environment=environment,
        warnings=result.notes,
    )


def asked_name(share: float) -> str:
    """A rate as people ask for it.

    >>> asked_name(0.01), asked_name(0.001)
    ('1 %', '0.1 %')
    """
    return f"{100 * share:g} %"


def _headline(figures: IdentificationFigures) -> tuple[Figure, ...]:
    found = [figure_of("rank-1 identification rate", figures.rank1, better="higher")]
    if figures.product is not None:
        asked = asked_name(figures.product.asked)
        found.append(figure_of(f"FPIR at the product's {asked}", figures.product.fpir))
        found.append(figure_of(f"FNIR at the product's {asked}", figures.product.fnir))
    found += [
        figure_of(f"FNIR at FPIR {asked_name(point.asked)}", point.fnir)
        for point in figures.points
        if point.supported
    ]
    return tuple(found)


def _rates(result: IdentificationResult) -> tuple[Block, ...]:
    figures, plan = result.figures, result.plan
    photos = "one photo" if plan.enrol == 1 else f"{plan.enrol} photos"
    blocks: list[Block] = [
        Text(
            f"{figures.people:,} people were enrolled with {photos} each, {plan.repetitions} times anew; "
            f"{len(result.draw.known):,} other photos of them were searched for, and "
            f"{len(result.draw.unknown):,} photos of {figures.unknown_people:,} people who were not "
            "enrolled. Counts are those of one repetition; intervals hold 95 %, over people."
        ),
        _points_table("FNIR at fixed FPIR", figures),
    ]
    if figures.product is not None:
        blocks.append(_product_table("At the product's own threshold", figures))
    if result.without_failures is not None:
        blocks.append(_both_ways(figures, result.without_failures))
    return tuple(blocks)


def _points_table(title: str, figures: IdentificationFigures) -> Table:
    rows = tuple(
        (
            asked_name(point.asked),
            point.threshold if math.isfinite(point.threshold) else None,
            rate_cell(point.fpir),
            rate_cell(point.fnir),
            _support(point),
        )
        for point in figures.points
    )
    return Table(
        title,
        (
            Column("asked FPIR"),
            Column("threshold", "score"),
            Column("FPIR"),
            Column("FNIR"),
            Column("rests on"),
        ),
        rows,
    )


def _support(point: FpirPoint) -> str:
    if not point.allowed:
        return f"nothing: this rate needs at least {math.ceil(1 / point.asked):,} unknown probes"
    count = (
        f"{point.allowed:,} false {'positive' if point.allowed == 1 else 'positives'} a repetition"
    )
    return f"{count}: few" if point.few else count


def _product_table(title: str, figures: IdentificationFigures) -> Table:
    assert figures.product is not None
    found = figures.product
    row = (
        asked_name(found.asked),
        found.threshold.score,
        rate_cell(found.fpir),
        rate_cell(found.fnir),
        "yes" if found.threshold.supported else "no: beyond what the calibration measured",
    )
    return Table(
        title,
        (
            Column("asked FPIR"),
            Column("threshold", "score"),
            Column("FPIR"),
            Column("FNIR"),
            Column("supported by the calibration"),
        ),
        (row,),
        f"For {figures.templates:,} templates. Calibrated on {found.threshold.dataset}: figures on these "
        "photos themselves flatter.",
    )


def _both_ways(counted: IdentificationFigures, made: IdentificationFigures) -> Table:
    rows = [("rank-1 identification rate", rate_cell(counted.rank1), rate_cell(made.rank1))]
    rows += [
        (f"FNIR at FPIR {asked_name(a.asked)}", rate_cell(a.fnir), rate_cell(b.fnir))
        for a, b in zip(counted.points, made.points, strict=True)
        if a.allowed
    ]
    return Table(
        "Photos without an embedding counted both ways",
        (Column("figure"), Column("counted"), Column("left out")),
        tuple(rows),
        f"On average {counted.unenrolled:g} of {counted.people:,} people could not be enrolled at all.",
    )


def _curves(result: IdentificationResult) -> tuple[Block, ...]:
    figures = result.figures
    curve = figures.pooled.curve().thinned()
    labels = tuple(f"threshold {value:.3f}" for value in curve.thresholds)
    marks: tuple[Mark, ...] = ()
    if figures.product is not None and figures.product.fpir.value > 0:
        name = f"the product's threshold for {asked_name(figures.product.asked)}"
        marks = (Mark(name, figures.product.fpir.value, figures.product.fnir.value),)
    name = result.embeddings.model_id
    trade = Chart(
        "FNIR over FPIR",
        "FPIR",
        "FNIR",
        (Series(name, tuple(curve.fpir.tolist()), tuple(curve.fnir.tolist()), labels=labels),),
        kind="step",
        x_scale="log",
        marks=marks,
        note=f"{figures.people:,} people enrolled. All repetitions together, at one threshold.",
    )
    ranks = tuple(float(rank) for rank in range(1, len(figures.cmc) + 1))
    cmc = Chart(
        "CMC",
        "rank",
        "identification rate",
        (Series(name, ranks, tuple(figures.cmc.tolist())),),
        note="Share of probes of enrolled people whose own person is among the first so many candidates, "
        "at no threshold.",
    )
    return trade, cmc


def _worst(result: IdentificationResult) -> tuple[Block, ...]:
    product = result.figures.product
    limit = result.figures.points[0].threshold if product is None else product.threshold.score
    caption = f"score {{score}}, threshold {limit:.3f}"
    return (
        pictures_of(
            "Strangers most like somebody who is enrolled",
            _extremes(result, result.draw.unknown, limit, own=False),
            result.embeddings,
            caption,
            "In the first gallery: a photo of somebody who is not enrolled, and the enrolled photo that "
            "it comes nearest to; each enrolled photo once. Look whether two folders show one person.",
        ),
        pictures_of(
            "Enrolled people least like their own template",
            _extremes(result, result.draw.known, limit, own=True),
            result.embeddings,
            caption,
            "In the first gallery: a photo of somebody who is enrolled, and their own enrolled photo; each "
            "enrolled photo once.",
        ),
    )


def _extremes(
    result: IdentificationResult, probes: _Ints, threshold: float, *, own: bool
) -> list[Finding]:
    """Probes least like their own nearest template, worst first; else those most like anyone's.

    Each template comes once, with its worst probe.
    """
    embeddings, gallery = result.embeddings, result.draw.gallery
    here = embeddings.present
    gallery = gallery[here[gallery]]
    probes = probes[here[probes]]
    people = result.folder.people
    best = np.full(len(probes), -np.inf, dtype=np.float32)
    place = np.zeros(len(probes), dtype=np.int64)
    for start in range(0, len(probes), 1024):
        part = slice(start, start + 1024)
        scores = embeddings.vectors[probes[part]] @ embeddings.vectors[gallery].T
        if own:
            scores[people[probes[part], None] != people[gallery]] = -np.inf
        place[part] = scores.argmax(axis=1)
        best[part] = scores.max(axis=1)
    found: dict[int, Finding] = {}
    for k in np.argsort(best if own else -best, kind="stable").tolist():
        template = int(gallery[place[k]])
        if len(found) == _SHOWN:
            break
        if template not in found and best[k] > -np.inf:
            wrong = own is bool(best[k] < threshold)
            found[template] = Finding(
                pair=k,
                photos=(result.folder.photos[probes[k]], result.folder.photos[template]),
                rows=(int(probes[k]), template),
                same=own,
                score=float(best[k]),
                reason=explain(embeddings, int(probes[k]), template, wrong=wrong),
            )
    return list(found.values())
