"""What an audit says in words: who is served worse, and whether chance explains it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from faceprint.evaluate.audit.groups import Contrast, GroupAudit
from faceprint.evaluate.report.shapes import percent

__all__ = ["ratio_words", "verdict", "verdicts"]


def verdicts(audit: GroupAudit) -> Iterator[str]:
    """The sentences on a label: one for each rate, and who is too few to be ranked."""
    ranked = {contrast.kind: contrast for contrast in audit.contrasts}
    for kind in ("FMR", "FNMR", "FTE"):
        able = [group for group in audit.groups if getattr(group, kind.lower()) is not None]
        if kind in ranked:
            yield verdict(audit.label, ranked[kind])
        elif able:
            yield f"{kind} by {audit.label}: too few to say: no two groups have 10 people each."
    few = [group.name for group in audit.groups if group.people < 10]
    if few and ranked:
        yield f"Too few to be ranked by {audit.label}, with under 10 people: {', '.join(few)}."


def verdict(label: str, found: Contrast) -> str:
    """One sentence, as in "FMR by sex: worse for female than for male, beyond chance: 0.20 %, against …"."""
    if found.worst_rate == found.best_rate:
        return f"{found.kind} by {label}: {percent(found.worst_rate)} for all that can be ranked."
    start, times = f"{found.kind} by {label}: ", ratio_words(found)
    worst, best = percent(found.worst_rate), percent(found.best_rate)
    if found.beyond_chance:
        return (
            f"{start}worse for {found.worst} than for {found.best}, beyond chance: {worst}, against {best}; "
            f"{times}."
        )
    return (
        f"{start}no difference shown beyond chance: {worst} for {found.worst}, {best} for {found.best} at "
        f"the ends; {times}."
    )


def ratio_words(found: Contrast) -> str:
    """The ratio of worst to best with its interval."""
    if not math.isfinite(found.ratio):
        least = f" (at least {_number(found.low)} times)" if found.beyond_chance else ""
        return f"{found.best} has none{least}"
    times = f"{_number(found.ratio)} times {found.best}"
    if not math.isfinite(found.high):
        if found.beyond_chance:
            return f"{times} (at least {_number(found.low)})"
        return f"{times} (too few errors to bound the ratio)"
    ends = f"{_number(found.low)} to {_number(found.high)}"
    return (
        f"{times} ({ends})"
        if found.beyond_chance
        else f"{times} ({ends}, where 1 is no difference)"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
