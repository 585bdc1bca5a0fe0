"""Measures a detector on a labelled set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceprint.errors import InputError
from faceprint.evaluate.detection.bench import Bench
from faceprint.evaluate.detection.curves import curve, recall_at_false
from faceprint.evaluate.detection.finding import find_faces
from faceprint.evaluate.detection.finds import FoundFaces
from faceprint.evaluate.detection.labels import LabelledPhoto, LabelledSet
from faceprint.evaluate.detection.official import official_precision
from faceprint.evaluate.detection.pointing import find_mistakes
from faceprint.evaluate.detection.results import DetectionResult
from faceprint.geometry import box_areas, clip_boxes
from faceprint.pipeline.results import Failure

if TYPE_CHECKING:
    from faceprint.pipeline import Faceprint

__all__ = ["SIZES", "evaluate_detection", "measure_detection"]

Progress = Callable[[int, int], None]

SIZES = (0.0, 16.0, 32.0, 64.0, 128.0, float("inf"))
"""Heights of faces in pixels between which sizes are told apart."""

_WRONG_PER_PHOTO = (0.01, 0.1, 1.0)
_WRONG = (100, 200, 500, 1000, 2000)


def evaluate_detection(
    faceprint: Faceprint,
    labelled: LabelledSet,
    *,
    thorough: bool = False,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> DetectionResult:
    """Runs the detector over a set and measures what it finds.

    Args:
        faceprint: Whose detector.
        labelled: The photos.
        thorough: Look for faces down to about 10 pixels, and at quarter turns.
        cache: Folder where finds are kept; see `find_faces`.
        progress: Told how many photos are done, and of how many.

    Raises:
        InputError: No photo of the set can be read.
        ModelError: The detector cannot be had or run.
    """
    paths = [photo.path for photo in labelled.photos]
    finds, failures = find_faces(
        faceprint, paths, thorough=thorough, cache=cache, progress=progress
    )
    return measure_detection(
        labelled,
        finds,
        detector=faceprint.settings.detector,
        thorough=thorough,
        unreadable={
            row: replace(f, image=labelled.photos[row].name) for row, f in failures.items()
        },
    )


def measure_detection(
    labelled: LabelledSet,
    finds: Sequence[FoundFaces],
    *,
    detector: str,
    thorough: bool = False,
    unreadable: dict[int, Failure] | None = None,
    resamples: int = 1000,
) -> DetectionResult:
    """Measures finds against labels. Faces in photos that cannot be read count as missed.

    Args:
        labelled: The photos.
        finds: For each photo.
        detector: Card name.
        thorough: How they were found.
        unreadable: By their place, the photos that cannot be read.
        resamples: How often photos are drawn anew for intervals; a fifth of that for very many finds.

    Raises:
        InputError: No photo can be read, or no labelled face counts.
    """
    unreadable = unreadable or {}
    if len(unreadable) == len(labelled.photos):
        raise InputError(
            f"None of the {len(labelled.photos)} photos of {labelled.root} can be read. The first: "
            f"{next(iter(unreadable.values())).message if unreadable else 'there is none.'}"
        )
    photos, outside = _without_outside(labelled.photos, finds)
    if not any((~photo.ignored).any() for photo in photos):
        raise InputError(f"No labelled face of {labelled.root} counts: all are marked as ignored.")
    bench = Bench(photos, finds, resamples=resamples)
    parts = [bench.size_part(low, high) for low, high in pairwise(SIZES)]
    whole = bench.judged()
    mistakes = find_mistakes(photos, finds, bench.own_partners)
    return DetectionResult(
        layout=labelled.layout,
        root=labelled.root,
        detector=detector,
        thorough=thorough,
        photos=len(photos),
        faces=int(whole.faces.sum()),
        ignored=sum(int(photo.ignored.sum()) for photo in photos),
        finds=sum(len(one.usual) for one in finds),
        lowest_usual_score=min(
            (float(one.usual[-1, 4]) for one in finds if len(one.usual)), default=float("nan")
        ),
        average_precision=bench.average_precision(whole),
        mean_average_precision=bench.mean_average_precision(),
        recall=bench.own_recall(),
        precision=bench.own_precision(),
        miss_rates=tuple((x, bench.miss_rate(whole, x)) for x in _WRONG_PER_PHOTO),
        recall_at_false=tuple((n, recall_at_false(curve(whole), n)) for n in _WRONG),
        sizes=tuple(part for part, _ in parts if part.faces),
        subsets=tuple(bench.subset_part(name) for name in labelled.subsets),
        labels=tuple(bench.label_parts()),
        official=tuple(
            (
                name,
                official_precision(photos, [one.doubtful for one in finds], name),
                official_precision(photos, [one.doubtful for one in finds], name, thresholds=None),
            )
            for name in labelled.subsets
        ),
        curves={"all faces": curve(whole)}
        | {part.name: found for part, found in parts if part.faces},
        misses=mistakes.misses,
        strays=mistakes.strays,
        miss_causes=mistakes.miss_causes,
        stray_causes=mistakes.stray_causes,
        failures=(*labelled.failures, *unreadable.values()),
        bad_boxes=(*labelled.bad_boxes, *outside),
    )


def _without_outside(
    photos: Sequence[LabelledPhoto], finds: Sequence[FoundFaces]
) -> tuple[list[LabelledPhoto], list[Failure]]:
    """The photos with boxes that lie wholly outside them ignored, and a record of each such box."""
    kept, records = [], []
    for photo, one in zip(photos, finds, strict=True):
        inside = box_areas(clip_boxes(photo.boxes, width=one.width, height=one.height)) > 0
        outside = ~inside & (box_areas(photo.boxes) > 0) & (one.width > 0)
        for index in np.flatnonzero(outside):
            corners = ", ".join(f"{value:g}" for value in photo.boxes[index])
            records.append(
                Failure(
                    photo.name,
                    "bad_box",
                    f"Face {index + 1} of {photo.name} is labelled at {corners}, outside the photo of "
                    f"{one.width} x {one.height} pixels. It is ignored.",
                )
            )
        kept.append(replace(photo, ignored=photo.ignored | outside) if outside.any() else photo)
    return kept, records
