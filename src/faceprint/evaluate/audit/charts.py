"""The charts of an audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from faceprint.evaluate.audit.disturbed import LevelRates, Slice
from faceprint.evaluate.audit.groups import GroupAudit
from faceprint.evaluate.audit.natural import QualitySlice
from faceprint.evaluate.report.blocks import Chart, Mark, Series
from faceprint.evaluate.report.shapes import RateLike

__all__ = ["group_charts", "quality_charts", "slice_charts"]

_FAR_APART = 20


def group_charts(audit: GroupAudit, overall: dict[str, float]) -> Iterator[Chart]:
    """A point with its interval for each group, for each rate that there is.

    Args:
        audit: The groups of a label.
        overall: The rates of all photos, by name.
    """
    names = tuple(group.name for group in audit.groups)
    kinds: tuple[Literal["fmr", "fnmr", "fte"], ...] = ("fmr", "fnmr", "fte")
    for field in kinds:
        kind = field.upper()
        rates = [getattr(group, field) for group in audit.groups]
        points = [(float(place), one) for place, one in enumerate(rates) if one is not None]
        if len(points) < 2 or not any(one.errors for _, one in points):
            continue
        few = {place for place, group in enumerate(audit.groups) if not group.enough(field)}
        series = [
            _series(name, [point for point in points if (int(point[0]) in few) == is_few], _counts)
            for name, is_few in ((kind, False), ("too few people to be ranked", True))
        ]
        yield Chart(
            f"{kind} by {audit.label}",
            audit.label,
            kind,
            tuple(one for one in series if one.x),
            kind="points",
            y_scale=_scale([one.value for _, one in points]),
            marks=(Mark("all photos", y=overall[kind]),) if kind in overall else (),
            categories=names,
            note="Bars: 95 % intervals, each for its group alone.",
        )


def slice_charts(found: Slice) -> Chart:
    """FNMR, FTE and FMR over the levels of a disturbance."""
    kinds: tuple[tuple[str, Callable[[LevelRates], RateLike | None]], ...] = (
        ("FNMR", lambda level: level.fnmr),
        ("FTE", lambda level: level.fte),
        ("FMR", lambda level: level.fmr),
    )
    series = []
    for name, rate_of in kinds:
        points = [
            (float(place), rate)
            for place, level in enumerate(found.levels)
            if (rate := rate_of(level)) is not None
        ]
        series.append(_series(name, points, _counts))
    names = ("as it is", *(f"{level.level:g}" for level in found.levels[1:]))
    return Chart(f"Errors under {found.name}", found.what, "rate", tuple(series), categories=names)


def quality_charts(slices: Sequence[QualitySlice]) -> Iterator[Chart]:
    """FNMR and FMR over bins of measured quality."""
    places = max((len(one.bins) for one in slices), default=0)
    names = tuple(
        {0: "poorest fifth", places - 1: "best fifth"}.get(place, str(place + 1))
        for place in range(places)
    )
    for kind in ("FNMR", "FMR"):
        series = []
        for one in slices:
            points = []
            for place, some in enumerate(one.bins):
                rate = getattr(some, kind.lower())
                if rate is not None:
                    # The best bins of all parts stand at one place.
                    points.append((float(place + places - len(one.bins)), rate))
            if points:
                series.append(_series(one.name, points, _counts, banded=False))
        if any(any(one.y) for one in series):
            yield Chart(
                f"{kind} by measured quality",
                "the worse photo of a pair, among all photos",
                kind,
                tuple(series),
                categories=names,
                note="Photos as they are, in fifths by each part of quality; where many photos have one "
                "value, the poorer bins are fewer. Intervals are in the table.",
            )


def _scale(rates: Sequence[float]) -> Literal["linear", "log"]:
    """A log axis where rates are far apart, and none is 0, which it cannot show."""
    return "log" if min(rates) > 0 and max(rates) > _FAR_APART * min(rates) else "linear"


def _counts(rate: RateLike) -> str:
    return f"{rate.errors:,} of {rate.trials:,}"


def _series(
    name: str,
    points: Sequence[tuple[float, RateLike]],
    label: Callable[[RateLike], str],
    *,
    banded: bool = True,
) -> Series:
    rates = [rate for _, rate in points]
    return Series(
        name,
        tuple(x for x, _ in points),
        tuple(rate.value for rate in rates),
        tuple(rate.low for rate in rates) if banded else (),
        tuple(rate.high for rate in rates) if banded else (),
        tuple(label(rate) for rate in rates),
    )
