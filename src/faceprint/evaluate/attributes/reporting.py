"""Measured attribute models as a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceprint.evaluate.attributes.results import (
    AgeFigures,
    AgePart,
    AttributesResult,
    GenderFigures,
)
from faceprint.evaluate.report.blocks import (
    Block,
    Chart,
    Column,
    Environment,
    Figure,
    Report,
    Section,
    Series,
    Table,
    Text,
)
from faceprint.evaluate.report.shapes import figure_of

__all__ = ["GENDER_NOTE", "age_section", "attributes_report", "gender_section"]

GENDER_NOTE = (
    "Labels say a sex; the model estimates gender from appearance. Where they differ, either may be right, "
    "or neither. Estimates are of faces, not of people."
)
"""What is to be known of all figures of gender."""

_SHOWN = 200
_FEW_FACES = 100


def attributes_report(result: AttributesResult, environment: Environment) -> Report:
    """The report of a run.

    Args:
        result: What was measured.
        environment: What made it.
    """
    sections = [Section("The photos", tuple(_photos(result)))]
    sections += [age_section(one) for one in result.ages]
    sections += [gender_section(one) for one in result.genders]
    return Report(
        kind="attributes",
        title=f"Age and gender on {environment.data.get('dataset') or 'UTKFace'}",
        run=" + ".join((result.detector, *result.models)),
        figures=tuple(_figures(result)),
        sections=tuple(sections),
        environment=environment,
        warnings=tuple(_warnings(result)),
    )


def age_section(found: AgeFigures) -> Section:
    """How well a model tells ages."""
    return Section(f"Age, {found.model}", tuple(_age_blocks(found)))


def gender_section(found: GenderFigures) -> Section:
    """How well a model's estimates of gender agree with sexes as labelled."""
    return Section(f"Gender, {found.model}", tuple(_gender_blocks(found)))


def _warnings(result: AttributesResult) -> Iterator[str]:
    faces = result.not_found.trials - result.not_found.errors
    if faces < _FEW_FACES:
        verb, what = ("is", "face") if faces == 1 else ("are", "faces")
        yield f"There {verb} only {faces} {what}: the intervals are wide."
    if result.genders:
        yield GENDER_NOTE


def _figures(result: AttributesResult) -> Iterator[Figure]:
    for one in result.ages:
        name, faces = one.model, f"years, {one.whole.faces:,} faces"
        error, root, share = one.whole.mean_error, one.root_mean_square, one.explained
        yield Figure(
            f"Mean error of age, {name}",
            error.value,
            "number",
            error.low,
            error.high,
            "lower",
            faces,
        )
        yield Figure(
            f"Root mean square error, {name}",
            root.value,
            "number",
            root.low,
            root.high,
            "lower",
            faces,
        )
        yield Figure(f"R² of age, {name}", share.value, "score", share.low, share.high, "higher")
        yield figure_of(f"Within 5 years, {name}", one.whole.within_five, better="higher")
    for gender in result.genders:
        error = gender.calibration_error
        yield figure_of(f"Gender as labelled sex, {gender.model}", gender.accuracy, better="higher")
        yield Figure(
            f"Calibration error, {gender.model}",
            error.value,
            "share",
            error.low,
            error.high,
            "lower",
        )
    yield figure_of("Photos without a face found (FTE)", result.not_found)


def _photos(result: AttributesResult) -> Iterator[Block]:
    yield Text(
        f"{result.drawn:,} photos were looked at; {result.duplicates:,} copies of others were left out, and "
        f"{sum(map(len, result.conflicts)):,} photos in {len(result.conflicts):,} groups of copies whose "
        "labels differ. Of several faces in a photo, the one nearest the middle counts. Figures are of "
        "photos in which a face was found. Intervals are 95 %: exact for shares, else from faces drawn anew; "
        "there is none where these show no spread."
    )
    if result.conflicts:
        rows = tuple((", ".join(some),) for some in result.conflicts[:_SHOWN])
        yield Table("Copies with labels that differ", (Column("photos"),), rows)
    if result.failures:
        shown = tuple((one.image, one.message) for one in result.failures[:_SHOWN])
        title = f"Photos that do not count: {len(result.failures):,}"
        more = len(result.failures) - len(shown)
        note = f"And {more:,} more." if more else ""
        yield Table(title, (Column("photo"), Column("why")), shown, note)


def _age_blocks(found: AgeFigures) -> Iterator[Block]:
    yield Chart(
        f"Estimated and labelled age, {found.model}",
        "labelled age, years",
        "estimated age, years",
        (
            Series(
                found.model,
                tuple(float(age) for age, _ in found.places),
                tuple(guess for _, guess in found.places),
            ),
        ),
        kind="points",
    )
    yield _age_table("By labelled age", found.bands)
    yield _age_table("By labelled sex", found.sexes)
    if found.covered is not None:
        yield Text(
            f"The interval that the model gives for 80 % of its probability holds the labelled age in "
            f"{found.covered.value:.1%} of the faces."
        )


def _age_table(title: str, parts: Sequence[AgePart]) -> Table:
    columns = (
        Column("faces of"),
        Column("count", "count"),
        Column("mean error, years", "number"),
        Column("from", "number"),
        Column("to", "number"),
        Column("bias, years", "number"),
        Column("within 5 years", "share"),
        Column("from", "share"),
        Column("to", "share"),
    )
    rows = tuple(
        (
            part.name,
            part.faces,
            part.mean_error.value,
            part.mean_error.low,
            part.mean_error.high,
            part.bias.value,
            part.within_five.value,
            part.within_five.low,
            part.within_five.high,
        )
        for part in parts
    )
    note = "Bias above 0: made older. From and to: 95 % interval."
    return Table(title, columns, rows, note)


def _gender_blocks(found: GenderFigures) -> Iterator[Block]:
    yield Text(GENDER_NOTE)
    (a, b), (c, d) = found.confusion
    columns = (Column(""), Column("estimated female", "count"), Column("estimated male", "count"))
    yield Table(
        "Labelled sex and estimated gender",
        columns,
        (("labelled female", a, b), ("labelled male", c, d)),
    )
    measures = (("precision", found.precision), ("recall", found.recall))
    rows = [
        (f"{name}, {sex}", one.value, one.low, one.high)
        for name, pair in measures
        for sex, one in zip(("female", "male"), pair, strict=True)
        if one is not None
    ]
    rows += [
        (f"F1, {sex}", one.value, one.low, one.high)
        for sex, one in zip(("female", "male"), found.f1, strict=True)
    ]
    heads = (
        Column("measure"),
        Column("value", "share"),
        Column("from", "share"),
        Column("to", "share"),
    )
    yield Table("Precision, recall and F1", heads, tuple(rows))
    bands = tuple(
        (
            part.name,
            part.accuracy.trials,
            part.accuracy.value,
            part.accuracy.low,
            part.accuracy.high,
        )
        for part in found.bands
    )
    yield Table(
        "By labelled age",
        (Column("faces of"), Column("count", "count"), Column("agrees", "share"), *heads[2:]),
        bands,
    )
    yield _reliability_chart(found)


def _reliability_chart(found: GenderFigures) -> Chart:
    diagram = found.reliability
    labels = tuple(f"{count:,} faces" for count in diagram.counts)
    measured = Series(
        found.model, tuple(diagram.stated.tolist()), tuple(diagram.observed.tolist()), labels=labels
    )
    return Chart(
        f"Is the probability right? {found.model}",
        "stated probability of female",
        "share labelled female",
        (Series("as it should be", (0.0, 1.0), (0.0, 1.0)), measured),
        note="Below the straight line at the right, and above it at the left, the model is too sure.",
    )
