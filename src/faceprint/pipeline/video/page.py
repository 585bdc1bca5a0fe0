"""The timeline of a video as a page of its own, to open in any browser without a server."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

__all__ = ["clock", "timeline_page"]

_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_MOST_TICKS = 10


def timeline_page(record: dict[str, Any], *, labelled: str | None = None) -> str:
    """The page of a timeline.

    Args:
        record: The content of `timeline.json`.
        labelled: File name of the labelled video beside the page; None without one.
    """
    first, last = record["analysed"]["from_s"], record["analysed"]["to_s"]
    spans = {
        person["key"]: [
            (track["track"], *span)
            for track in record["tracks"]
            if track["person"] == person["key"]
            for span in track["spans"]
        ]
        for person in record["people"]
    }
    return _template().render(
        record=record,
        spans=spans,
        labelled=labelled,
        ticks=_ticks(first, last),
        first=first,
        length=max(last - first, 1e-3),
    )


def clock(seconds: float) -> str:
    """Seconds as people say them.

    >>> clock(4.25), clock(64), clock(3661.5)
    ('0:04.3', '1:04', '1:01:01.5')
    """
    tenths = int(seconds * 10 + 0.5)
    hours, minutes, rest = tenths // 36000, tenths // 600 % 60, tenths % 600
    end = f"{rest // 10:02d}" + (f".{rest % 10}" if rest % 10 else "")
    return f"{hours}:{minutes:02d}:{end}" if hours else f"{minutes}:{end}"


def _ticks(first: float, last: float) -> list[float]:
    """Round times between two, not too many."""
    step = next((s for s in _STEPS_S if (last - first) / s <= _MOST_TICKS), _STEPS_S[-1])
    start = int(first / step) + (first % step > 0)
    return [k * step for k in range(start, int(last / step + 1e-9) + 1)]


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("faceprint.pipeline.video"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock"] = clock
    return environment.get_template("timeline.html")
