"""The timeline of a video as the page of its job shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faceprint.jobs import Job
from faceprint.pipeline.video.page import clock
from faceprint.web.jobs.video import LABELLED

__all__ = ["TimelineView", "view_timeline"]

_STEPS_S = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_MOST_TICKS = 7


@dataclass(frozen=True, slots=True)
class SpanView:
    """One stretch in which a person is seen; left and width are percent of the timeline.

    Attributes:
        at: Where it begins in the video with names, seconds.
    """

    track: int
    left: float
    width: float
    at: float
    words: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person of the video.

    Attributes:
        decision: `match`, `unsure`, `unknown`, or `undecided` without a calibration.
        guess: Who it might be, where that is unsure.
        faces: The pictures that the result keeps, best first.
        named_here: Whether the name was given on this page.
    """

    key: str
    label: str
    decision: str
    guess: str
    person_id: str | None
    candidates: list[dict[str, Any]]
    score: float | None
    probability: float | None
    seconds: float
    faces: list[str]
    spans: list[SpanView]
    named_here: bool


@dataclass(frozen=True, slots=True)
class TimelineView:
    """A whole timeline.

    Attributes:
        labelled: Name of the video with names; None without one.
        ticks: Percent and words of the marks of the axis.
    """

    video: dict[str, Any]
    analysed: dict[str, Any]
    people: list[PersonRow]
    tracks: list[dict[str, Any]]
    cuts: list[float]
    ticks: list[tuple[float, str]]
    labelled: str | None
    length: str


def view_timeline(job: Job, folder: Path) -> TimelineView:
    """The timeline in the folder of a job.

    Raises:
        InputError: There is none.
    """
    from faceprint.pipeline.video.files import read_timeline

    record = read_timeline(folder).record
    first = float(record["analysed"]["from_s"])
    length = max(float(record["analysed"]["to_s"]) - first, 1e-3)
    kept = set(job.files)
    spans = _spans(record["tracks"], first, length)
    people = [_row(person, spans.get(person["key"], []), kept) for person in record["people"]]
    labels = {one.key: one.label for one in people}
    tracks = [track | {"label": labels[track["person"]]} for track in record["tracks"]]
    return TimelineView(
        video=record["video"],
        analysed=record["analysed"],
        people=people,
        tracks=[track | _kept_face(track, kept) for track in tracks],
        cuts=[_percent(cut - first, length) for cut in record["analysed"]["cuts_s"]],
        ticks=_ticks(first, length),
        labelled=next((name for name in LABELLED if name in kept), None),
        length=clock(length),
    )


def _row(person: dict[str, Any], spans: list[SpanView], kept: set[str]) -> PersonRow:
    decision = person["decision"] or "undecided"
    candidates = person["candidates"]
    return PersonRow(
        key=person["key"],
        label=person["label"],
        decision=decision,
        guess=candidates[0]["name"] if decision == "unsure" and candidates else "",
        person_id=person["person_id"],
        candidates=candidates,
        score=person["score"],
        probability=person.get("probability"),
        seconds=person["seconds"],
        faces=[name for name in person["faces"] if name in kept],
        spans=spans,
        named_here=bool(person.get("enrolled_from_here")),
    )


def _spans(tracks: list[dict[str, Any]], first: float, length: float) -> dict[str, list[SpanView]]:
    spans: dict[str, list[SpanView]] = {}
    for track in tracks:
        for start, end in track["spans"]:
            spans.setdefault(track["person"], []).append(
                SpanView(
                    track=track["track"],
                    left=_percent(start - first, length),
                    width=_percent(end - start, length),
                    at=round(max(0.0, start - first), 2),
                    words=f"{clock(start)} to {clock(end)}",
                )
            )
    return {key: sorted(some, key=lambda span: span.left) for key, some in spans.items()}


def _kept_face(track: dict[str, Any], kept: set[str]) -> dict[str, Any]:
    return {"face": track["face"] if track["face"] in kept else None}


def _percent(part: float, whole: float) -> float:
    return 100 * min(max(part / whole, 0.0), 1.0)


def _ticks(first: float, length: float) -> list[tuple[float, str]]:
    step = next((one for one in _STEPS_S if length / one <= _MOST_TICKS), _STEPS_S[-1])
    number = int(-(-first // step))
    ticks = []
    while number * step <= first + length:
        ticks.append((_percent(number * step - first, length), clock(number * step)))
        number += 1
    return ticks
