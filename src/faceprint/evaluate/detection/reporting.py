"""A measured detector as a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path

import numpy as np

from faceprint.evaluate.detection.curves import Curve
from faceprint.evaluate.detection.results import DetectionResult, Part, Pointed
from faceprint.evaluate.estimates import Estimate
from faceprint.evaluate.report.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Environment,
    Figure,
    Mark,
    Picture,
    Pictures,
    Report,
    Section,
    Series,
    Table,
    Text,
)
from faceprint.match.curves import thin
from faceprint.pipeline.results import Failure

__all__ = ["detection_report", "set_name"]

_LAYOUTS = {"voc": "Pascal VOC labels", "wider": "WIDER FACE", "fddb": "FDDB"}
_HOW = (
    "A find is right if its box and that of a labelled face overlap by an IoU of at least 0.5; finds are "
    "taken best score first, each takes the face that it overlaps most among those not taken, and a second "
    "find on a face is wrong. Average precision is the area under the curve of precision over recall, made "
    "monotone, with all its points (as Pascal VOC since 2010). Curves use the doubtful finds too, down to a "
    "score of 0.02; recall and precision are those of what the product finds. Intervals are 95 %, from "
    "photos drawn anew, and for shares no narrower than the exact one of their counts."
)
_SIZES_NOTE = (
    "Recall goes by the height of the label, precision by that of the find: a row may have all of its faces "
    "found, by finds of another height, and none but wrong finds of its own."
)
_POINTS = 400
_SHOWN = 200
_FEW_PHOTOS = 100


def set_name(layout: str, root: Path) -> str:
    """What a set is called that nobody named, as in "masks (Pascal VOC labels)"."""
    return f"{root.resolve().name} ({_LAYOUTS[layout]})"


def detection_report(result: DetectionResult, environment: Environment) -> Report:
    """The report of a run.

    Args:
        result: What was measured.
        environment: What made it.
    """
    dataset = environment.data.get("dataset") or set_name(result.layout, result.root)
    return Report(
        kind="detection",
        title=f"Face detection on {dataset}",
        run=result.detector + (", thorough" if result.thorough else ""),
        figures=tuple(_figures(result)),
        sections=(
            Section("How it was measured", (Text(_HOW), *_notes(result))),
            Section("Curves", (_precision_chart(result), _miss_chart(result))),
            Section("By kind of face", tuple(_tables(result))),
            Section("Where it goes wrong", tuple(_mistakes(result))),
            Section("What could not be measured", tuple(_failures(result))),
        ),
        environment=environment,
        warnings=tuple(_warnings(result)),
    )


def _figures(result: DetectionResult) -> Iterator[Figure]:
    faces = f"{result.faces:,} faces in {result.photos:,} photos"
    faces += f", {result.ignored:,} more ignored" if result.ignored else ""
    own = "as the product finds them"
    measured = (
        ("AP at IoU 0.5", result.average_precision, faces),
        ("AP at IoU 0.5 to 0.95", result.mean_average_precision, faces),
        ("Recall", result.recall, own),
        ("Precision", result.precision, own),
    )
    for name, found, note in measured:
        yield Figure(name, found.value, "share", found.low, found.high, "higher", note)
    for wrong, missed in result.miss_rates:
        name, allowed = f"Faces missed at {wrong:g} wrong finds per photo", result.allows(wrong)
        if allowed:
            note = f"at most {allowed:,} wrong {'find' if allowed == 1 else 'finds'} in all"
            yield Figure(name, missed.value, "share", missed.low, missed.high, "lower", note)
    for name, value, exact in result.official:
        note = f"{exact:.4f} with all scores in place of 1,000 thresholds"
        yield Figure(f"AP {name}, as WIDER FACE", value, better="higher", note=note)


def _notes(result: DetectionResult) -> Iterator[Text]:
    if result.ignored:
        objects = "object is" if result.ignored == 1 else "objects are"
        yield Text(
            f"{result.ignored:,} labelled {objects} ignored: marked difficult or invalid, of a class that "
            "was not asked for, or without an area in the photo. A find on one is neither right nor wrong."
        )
    if beyond := [f"{wrong:g}" for wrong, _ in result.miss_rates if not result.allows(wrong)]:
        yield Text(
            f"{_photos(result.photos)} cannot support the share of faces missed at {' or '.join(beyond)} "
            "wrong finds per photo, which is less than one wrong find in all: it is not given."
        )
    if result.official:
        yield Text(
            "AP easy, medium and hard are computed as WIDER FACE's own evaluation does: scores spread over 0 "
            "to 1, 1,000 thresholds, one choice for each find, photos without faces left out."
        )
    if result.layout == "fddb":
        yield Text(
            "This is FDDB's discrete score, with the smallest upright box around each ellipse in place of "
            "the ellipse, and finds matched best score first."
        )


def _precision_chart(result: DetectionResult) -> Chart:
    mark = Mark("as the product finds them", result.recall.value, result.precision.value)
    return Chart(
        "Precision and recall",
        "recall",
        "precision",
        tuple(
            _series(name, found, found.recall, found.precision)
            for name, found in result.curves.items()
        ),
        marks=(mark,) if isfinite(result.precision.value) else (),
        note="Each size has its own curve, on which finds on faces of another size are ignored.",
    )


def _miss_chart(result: DetectionResult) -> Chart:
    found = result.curves["all faces"]
    series = _series("all faces", found, found.wrong_per_photo, 1 - found.recall)
    return Chart(
        "Misses and wrong finds",
        "wrong finds per photo",
        "share of faces missed",
        (series,),
        kind="step",
        x_scale="log",
        note="The lower, the better. FDDB draws it turned over: faces found, and wrong finds in all.",
    )


def _series(name: str, found: Curve, x: np.ndarray, y: np.ndarray) -> Series:
    if not len(x):
        return Series(name, (), ())
    rows = thin(x, y, points=_POINTS)
    return Series(
        name,
        tuple(x[rows].tolist()),
        tuple(y[rows].tolist()),
        labels=tuple(f"score {score:.3f}" for score in found.scores[rows]),
    )


def _tables(result: DetectionResult) -> Iterator[Block]:
    yield _part_table("By height of the face", result.sizes, _SIZES_NOTE)
    if result.subsets:
        yield _part_table(
            "By subset of the set", result.subsets, "A find on another face is ignored."
        )
    if result.labels:
        note = "Detectors give no such labels, so there is no precision for each."
        yield _part_table("By label", result.labels, note)
    rows = tuple((wrong, share) for wrong, share in result.recall_at_false)
    columns = (Column("wrong finds in all", "count"), Column("faces found", "share"))
    yield Table("Faces found at so many wrong finds", columns, rows)


def _part_table(title: str, parts: Sequence[Part], note: str = "") -> Table:
    measured = (
        ("recall", "recall"),
        ("precision", "precision"),
        ("AP at IoU 0.5", "average_precision"),
    )
    shown = [
        (head, name)
        for head, name in measured
        if any(getattr(part, name) is not None for part in parts)
    ]
    columns = [Column("faces of"), Column("count", "count")]
    for head, _ in shown:
        columns += [Column(head, "share"), Column("from", "share"), Column("to", "share")]
    rows = tuple(
        (
            part.name,
            part.faces,
            *(cell for _, name in shown for cell in _cells(getattr(part, name))),
        )
        for part in parts
    )
    return Table(title, tuple(columns), rows, f"{note} From and to: 95 % interval.".strip())


def _cells(found: Estimate | None) -> tuple[Cell, Cell, Cell]:
    if found is None or not isfinite(found.value):
        return None, None, None
    return found.value, found.low, found.high


def _mistakes(result: DetectionResult) -> Iterator[Block]:
    heads = (
        ("Faces missed, by cause", "cause", result.miss_causes),
        ("Finds that are no labelled face, by kind", "kind", result.stray_causes),
    )
    for title, head, causes in heads:
        if causes:
            yield Table(title, (Column(head), Column("count", "count")), causes)
    if result.misses:
        items = tuple(_picture(one) for one in result.misses)
        yield Pictures("The largest faces missed", items, "At the product's threshold.")
    if result.strays:
        items = tuple(_picture(one) for one in result.strays)
        note = "Some of these may be faces that nobody labelled: then the set is wrong, not the detector."
        yield Pictures("The surest finds that are no labelled face", items, note)
    if not result.misses and not result.strays:
        yield Text("Nothing went wrong.")


def _picture(one: Pointed) -> Picture:
    score = () if one.score is None else (f"score {one.score:.3f}",)
    side = f"{one.box[3] - one.box[1]:.0f} px high"
    caption = ", ".join((*score, side, *one.labels))
    return Picture((one.photo,), (one.box,), (one.name,), caption, one.reason)


def _failures(result: DetectionResult) -> Iterator[Block]:
    if not result.failures and not result.bad_boxes:
        yield Text("All photos and all labels could be used.")
    groups = (("Photos and labels", result.failures), ("Labelled boxes", result.bad_boxes))
    for title, records in groups:
        if records:
            yield _failure_table(f"{title} that could not be used: {len(records):,}", records)


def _photos(count: int) -> str:
    return f"{count:,} photo" if count == 1 else f"{count:,} photos"


def _failure_table(title: str, records: Sequence[Failure]) -> Table:
    rows = tuple((record.image, record.message) for record in records[:_SHOWN])
    more = len(records) - len(rows)
    return Table(
        title, (Column("which"), Column("why")), rows, f"And {more:,} more." if more else ""
    )


def _warnings(result: DetectionResult) -> Iterator[str]:
    if result.photos < _FEW_PHOTOS:
        verb = "is" if result.photos == 1 else "are"
        yield f"There {verb} only {_photos(result.photos)}: the intervals are wide."
    if result.failures:
        yield (
            f"{len(result.failures)} photos or labels could not be used. Faces in photos that cannot be read "
            "count as missed; photos without labels are left out."
        )
    if result.bad_boxes:
        yield f"{len(result.bad_boxes)} labelled boxes have no area or lie outside their photo: ignored."
    if result.layout == "voc":
        yield "Faces that nobody labelled make precision look worse than it is."
