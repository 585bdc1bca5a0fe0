"""The report of a trained cascade: what it looks at, its stages, and what it finds in held-out photos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from faceprint import __version__
from faceprint.detect.viola_jones.cascade import Cascade
from faceprint.errors import TrainingError
from faceprint.evaluate.environment import describe_machine
from faceprint.evaluate.estimates import estimate_figure
from faceprint.evaluate.report import Environment, Figure, Report, Section
from faceprint.train.results.cascade_pictures import first_features, mean_face, windows_picture
from faceprint.train.results.cascade_stages import (
    Rejection,
    rejection,
    rejection_blocks,
    stage_blocks,
)
from faceprint.train.results.run import run_section
from faceprint.train.results.scenes import SceneFinds, find_in_scenes, finds_blocks
from faceprint.train.scenes.records import GreyArray, Scenes
from faceprint.train.scenes.windows import background_windows, face_windows
from faceprint.types import Detector

__all__ = ["ReportSize", "cascade_report"]

_FACES: Final = 2000


@dataclass(frozen=True, slots=True)
class ReportSize:
    """How much a report looks at.

    Attributes:
        photos: Of the test part to look for faces in, at most.
        backgrounds: Windows without a face, from the test part.
    """

    photos: int = 300
    backgrounds: int = 20_000


_USUAL: Final = ReportSize()


def cascade_report(
    cascade: Cascade,
    detector: Detector,
    scenes: Scenes,
    *,
    name: str,
    recipe: Mapping[str, Any],
    facts: Mapping[str, str],
    command: str,
    left_over: GreyArray | None = None,
    size: ReportSize = _USUAL,
) -> Report:
    """The report.

    Args:
        cascade: What was trained, one stage or more.
        detector: The same as it detects.
        scenes: All that it was trained with; its training part gives the mean face, its test part the
            figures.
        name: Of the run.
        recipe: As nested tables of values.
        facts: What else is to be known of the run, as in {"stopped": "no backgrounds were left"}.
        command: As typed.
        left_over: (N, S, S) uint8, backgrounds that the whole cascade still takes for faces, the surest
            first; None where they are not known.
        size: How much it looks at.

    Raises:
        TrainingError: The cascade has no stage, or the test part has no face.
        ImageError: A photo cannot be read any more.
    """
    test = scenes.part("test")
    if not cascade.stages or not test.faces:
        wanting = "no stage was finished" if not cascade.stages else "the test part shows no face"
        raise TrainingError(f"There is nothing to report: {wanting}.")
    held_out = _rejection(cascade, test, size.backgrounds)
    found = find_in_scenes(detector, test, most=size.photos)
    return Report(
        kind="cascade training",
        title="Training of a cascade",
        run=name,
        figures=tuple(_figures(cascade, found, held_out)),
        sections=(
            run_section(recipe, {**_facts(cascade, scenes), **facts}),
            Section("What it looks at", (first_features(cascade, _mean_face(cascade, scenes)),)),
            Section("Stages", tuple(stage_blocks(cascade))),
            Section("Early rejection", tuple(rejection_blocks(cascade, held_out))),
            Section("Held-out photos", tuple(finds_blocks(found))),
            *_left_over(left_over),
        ),
        environment=_environment(scenes, recipe, command),
        warnings=tuple(_warnings(scenes)),
    )


def _rejection(cascade: Cascade, test: Scenes, count: int) -> Rejection:
    faces, _ = face_windows(test, side_px=cascade.side_px)
    try:
        backgrounds, _ = background_windows(test, count, side_px=cascade.side_px)
    except TrainingError:
        # Few photos whose middle is a face: what there is room for is too little to draw from.
        backgrounds = np.zeros((0, cascade.side_px, cascade.side_px), dtype=np.uint8)
    return rejection(cascade, faces, backgrounds)


def _mean_face(cascade: Cascade, scenes: Scenes) -> GreyArray:
    train = scenes.part("train")
    rows = [row for row, scene in enumerate(train.scenes) if len(scene.boxes)][:_FACES]
    windows, _ = face_windows(train.of(rows), side_px=cascade.side_px)
    return mean_face(windows)


def _figures(cascade: Cascade, found: SceneFinds, held_out: Rejection) -> Iterator[Figure]:
    result = found.result
    note = f"{result.faces:,} faces in {result.photos:,} held-out photos, at its own threshold"
    yield estimate_figure("Faces found", result.recall, better="higher", note=note)
    yield estimate_figure(
        "Wrong finds per photo", found.wrong_per_photo, better="lower", unit="number", note=note
    )
    yield estimate_figure("AP at IoU 0.5", result.average_precision, better="higher", note=note)
    stumps = sum(len(stage.stumps) for stage in cascade.stages)
    yield Figure("Features", stumps, "count", note=f"{len(cascade.stages)} stages")
    if held_out.backgrounds[0]:
        note = f"{held_out.backgrounds[0]:,} held-out windows without a face"
        yield Figure(
            "Features looked at in a window",
            held_out.features_each,
            "number",
            better="lower",
            note=note,
        )


def _facts(cascade: Cascade, scenes: Scenes) -> dict[str, str]:
    seconds = sum(stage.seconds for stage in cascade.stages)
    cores = sum(stage.cpu_seconds for stage in cascade.stages)
    kinds = ", ".join(f"{name} {count:,}" for name, count in (cascade.features or {}).items())
    total = sum((cascade.features or {}).values())
    return {
        "photos": scenes.sources,
        "faces": f"{scenes.faces:,}, found by {scenes.teacher} where nobody labelled them",
        "window": f"{cascade.side_px} x {cascade.side_px} pixels",
        "features to choose from": f"{total:,}: {kinds}",
        "training": f"{seconds:,.0f} seconds ({cores:,.0f} of one core)",
    }


def _left_over(windows: GreyArray | None) -> tuple[Section, ...]:
    if windows is None:
        return ()
    note = f"{len(windows):,} of the backgrounds in hand still pass all stages."
    return (Section("Hard backgrounds left over", (windows_picture("The surest", windows, note),)),)


def _environment(scenes: Scenes, recipe: Mapping[str, Any], command: str) -> Environment:
    plain = {key: value for key, value in recipe.items() if isinstance(value, str | int | float)}
    return Environment(
        command=command,
        date=datetime.now(UTC).date().isoformat(),
        version=__version__,
        machine=describe_machine(),
        models=(),
        settings={key: value for key, value in plain.items() if value != ""},
        data={
            "dataset": scenes.sources,
            "photos": len(scenes),
            "digest": scenes.digest,
            "licence note": f"{scenes.terms.name}; commercial use: {scenes.terms.commercial}",
        },
    )


def _warnings(scenes: Scenes) -> Iterator[str]:
    if scenes.problems:
        yield f"{len(scenes.problems):,} photos cannot be read and are left out: {scenes.problems[0]}"
    yield (
        "Most faces were found by another detector, not labelled by people: what that one misses is not "
        "known here, and counts neither way or as a wrong find."
    )
