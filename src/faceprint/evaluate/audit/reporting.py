"""An audit as a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from faceprint.evaluate.audit.charts import group_charts, quality_charts, slice_charts
from faceprint.evaluate.audit.groups import Contrast, GroupAudit, GroupRates
from faceprint.evaluate.audit.intervals import PeopleRate
from faceprint.evaluate.audit.results import AuditResult, GroupPairs
from faceprint.evaluate.audit.words import ratio_words, verdicts
from faceprint.evaluate.looking import failure_section, pictures_of
from faceprint.evaluate.report import (
    Block,
    Cell,
    Column,
    Environment,
    Figure,
    Picture,
    Pictures,
    Report,
    Section,
    Table,
    Text,
    figure_of,
    rate_cell,
)
from faceprint.evaluate.report.shapes import RateLike

__all__ = ["audit_report"]

_MATRIX = 10
"""Groups that fit a table across."""

_MATRIX_WITH_INTERVALS = 5
"""Groups that fit a table across with their intervals."""

_FIELDS: Final[Mapping[str, Literal["fmr", "fnmr", "fte"]]] = {
    "FMR": "fmr",
    "FNMR": "fnmr",
    "FTE": "fte",
}

_HOW = (
    "Intervals hold 95 %. Pairs that share a person are not independent: the intervals count how many "
    "independent ones they are worth. Each group is set against each other. One is said to be worse only "
    "where the interval of the ratio, widened for so many pairs of groups (Bonferroni), leaves 1 out; of "
    "several such pairs, the one whose interval starts highest is named, and others may differ too. "
    "Without one, the highest and the lowest rate are named, which does not show that groups are equal. "
    "Groups of under 10 people are not ranked. Labels are those that were given; none is estimated."
)


def audit_report(
    result: AuditResult,
    environment: Environment,
    *,
    run: str,
    samples: Mapping[str, Picture] | None = None,
) -> Report:
    """The report.

    Args:
        result: What was found.
        environment: What made it.
        run: What to call it beside others.
        samples: What each disturbance looks like, by its name.
    """
    sections = [Section("Threshold", tuple(_threshold(result)))]
    sections += [
        Section(f"By {audit.label}", tuple(_groups(result, audit))) for audit in result.groups
    ]
    if result.slices:
        sections.append(Section("Photos made worse", tuple(_slices(result, samples or {}))))
    if result.quality:
        sections.append(Section("Photos as they are", tuple(_quality(result))))
    return Report(
        kind="audit",
        title=f"Audit on {environment.data.get('dataset') or result.data.name}",
        run=run,
        figures=tuple(_figures(result)),
        sections=(*sections, *_looking(result), *failure_section(result.embeddings)),
        environment=environment,
        warnings=result.notes,
    )


def _figures(result: AuditResult) -> Iterator[Figure]:
    rates = (
        ("FMR", result.overall.fmr),
        ("FNMR", result.overall.fnmr),
        ("FTE", result.overall.fte),
    )
    for name, rate in rates:
        if rate is not None:
            yield figure_of(f"{name}, all photos", rate)
    for audit in result.groups:
        for contrast in audit.contrasts:
            if contrast.worst_rate > 0:
                yield _worst(audit, contrast)


def _worst(audit: GroupAudit, found: Contrast) -> Figure:
    kind = _FIELDS[found.kind]
    able = [group for group in audit.groups if group.enough(kind)]
    rates: list[PeopleRate] = [getattr(group, kind) for group in able]
    place = max(range(len(able)), key=lambda k: rates[k].value)
    said = "beyond chance" if found.beyond_chance else "no difference shown beyond chance"
    which = "" if able[place].name == found.worst else f", {found.worst} against {found.best}"
    note = f"{able[place].name}; {said}{which}: {ratio_words(found)}"
    return figure_of(f"{found.kind} by {audit.label}, worst group", rates[place], note=note)


def _threshold(result: AuditResult) -> Iterator[Block]:
    threshold = result.threshold
    yield Text(
        f"One threshold for everybody: {threshold.score:.3f}, which {threshold.source} gives for an FMR of "
        f"{threshold.asked_fmr:g}. Two photos of two people that score as much are a false match; two of one "
        "person that score less, or that give no face, are a miss."
    )
    yield Table(
        "All photos",
        _group_columns("photos"),
        (_row(result.overall),),
        _suspicion(result),
    )


def _suspicion(result: AuditResult) -> str:
    if not result.suspects:
        return ""
    return (
        f"{len(result.suspects):,} pairs of two names are as alike as one person is (below): if they are one "
        "person, the FMR is too high."
    )


def _group_columns(first: str) -> tuple[Column, ...]:
    return (
        Column(first),
        Column("people", "count"),
        Column("photos", "count"),
        Column("FMR"),
        Column("of impostor pairs"),
        Column("FNMR"),
        Column("of genuine pairs"),
        Column("FTE"),
    )


def _row(group: GroupRates) -> tuple[Cell, ...]:
    cells: list[Cell] = [group.name, group.people, group.photos]
    for rate in (group.fmr, group.fnmr):
        cells += [None] * 2
        if rate is not None:
            cells[-2:] = rate_cell(rate), f"{rate.errors:,} of {rate.trials:,}"
    return (*cells, rate_cell(group.fte))


def _groups(result: AuditResult, audit: GroupAudit) -> Iterator[Block]:
    for sentence in verdicts(audit):
        yield Text(sentence)
    notes = []
    if audit.unlabelled:
        notes.append(f"{audit.unlabelled:,} photos have no label and count for no group.")
    if audit.across_groups:
        notes.append(
            f"{audit.across_groups:,} genuine pairs are of photos of one person in two groups, and count "
            "for neither."
        )
    yield Table(
        f"Groups by {audit.label}",
        _group_columns(audit.label),
        tuple(_row(group) for group in audit.groups),
        " ".join(notes),
    )
    rates = {"FMR": result.overall.fmr, "FNMR": result.overall.fnmr, "FTE": result.overall.fte}
    overall = {name: rate.value for name, rate in rates.items() if rate is not None}
    yield from group_charts(audit, overall)
    if 2 <= len(audit.groups) <= _MATRIX:
        yield _matrix(audit)
    yield Text(_HOW)


def _matrix(audit: GroupAudit) -> Table:
    names = [group.name for group in audit.groups]
    wide = len(names) > _MATRIX_WITH_INTERVALS
    note = "Between people of the group of the line and of the column; on the diagonal, within a group."

    def cell(rate: PeopleRate | None) -> Cell:
        if rate is None:
            return None
        return rate.value if wide else rate_cell(rate)

    rows = tuple((name, *map(cell, row)) for name, row in zip(names, audit.fmr_across, strict=True))
    return Table(
        f"FMR across groups by {audit.label}",
        (Column(""), *(Column(name, "share" if wide else None) for name in names)),
        rows,
        note
        + (
            " For so many groups the intervals stand in the output of --json alone." if wide else ""
        ),
    )


def _slices(result: AuditResult, samples: Mapping[str, Picture]) -> Iterator[Block]:
    count = result.slices[0].levels[0].fnmr.trials
    yield Text(
        f"{count:,} people, two photos of each: one stays as it is, the other is made worse, level by level, "
        "and then compared with the clean ones of all. Photos in which no face is found any more are misses. "
        "What is made is a likeness of what happens: masks and glasses are drawn, light is computed."
    )
    for one in result.slices:
        yield slice_charts(one)
        if one.name in samples:
            yield Pictures(f"What {one.name} looks like", (samples[one.name],))
    rows = tuple(
        (
            one.name,
            "as it is" if level.level is None else f"{level.level:g}",
            rate_cell(level.fnmr),
            rate_cell(level.fte),
            None if level.fmr is None else rate_cell(level.fmr),
        )
        for one in result.slices
        for level in one.levels
    )
    columns = ("made worse by", "level", "FNMR", "FTE", "FMR")
    yield Table("All levels", tuple(map(Column, columns)), rows)


def _quality(result: AuditResult) -> Iterator[Block]:
    yield Text(
        "Pairs by the measured quality of the worse of their two photos. Photos without a face are "
        "not here."
    )
    yield from quality_charts(result.quality)

    def cell(rate: RateLike | None) -> Cell:
        return None if rate is None else rate_cell(rate)

    rows = tuple(
        (
            one.name,
            f"{some.low:.4f} to {some.high:.4f}",
            some.photos,
            cell(some.fnmr),
            cell(some.fmr),
        )
        for one in result.quality
        for some in one.bins
    )
    columns = (
        Column("part"),
        Column("of the worse photo"),
        Column("photos", "count"),
        Column("FNMR"),
        Column("FMR"),
    )
    yield Table("By measured quality", columns, rows)


def _looking(result: AuditResult) -> tuple[Section, ...]:
    blocks: list[Block] = []
    if result.suspects:
        blocks.append(
            pictures_of(
                "One person under two names?",
                result.suspects,
                result.embeddings,
                "score {score}, labelled {label}",
                "False matches as alike as one person is. Where the label is wrong, they are no errors of "
                "the model, and the FMR of their groups is too high.",
            )
        )
    blocks += [_pictures(result, pairs) for pairs in result.pairs]
    return (Section("Pairs to look at", tuple(blocks)),) if blocks else ()


def _pictures(result: AuditResult, pairs: GroupPairs) -> Pictures:
    same = pairs.findings[0].same
    what = "misses" if same else "false matches"
    return pictures_of(
        f"Worst {what} of {pairs.label}: {pairs.group}",
        pairs.findings,
        result.embeddings,
        f"score {{score}}, threshold {result.threshold.score:.3f}",
        "",
    )
