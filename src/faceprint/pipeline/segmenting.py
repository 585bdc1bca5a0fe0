"""From found faces to what each pixel of their heads shows.

A parser sees an aligned crop of each head. Its labels are brought back into the photo in bands of rows, one
class after the other, so that a large photo costs a few bytes for each pixel whatever the number of classes
and faces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.align import ALIGNMENTS, Alignment, crop, crop_matrices
from faceprint.errors import ModelError
from faceprint.parse.classes import CLASSES, number_of
from faceprint.parse.occlusion import occlusion
from faceprint.pipeline.models import Models
from faceprint.pipeline.parts_pictures import PALETTE, cut_out, overlay, palette_png
from faceprint.pipeline.results import Detection
from faceprint.types import Face, FloatArray, Image, Labels, Parser

__all__ = [
    "PALETTE",
    "FaceParts",
    "Segmentation",
    "cut_out",
    "overlay",
    "palette_png",
    "parse_faces",
    "segment_faces",
]

JsonObject = dict[str, Any]

_NOT_HEAD: Final = ("background", "clothes")
_BAND_PIXELS: Final = 2**20
_CROPS: Final = 64
"""Crops that are cut at once: a crowd of heads takes memory."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceParts:
    """What the pixels of one head show.

    Attributes:
        face: Whose; with its landmarks.
        areas: For each class that the head shows the share of the head's pixels; they add up to 1.
            Background and clothes are no part of a head. Empty where nothing of it was found.
        labels: (h, w) uint8, indices into `faceprint.parse.classes.CLASSES`, of a part of the photo.
        place: Left and top of that part in the photo, pixels.
        occlusion: The share of the face that shows something else than a face: dark glasses, a mask, a
            hand, hair; 0 to 1. What lies outside the photo does not count.
    """

    face: Face
    areas: Mapping[str, float]
    labels: Labels
    place: tuple[int, int]
    occlusion: float

    def to_dict(self) -> JsonObject:
        """What is told beside the face itself, as JSON values."""
        return {
            "areas": {name: round(share, 4) for name, share in self.areas.items()},
            "occlusion": round(self.occlusion, 3),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """What the heads of one photo show.

    Attributes:
        detection: The faces as they were found.
        parts: One for each face, in the order of `detection`.
        labels: (H, W) uint8 of the whole photo. Where heads overlap, the nearer one has the pixel: nearer by
            the distance from its face, measured in its size.
        model: Id of the parser.
    """

    detection: Detection
    parts: tuple[FaceParts, ...]
    labels: Labels
    model: str

    def to_dict(self) -> JsonObject:
        """The record as JSON values; the labels stay out, see `palette_png`."""
        record = self.detection.to_dict()
        record["model"] = self.model
        for face, parts in zip(record["faces"], self.parts, strict=True):
            face |= parts.to_dict()
        return record


def segment_faces(
    models: Models, found: Sequence[Detection], *, located: bool = False
) -> list[Segmentation]:
    """What the heads of some photos show.

    Args:
        models: Locate landmarks and parse.
        found: The faces of each photo.
        located: Whether they have the landmarks already that `Models.all_with_landmarks` gives.

    Raises:
        ModelError: The parser cannot be had or run.
    """
    parser = models.parser
    placed = [one.faces for one in found]
    if not located:
        photos = [one.pixels for one in found]
        placed = models.all_with_landmarks(photos, placed, alignment=parser.alignment)
    results = []
    for one, faces in zip(found, placed, strict=True):
        parts = parse_faces(parser, one.pixels, faces)
        labels = _together(parts, one.pixels.shape[:2])
        results.append(Segmentation(one, parts, labels, parser.model_id))
    return results


def parse_faces(parser: Parser, image: Image, faces: Sequence[Face]) -> tuple[FaceParts, ...]:
    """What the heads of one photo show, each for itself.

    Args:
        parser: What says so.
        image: (H, W, 3) uint8 RGB.
        faces: With landmarks.

    Raises:
        ModelError: The parser's alignment is not known, or a face has no landmarks.
    """
    alignment = ALIGNMENTS.get(parser.alignment)
    points = [face.landmarks for face in faces if face.landmarks is not None]
    if alignment is None or len(points) < len(faces):
        raise ModelError(
            f"The parser {parser.name} cuts heads out by {parser.alignment!r}, which needs a known template "
            "and landmarks of every face."
        )
    return tuple(
        _parts(face, labels, matrix, image.shape[:2])
        for face, (labels, matrix) in zip(
            faces, _parsed(parser, alignment, image, points), strict=True
        )
    )


def _parsed(
    parser: Parser, alignment: Alignment, image: Image, points: Sequence[FloatArray]
) -> Iterator[tuple[Labels, FloatArray]]:
    """The labels of each crop, and the matrix from the photo to it."""
    side = parser.crop_size_px
    for at in range(0, len(points), _CROPS):
        some = np.stack(points[at : at + _CROPS])
        labels = parser.parse(crop(image, some, alignment=alignment, size_px=side))
        yield from zip(labels, crop_matrices(some, alignment=alignment, size_px=side), strict=True)


def _parts(face: Face, labels: Labels, matrix: FloatArray, shape: tuple[int, ...]) -> FaceParts:
    side = labels.shape[0]
    low, high = _reach(matrix, side, shape)
    region = np.zeros((high[1] - low[1], high[0] - low[0]), dtype=np.uint8)
    masks = _masks(labels, float(np.hypot(matrix[0, 0], matrix[1, 0])))
    counts = np.zeros(len(CLASSES), dtype=np.int64)
    for top, bottom in _bands(region.shape):
        moved = matrix.copy()
        moved[:, 2] += moved[:, :2] @ (low[0], low[1] + top)
        band = _brought_back(masks, moved, (bottom - top, region.shape[1]))
        counts += np.bincount(band.ravel(), minlength=len(CLASSES))
        region[top:bottom] = band
    counts[[number_of(name) for name in _NOT_HEAD]] = 0
    whole = int(counts.sum())
    areas = {CLASSES[k]: float(counts[k] / whole) for k in np.flatnonzero(counts)}
    assert face.landmarks is not None
    turned = face.landmarks @ matrix[:, :2].T + matrix[:, 2]
    covered = occlusion(
        labels, turned.astype(np.float32), within=_within(matrix, labels.shape, shape)
    )
    return FaceParts(face, areas, region, (int(low[0]), int(low[1])), covered)


def _reach(
    matrix: FloatArray, side: int, shape: tuple[int, ...]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The part of the photo that a crop shows: left and top, right and bottom."""
    back = cv2.invertAffineTransform(matrix.astype(np.float64))
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]]) - 0.5
    corners = corners @ back[:, :2].T + back[:, 2]
    limits = np.array(shape[1::-1])
    low = np.clip(np.floor(np.nan_to_num(corners.min(axis=0))), 0, limits - 1).astype(int)
    high = np.clip(np.ceil(np.nan_to_num(corners.max(axis=0))) + 1, low + 1, limits).astype(int)
    return (int(low[0]), int(low[1])), (int(high[0]), int(high[1]))


def _within(
    matrix: FloatArray, crop_shape: tuple[int, ...], shape: tuple[int, ...]
) -> npt.NDArray[np.bool_]:
    """Which pixels of a crop lie in the photo: (S, S) bool."""
    back = cv2.invertAffineTransform(matrix.astype(np.float64))
    rows, columns = np.indices(crop_shape)
    x, y = (a * columns + b * rows + c for a, b, c in back)
    inside: npt.NDArray[np.bool_] = (
        (x >= -0.5) & (y >= -0.5) & (x < shape[1] - 0.5) & (y < shape[0] - 0.5)
    )
    return inside


def _masks(labels: Labels, scale: float) -> list[tuple[int, Labels]]:
    """A soft mask for each class of a crop: its edges are smooth when brought to another size.

    Args:
        labels: Of the crop.
        scale: Pixels of the crop in one of the photo.
    """
    sigma = max(0.8, 0.45 * scale)
    return [
        (
            int(number),
            np.asarray(
                cv2.GaussianBlur(
                    (labels == number).astype(np.uint8) * 255,
                    (0, 0),
                    sigma,
                    borderType=cv2.BORDER_REPLICATE,
                )
            ),
        )
        for number in np.unique(labels)
    ]


def _brought_back(
    masks: Sequence[tuple[int, Labels]], matrix: FloatArray, shape: tuple[int, int]
) -> Labels:
    """The class whose mask is strongest at each pixel of the photo; 0 outside the crop."""
    best = np.zeros(shape, dtype=np.uint8)
    labels = np.zeros(shape, dtype=np.uint8)
    for number, mask in masks:
        here = cv2.warpAffine(
            mask, matrix, shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        better = here > best
        np.copyto(best, here, where=better)
        labels[better] = number
    return labels


def _bands(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    step = max(1, _BAND_PIXELS // max(1, shape[1]))
    for top in range(0, shape[0], step):
        yield top, min(top + step, shape[0])


def _together(parts: Sequence[FaceParts], shape: tuple[int, ...]) -> Labels:
    """One map of a photo from those of its heads."""
    labels = np.zeros(shape[:2], dtype=np.uint8)
    if len(parts) == 1:
        _part_of(labels, parts[0])[:] = parts[0].labels
        return labels
    nearest = np.full(shape[:2], 255, dtype=np.uint8)
    for one in parts:
        goal, near = _part_of(labels, one), _part_of(nearest, one)
        for top, bottom in _bands(one.labels.shape):
            distance = _distance(one, top, bottom)
            some, best = one.labels[top:bottom], near[top:bottom]
            better = (some > 0) & (distance < best)
            goal[top:bottom][better] = some[better]
            best[better] = distance[better]
    return labels


def _part_of(whole: Labels, parts: FaceParts) -> Labels:
    left, top = parts.place
    height, width = parts.labels.shape
    return whole[top : top + height, left : left + width]


def _distance(parts: FaceParts, top: int, bottom: int) -> Labels:
    """How far rows of a head's labels lie from its face, in fiftieths of its size, at most 254."""
    points = parts.face.landmarks
    assert points is not None
    middle = points.mean(axis=0) - parts.place
    size = max(float(np.linalg.norm(points[3:].mean(axis=0) - points[:2].mean(axis=0))), 1e-3)
    columns = (np.arange(parts.labels.shape[1], dtype=np.float32) - middle[0]) / size
    rows = (np.arange(top, bottom, dtype=np.float32) - middle[1]) / size
    distance = 50 * np.hypot(columns[None], rows[:, None])
    steps: Labels = np.minimum(distance, 254).astype(np.uint8)
    return steps
