"""What a detector finds in the held-out photos of a training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from faceprint.detect import lowered
from faceprint.evaluate.detection.finding import LOWEST_SCORE
from faceprint.evaluate.detection.finds import FoundFaces
from faceprint.evaluate.detection.labels import LabelledPhoto, LabelledSet
from faceprint.evaluate.detection.matching import UNMATCHED, match_finds
from faceprint.evaluate.detection.measure import measure_detection
from faceprint.evaluate.detection.results import DetectionResult, Pointed
from faceprint.evaluate.estimates import Estimate
from faceprint.evaluate.report import Block, Chart, Mark, Picture, Pictures, Series, Text
from faceprint.geometry import iou_matrix
from faceprint.match.curves import thin
from faceprint.media import draw_faces, encode_image
from faceprint.media.drawing import COLOURS
from faceprint.media.drawing import Mark as Drawn
from faceprint.train.scenes.records import Scene, Scenes
from faceprint.types import Decision, Detector, Face, FloatArray

__all__ = ["SceneFinds", "find_in_scenes", "finds_blocks"]

_IOU: Final = 0.5
_RESAMPLES: Final = 300
_SHOWN: Final = 12
_PICTURE_PX: Final = 320
_POINTS: Final = 400
_EXAMPLES_NOTE: Final = (
    "Green: a face; yellow: where there may be one; orange: neither. Numbers are scores."
)


@dataclass(frozen=True, slots=True, eq=False)
class SceneFinds:
    """What a detector found in scenes.

    Attributes:
        scenes: The photos that it looked at.
        finds: In each.
        result: Its figures against the faces that are known; doubtful places count neither way.
        wrong: Finds at the detector's own threshold that are no face, in all.
    """

    scenes: Scenes
    finds: tuple[FoundFaces, ...]
    result: DetectionResult
    wrong: int

    @property
    def wrong_per_photo(self) -> Estimate:
        """Finds that are no face, per photo, with its interval over photos drawn anew."""
        counts = np.array(
            [_wrong(scene, one) for scene, one in zip(self.scenes.scenes, self.finds, strict=True)]
        )
        drawn = np.random.default_rng(0).integers(0, len(counts), (1000, len(counts)))
        low, high = np.percentile(counts[drawn].mean(axis=1), [2.5, 97.5])
        return Estimate(float(counts.mean()), float(low), float(high))


def find_in_scenes(detector: Detector, scenes: Scenes, *, most: int = 400) -> SceneFinds:
    """Runs a detector over photos and measures what it finds.

    Args:
        detector: As bare as it comes.
        scenes: Photos with at least one face in all.
        most: Photos to look at; of more, so many that are spread evenly over them.

    Raises:
        ImageError: A photo cannot be read any more.
        InputError: No face is known in the photos.
    """
    rows = np.unique(np.linspace(0, len(scenes) - 1, min(most, len(scenes))).astype(int))
    chosen = scenes.of(rows.tolist())
    finds = tuple(_look(detector, chosen, k) for k in range(len(chosen)))
    labelled = LabelledSet("scenes", Path(), tuple(map(_labelled, chosen.scenes)))
    result = measure_detection(labelled, finds, detector=detector.name, resamples=_RESAMPLES)
    wrong = sum(_wrong(scene, one) for scene, one in zip(chosen.scenes, finds, strict=True))
    return SceneFinds(chosen, finds, result, wrong)


def finds_blocks(found: SceneFinds) -> Iterator[Block]:
    """What was found and what was not, as a curve and as photos."""
    result = found.result
    curve = result.curves["all faces"]
    rows = thin(curve.wrong_per_photo, curve.recall, points=_POINTS) if len(curve.scores) else ()
    series = Series(
        "held-out photos",
        tuple(curve.wrong_per_photo[rows].tolist()) if len(rows) else (),
        tuple(curve.recall[rows].tolist()) if len(rows) else (),
        labels=tuple(f"score {score:.3f}" for score in curve.scores[rows]) if len(rows) else (),
    )
    own = Mark("its own threshold", found.wrong / len(found.finds), result.recall.value)
    yield Text(
        f"{result.photos:,} photos that it was not trained on, of other people, with {result.faces:,} known "
        "faces. A find is right where it overlaps a face by an IoU of 0.5; places where there may be a face "
        "count neither way."
    )
    yield Chart(
        "Faces found and wrong finds",
        "wrong finds per photo",
        "share of faces found",
        (series,),
        kind="step",
        marks=(own,),
    )
    yield Pictures("Finds on held-out photos", _examples(found), _EXAMPLES_NOTE)
    if result.misses:
        yield Pictures("The largest faces missed", tuple(map(_pointed, result.misses[:_SHOWN])))
    if result.strays:
        note = "A few may be faces that nobody knew of."
        items = tuple(map(_pointed, result.strays[:_SHOWN]))
        yield Pictures("The surest finds that are no face", items, note)


def _look(detector: Detector, scenes: Scenes, number: int) -> FoundFaces:
    image = scenes.read(number)
    (usual,) = detector.detect([image])
    (doubtful,) = lowered(detector, LOWEST_SCORE).detect([image])
    return FoundFaces(image.shape[1], image.shape[0], _rows(usual), _rows(doubtful))


def _rows(faces: tuple[Face, ...]) -> FloatArray:
    rows = [[*face.box, face.score] for face in sorted(faces, key=lambda face: -face.score)]
    return np.array(rows, dtype=np.float32).reshape(-1, 5)


def _labelled(scene: Scene) -> LabelledPhoto:
    ignored = np.arange(len(scene.occupied)) >= len(scene.boxes)
    return LabelledPhoto(
        scene.path, scene.name, scene.occupied, ignored, ((),) * len(scene.occupied)
    )


def _wrong(scene: Scene, found: FoundFaces) -> int:
    overlaps = iou_matrix(found.usual[:, :4], scene.occupied)
    ignored = np.arange(len(scene.occupied)) >= len(scene.boxes)
    return int((match_finds(overlaps, ignored, iou=_IOU) == UNMATCHED).sum())


def _examples(found: SceneFinds) -> tuple[Picture, ...]:
    """Photos with their finds drawn, those with several faces first."""
    faces = [len(scene.boxes) + len(one.usual) for scene, one in _pairs(found)]
    order = np.argsort(-np.array(faces), kind="stable")
    half = _SHOWN // 2
    rest = order[half:]
    rows = [*order[:half], *rest[:: max(1, len(rest) // half)][:half]]
    return tuple(_example(found, int(row)) for row in rows)


def _pairs(found: SceneFinds) -> Iterator[tuple[Scene, FoundFaces]]:
    return zip(found.scenes.scenes, found.finds, strict=True)


def _example(found: SceneFinds, row: int) -> Picture:
    scene, usual = found.scenes.scenes[row], found.finds[row].usual
    image = found.scenes.read(row)
    scale = min(1.0, _PICTURE_PX / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    marks = [
        Drawn(row[:4] * scale, None, f"{row[4]:.2f}", COLOURS[_verdict(scene, row)])
        for row in usual
    ]
    drawn = draw_faces(np.ascontiguousarray(small, dtype=np.uint8), marks)
    caption = f"{len(usual)} found, {len(scene.boxes)} known"
    return Picture(
        (scene.path,),
        (None,),
        (Path(scene.name).stem,),
        caption,
        encoded=(encode_image(drawn, quality=82),),
    )


def _verdict(scene: Scene, row: FloatArray) -> Decision:
    """Whether a find is a face, where there may be one, or neither."""
    for places, verdict in ((scene.boxes, Decision.MATCH), (scene.doubtful, Decision.UNSURE)):
        if iou_matrix(row[None, :4], places).max(initial=0) >= _IOU:
            return verdict
    return Decision.UNKNOWN


def _pointed(one: Pointed) -> Picture:
    score = () if one.score is None else (f"score {one.score:.3f}",)
    caption = ", ".join((*score, f"{one.box[3] - one.box[1]:.0f} px high"))
    return Picture((one.photo,), (one.box,), (Path(one.name).stem,), caption, one.reason)
